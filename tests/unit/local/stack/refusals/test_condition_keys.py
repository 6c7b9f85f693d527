import json
from typing import Any

import pytest

from local.stack.refusals.condition_keys import entry_keys, single_value


def test_keys_hold_one_value_for_each_entry() -> None:
    entries = [{"Source": "assetline", "DetailType": "A"}, {"Source": "other"}]
    assert entry_keys(json.dumps({"Entries": entries}).encode()) == {
        "events:source": ["assetline", "other"],
        "events:detail-type": ["A"],
    }


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"Entries": 1}', b'{"Entries": [1, {}]}'])
def test_a_malformed_request_has_no_keys(body: bytes) -> None:
    assert entry_keys(body) == {}


@pytest.mark.parametrize(
    ("operator", "actual", "compared"),
    [
        ("StringEquals", "a", (True, "a")),
        ("StringEquals", None, (True, None)),
        ("StringEquals", ["a"], (True, "a")),
        ("StringEquals", ["a", "a"], (False, None)),
        ("StringNotEquals", ["a", "b"], (False, None)),
        ("ForAllValues:StringEquals", ["a", "b"], (True, ["a", "b"])),
        ("foranyvalue:StringLike", ["a", "b"], (True, ["a", "b"])),
        ("Null", ["a", "b"], (True, ["a", "b"])),
    ],
)
def test_only_a_set_operator_compares_several_values(operator: str, actual: Any, compared: Any) -> None:
    assert single_value(operator, actual) == compared
