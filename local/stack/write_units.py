"""Records the write units of each call to the local DynamoDB, one JSON object a line.

`ministack_server.py` loads it by its path, in MiniStack's environment, when `ASSETLINE_COUNT_WRITES` names a file.
`make bench-ingest` adds up the lines.

MiniStack computes the units of a write that succeeds, with those of the indexes and of transactions. DynamoDB also
bills a write whose condition fails: by the size of the stored item, and one unit if there is none.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# MiniStack: its functions that write items.
FUNCTIONS = {
    "PutItem": "_put_item",
    "UpdateItem": "_update_item",
    "DeleteItem": "_delete_item",
    "BatchWriteItem": "_batch_write_item",
    "TransactWriteItems": "_transact_write_items",
}
UNIT_BYTES = 1024  # DynamoDB
IN_TRANSACTION = 2  # DynamoDB: units of a write in a transaction, over those of any other write
_FAILED = ("ConditionalCheckFailedException", "TransactionCanceledException")

type Call = Callable[[dict[str, Any]], tuple[int, dict[str, str], Any]]
type StoredBytes = Callable[[str, dict[str, Any]], int]


def recorded(call: Call, operation: str, file: Path, stored_bytes: StoredBytes) -> Call:
    """Return *call*, MiniStack's function of an operation, that appends its units to *file*.

    *stored_bytes* returns the size of the item of a table with a key; 0 without one.
    """

    def recording(request: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        answer = call(request | {"ReturnConsumedCapacity": "TOTAL"})
        lines = [
            json.dumps({"operation": operation, "table": table, "units": units}) + "\n"
            for table, units in _units(request, json.loads(answer[2]), stored_bytes)
        ]
        with file.open("a") as written:
            written.writelines(lines)
        return answer

    return recording


def _units(request: dict[str, Any], answer: dict[str, Any], stored_bytes: StoredBytes) -> Iterator[tuple[str, float]]:
    """Yield the units of an answered call, by table."""
    if answer.get("__type", "").endswith(_FAILED):
        writes = [write for member in request.get("TransactItems", []) for write in member.values()]
        factor = IN_TRANSACTION if writes else 1
        for write in writes or [request]:
            stored = stored_bytes(write["TableName"], write.get("Key") or write["Item"])
            yield write["TableName"], factor * units_of(stored)
    consumed = answer.get("ConsumedCapacity", [])
    for one_table in [consumed] if isinstance(consumed, dict) else consumed:
        yield one_table["TableName"], one_table["CapacityUnits"]


def units_of(size: int) -> int:
    """Return the units of a write of an item of *size* bytes."""
    return max(1, -(-size // UNIT_BYTES))
