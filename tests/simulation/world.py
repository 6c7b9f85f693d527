"""A world of invocations that take turns: a seed decides which one runs, which one is killed, and how long calls take.

An invocation is a thread that waits before each of its calls to another service until the world resumes it. One thread
runs at a time, so a seed always plays the same. The world also moves the clock, and kills an invocation at its
deadline, as Lambda does.
"""

import json
import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, Self

import time_machine

from tests.support.kills import Killed

BEGINS = 1_795_219_200.0  # the time on the clock of every world when it begins, in seconds since 1970
LONGEST_STEP = 2.0  # seconds that one call may take

type Task = tuple[Any, dict[str, Any]]
"""The module of a function, and the payload of an invocation of it."""


class Invocation(threading.Thread):
    """Work in progress. `result` or `error` is set when it is over; `called` is set after a call."""

    def __init__(self, world: "World", name: str, work: Callable[["Invocation"], Any], deadline: float) -> None:
        super().__init__(daemon=True, name=name)
        self.world, self.work, self.deadline = world, work, deadline
        self.result: Any = None
        self.error: BaseException | None = None
        self.message: dict[str, Any] | None = None  # to be delivered again if this fails
        self.not_before = 0.0  # it stalls until then
        self.over = self.called = False
        self._resumed, self._paused, self._killed = threading.Lock(), threading.Lock(), False
        self._resumed.acquire()
        self._paused.acquire()

    def run(self) -> None:
        """Do the work once the world resumes it."""
        self._resumed.acquire()
        try:
            self._end_if_killed()
            self.result = self.work(self)
        except BaseException as error:
            self.error = error
        self.over = True
        self._paused.release()

    def pause(self) -> None:
        """Wait, in this thread, until the world resumes it."""
        self._paused.release()
        self._resumed.acquire()
        self._end_if_killed()

    def resume(self) -> None:
        """Run up to the next call, or to the end."""
        if self.ident is None:
            self.start()
        self._resumed.release()
        self._paused.acquire()

    def kill(self) -> None:
        """End it where it is."""
        self._killed = True
        while not self.over:
            self.resume()

    def _end_if_killed(self) -> None:
        if self._killed:
            raise Killed


class World:
    """The invocations in progress, the clock, and the trace of what happened."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)  # noqa: S311 - a seed always plays the same
        self.now = BEGINS  # seconds since 1970
        self.in_progress: list[Invocation] = []
        self._running: Invocation | None = None
        self._calls = 0  # that the running invocation may make before it pauses
        self._events: list[tuple[float, str]] = []
        self._travel = time_machine.travel(BEGINS, tick=False)

    def __enter__(self) -> Self:
        self._clock = self._travel.start()
        random.seed(self.seed)  # for the jitter of the functions
        return self

    def __exit__(self, *_: object) -> None:
        for invocation in [*self.in_progress]:
            self.kill(invocation)
        self._travel.stop()

    def trace(self) -> list[str]:
        """Return what happened, a line an event."""
        return [f"{moment - BEGINS:9.1f} {event}" for moment, event in self._events]

    def note(self, event: str) -> None:
        """Add an event to the trace."""
        self._events.append((self.now, event))

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self.now += seconds
        self._clock.shift(seconds)

    def invoke(self, name: str, task: Task, seconds: float) -> Invocation:
        """Begin an invocation that is killed after so many seconds; payload and answer pass as JSON."""
        function, body = task[0], json.dumps(task[1])

        def work(invocation: Invocation) -> Any:
            context = lambda_context(invocation.deadline - self.now)
            return json.loads(json.dumps(function.lambda_handler(json.loads(body), context)))

        invocation = Invocation(self, name, work, self.now + seconds)
        self.in_progress.append(invocation)
        return invocation

    def resume(self, invocation: Invocation, calls: int) -> bool:
        """Let an invocation make some calls, and kill it at its deadline; return whether it is over."""
        self._calls = calls
        self._take_time()
        if self.now <= invocation.deadline:
            self._running = invocation
            invocation.resume()
            self._running = None
        if invocation.over:
            self.in_progress.remove(invocation)
        elif self.now > invocation.deadline:
            self.kill(invocation)
        return invocation.over

    def kill(self, invocation: Invocation) -> None:
        """End an invocation where it is."""
        self.note(f"KILLED {invocation.name}")
        self._running, self._calls = invocation, 0  # the calls of its clean-up do not happen
        invocation.kill()
        self._running = None
        self.in_progress.remove(invocation)

    def call(self, label: str) -> None:
        """Note a call that the running invocation is about to make, and wait until it may happen.

        A call that no invocation makes, such as one of the simulation itself, happens at once.
        """
        invocation = self._running
        if invocation is None:
            return
        if invocation.ident != threading.get_ident():
            raise AssertionError(f"{label} is called in a thread of its own: the order of calls would be random.")
        self.note(f"{invocation.name}: {label}")
        invocation.called = True
        self._calls -= 1
        if self._calls > 0:  # no other thread has to run first
            self._take_time()
            if self.now <= invocation.deadline:
                return
        invocation.pause()

    def sleep(self, seconds: float) -> None:
        """Sleep, as an invocation does."""
        self.advance(seconds)
        self.call(f"slept {seconds:.1f} s")

    def _take_time(self) -> None:
        self.advance(self.random.random() ** 4 * LONGEST_STEP)


def lambda_context(remaining_seconds: float) -> Any:
    """Return the context that Lambda gives an invocation."""
    return SimpleNamespace(
        function_name="function",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:function",
        aws_request_id="request",
        get_remaining_time_in_millis=lambda: int(remaining_seconds * 1000),
    )


class InOrder:
    """An executor without threads: each piece of work is done when it is submitted."""

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def shutdown(self, *_: Any, **__: Any) -> None:
        """Do nothing: no work is in progress."""

    def map(self, work: Callable[..., Any], *values: Iterable[Any]) -> Any:
        """Return the results of *work* on the values, in their order."""
        return iter([work(*each) for each in zip(*values, strict=False)])

    def submit(self, work: Callable[..., Any], *values: Any) -> Future[Any]:
        """Do the work and return its result."""
        future: Future[Any] = Future()
        try:
            future.set_result(work(*values))
        except Exception as error:
            future.set_exception(error)
        return future
