"""Lambda kills a function's environment that grows past the function's MemorySize.

A watcher reads the peak memory of each busy environment: its complete process and its children, as the
kernel counts them. The watcher needs /proc; on a system without it the limit is not enforced.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from .patching import Function, attribute, wrap

RUNTIME = "ministack.core.lambda_runtime"
PROC = Path("/proc")
LOOK_EVERY_SECONDS = 0.1
DEFAULT_MEMORY_MB = 128  # Lambda's
PEAK, CURRENT = "VmHWM:", "VmRSS:"


def used_bytes(pid: int) -> int:
    """Return the memory of process *pid*: its peak or, if larger, its own and its children's now; 0 after its end."""
    own = _figures(pid)
    with_children = own.get(CURRENT, 0) + sum(_figures(child).get(CURRENT, 0) for child in _descendants(pid))
    return max(own.get(PEAK, 0), with_children)


def killed_message(request_id: str) -> str:
    """Return Lambda's message for an invocation whose environment was killed."""
    return f"RequestId: {request_id} Error: Runtime exited with error: signal: killed"


def teach() -> None:
    """Make MiniStack kill a function that uses more than its MemorySize; do nothing without /proc."""
    if not PROC.joinpath("self", "status").exists():
        return
    wrap(f"{RUNTIME}.ProvidedWorker", "_teardown", _noting_the_end)
    wrap(f"{RUNTIME}.ProvidedWorker", "invoke", _limited)
    threading.Thread(target=_watch, daemon=True, name="function-memory").start()


def _watch() -> None:
    pools, lock = attribute(RUNTIME, "_workers"), attribute(RUNTIME, "_lock")
    while True:
        with lock:
            busy = [worker for pool in pools.values() for worker in pool if worker.in_use]
        for worker in busy:
            _kill_if_too_large(worker)
        time.sleep(LOOK_EVERY_SECONDS)


def _kill_if_too_large(worker: Any) -> bool:
    """Kill the environment of *worker* if it exceeds its limit; return whether it did."""
    process = _process(worker)
    limit_bytes = int(worker.config.get("MemorySize", DEFAULT_MEMORY_MB)) * 1024**2
    if process is None or used_bytes(process.pid) <= limit_bytes:
        return False
    process.kill()
    return True


def _noting_the_end(teardown: Function) -> Function:
    """Record the end of an environment's process before MiniStack stops it."""

    def _teardown(worker: Any) -> None:
        if (process := _process(worker)) is not None:
            worker.ended = (_environment(worker), process.poll())
        teardown(worker)

    return _teardown


def _limited(invoke: Function) -> Function:
    """Report a killed environment as Lambda does, also if it grew and answered between two observations."""

    def invoke_within_limit(worker: Any, event: Any, request_id: str, **options: Any) -> Any:
        try:
            result = invoke(worker, event, request_id, **options)
        except RuntimeError:  # it ended before it could take the event
            if not _was_killed(worker):
                raise
            return _killed(request_id, "")
        if _was_killed(worker) or _kill_if_too_large(worker):
            return _killed(request_id, result.get("log", ""))
        return result

    return invoke_within_limit


def _was_killed(worker: Any) -> bool:
    """Return whether the environment of the last event was killed; earlier ones do not count."""
    return getattr(worker, "ended", None) == (_environment(worker), -signal.SIGKILL)


def _killed(request_id: str, log: str) -> dict[str, Any]:
    message = killed_message(request_id)
    payload = {"errorType": "Runtime.ExitError", "errorMessage": message}
    return {"status": "error", "error": message, "error_payload": payload, "log": log}


def _process(worker: Any) -> Any:
    return vars(worker)["_proc"]


def _environment(worker: Any) -> Any:
    """Return the unique number of the current environment of *worker*."""
    return vars(worker)["_generation"]


def _figures(pid: int) -> dict[str, int]:
    """Return the figures of a process in bytes, by their names in /proc; empty if it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError), (PROC / str(pid) / "status").open() as status:
        lines = [line.split() for line in status if line.startswith((PEAK, CURRENT))]
        return {name: int(kilobytes) * 1024 for name, kilobytes, *_ in lines}
    return {}


def _descendants(pid: int) -> Iterator[int]:
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in (PROC / str(pid) / "task").iterdir():
            for child in (thread / "children").read_text().split():
                yield int(child)
                yield from _descendants(int(child))
