import json
from pathlib import Path
from typing import Any

import pytest

from local.stack.write_units import recorded, units_of

STORED = {"old": 2500}  # bytes, by the id of an item


def stored_bytes(table: str, key: dict[str, Any]) -> int:
    return STORED.get(key["id"]["S"], 0)


def lines_after(
    file: Path, operation: str, request: dict[str, Any], answer: dict[str, Any]
) -> list[tuple[str, str, float]]:
    def call(sent: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        assert sent["ReturnConsumedCapacity"] == "TOTAL"
        return 200, {}, json.dumps(answer).encode()

    recording = recorded(call, operation, file, stored_bytes)
    assert json.loads(recording(request)[2]) == answer
    return [tuple(json.loads(line).values()) for line in file.read_text().splitlines()]


def test_the_units_of_a_write_are_those_of_the_answer(tmp_path: Path) -> None:
    answer = {"ConsumedCapacity": {"TableName": "drops", "CapacityUnits": 2.0}}
    request = {"TableName": "drops", "Item": {"id": {"S": "new"}}}
    assert lines_after(tmp_path / "lines", "PutItem", request, answer) == [("PutItem", "drops", 2.0)]


def test_a_transaction_has_a_line_for_each_table(tmp_path: Path) -> None:
    capacity = [{"TableName": "drops", "CapacityUnits": 6.0}, {"TableName": "sessions", "CapacityUnits": 2.0}]
    lines = lines_after(tmp_path / "lines", "TransactWriteItems", {}, {"ConsumedCapacity": capacity})
    assert [line[1:] for line in lines] == [("drops", 6.0), ("sessions", 2.0)]


@pytest.mark.parametrize(("item", "units"), [("old", 3), ("absent", 1)])
def test_a_failed_condition_costs_the_units_of_the_stored_item(item: str, units: int, tmp_path: Path) -> None:
    answer = {"__type": "ConditionalCheckFailedException"}
    for operation, names in (("UpdateItem", "Key"), ("PutItem", "Item")):
        request = {"TableName": "drops", names: {"id": {"S": item}}}
        lines = lines_after(tmp_path / operation, operation, request, answer)
        assert lines == [(operation, "drops", units)]


def test_a_canceled_transaction_costs_twice_the_units_of_its_items(tmp_path: Path) -> None:
    members = [{"Update": {"TableName": "drops", "Key": {"id": {"S": item}}}} for item in ("old", "absent")]
    request = {"TransactItems": [*members, {"ConditionCheck": {"TableName": "sessions", "Key": {"id": {"S": "x"}}}}]}
    lines = lines_after(tmp_path / "lines", "TransactWriteItems", request, {"__type": "TransactionCanceledException"})
    assert [line[1:] for line in lines] == [("drops", 6), ("drops", 2), ("sessions", 2)]


def test_a_refused_request_costs_nothing(tmp_path: Path) -> None:
    assert not lines_after(tmp_path / "lines", "PutItem", {}, {"__type": "ValidationException"})


def test_units_are_kilobytes_rounded_up() -> None:
    assert [units_of(size) for size in (0, 1, 1024, 1025)] == [1, 1, 1, 2]
