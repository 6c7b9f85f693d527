"""Groups of commands, and the former spellings that they accept."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

EXPORT, INGEST, DATASETS, OPERATE = "Export", "Ingest", "Datasets", "Operate"  # the panels of help


class ListByDefault(TyperGroup):
    """A group that runs `list` when no command is named: `assetline drops --state rejected` is a former spelling."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert `list` in front of options, and where there are no arguments; *ctx* is a context of typer's click."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


class GroupsFirst(TyperGroup):
    """A group whose help shows the groups of commands first, in the order of their registration."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the groups, and then of the single commands."""
        return sorted(super().list_commands(ctx), key=lambda name: not isinstance(self.commands[name], TyperGroup))


def command_group(help_text: str, cls: type[TyperGroup] = TyperGroup) -> typer.Typer:
    """Return a group without commands; one of `TyperGroup` shows its help when no command is named."""
    return typer.Typer(cls=cls, no_args_is_help=cls is TyperGroup, rich_markup_mode="rich", help=help_text)
