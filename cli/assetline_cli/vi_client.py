"""The client of Vi, with retries: no state machine repeats a request of the command."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from assetline.credentials import ViKey
from assetline.errors import AssetUnknown, RateLimited, ViUnavailable, ViUnreachable
from assetline.vi import datasets
from assetline.vi.client import ViClient
from assetline_cli.aws_errors import code_of
from assetline_cli.errors import CommandFailed
from assetline_cli.stack import find_stack
from assetline_cli.terminal.formatting import duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assetline_cli.context import CliContext
    from assetline_cli.stack import Stack

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # ours: seconds, where Vi requests no duration; doubled each time
PAUSES_SECONDS = 300.0  # ours: longest sum of the pauses that Vi requests, for one request
SILENCE_SECONDS = 30.0  # ours: the same, while Vi does not answer


class RetryingViClient(ViClient):
    """Sends a request again after a pause that Vi requested, and a GET without an answer.

    Only `send` retries. On a terminal it prints each pause.
    """

    def __init__(self, origin: str, key: ViKey, context: CliContext) -> None:
        super().__init__(origin, key)
        self._context = context
        self._was_answered = False

    def send(self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: Any = None) -> Any:
        """Send a request and return the JSON that answers it.

        Raises:
            CommandFailed: Vi requested pauses longer than `PAUSES_SECONDS`.
            ViUnavailable, ViUnreachable: no answer for a while, or to the first request of all.
            And as `ViClient.send`.
        """
        waited, pause = 0.0, FIRST_PAUSE
        while True:
            try:
                answer = super().send(method, path, params=params, body=body)
            except RateLimited as fault:
                next_pause = max(fault.pause_seconds or 0.0, pause)
                if waited + next_pause > PAUSES_SECONDS:
                    raise _busy(fault.pause_seconds, waited) from None
                self._print_pause(f"Vi requested a pause. Retrying in {duration(next_pause)}.")
            except (ViUnavailable, ViUnreachable) as fault:
                next_pause = max(fault.pause_seconds or 0.0, pause)
                # A Vi that never answered is unreachable, or its origin is wrong.
                if method != "GET" or not self._was_answered or waited + next_pause > SILENCE_SECONDS:
                    raise
                self._print_pause(f"Vi did not answer. Retrying in {duration(next_pause)}.")
            else:
                self._was_answered = True
                return answer
            self._context.clock.sleep(next_pause)
            waited, pause = waited + next_pause, min(pause * 2, LONGEST_PAUSE)

    def _print_pause(self, line: str) -> None:
        if self._context.err.is_terminal:
            self._context.print_message(line)


def _busy(next_pause: float | None, waited: float) -> CommandFailed:
    pause = "a pause" if next_pause is None else f"a pause of {duration(next_pause)}"
    already = f", after {duration(waited)} of waiting" if waited else ""
    return CommandFailed(f"Vi requested {pause} (429){already}. Run the command again later.")


@contextmanager
def open_vi_client(context: CliContext, stack: str, *, patient: bool = True) -> Iterator[ViClient]:
    """Yield the client of Vi for the stack *stack*; raises as `find_stack` and `vi_client`."""
    with closing(vi_client(context, find_stack(context.aws.cloudformation, stack), patient=patient)) as client:
        yield client


def vi_client(context: CliContext, stack: Stack, *, patient: bool = True) -> ViClient:
    """Return the client of the stack's Vi; the key is read on first use, and stays in this process.

    A *patient* client is a `RetryingViClient`; use another where the caller retries.

    Raises:
        CommandFailed: the stack has no settings of Vi.
    """
    vi = stack.vi()
    held: list[str | None] = []

    def read(fresh: bool) -> str | None:
        if fresh or not held:
            held[:] = [_secret(context, vi.secret_arn)]
        return held[0]

    key = ViKey(vi.secret_arn, read)
    return RetryingViClient(vi.origin, key, context) if patient else ViClient(vi.origin, key)


def _secret(context: CliContext, arn: str) -> str | None:
    try:
        return context.aws.secrets.get_secret_value(SecretId=arn).get("SecretString")
    except ClientError as error:
        # The answer for a secret without a value, and for a deleted one.
        if code_of(error) == "ResourceNotFoundException":
            return None
        raise


@contextmanager
def dataset_known(client: ViClient, dataset: str) -> Iterator[None]:
    """Raise `DatasetUnknown` instead of `AssetUnknown` if the dataset is unknown: Vi's answer is the same."""
    try:
        yield
    except AssetUnknown:
        datasets.get(client, dataset)
        raise
