"""A page of a source: records, and the cursor of the page after it."""

from dataclasses import dataclass
from typing import Any

type Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """The answer to one request; `seconds` is how long it took to arrive whole.

    `unsure_end` says what contradicts that this is the last page, where nothing follows it and something does.
    """

    records: list[Record]
    next_cursor: str | None
    remaining: int | None
    seconds: float = 0.0
    unsure_end: str | None = None
