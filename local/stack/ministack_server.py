"""Runs MiniStack in its own environment: faster than by default, and without two waits that AWS does not have.

- Its application is served by uvicorn and llhttp, which spend less on a request than MiniStack's server
  (docs/decisions/0018-uvicorn-serves-ministack.md).
- Its Lambda writes the head and the body of an event separately. At every invocation the body then waited 40 ms for the
  function's delayed acknowledgement of the head. Here its servers send all writes at once.
- Its Step Functions sleep 0.15 s before the first state of every execution. Here they do not
  (docs/decisions/0015-no-pause-before-the-first-state.md). The waits of the machines themselves are unchanged.
- `SFN_WAIT_SCALE` multiplies the pauses of messages that a consumer returns to a queue, too.
- On some stacks it forks the environments of functions (docs/decisions/0042-environments-are-forks.md).
- It accepts requests that AWS refuses. The package `refusals` beside this file makes it refuse them.

It is run as a file and imports nothing of the project, which that environment does not have; it loads `refusals` by
its path.
"""

import json
import os
import resource
import socketserver
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import Any

import uvicorn

KEEP_ALIVE_SECONDS = 75  # MiniStack's
END_SECONDS = 1  # ours: time for the requests under way at its end
PAUSE_SECONDS = 0.15  # MiniStack's, before the first state
REFUSALS = Path(__file__).with_name("refusals")
FORKS = Path(__file__).with_name("environment_forks.py")
RECORDER = Path(__file__).with_name("jsonata_recorder.py")
WRITE_UNITS = Path(__file__).with_name("write_units.py")
DYNAMODB = "ministack.services.dynamodb"
CHANGE, HIDDEN = "ChangeMessageVisibility", "VisibilityTimeout"


def without_pause(code: CodeType) -> CodeType:
    """Return *code* with a pause of 0 in place of `PAUSE_SECONDS`; other code is unchanged."""
    return code.replace(co_consts=tuple(0 if constant == PAUSE_SECONDS else constant for constant in code.co_consts))


def start_executions_at_once() -> None:
    """Remove the pause from the code that runs an execution; a MiniStack without it is unchanged."""
    with suppress(ImportError, KeyError):
        run_execution = vars(import_module("ministack.services.stepfunctions"))["_run_execution"]
        run_execution.__code__ = without_pause(run_execution.__code__)


def scaled(change: Callable[[dict[str, Any], str], Any], scale: float) -> Callable[[dict[str, Any], str], Any]:
    """Return *change*, an operation of SQS, with its visibility timeout multiplied by *scale*."""

    def changed(data: dict[str, Any], url: str) -> Any:
        if HIDDEN in data:
            data |= {HIDDEN: round(int(data[HIDDEN]) * scale)}
        return change(data, url)

    return changed


def scale_message_pauses(scale: float) -> None:
    """Multiply by *scale* the time for which a consumer hides a message; the timeout of the queue is unchanged."""
    operations = sys.modules["refusals"].patching.attribute("ministack.services.sqs", "_HANDLERS")
    operations[CHANGE] = scaled(operations[CHANGE], scale)


def refuse_what_aws_refuses() -> None:
    """Add the refusals to MiniStack; raises `PatchFailed` if it is another version than the pinned one."""
    loaded("refusals", REFUSALS / "__init__.py", [str(REFUSALS)]).teach_all()


def record_expressions(file: Path) -> None:
    """Append every evaluation of a JSONata expression to *file*."""
    recorder = loaded("jsonata_recorder", RECORDER)
    sys.modules["refusals"].patching.wrap(
        "ministack.services.stepfunctions", "_evaluate_jsonata", partial(recorder.recorded, file=file)
    )


def record_write_units(file: Path) -> None:
    """Append the write units of every call to DynamoDB to *file*."""
    units, patching = loaded("write_units", WRITE_UNITS), sys.modules["refusals"].patching
    tables, item_of, size_of = (
        patching.attribute(DYNAMODB, name) for name in ("_tables", "_get_item_by_key", "_item_size_bytes")
    )

    def stored_bytes(table: str, key: dict[str, Any]) -> int:
        size: int = size_of(item_of(tables[table], key))
        return size

    for operation, function in units.FUNCTIONS.items():
        wrapper = partial(units.recorded, operation=operation, file=file, stored_bytes=stored_bytes)
        patching.wrap(DYNAMODB, function, wrapper)


def loaded(name: str, path: Path, folders: list[str] | None = None) -> Any:
    """Load a module, or the package in *folders*, by its path: the folder of this file is not on `sys.path`."""
    spec = spec_from_file_location(name, path, submodule_search_locations=folders)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a module")
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def allow_many_connections() -> None:
    """Raise the limit of open files to its maximum, as MiniStack does by itself."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def serve() -> None:
    """Serve until a signal ends the program; MiniStack's own variables set the address."""
    uvicorn.run(
        "ministack.app:app",
        host=os.environ["BIND_HOST"],
        port=int(os.environ["GATEWAY_PORT"]),
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,  # MiniStack's answers have the headers that AWS's have, the date too
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=END_SECONDS,
    )


if __name__ == "__main__":
    socketserver.StreamRequestHandler.disable_nagle_algorithm = True
    start_executions_at_once()
    refuse_what_aws_refuses()
    scale_message_pauses(float(os.environ["SFN_WAIT_SCALE"]))
    if recording := os.environ.get("ASSETLINE_RECORD_JSONATA"):
        record_expressions(Path(recording))
    if counting := os.environ.get("ASSETLINE_COUNT_WRITES"):
        record_write_units(Path(counting))
    allow_many_connections()
    if forks := os.environ.pop("ASSETLINE_FORKS", None):
        loaded("environment_forks", FORKS).fork_environments(*json.loads(forks))
    serve()
