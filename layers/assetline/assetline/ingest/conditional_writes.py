"""Many items of one table changed at once, each under a condition of its own."""

import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

AT_ONCE = 100  # DynamoDB: items of one transaction
THREADS = 4  # ours
CONFLICTS = 8  # ours: how often a transaction that met another is tried again

_CONDITION = "ConditionalCheckFailed"


@dataclass(frozen=True)
class Transition:
    """An update of the item *key*, which happens if the condition holds."""

    key: str
    update: str
    condition: str
    names: dict[str, str]
    values: dict[str, Any]


def apply(
    table: "Table", key_name: str, transitions: Sequence[Transition], sleep: Callable[[float], None] = time.sleep
) -> set[str]:
    """Make those of *transitions* whose condition holds, and return their keys. No two are of one item.

    A hundred go in one transaction, which happens as a whole or not at all: when the conditions of some do not hold,
    the others are sent again without them.
    """
    batches = [*batched(transitions, AT_ONCE, strict=False)]
    if len(batches) < 2:
        return _applied(table, key_name, [*transitions], sleep)
    with ThreadPoolExecutor(THREADS) as threads:
        made = threads.map(lambda batch: _applied(table, key_name, [*batch], sleep), batches)
        return set().union(*made)


def _applied(table: "Table", key_name: str, transitions: list[Transition], sleep: Callable[[float], None]) -> set[str]:
    conflicts = 0
    while transitions:
        try:
            table.meta.client.transact_write_items(
                TransactItems=[{"Update": _update(table.name, key_name, one)} for one in transitions]
            )
        except ClientError as error:
            codes = [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
            if error.response["Error"]["Code"] != "TransactionCanceledException" or len(codes) != len(transitions):
                raise
            holding = [one for one, code in zip(transitions, codes, strict=True) if code != _CONDITION]
            if len(holding) == len(transitions):  # nothing wrong with any of them: others were at them just now
                conflicts += 1
                if conflicts >= CONFLICTS:
                    raise
                sleep(random.uniform(0, 0.05 * 2**conflicts))  # noqa: S311 - jitter is no secret
            transitions = holding
        else:
            return {one.key for one in transitions}
    return set()


def _update(table_name: str, key_name: str, one: Transition) -> Any:
    return {
        "TableName": table_name,
        "Key": {key_name: one.key},
        "UpdateExpression": one.update,
        "ConditionExpression": one.condition,
        "ExpressionAttributeNames": one.names,
        "ExpressionAttributeValues": one.values,
    }
