"""The feeds we export: where each lives, what it takes, which columns it declares."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlencode

from assetline.errors import InvalidInput, UnknownFeed

type Parameters = Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Feed:
    """A source table of the API (contract sheet, section 1)."""

    name: str
    path: str
    columns: tuple[str, ...]
    parameters: frozenset[str] = frozenset()
    page_size: int = 100  # what SafetyCulture's own exporter asks for by default

    def first_cursor(self, parameters: Parameters, page_size: int | None) -> str:
        """Return the path and query of the first page; every later one is given by the page before it.

        Raises:
            InvalidInput: a parameter this feed does not take.
        """
        unknown = sorted(set(parameters) - self.parameters)
        if unknown:
            allowed = ", ".join(sorted(self.parameters)) or "none"
            raise InvalidInput(f"Feed {self.name} does not take the parameter {unknown[0]!r}; it takes: {allowed}.")
        return f"{self.path}?{urlencode({'limit': page_size or self.page_size, **parameters}, doseq=True)}"


CATALOGUE: Mapping[str, Feed] = MappingProxyType(
    {
        feed.name: feed
        for feed in (
            Feed(
                name="assets",
                path="/feed/assets",
                # In the order of the live rows; `status_options` came in June 2026.
                columns=(
                    "id",
                    "code",
                    "type_id",
                    "type_name",
                    "fields",
                    "created_at",
                    "modified_at",
                    "site_id",
                    "state",
                    "status_options",
                ),
            ),
        )
    }
)


def feed_named(name: str) -> Feed:
    """Return the feed called *name*; raises `UnknownFeed`, naming those there are."""
    try:
        return CATALOGUE[name]
    except KeyError:
        raise UnknownFeed(f"No feed is called {name!r}; the feeds are: {', '.join(sorted(CATALOGUE))}.") from None
