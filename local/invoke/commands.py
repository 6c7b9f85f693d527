"""`make invoke` and `make sam-local`: a payload of a function, and every payload of `events/`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from local.invoke.choice import EngineOption, chosen_invoker
from local.invoke.errors import FunctionFailed, StackNotRunning
from local.invoke.feed_check import checked_rows
from local.invoke.payloads import Payload, chains, payloads
from local.invoke.runs import StepRun, run_chain
from local.stack.lifecycle import is_complete
from local.stack.outputs import DeployedStack
from local.stack.settings import DEFAULT_PORT, StackSettings

type Print = Callable[[str], None]

CLOSED = "close_export/finished"


def stack_on(port: int) -> DeployedStack:
    """Return the running stack on *port*.

    Raises:
        StackNotRunning: none of this checkout runs there.
    """
    folder = StackSettings(port).folder
    if not is_complete(folder):
        raise StackNotRunning("" if port == DEFAULT_PORT else f" LOCAL_PORT={port}")
    return DeployedStack.read(folder)


@dataclass(frozen=True)
class PayloadCommands:
    """The commands on a stack; *out* prints results, *notice* prints the rest."""

    stack: DeployedStack
    option: EngineOption
    out: Print
    notice: Print

    def invoke(self, payload: Payload) -> None:
        """Invoke a function with its payload, after the runs that come before it, and print the answer.

        Raises:
            FunctionFailed: the function, or an earlier one, raised an error.
        """
        with chosen_invoker(self.stack, self.option, self.notice) as invoker:
            for run in run_chain(payload, self.stack, invoker):
                if run.payload is not payload:
                    self.notice(f"{run.payload.key}, which comes first: {_result(run)}, {run.answer.seconds:.1f} s")
                    continue
                self.notice(run.answer.log.rstrip())
                self.out(json.dumps(run.answer.content, indent=2, ensure_ascii=False))
                if run.answer.error:
                    raise FunctionFailed(f"{payload.key} failed with {run.answer.error}: {run.answer.message}")
                self.notice(f"{payload.key}: {_result(run)}, {run.answer.seconds:.1f} s")

    def run_all(self) -> None:
        """Run every payload of `events/`, in as few chains as possible, and print a line for each.

        Raises:
            FunctionFailed: a payload did not run as `events/runs.json` declares, or the exported file differs from the
                rows of the API.
        """
        done: set[str] = set()
        failures = []
        with chosen_invoker(self.stack, self.option, self.notice) as invoker:
            for payload in chains():
                try:
                    for run in run_chain(payload, self.stack, invoker):
                        self._check(run)
                        done.add(run.payload.key)
                except FunctionFailed as failure:
                    failures.append(str(failure))
        missing = [key for key in payloads() if key not in done]
        if failures or missing:
            raise FunctionFailed("\n".join([*failures, f"These payloads did not run: {', '.join(missing) or 'none'}."]))
        self.out(f"All {len(payloads())} payloads ran as events/runs.json declares.")

    def _check(self, run: StepRun) -> None:
        self.out(_line(run.payload, f"{run.answer.seconds:6.1f} s  {_result(run)}"))
        if not run.as_expected:
            raise FunctionFailed(f"{run.payload.key} must {_expected(run)}, but it {_result(run)}")
        if run.payload.key == CLOSED:
            rows = checked_rows(self.stack, run.answer.content)
            self.out(_line(run.payload, f"{rows:,} rows of {run.answer.content['key']} equal those of the API"))


def _expected(run: StepRun) -> str:
    return f"fail with {run.payload.fails}" if run.payload.fails else "succeed"


def _line(payload: Payload, text: str) -> str:
    return f"{payload.function:<16} {payload.name:<21} {text}"


def _result(run: StepRun) -> str:
    if not run.answer.error:
        return "succeeded"
    expected = ", as it must" if run.as_expected else f": {run.answer.message}"
    return f"failed with {run.answer.error}{expected}"
