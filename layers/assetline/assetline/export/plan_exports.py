"""Plan Exports: a list of feeds becomes the input of each one's export."""

from collections.abc import Iterator
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assetline.execution_input import parse
from assetline.export.request import (
    MAX_OVERLAP_MINUTES,
    OVERLAP_MINUTES,
    ExportRequest,
    Format,
    refuse_changes_of_changes,
    refuse_excel_lines,
    refuse_lines_neutralised,
)
from assetline.safetyculture.catalogue import CATALOGUE, feed_named

ALL = "all"
SIDE_BY_SIDE = 3  # ours: three feeds at a page each stay far below SafetyCulture's 800 requests a minute a user
MOST_SIDE_BY_SIDE = 40  # Step Functions: of one map


class FeedsRequest(BaseModel):
    """Feeds to export side by side: a list, or their names separated by commas; `all` stands for all of them.

    `since` "last" is for the feeds that can say what has changed; the others are exported whole. The rest is as in the
    input of one export. Legacy feeds are not part of `all`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    feeds: list[str] | str = Field(min_length=1)
    format: Format = "csv"
    max_turn_seconds: float | None = Field(default=None, gt=0, le=900)
    since: Literal["last"] | None = None
    overlap_minutes: float = Field(default=OVERLAP_MINUTES, ge=0, le=MAX_OVERLAP_MINUTES)
    neutralise_formulas: bool = False
    excel: bool = False
    changes: bool = False
    max_concurrency: int = Field(default=SIDE_BY_SIDE, ge=1, le=MOST_SIDE_BY_SIDE)

    @model_validator(mode="after")
    def _options_go_together(self) -> Self:
        refuse_changes_of_changes(self.since, changes=self.changes)  # whichever of the feeds `since` would be for
        refuse_lines_neutralised(self.format, neutralise_formulas=self.neutralise_formulas)
        refuse_excel_lines(self.format, excel=self.excel)
        return self


class Plan(BaseModel, frozen=True):
    """The inputs of the executions to start, and how many of them run at a time."""

    exports: list[dict[str, Any]]
    max_concurrency: int


def plan_exports(raw: Any) -> Plan:
    """Return the exports of an execution's input, each feed once, in the order given.

    Raises:
        InvalidInput, UnknownFeed: the input is refused, and nothing is started.
    """
    request = parse(FeedsRequest, raw)
    common = request.model_dump(mode="json", exclude={"feeds", "since", "max_concurrency"}, exclude_defaults=True)
    exports = []
    for name in dict.fromkeys(_names(request.feeds)):
        since = request.since if feed_named(name).takes_modified_after else None
        export = {"feed": name, **common, **({"since": since} if since else {})}
        parse(ExportRequest, export)
        exports.append(export)
    return Plan(exports=exports, max_concurrency=request.max_concurrency)


def _names(feeds: list[str] | str) -> Iterator[str]:
    for name in feeds.split(",") if isinstance(feeds, str) else feeds:
        if name.strip() == ALL:
            yield from (feed.name for feed in CATALOGUE.values() if not feed.legacy)
        else:
            yield name.strip()
