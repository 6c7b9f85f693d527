"""Ids of Vi's, as they are given on the command line: they go into the paths of requests."""

import re

import typer

from assetline.assets.selection import ID

_ID = re.compile(ID)


def an_id[Given: str | None](given: Given) -> Given:
    """Return an id, or None where none was given; raises `typer.BadParameter`."""
    if given is not None and not _ID.fullmatch(given):
        raise typer.BadParameter(f"{given!r} is no id: letters, digits, - and _ only, as Vi shows it")
    return given


def ids(given: list[str] | None) -> list[str] | None:
    """Return ids, or None where none was given; raises `typer.BadParameter`."""
    return None if given is None else [an_id(one) for one in given]
