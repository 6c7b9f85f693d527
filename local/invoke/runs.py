"""Chains of payloads, run in order; each run gets the answers of the earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from local.invoke.answer import FunctionAnswer
from local.invoke.chain_run import ChainRun
from local.invoke.errors import FunctionFailed
from local.invoke.payloads import Payload, steps
from local.invoke.preparations import let_drops_be_old, prepared, with_objects
from local.stack.outputs import DeployedStack

PERMIT_WAIT = "permit_wait"  # of open_session: its ration of sessions is used up


class Invoker(Protocol):
    """A way to invoke functions."""

    def invoke(self, function: str, content: Any) -> FunctionAnswer:
        """Return the answer of a function to *content*."""
        ...


@dataclass(frozen=True)
class StepRun:
    """A payload of a chain, and the answer of its function."""

    payload: Payload
    answer: FunctionAnswer

    @property
    def as_expected(self) -> bool:
        """The result as `events/runs.json` declares it for the payload: success, or the declared error."""
        return self.answer.error == self.payload.fails


def run_chain(
    payload: Payload, stack: DeployedStack, invoker: Invoker, starting: Callable[[Payload], None] = lambda _: None
) -> Iterator[StepRun]:
    """Run a payload after the runs that come before it, and yield each; *starting* is called at the start of each.

    Raises:
        FunctionFailed: an earlier run failed, so the next one has nothing to work on.
    """
    chain, run = steps(payload), ChainRun(stack.outputs)
    with prepared(chain, run, stack):
        for step in chain:
            starting(step)
            content = run.filled(step)
            if "objects" in step.needs:
                content = with_objects(content, stack)
            if "quiet" in step.needs:
                let_drops_be_old(stack)
            answer = invoker.invoke(step.function, content)
            yield StepRun(step, answer)
            if answer.error and step is not payload:
                raise FunctionFailed(
                    f"cannot run {payload.key}: {step.key}, which comes first, failed with {answer.error}: "
                    f"{answer.message}"
                )
            if (
                step is not payload
                and isinstance(answer.content, dict)
                and answer.content.get("outcome") == PERMIT_WAIT
            ):
                seconds = answer.content["wait_seconds"]
                raise FunctionFailed(
                    f"cannot run {payload.key}: the stack has opened all ingestion sessions that Vi allows; repeat the "
                    f"command in {seconds} s"
                )
            run.answers[step.function] = answer.content
