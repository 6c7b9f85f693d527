"""Poll AWS until something has ended, and tolerate short silences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from botocore.exceptions import BotoCoreError, ClientError

from assetline_cli.aws_errors import is_no_answer
from assetline_cli.errors import ExecutionMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from assetline_cli.clock import Clock

SILENCE_SECONDS = 120.0  # ours: longest time without an answer of AWS; then the watching ends, and the export continues
APPEARING_SECONDS = 15.0  # Step Functions: a new execution may be described a little later than it is started


class Observation(Protocol):
    """One observation."""

    @property
    def ended(self) -> bool:
        """Whether the observed thing has ended."""

    def without_answer(self) -> Self:
        """Return the observation to show while AWS does not answer."""


def looks[S: Observation](
    look: Callable[[], S], clock: Clock, every_seconds: float, *, previous: S | None = None
) -> Iterator[S]:
    """Yield the observations of *look* until one has ended.

    After a first answer AWS may be silent for `SILENCE_SECONDS`; its other errors are raised. A *previous* observation
    counts as an answer.
    """
    last = previous
    answered_at = clock.now()
    while True:
        try:
            seen = last = look()
            answered_at = clock.now()
        except (BotoCoreError, ClientError) as error:
            silence = (clock.now() - answered_at).total_seconds()
            if last is None or not is_no_answer(error) or silence > SILENCE_SECONDS:
                raise
            seen = last.without_answer()
        yield seen
        if seen.ended:
            return
        clock.sleep(every_seconds)


def await_appearance(describe: Callable[[], object], clock: Clock, every_seconds: float) -> None:
    """Wait until a new execution can be described, for at most `APPEARING_SECONDS`, or until AWS does not answer."""
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
