"""Wait for what a test expects, on a machine of any speed."""

import time
from collections.abc import Callable
from typing import Any

HANGS_AFTER_SECONDS = 900  # only what never comes is given up; a slow and busy machine is waited for


def until[T](look: Callable[[], T | None], expected: str, *, every: float = 0.05) -> T:
    """Return what *look* finds, as soon as it finds something; *expected* names it in the error of a timeout."""
    deadline = time.monotonic() + HANGS_AFTER_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"It hangs: {expected} is not there after {HANGS_AFTER_SECONDS} s."
        time.sleep(every)
    return found


def ended_execution(machines: Any, arn: str) -> dict[str, Any]:
    """Wait for the end of an execution, and return its description by Step Functions."""

    def look() -> dict[str, Any] | None:
        described: dict[str, Any] = machines.describe_execution(executionArn=arn)
        return None if described["status"] == "RUNNING" else described

    return until(look, f"the end of {arn}")
