"""A page of a source: records, and the cursor of the page after it."""

from dataclasses import dataclass, field
from typing import Any

type Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to one request; `seconds` is the time until it was complete, `size` the bytes of its body.

    `unsure_end` is the contradiction, if the page claims to be the last and other values imply that pages follow.
    """

    records: list[Record]
    next_cursor: str | None
    remaining: int | None
    seconds: float = 0.0
    unsure_end: str | None = None
    size: int = field(default=0, compare=False)
