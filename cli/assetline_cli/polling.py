"""Poll something on AWS until it has ended, and bear short silences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from botocore.exceptions import BotoCoreError, ClientError

from assetline_cli.aws_errors import is_no_answer
from assetline_cli.errors import ExecutionMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from assetline_cli.clock import Clock

SILENCE_SECONDS = 120.0  # ours: how long AWS may give no answer before the watching ends; the export goes on anyway
APPEARING_SECONDS = 15.0  # Step Functions: a new execution may be described a little later than it is started


class Observation(Protocol):
    """One observation."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""

    def without_answer(self) -> Self:
        """Return the observation to show while AWS does not answer."""


def looks[S: Observation](
    look: Callable[[], S], clock: Clock, every_seconds: float, *, before: S | None = None
) -> Iterator[S]:
    """Yield the observations of *look* until one has ended.

    After a first answer AWS may be silent for `SILENCE_SECONDS`; its other errors are raised. An observation *before*
    the first one counts as an answer.
    """
    last = before
    heard_at = clock.now()
    while True:
        try:
            seen = last = look()
            heard_at = clock.now()
        except (BotoCoreError, ClientError) as error:
            silence = (clock.now() - heard_at).total_seconds()
            if last is None or not is_no_answer(error) or silence > SILENCE_SECONDS:
                raise
            seen = last.without_answer()
        yield seen
        if seen.ended:
            return
        clock.sleep(every_seconds)


def await_appearance(describe: Callable[[], object], clock: Clock, every_seconds: float) -> None:
    """Wait until an execution that has just been started can be described, or ought to be; silence ends it."""
    started_at = clock.now()
    while (clock.now() - started_at).total_seconds() < APPEARING_SECONDS:
        try:
            describe()
        except ExecutionMissing:
            clock.sleep(every_seconds)
        except (BotoCoreError, ClientError) as error:
            if not is_no_answer(error):
                raise
            return
        else:
            return
