"""Tables of DynamoDB in memory, on items of Python values. `test_account.py` compares the answers with those of moto.

Numbers stay as they are written: an item holds the int that DynamoDB returns as an equal Decimal.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.client import BaseClient

from tests.simulation.dynamodb_expressions import Placeholders, holds, updated
from tests.simulation.refusals import Answer, Request, refusal

type Item = dict[str, Any]

KEYS = {"drops": "drop_id", "sessions": "session_key", "exports": "export_id"}


@dataclass
class Tables:
    """The items of each table, by their key."""

    items: dict[str, dict[str, Item]] = field(default_factory=lambda: {name: {} for name in KEYS})

    def empty(self) -> None:
        """Delete every item."""
        for table in self.items.values():
            table.clear()

    def put_item(self, client: BaseClient, request: Request) -> Answer:
        """Put an item where the condition holds."""
        key = request["Item"][KEYS[request["TableName"]]]
        self._write(client, request, key, lambda _: copied(request["Item"]))
        return {}

    def update_item(self, client: BaseClient, request: Request) -> Answer:
        """Update or create an item where the condition holds."""
        (key,) = request["Key"].values()

        def change(item: Item) -> Item:
            changed: Item = copied(
                updated(request["UpdateExpression"], item or request["Key"], Placeholders.of(request))
            )
            return changed

        self._write(client, request, key, change)
        return {}

    def delete_item(self, client: BaseClient, request: Request) -> Answer:
        """Delete an item where the condition holds."""
        (key,) = request["Key"].values()
        self._write(client, request, key, lambda _: None)
        return {}

    def transact_write_items(self, client: BaseClient, request: Request) -> Answer:
        """Make all updates, or none where a condition does not hold."""
        updates = [item["Update"] for item in request["TransactItems"] if "Update" in item]
        checks = [item["ConditionCheck"] for item in request["TransactItems"] if "ConditionCheck" in item]
        codes = []
        for write in [*updates, *checks]:
            (key,) = write["Key"].values()
            met = holds(
                write.get("ConditionExpression"), self.items[write["TableName"]].get(key, {}), Placeholders.of(write)
            )
            codes.append("None" if met else "ConditionalCheckFailed")
        if {*codes} != {"None"}:
            reasons = [{"Code": code} for code in codes]
            raise refusal(client, "TransactWriteItems", "TransactionCanceledException", CancellationReasons=reasons)
        for write in updates:
            self.update_item(client, write)
        return {}

    def get_item(self, _: BaseClient, request: Request) -> Answer:
        """Return an item."""
        (key,) = request["Key"].values()
        item = self.items[request["TableName"]].get(key)
        return {} if item is None else {"Item": copied(item)}

    def batch_get_item(self, _: BaseClient, request: Request) -> Answer:
        """Return the items that exist."""
        found: dict[str, list[Item]] = {}
        for name, table_request in request["RequestItems"].items():
            keys = [key for names in table_request["Keys"] for key in names.values()]
            found[name] = [copied(self.items[name][key]) for key in keys if key in self.items[name]]
        return {"Responses": found, "UnprocessedKeys": {}}

    def query(self, _: BaseClient, request: Request) -> Answer:
        """Return the drops of a partition of the index, in the order of their drop."""
        _attribute, partition = request["KeyConditionExpression"].get_expression()["values"]
        items = [item for item in self.items[request["TableName"]].values() if item.get("dataset_state") == partition]
        items.sort(key=operator.itemgetter("dropped_at"), reverse=not request.get("ScanIndexForward", True))
        return {"Items": [copied(item) for item in items[: request.get("Limit", len(items))]]}

    def scan(self, _: BaseClient, request: Request) -> Answer:
        """Return the items that match the filter."""
        condition, names = request.get("FilterExpression"), Placeholders.of(request)
        items = self.items[request["TableName"]].values()
        return {"Items": [copied(item) for item in items if holds(condition, item, names)]}

    def _write(self, client: BaseClient, request: Request, key: str, change: Callable[[Item], Item | None]) -> None:
        table = self.items[request["TableName"]]
        item = table.get(key, {})
        if not holds(request.get("ConditionExpression"), item, Placeholders.of(request)):
            raise refusal(client, "Write", "ConditionalCheckFailedException")
        changed = change(item)
        if changed is None:
            table.pop(key, None)
        else:
            table[key] = changed


def copied(value: Any) -> Any:
    """Return a copy of an item or of a value in it; raise `TypeError` for a float, as boto3 does."""
    if isinstance(value, dict):
        return {name: copied(held) for name, held in value.items()}
    if isinstance(value, list):
        return [copied(held) for held in value]
    if isinstance(value, float):
        raise TypeError("Float types are not supported. Use Decimal types instead.")
    return set(value) if isinstance(value, set) else value


OPERATIONS: dict[str, Callable[[Tables, BaseClient, Request], Answer]] = {
    "PutItem": Tables.put_item,
    "UpdateItem": Tables.update_item,
    "DeleteItem": Tables.delete_item,
    "TransactWriteItems": Tables.transact_write_items,
    "GetItem": Tables.get_item,
    "BatchGetItem": Tables.batch_get_item,
    "Query": Tables.query,
    "Scan": Tables.scan,
}
