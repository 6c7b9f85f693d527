"""The memory of a page loop between turns, next to its checkpoint, as one staged object."""

import json
from dataclasses import dataclass, field
from typing import Any, Self

from assetline.errors import StagedGone
from assetline.exact_numbers import loaded
from assetline.export.recent_keys import KeyWindow
from assetline.export.sealed_parts import SealedPart, pack, unpack
from assetline.paging.cursor_trail import CursorTrail
from assetline.paging.page import Record
from assetline.table.cells import json_bytes
from assetline.table.columns import Columns
from assetline.table.drift import Drift

_SECTIONS = 4


@dataclass
class Memory:
    """The state of the loop.

    - `columns`: None until they are fixed; `remembered`: those of the last export, if any
    - `headed`: whether the header is written; before that, records are gathered
    - `window`: the last keys written
    - `trail`: the cursors followed
    - `tally`: deviations from the columns
    - `parts`: the sealed parts

    Its bytes are a function of the pages read: a repeated turn stores the same bytes.
    """

    columns: Columns | None = None
    remembered: Columns | None = None
    headed: bool = False
    gathered: list[Record] = field(default_factory=list)
    tally: Drift = field(default_factory=Drift)
    window: KeyWindow = field(default_factory=KeyWindow)
    trail: CursorTrail = field(default_factory=CursorTrail)
    parts: list[SealedPart] = field(default_factory=list)

    def to_bytes(self) -> bytes:
        """Return a line of JSON with the sections and their sizes, followed by the sections."""
        gathered = b"\n".join(map(json_bytes, self.gathered))
        window, trail, parts = self.window.to_bytes(), self.trail.to_bytes(), pack(self.parts)
        head: dict[str, Any] = {
            "columns": None if self.columns is None else self.columns.model_dump(mode="json"),
            "remembered": None if self.remembered is None else self.remembered.model_dump(mode="json"),
            "headed": self.headed,
            "tally": self.tally.model_dump(mode="json"),
            "sizes": [len(gathered), len(window), len(trail), len(parts)],
        }
        return json.dumps(head, separators=(",", ":")).encode() + b"\n" + gathered + window + trail + parts

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Return the memory serialised by `to_bytes`; empty bytes are an empty memory."""
        memory, (window, trail) = cls._read(content)
        memory.window = KeyWindow.from_bytes(window)
        memory.trail = CursorTrail.from_bytes(trail)
        return memory

    @classmethod
    def after_loop(cls, content: bytes) -> Self:
        """Return the memory serialised by `to_bytes` without `window` and `trail`, which only a page loop needs."""
        return cls._read(content)[0]

    @classmethod
    def _read(cls, content: bytes) -> tuple[Self, tuple[bytes, bytes]]:
        if not content:
            return cls(), (b"", b"")
        line, _, rest = content.partition(b"\n")
        head = json.loads(line)
        if len(head["sizes"]) != _SECTIONS:
            raise StagedGone("Another version of this stack began the export. Start a new export.")
        gathered, window, trail, parts = _cut(rest, head["sizes"])
        memory = cls(
            columns=None if head["columns"] is None else Columns.model_validate(head["columns"]),
            remembered=None if head["remembered"] is None else Columns.model_validate(head["remembered"]),
            headed=head["headed"],
            gathered=[loaded(record.decode("utf-8", "surrogatepass")) for record in gathered.splitlines()],
            tally=Drift.model_validate(head["tally"]),
            parts=unpack(parts),
        )
        return memory, (window, trail)


def _cut(content: bytes, sizes: list[int]) -> list[bytes]:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(content[at : at + size])
        at += size
    return pieces
