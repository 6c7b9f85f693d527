"""Plan Exports: turns a list of feeds into the inputs of their exports."""

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
SIDE_BY_SIDE = 3  # ours: three feeds at a page each stay far below SafetyCulture's 800 requests per minute and user
MOST_SIDE_BY_SIDE = 40  # Step Functions: the limit of one map


class FeedsRequest(BaseModel):
    """Feeds to export in parallel: a list, or names separated by commas; `all` selects all of them.

    `since` "last" applies to the feeds that can be filtered by changes; the others are exported completely. The other
    options are those of one export. `all` excludes legacy feeds.
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
        refuse_changes_of_changes(self.since, changes=self.changes)  # for any feed that `since` applies to
        refuse_lines_neutralised(self.format, neutralise_formulas=self.neutralise_formulas)
        refuse_excel_lines(self.format, excel=self.excel)
        return self


class Plan(BaseModel, frozen=True):
    """The inputs of the executions to start, and the number that run at a time."""

    exports: list[dict[str, Any]]
    max_concurrency: int


def plan_exports(raw: Any) -> Plan:
    """Return the exports in an execution's input, each feed once, in the given order.

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
