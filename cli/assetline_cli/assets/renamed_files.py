"""The hidden list of renamed files in a folder, with their assets: one JSON object per line."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from assetline_cli.filesystem import part_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LIST_NAME = ".assetline-names.jsonl"


class RenamedFile(NamedTuple):
    """A file: its `name` in the folder, and the name of its asset."""

    name: str
    filename: str
    asset_id: str


def keep_renamed(folder: Path, renamed: Iterable[RenamedFile]) -> None:
    """Add files to the list of a folder; an entry of the same name is replaced.

    Raises:
        OSError: the list cannot be read or written.
    """
    added = {file.name: file for file in renamed}
    if not added:
        return
    listed = {file.name: file for file in renamed_in(folder)} | added
    with part_of(folder / LIST_NAME) as part, os.fdopen(part, "wb", closefd=False) as stream:
        stream.writelines(json.dumps(listed[name]._asdict()).encode() + b"\n" for name in sorted(listed))


def renamed_in(folder: Path) -> list[RenamedFile]:
    """Return the list of a folder; lines in another format are skipped. Raises `OSError`."""
    try:
        lines = (folder / LIST_NAME).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [file for line in lines if (file := _parsed(line)) is not None]


def _parsed(line: bytes) -> RenamedFile | None:
    try:
        fields = json.loads(line)
        return RenamedFile(str(fields["name"]), str(fields["filename"]), str(fields["asset_id"]))
    except (ValueError, KeyError, TypeError):
        return None
