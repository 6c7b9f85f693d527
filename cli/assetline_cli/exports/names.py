"""The names by which an operator refers to an execution: its ARN, its name, or the ID of its export."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assetline_cli.executions import FEEDS_SUBJECT

if TYPE_CHECKING:
    from assetline_cli.exports.table import ExportsReader
    from assetline_cli.stack import Stack

_EXECUTION_NAME = re.compile(r"(?P<subject>[A-Za-z0-9_-]+)-\d{8}-\d{6}-[0-9a-f]{4}")


def execution_arn_of(name: str, stack: Stack, exports: ExportsReader) -> str:
    """Return the ARN of the execution that *name* refers to.

    Raises:
        CommandFailed: *name* is neither an ARN nor the name of an execution, and no export has this ID.
    """
    if name.startswith("arn:"):
        return name
    match = _EXECUTION_NAME.fullmatch(name)
    if match is None:
        return exports.named(name).execution_arn
    machine_arn = stack.machine_of_feeds() if match["subject"] == FEEDS_SUBJECT else stack.machine_arn
    return f"{machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"


def execution_name_of(arn: str) -> str:
    """Return the short name of an execution that the command has started: `execution_arn_of` accepts it."""
    name = arn.rpartition(":")[2]
    return name if _EXECUTION_NAME.fullmatch(name) else arn
