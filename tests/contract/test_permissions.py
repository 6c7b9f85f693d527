"""The permissions that the template grants, against what AWS documents of its actions and condition keys."""

from collections.abc import Iterator
from typing import Any

from tests.contract.template import template

# Types of condition keys, as the Service Authorization Reference lists them for each service; those of `aws:` keys as
# the IAM User Guide lists them ("AWS global condition context keys"). "ArrayOf…" is a multivalued key.
CONDITION_KEY_TYPES = {
    "aws:SecureTransport": "Bool",
    "aws:SourceAccount": "String",
    "aws:SourceArn": "ARN",
    "events:source": "ArrayOfString",
}
SET_OPERATORS = ("ForAllValues:", "ForAnyValue:")


def conditions(node: Any) -> Iterator[dict[str, dict[str, Any]]]:
    """Yield the condition block of every policy statement below a node."""
    match node:
        case {"Effect": _, "Condition": dict(condition)}:
            yield condition
        case dict():
            for value in node.values():
                yield from conditions(value)
        case list():
            for value in node:
                yield from conditions(value)


TESTED_KEYS = [
    (operator, key)
    for condition in conditions(template()["Resources"])
    for operator, tests in condition.items()
    for key in tests
]


def test_every_condition_key_has_a_known_type() -> None:
    assert {key for _, key in TESTED_KEYS} == CONDITION_KEY_TYPES.keys()


def test_multivalued_condition_keys_use_set_operators_and_others_do_not() -> None:
    wrong = [
        (operator, key)
        for operator, key in TESTED_KEYS
        if operator.startswith(SET_OPERATORS) != CONDITION_KEY_TYPES[key].startswith("ArrayOf")
    ]
    assert wrong == []
