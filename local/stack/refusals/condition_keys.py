"""IAM conditions on the entries of PutEvents, and on keys with several values.

`events:source` and `events:detail-type` hold one value for each entry of a request, so they are multivalued keys. They
need a set operator: `ForAllValues:` or `ForAnyValue:`. AWS gives no meaning to another operator on several values;
here it then matches nothing, so a statement that forgets the set operator fails as soon as a request has two entries.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .patching import Function, wrap

EVALUATOR = "ministack.core.iam_evaluator"
ACTIONS = "ministack.core.iam_actions"
SET_OPERATORS = ("forallvalues:", "foranyvalue:")
KEYS_OF_ENTRIES = {"events:source": "Source", "events:detail-type": "DetailType"}


def entry_keys(body: bytes) -> dict[str, list[str]]:
    """Return the multivalued keys of a PutEvents request: each holds one value for each entry that has the field."""
    try:
        request = json.loads(body)
    except ValueError:
        return {}
    entries = request.get("Entries") if isinstance(request, dict) else None
    return keys_of_entries([entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else [])


def keys_of_entries(entries: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the multivalued keys of the *entries* of a PutEvents request."""
    keys = {key: [str(entry[field]) for entry in entries if field in entry] for key, field in KEYS_OF_ENTRIES.items()}
    return {key: values for key, values in keys.items() if values}


def single_value(operator: str, actual: Any) -> tuple[bool, Any]:
    """Return whether *operator* can compare *actual*, and the value that it compares.

    A set operator and `Null` take the values of a multivalued key as they are; another takes the only one of them.
    """
    if not isinstance(actual, list) or operator.lower().startswith((*SET_OPERATORS, "null")):
        return True, actual
    return (True, actual[0]) if len(actual) == 1 else (False, None)


def teach() -> None:
    """Make MiniStack evaluate the keys of PutEvents, and the operators of multivalued keys."""
    wrap(ACTIONS, "request_tag_context", _with_entry_keys)
    wrap(EVALUATOR, "_evaluate_single_condition", _with_set_operators)


def _with_entry_keys(request_context: Function) -> Function:
    def request_tag_context(service: str, action: str, body: bytes, parameters: Mapping[str, Any]) -> Any:
        keys = entry_keys(body) if action == "events:PutEvents" else {}
        return request_context(service, action, body, parameters) | keys

    return request_tag_context


def _with_set_operators(evaluate: Callable[[str, Any, Sequence[str]], bool]) -> Function:
    def evaluate_single_condition(operator: str, actual: Any, expected: Sequence[str]) -> bool:
        can_compare, value = single_value(operator, actual)
        return can_compare and evaluate(operator, value, expected)

    return evaluate_single_condition
