"""The common part of the simulations: executions, retries of their tasks, messages, and troubles.

A subclass of `Simulation` defines the actions of users, and the promises that must hold in the end.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from assetline.errors import Permanent
from tests.simulation.world import Invocation, Task, World

STEPS_OF_CALLS = (1, 1, 2, 5, 20)  # calls that an invocation makes in one step
IDLE_SECONDS = 5.0  # that pass in a step in which nothing runs
TO_THE_END = 1000  # calls: more than an invocation makes


@dataclass(eq=False)
class SimulatedExecution:
    """An execution of a state machine. `attempts` counts the failures of the task it is at, by their kind."""

    name: str
    not_before: float = 0.0
    ended: bool = False
    invocation: Invocation | None = None
    attempts: Counter[str] = field(default_factory=Counter)

    def task(self) -> Task:
        """Return the task it is at."""
        raise NotImplementedError

    def succeed(self, answer: Any, now: float) -> None:
        """Take the answer of the task, and move to the next one or to the end."""
        raise NotImplementedError

    def fail(self, error: BaseException) -> None:
        """Take an error that the machine does not retry, or no longer retries."""
        raise NotImplementedError


@dataclass
class Simulation[E: SimulatedExecution]:
    """The executions, messages and troubles of a world; a subclass defines the acts of users and the final invariants.

    `troubles` are the kinds of trouble that happen: `kills` of invocations, `repeats` of one that still runs, `stops`
    of executions, `stalls` of invocations, `pauses` in which nothing runs, and those of the subclass.
    """

    STEPS: ClassVar[int]  # events before trouble ends
    LAMBDA_SECONDS: ClassVar[float] = 600.0
    MESSAGE_SECONDS: ClassVar[float] = 300.0  # until a message whose invocation failed is delivered again
    RETRIES: ClassVar[dict[str, int]] = {"lost": 5, "failed": 12}  # of the machine, by the kind of failure
    PAUSES: ClassVar[tuple[float, ...]] = (30.0, 300.0)
    STALLS: ClassVar[tuple[float, ...]] = (0.0, 3.0, 6.0, 12.0, 25.0, 50.0, 200.0)  # seconds

    world: World
    troubles: set[str]
    executions: list[E] = field(default_factory=list)
    messages: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)

    def run(self) -> list[str]:
        """Play the world to its end, and return the promises that it broke."""
        self.world.note(f"troubles: {sorted(self.troubles)}")
        for _ in range(self.STEPS):
            self.step()
        self.troubles = set()
        self.come_to_rest()
        return self.broken_promises()

    def step(self) -> None:
        """Let one event happen."""
        raise NotImplementedError

    def come_to_rest(self) -> None:
        """Run what is left, without trouble."""
        raise NotImplementedError

    def broken_promises(self) -> list[str]:
        """Return what is not as it must be in the end."""
        raise NotImplementedError

    def message_task(self, message: dict[str, Any]) -> Task:
        """Return the task that a message starts."""
        raise NotImplementedError

    def stop(self, execution: E) -> None:
        """End an execution as an operator does."""
        raise NotImplementedError

    def to_stop(self, live: list[E], seen: list[Invocation]) -> list[E]:
        """Return the *live* executions from which one is stopped."""
        del seen
        return live

    def cause(self, trouble: str) -> None:
        """Cause a trouble of the subclass."""
        raise NotImplementedError

    # ---- what runs

    def invoke(self, name: str, task: Task) -> Invocation:
        """Invoke a function."""
        return self.world.invoke(name, task, self.LAMBDA_SECONDS)

    def start_tasks(self) -> None:
        """Invoke the function of each execution that waits for nothing."""
        for execution in self.executions:
            if execution.invocation is None and not execution.ended and execution.not_before <= self.world.now:
                task = execution.task()
                name = f"{execution.name}.{task[0].__name__.split('.')[1]}"
                execution.invocation = self.invoke(name, task)

    def run_some(self, calls: int) -> None:
        """Let a random invocation make some calls; where none is in progress, time passes."""
        ready = [each for each in self.world.in_progress if each.not_before <= self.world.now]
        if not ready:
            self.world.advance(IDLE_SECONDS)
            return
        invocation = self.world.random.choice(ready)
        if self.world.resume(invocation, calls):
            self.finish(invocation)

    def run_machines(self) -> None:
        """Start the tasks that are due, and let a random invocation run for some calls."""
        self.start_tasks()
        self.run_some(self.world.random.choice(STEPS_OF_CALLS))

    def deliver(self) -> None:
        """Invoke the function of a message that is due."""
        due = [message for message in self.messages if message[0] <= self.world.now]
        if due:
            message = self.world.random.choice(due)
            self.messages.remove(message)
            self.invoke(message[1], self.message_task(message[2])).message = message[2]

    def drain(self) -> None:
        """Run until no invocation, execution or message is left."""
        for _ in range(3000):
            self.start_tasks()
            if not (self.world.in_progress or self.messages) and all(each.ended for each in self.executions):
                return
            self.deliver()
            self.run_some(TO_THE_END)

    def finish(self, invocation: Invocation) -> None:
        """Continue the execution that waits for an invocation, or deliver its message again if it failed."""
        error = invocation.error
        if isinstance(error, AssertionError | LookupError | TypeError):
            raise error  # of the simulation, not of the function
        execution = next((each for each in self.executions if each.invocation is invocation), None)
        if execution is not None:
            execution.invocation = None
            self._continue(execution, invocation)
        elif error is not None and invocation.message is not None:
            moment = self.world.now + self.MESSAGE_SECONDS
            self.messages.append((moment, invocation.name, invocation.message))

    def _continue(self, execution: E, invocation: Invocation) -> None:
        error = invocation.error
        if error is None:
            execution.attempts.clear()
            execution.succeed(invocation.result, self.world.now)
            return
        kind = "failed" if isinstance(error, Exception) else "lost"
        execution.attempts[kind] += 1
        attempts = execution.attempts[kind]
        execution.not_before = self.world.now + min(120.0, 2.0**attempts)
        if isinstance(error, Permanent) or attempts > self.RETRIES[kind]:
            self.world.note(f"{execution.name} fails: {type(error).__name__}: {error}")
            execution.attempts.clear()
            execution.fail(error)

    # ---- what goes wrong

    def cause_trouble(self) -> None:
        """Cause one of the troubles."""
        world = self.world
        live = [each for each in self.executions if not each.ended]
        seen = [each for each in world.in_progress if each.called]
        match world.random.choice(sorted(self.troubles)):
            case "kills":
                if seen:
                    self._kill(world.random.choice(seen))
            case "repeats":
                if waiting := [each for each in live if each.invocation in seen]:
                    execution = world.random.choice(waiting)
                    world.note(f"LOST SIGHT of {execution.name}")
                    self.abandon(execution)
            case "stops":
                if live:
                    execution = world.random.choice(self.to_stop(live, seen))
                    world.note(f"STOPPED {execution.name}")
                    self.abandon(execution)
                    self.stop(execution)
            case "stalls":
                if seen:
                    self.stall(world.random.choice(seen))
            case "pauses":
                world.advance(world.random.choice(self.PAUSES))
            case trouble:
                self.cause(trouble)

    def abandon(self, execution: E) -> None:
        """Let an execution no longer wait for its invocation, which stalls for a while and then continues."""
        if execution.invocation is not None:
            self.stall(execution.invocation)
            execution.invocation = None

    def stall(self, invocation: Invocation) -> None:
        """Let an invocation make no call for a while."""
        invocation.not_before = self.world.now + self.world.random.choice(self.STALLS)

    def _kill(self, invocation: Invocation) -> None:
        self.world.kill(invocation)
        self.finish(invocation)


@dataclass(frozen=True)
class Simulated:
    """The end of the world of a seed: the promises it broke, and its trace if it broke any."""

    seed: int
    broken: list[str]
    trace: list[str]


type Simulates = Callable[[int], Simulated]


@dataclass
class SimulationStage:
    """The setting of worlds that are played one after the other; what every world shares makes its calls through it."""

    world: World | None = None

    def call(self, label: str) -> None:
        """Make a call in the world that is played, if one is."""
        if self.world is not None:
            self.world.call(label)

    def sleep(self, seconds: float) -> None:
        """Sleep in the world that is played."""
        if self.world is not None:
            self.world.sleep(seconds)

    def play(self, seed: int, begin: Callable[[World], Simulation[Any]]) -> Simulated:
        """Play the world of a seed."""
        with World(seed) as world:
            self.world = world
            try:
                broken = begin(world).run()
                return Simulated(seed, broken, world.trace() if broken else [])
            finally:
                self.world = None
