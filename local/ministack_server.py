"""Runs MiniStack, in its own environment, without two waits that nothing on AWS has.

- Its Lambda writes the head and the body of an event apart, and the body then waited 40 ms for the function's delayed
  acknowledgement of the head, at every invocation. Here what its servers write leaves at once.
- Its Step Functions sleep 0.15 s before the first state of every execution. Here they do not
  (docs/decisions/0015-no-pause-before-the-first-state.md). The waits of the machines themselves stay as they are.

It is run as a file and imports nothing of the project, which that environment does not have.
"""

import runpy
import socketserver
from contextlib import suppress
from importlib import import_module
from types import CodeType

PAUSE_SECONDS = 0.15  # MiniStack's, before the first state


def without_pause(code: CodeType) -> CodeType:
    """Return *code* with a pause of no length where it has that of `PAUSE_SECONDS`; other code as it is."""
    return code.replace(co_consts=tuple(0 if constant == PAUSE_SECONDS else constant for constant in code.co_consts))


def start_executions_at_once() -> None:
    """Take the pause out of what runs an execution; a MiniStack that has no such thing stays as it is."""
    with suppress(ImportError, KeyError):
        run_execution = vars(import_module("ministack.services.stepfunctions"))["_run_execution"]
        run_execution.__code__ = without_pause(run_execution.__code__)


if __name__ == "__main__":
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True
    start_executions_at_once()
    runpy.run_module("ministack", run_name="__main__")
