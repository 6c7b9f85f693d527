"""The way to invoke: `sam local` if a container engine answers, else AWS's runtime client on the local stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from local.invoke.deployed import DeployedFunctions
from local.invoke.engine import ContainerEngine, find_engine
from local.invoke.runs import Invoker
from local.invoke.runtime_client import RuntimeClientInvoker
from local.invoke.sam_local import started
from local.stack.outputs import DeployedStack

type EngineOption = Literal["auto", "none"]

INSTEAD = "Invoking on the local stack, through AWS's runtime client (awslambdaric)."


@contextmanager
def chosen_invoker(stack: DeployedStack, option: EngineOption, notice: Callable[[str], None]) -> Iterator[Invoker]:
    """Yield an invoker of the functions of *stack*, after a *notice* that names it."""
    functions = DeployedFunctions.of(stack)
    engine = None if option == "none" else find_engine()
    if engine is None or not engine.gateway:
        notice(f"{_reason(engine, option)} {INSTEAD}")
        yield RuntimeClientInvoker(functions)
        return
    notice(f"Invoking with sam local, in containers of {engine.name} for {engine.architecture}.")
    with started(engine, stack, functions) as invoker:
        yield invoker


def _reason(engine: ContainerEngine | None, option: EngineOption) -> str:
    if option == "none":
        return "ENGINE=none: sam local is not used."
    if engine is None:
        return "No container engine answers, so sam local cannot run."
    return f"The containers of {engine.name} cannot reach this machine, so sam local cannot run."
