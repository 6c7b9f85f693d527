"""How a command ends that could not do what it was asked."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from botocore.exceptions import BotoCoreError, ClientError

from assetline.errors import Permanent, Retryable
from assetline_cli.aws_errors import explain
from assetline_cli.context import Desk
from assetline_cli.errors import CommandFailed
from assetline_cli.exit_codes import FAILED, INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def one_message(desk: Desk) -> Iterator[None]:
    """End the command with one message, never a traceback, for whatever is not a mistake of ours."""
    try:
        yield
    except CommandFailed as error:
        desk.complain(f"Error: {error}")
    except (Permanent, Retryable) as error:  # what Vi says, where the command asks it itself
        desk.complain(f"Error: {error}")
    except (BotoCoreError, ClientError) as error:
        desk.complain(f"Error: {explain(error)}")
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    else:
        return
    raise typer.Exit(FAILED)
