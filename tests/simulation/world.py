"""A world of invocations that take turns. A seed decides who goes on, who is killed, and how much time passes.

An invocation is a thread that stands still before each of its calls to another service until the world lets it go on.
So one thread runs at a time, and a seed always plays the same. The clock stands still, too, and moves when the world
says so; whoever still runs at the end of his time is killed, as Lambda does.
"""

import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Self

import time_machine

BEGINS = 1_795_219_200.0  # the time on the clock of every world when it begins, in seconds since 1970
LONGEST_STEP = 2.0  # seconds that one call may take


class Killed(BaseException):
    """The process of an invocation is gone: nothing after this runs, no handler, no clean-up."""


class Invocation(threading.Thread):
    """Work under way in a world. `result` or `error` is set when it is over."""

    def __init__(self, world: "World", name: str, work: Callable[[], Any], deadline: float) -> None:
        super().__init__(daemon=True, name=name)
        self.world, self.work, self.deadline = world, work, deadline
        self.result: Any = None
        self.error: BaseException | None = None
        self.over = self.called = False
        self._go, self._rests, self._killed = threading.Semaphore(0), threading.Semaphore(0), False

    def run(self) -> None:
        """Do the work when the world says so."""
        self._go.acquire()
        try:
            self._dies_if_killed()
            self.result = self.work()
        except BaseException as error:
            self.error = error
        self.over = True
        self._rests.release()

    def stands_still(self) -> None:
        """Wait, in this thread, for the world to let it go on."""
        self.called = True
        self._rests.release()
        self._go.acquire()
        self._dies_if_killed()

    def goes_on(self) -> None:
        """Let it run up to its next call, or to its end."""
        if not self.is_alive() and not self.over:
            self.start()
        self._go.release()
        self._rests.acquire()

    def is_killed(self) -> None:
        """Let it end where it stands."""
        self._killed = True
        while not self.over:
            self.goes_on()

    def _dies_if_killed(self) -> None:
        if self._killed:
            raise Killed


@dataclass
class World:
    """What goes on at one time, and its clock. `trace` is what happened, for whoever looks for the cause."""

    seed: int
    trace: list[str] = field(default_factory=list)
    under_way: list[Invocation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - a seed plays the same always
        self._travel = time_machine.travel(BEGINS, tick=False)

    def __enter__(self) -> Self:
        self._clock = self._travel.start()
        self._now = BEGINS
        return self

    def __exit__(self, *_: object) -> None:
        for one in [*self.under_way]:
            one.is_killed()
        self._travel.stop()

    @property
    def now(self) -> float:
        """The time on the clock, in seconds since 1970."""
        return self._now

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
        self._clock.shift(seconds)

    def happens(self, what: str) -> None:
        """Add to the trace."""
        self.trace.append(f"{self._now - BEGINS:9.1f} {what}")

    def invokes(self, name: str, work: Callable[[], Any], seconds: float) -> Invocation:
        """Begin work that Lambda ends after so many seconds."""
        one = Invocation(self, name, work, self._now + seconds)
        self.under_way.append(one)
        return one

    def goes_on(self, one: Invocation) -> bool:
        """Let an invocation go on to its next call, or kill it where its time is over; return whether it is over."""
        self.passes(self.random.random() ** 4 * LONGEST_STEP)
        if self._now > one.deadline:
            self.kills(one)
        else:
            one.goes_on()
        if one.over:
            self.under_way.remove(one)
        return one.over

    def kills(self, one: Invocation) -> None:
        """End an invocation where it stands."""
        self.happens(f"KILLED {one.name}")
        one.is_killed()

    def call(self, label: str) -> None:
        """Note that the invocation of this thread, if it is one, is about to make a call, and let the world go on."""
        one = threading.current_thread()
        if isinstance(one, Invocation) and one.world is self:
            self.happens(f"{one.name}: {label}")
            one.stands_still()

    def sleep(self, seconds: float) -> None:
        """Sleep, as an invocation does."""
        self.passes(seconds)
        self.call(f"slept {seconds:.1f} s")


class InOrder:
    """An executor without threads: each piece of work is done when it is handed in."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def shutdown(self, *_: Any, **__: Any) -> None:
        """Do nothing, as nothing is under way."""

    def map(self, work: Callable[..., Any], *values: Iterable[Any]) -> Any:
        """Return what *work* makes of the values, one after the other."""
        return iter([work(*one) for one in zip(*values, strict=False)])

    def submit(self, work: Callable[..., Any], *values: Any) -> Future[Any]:
        """Do the work and return what came of it."""
        future: Future[Any] = Future()
        try:
            future.set_result(work(*values))
        except Exception as error:
            future.set_exception(error)
        return future
