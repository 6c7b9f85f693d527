"""Changes many items of one table at once, each under its own condition."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from assetline.aws.failures import code_of
from assetline.errors import AwsUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

AT_ONCE = 100  # DynamoDB: items of one transaction
THREADS = 16  # ours: some thousand writes a second
PATIENCE_SECONDS = 60.0  # ours: the longest wait of a batch for a table that throttles, or for another transaction
LONGEST_PAUSE = 5.0  # ours

_CONDITION = "ConditionalCheckFailed"  # of one item of a transaction
_REFUSED = "ConditionalCheckFailedException"


@dataclass(frozen=True)
class Transition:
    """An update of the item *key*, executed if the condition holds."""

    key: str
    update: str
    condition: str
    names: dict[str, str]
    values: dict[str, Any]


@dataclass(frozen=True)
class Guard:
    """A condition on an item of another table; if it fails, no transition is executed."""

    table: str
    key: dict[str, str]
    condition: str
    names: dict[str, str]
    values: dict[str, Any]


class GuardFailed(Exception):  # noqa: N818 - the guarded caller catches it
    """The guard of a transaction failed: no transition was executed."""


def apply(
    table: "Table",
    key_name: str,
    transitions: Sequence[Transition],
    sleep: Callable[[float], None] = time.sleep,
    guard: Guard | None = None,
) -> set[str]:
    """Execute the *transitions* whose condition holds, and return their keys. Each must be of another item.

    Each is one write. With a *guard*, 99 go in a transaction that the guard is a part of, which costs twice as much. If
    some conditions fail, the others are sent again without them.

    Raises:
        AwsUnavailable: the table throttled, or other transactions conflicted, for a minute.
        GuardFailed: the guard failed.
    """
    if guard is not None:  # in sequence: two transactions at once would conflict on the guard
        batches = batched(transitions, AT_ONCE - 1, strict=False)
        return set[str]().union(*(_applied(table, key_name, [*batch], sleep, guard) for batch in batches))
    with ThreadPoolExecutor(THREADS) as threads:
        made = threads.map(lambda transition: _is_applied(table, key_name, transition, sleep), transitions)
        return {transition.key for transition, done in zip(transitions, made, strict=True) if done}


def pauses() -> Iterator[float]:
    """Yield growing pauses with jitter, in seconds, until they add up to `PATIENCE_SECONDS`."""
    longest, left = 0.1, PATIENCE_SECONDS
    while left > 0:
        pause = random.uniform(longest / 2, longest)  # noqa: S311 - jitter is no secret
        yield pause
        longest, left = min(2 * longest, LONGEST_PAUSE), left - pause


def _is_applied(table: "Table", key_name: str, transition: Transition, sleep: Callable[[float], None]) -> bool:
    patience = pauses()
    while True:
        try:
            table.meta.client.update_item(**_update(table.name, key_name, transition))
        except AwsUnavailable:
            wait(patience, sleep)
        except ClientError as error:
            if code_of(error) != _REFUSED:
                raise
            return False
        else:
            return True


def _applied(
    table: "Table", key_name: str, transitions: list[Transition], sleep: Callable[[float], None], guard: Guard
) -> set[str]:
    patience = pauses()
    guards: list[Any] = [{"ConditionCheck": _check(guard)}]
    while transitions:
        updates: list[Any] = [{"Update": _update(table.name, key_name, transition)} for transition in transitions]
        try:
            table.meta.client.transact_write_items(TransactItems=updates + guards)
        except AwsUnavailable:
            wait(patience, sleep)
        except ClientError as error:
            codes = [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
            if code_of(error) != "TransactionCanceledException" or len(codes) != len(updates + guards):
                raise
            if codes[-1] == _CONDITION:
                raise GuardFailed from None
            holding = [transition for transition, code in zip(transitions, codes, strict=False) if code != _CONDITION]
            if len(holding) == len(transitions):  # no condition failed: a conflict or throttling canceled it
                wait(patience, sleep)
            transitions = holding
        else:
            return {transition.key for transition in transitions}
    return set()


def wait(patience: Iterator[float], sleep: Callable[[float], None]) -> None:
    """Pause; raise `AwsUnavailable` when the patience is used up."""
    pause = next(patience, None)
    if pause is None:
        raise AwsUnavailable(f"DynamoDB throttled this function for {PATIENCE_SECONDS:.0f} seconds. Try again later.")
    sleep(pause)


def _check(guard: Guard) -> dict[str, Any]:
    return {
        "TableName": guard.table,
        "Key": guard.key,
        "ConditionExpression": guard.condition,
        "ExpressionAttributeNames": guard.names,
        "ExpressionAttributeValues": guard.values,
    }


def _update(table_name: str, key_name: str, transition: Transition) -> Any:
    return {
        "TableName": table_name,
        "Key": {key_name: transition.key},
        "UpdateExpression": transition.update,
        "ConditionExpression": transition.condition,
        "ExpressionAttributeNames": transition.names,
        "ExpressionAttributeValues": transition.values,
    }
