"""Report the error that ends a command: one message on stderr, and an exit status."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from assetline_cli.exit_codes import FAILED, INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assetline_cli.context import CliContext


@contextmanager
def errors_reported(context: CliContext) -> Iterator[None]:
    """End the command with one message for every error that is not a bug; a bug keeps its traceback."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except typer.Exit:
        raise
    except Exception as error:
        reported = report_of(error)
        if reported is None:
            raise
        message, exit_status = reported
        context.print_message(f"Error: {message}")
        raise typer.Exit(exit_status) from None


def report_of(error: Exception) -> tuple[str, int] | None:
    """Return the message and the exit status of an error, or None for a bug."""
    # Imported here: a command that succeeds needs neither.
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    from assetline.errors import Permanent, Retryable  # noqa: PLC0415
    from assetline_cli.aws_errors import explain  # noqa: PLC0415
    from assetline_cli.errors import CommandFailed  # noqa: PLC0415

    if isinstance(error, CommandFailed):
        return str(error), error.exit_status
    if isinstance(error, (Permanent, Retryable)):  # Vi's answer, where the command calls Vi itself
        return str(error), FAILED
    if isinstance(error, (BotoCoreError, ClientError)):
        return explain(error), FAILED
    return None
