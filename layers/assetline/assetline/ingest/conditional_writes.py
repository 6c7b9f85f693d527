"""Changes many items of one table at once, each under its own condition."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from assetline.aws.failures import code_of
from assetline.errors import AwsUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

THREADS = 16  # ours: some thousand writes a second
PATIENCE_SECONDS = 60.0  # ours: the longest wait of a write for a table that throttles
LONGEST_PAUSE = 5.0  # ours

_REFUSED = "ConditionalCheckFailedException"


type FastUpdate = Callable[[Mapping[str, Any]], bool | None]


@dataclass(frozen=True)
class Transition:
    """An update of the item *key*, executed if the condition holds."""

    key: str
    update: str
    condition: str
    names: dict[str, str]
    values: dict[str, Any]


def apply(
    table: "Table",
    key_name: str,
    transitions: Sequence[Transition],
    sleep: Callable[[float], None] = time.sleep,
    fast: FastUpdate = lambda _: None,
) -> set[str]:
    """Execute the *transitions* whose condition holds, and return their keys. Each must be of another item.

    *fast* sends an UpdateItem and returns whether its condition held. For None, boto3 sends it.

    Raises:
        AwsUnavailable: the table throttled for a minute.
    """
    with ThreadPoolExecutor(THREADS) as threads:
        made = threads.map(lambda transition: _is_applied(table, key_name, transition, sleep, fast), transitions)
        return {transition.key for transition, done in zip(transitions, made, strict=True) if done}


def pauses() -> Iterator[float]:
    """Yield growing pauses with jitter, in seconds, until they add up to `PATIENCE_SECONDS`."""
    longest, left = 0.1, PATIENCE_SECONDS
    while left > 0:
        pause = random.uniform(longest / 2, longest)  # noqa: S311 - jitter is no secret
        yield pause
        longest, left = min(2 * longest, LONGEST_PAUSE), left - pause


def _is_applied(
    table: "Table", key_name: str, transition: Transition, sleep: Callable[[float], None], fast: FastUpdate
) -> bool:
    request = _update(table.name, key_name, transition)
    made = fast(request)
    if made is not None:
        return made
    patience = pauses()
    while True:
        try:
            table.meta.client.update_item(**request)
        except AwsUnavailable:
            wait(patience, sleep)
        except ClientError as error:
            if code_of(error) != _REFUSED:
                raise
            return False
        else:
            return True


def wait(patience: Iterator[float], sleep: Callable[[float], None]) -> None:
    """Pause; raise `AwsUnavailable` when the patience is used up."""
    pause = next(patience, None)
    if pause is None:
        raise AwsUnavailable(f"DynamoDB throttled this function for {PATIENCE_SECONDS:.0f} seconds. Try again later.")
    sleep(pause)


def _update(table_name: str, key_name: str, transition: Transition) -> Any:
    return {
        "TableName": table_name,
        "Key": {key_name: transition.key},
        "UpdateExpression": transition.update,
        "ConditionExpression": transition.condition,
        "ExpressionAttributeNames": transition.names,
        "ExpressionAttributeValues": transition.values,
    }
