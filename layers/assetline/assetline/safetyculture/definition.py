"""A feed as the catalogue defines it: where it lives, what may be asked of it, what identifies its records."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from assetline.errors import InvalidInput
from assetline.paging import page_size as sizes
from assetline.safetyculture.parameters import ANYTHING, Kind, Parameters

MODIFIED_AFTER = "modified_after"

# The reader's own: it asks for the page size, and goes where the page before leads.
_OF_THE_READER = {
    sizes.PARAMETER: "give `page_size` instead",
    "next_page_token": "pages are followed from the first to the last",
}
_NAME = re.compile(r"[A-Za-z0-9_]+", re.ASCII)


@dataclass(frozen=True)
class Feed:
    """A source table of the API (docs/contracts/safetyculture-feeds.md, section 1.8).

    `columns` are those of the contract page, in the feed's order; a feed without any gets them from its records. `key`
    is what tells records apart. `parameters` are the documented ones, each with what it takes; if
    `parameters_are_unsure`, any other name is taken as well. `max_page_size` is the documented bound, or our own;
    `first_page_size` is what is asked for first when nobody says. A `legacy` feed has a successor.
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
        """Whether the feed can be asked for what changed since a moment."""
        return MODIFIED_AFTER in self.parameters

    def first_cursor(self, parameters: Parameters, page_size: int | None) -> str:
        """Return the path and query of the first page; every later one is given by the page before it.

        *page_size* None asks for as many records as the feed is known or hoped to give; `PageReader` can come down
        from there.

        Raises:
            InvalidInput: a parameter this feed does not take, a value that the parameter does not, too large a page.
        """
        for name, value in parameters.items():
            self._check(name, value)
        query: dict[str, str | int | list[str]] = {}
        if self.page_size_parameter is not None:
            query[self.page_size_parameter] = self._page_size(page_size)
        elif page_size is not None:
            raise InvalidInput(f"Feed {self.name} does not let its page size be chosen: leave `page_size` out.")
        query |= parameters
        return f"{self.path}?{urlencode(query, doseq=True)}" if query else self.path

    def _page_size(self, asked: int | None) -> int:
        if asked is None:
            return min(self.first_page_size, self.max_page_size)
        if not 1 <= asked <= self.max_page_size:
            raise InvalidInput(f"`page_size` of feed {self.name} is a whole number from 1 to {self.max_page_size}.")
        return asked

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
