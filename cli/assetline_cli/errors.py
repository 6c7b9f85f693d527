"""Errors that end a command with one message and an exit status.

    CommandFailed                 the message is: what failed, the value, and what to do
    ├── ComparisonFailed          the same, with the exit status that diff(1) has for trouble
    └── ExecutionMissing          Step Functions has no execution of that ARN

Errors of AWS are not in this tree: `aws_errors.explain` words them. Errors of Vi are those of `assetline.errors`.
"""

from typing import ClassVar

from assetline_cli.exit_codes import FAILED, TROUBLE


class CommandFailed(Exception):  # noqa: N818 - named for what happened, as the errors of the layer are
    """The command ends with this message and `exit_status`."""

    exit_status: ClassVar[int] = FAILED


class ComparisonFailed(CommandFailed):
    """`diff` could not compare two files."""

    exit_status = TROUBLE


class ExecutionMissing(CommandFailed):
    """Step Functions has no execution of that ARN; the only error that is caught by its class."""
