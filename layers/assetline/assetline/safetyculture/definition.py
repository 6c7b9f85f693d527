"""The definition of a feed: its path, its parameters, the key of its records."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from assetline.errors import InvalidInput
from assetline.paging import page_size as sizes
from assetline.safetyculture.parameters import ANYTHING, Kind, Parameters

MODIFIED_AFTER = "modified_after"

# Reserved for the reader: it sets the page size and follows the pages.
_OF_THE_READER = {
    sizes.PARAMETER: "give `page_size` instead",
    "next_page_token": "the export follows the pages from the first to the last",
}
_NAME = re.compile(r"[A-Za-z0-9_]+", re.ASCII)


@dataclass(frozen=True)
class Feed:
    """A source table of the API (docs/contracts/safetyculture-feeds.md, section 1.8).

    `columns` are those of the contract page, in the feed's order; without them, the records define the columns. `key`
    identifies a record. `parameters` are the documented ones, each with its kind. With `parameters_are_unsure`, any
    other name is accepted. `max_page_size` is the documented limit, or our own. `first_page_size` is the default. A
    `legacy` feed has a successor.
    """

    name: str
    path: str
    columns: tuple[str, ...] = ()
    key: tuple[str, ...] = ("id",)
    parameters: Mapping[str, Kind] = field(default_factory=dict)
    parameters_are_unsure: bool = False
    page_size_parameter: str | None = sizes.PARAMETER
    max_page_size: int = sizes.LARGEST
    first_page_size: int = sizes.LARGEST
    legacy: bool = False

    @property
    def takes_modified_after(self) -> bool:
        """Whether the feed can return only the records changed since a moment."""
        return MODIFIED_AFTER in self.parameters

    def first_cursor(self, parameters: Parameters, page_size: int | None) -> str:
        """Return the path and query of the first page. Each page contains those of the next one.

        If *page_size* is None, the cursor requests the largest size that the feed is expected to accept; `PageReader`
        can lower it.

        Raises:
            InvalidInput: an unknown parameter, an invalid value, or too large a page size.
        """
        for name, value in parameters.items():
            self._check(name, value)
        query: dict[str, str | int | list[str]] = {}
        if self.page_size_parameter is not None:
            query[self.page_size_parameter] = self._page_size(page_size)
        elif page_size is not None:
            raise InvalidInput(f"Feed {self.name} has no page size to choose: leave `page_size` out.")
        query |= parameters
        return f"{self.path}?{urlencode(query, doseq=True)}" if query else self.path

    def _page_size(self, requested: int | None) -> int:
        if requested is None:
            return min(self.first_page_size, self.max_page_size)
        if not 1 <= requested <= self.max_page_size:
            raise InvalidInput(f"`page_size` of feed {self.name} is a whole number from 1 to {self.max_page_size}.")
        return requested

    def _check(self, name: str, value: str | list[str]) -> None:
        if name in _OF_THE_READER:
            raise InvalidInput(f"{name!r} cannot be a parameter of a feed: {_OF_THE_READER[name]}.")
        kind = self.parameters.get(name)
        if kind is None and self.parameters_are_unsure and _NAME.fullmatch(name):
            kind = ANYTHING
        if kind is None:
            raise InvalidInput(f"Feed {self.name} does not take the parameter {name!r}; it takes: {self._taken()}.")
        if not kind.accepts(value):
            raise InvalidInput(f"The parameter {name!r} of feed {self.name} takes {kind.words}.")

    def _taken(self) -> str:
        taken = sorted(self.parameters)
        if self.parameters_are_unsure:
            taken.append("any name of letters, digits and underscores")
        return ", ".join(taken) or "none"
