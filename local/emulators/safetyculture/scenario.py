"""The behaviour of the emulated API for a while: the feed it serves, its pace, and its faults.

A fact that docs/contracts/safetyculture-feeds.md, section 3, lists as unsure is a setting here: page size,
`remaining_records`, the end marker, absolute `next_page`. A fault of its section 2 is a `Fault`. All of it is data, so
that a scenario can be a literal in a test, a JSON file, or the body of a request.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, NonNegativeFloat, NonNegativeInt, PositiveInt, model_validator

LOCAL_TOKEN = "scapi_local_token"  # noqa: S105 - opens nothing but the emulator


class _FeedValue(BaseModel, frozen=True, extra="forbid"):
    """A value: compared by content, never changed, and strict about the names of its parts."""


class _FeedFault(_FeedValue):
    """Something wrong with page *page* (1-based; None is every page), the first *times* times (None is always)."""

    page: PositiveInt | None = None
    times: PositiveInt | None = None

    def strikes(self, page: int) -> bool:
        """Return whether this fault applies to page number *page*."""
        return self.page in {None, page}


class AnswerFault(_FeedFault):
    """A fault that replaces the answer: each request gets at most one, the first in the scenario's order."""


class TooManyRequests(AnswerFault):
    """429; the headers with the pause are present if given (the live API may send neither)."""

    kind: Literal["429"] = "429"
    retry_after: NonNegativeFloat | None = None
    reset_header: NonNegativeFloat | None = None


class InternalError(AnswerFault):
    """500 with the default error body."""

    kind: Literal["500"] = "500"


class TooHeavy(AnswerFault):
    """500 where a page would have more than *rows* rows, as a server answers that runs out of memory."""

    kind: Literal["too_heavy"] = "too_heavy"
    rows: PositiveInt


class Unavailable(AnswerFault):
    """503 with an empty body."""

    kind: Literal["503"] = "503"


class OriginTimeout(AnswerFault):
    """524 with the plain text of the CDN in front of the API."""

    kind: Literal["524"] = "524"


class Unauthorized(AnswerFault):
    """401, as for a token that has expired."""

    kind: Literal["401"] = "401"


class Forbidden(AnswerFault):
    """403, as for a feed that the token may not read."""

    kind: Literal["403"] = "403"


class Reset(AnswerFault):
    """The connection is reset (TCP RST) when half of the body has been sent."""

    kind: Literal["reset"] = "reset"


class Truncated(AnswerFault):
    """200 whose JSON ends half-way, inside `data`; for HTTP the body is complete."""

    kind: Literal["truncated"] = "truncated"


class Maintenance(AnswerFault):
    """200 with an HTML page."""

    kind: Literal["html"] = "html"


class NoData(AnswerFault):
    """200 whose JSON has `metadata` and no `data`."""

    kind: Literal["no_data"] = "no_data"


class PageFault(_FeedFault):
    """A fault of the page served; all faults of a page apply together, unless an `AnswerFault` applies."""


class RepeatCursor(PageFault):
    """`next_page` points to its own page: the cursors are A, A, A."""

    kind: Literal["repeat_cursor"] = "repeat_cursor"


class CycleCursor(PageFault):
    """`next_page` points to the previous page: the cursors are A, B, A, B."""

    kind: Literal["cycle_cursor"] = "cycle_cursor"
    page: int = Field(ge=2)


class EndlessCircle(PageFault):
    """`next_page` leads back to the first row, under a cursor that is new each time: A, B, C and so on."""

    kind: Literal["endless_circle"] = "endless_circle"


class ForeignNextPage(PageFault):
    """`next_page` is an absolute URL on *origin*, for instance that of a second emulator."""

    kind: Literal["foreign_next_page"] = "foreign_next_page"
    origin: str = Field(pattern=r"^https?://[^/]+$")


class RowDrift(PageFault):
    """From this page on, rows carry something that no row had before: a key, or a field inside `fields`."""

    kind: Literal["drift"] = "drift"
    name: str = Field(default="criticality", min_length=1)
    value: str | int | float | bool | None = "high"
    inside: Literal["row", "fields"] = "row"

    def strikes(self, page: int) -> bool:
        """Return whether page number *page* is this fault's page or a later one."""
        return self.page is None or page >= self.page


class MoveRows(PageFault):
    """The last *rows* rows of the previous page appear again at the start of this one; later pages are shifted."""

    kind: Literal["move_rows"] = "move_rows"
    page: int = Field(ge=2)
    rows: PositiveInt = 1


class Slow(_FeedFault):
    """The first byte comes *seconds* later, also with other faults."""

    kind: Literal["slow"] = "slow"
    seconds: NonNegativeFloat


type Fault = Annotated[
    TooManyRequests
    | InternalError
    | TooHeavy
    | Unavailable
    | OriginTimeout
    | Unauthorized
    | Forbidden
    | Reset
    | Truncated
    | Maintenance
    | NoData
    | RepeatCursor
    | CycleCursor
    | EndlessCircle
    | ForeignNextPage
    | RowDrift
    | MoveRows
    | Slow,
    Field(discriminator="kind"),
]


class FeedScenario(_FeedValue):
    """The feed's rows and shape, its pace, its token, and its faults.

    `latency_seconds` is the time to the first byte of every answer of the feed, `body_seconds` the time from then to
    the last byte. A `limit` above `max_page_size` is refused (400). Without `field_definitions` the token may not read
    them (403).
    """

    rows: NonNegativeInt = 2000
    seed: int = 0
    default_page_size: PositiveInt = 25
    max_page_size: PositiveInt = 100
    latency_seconds: NonNegativeFloat = 0.0
    body_seconds: NonNegativeFloat = 0.0
    token: str = Field(default=LOCAL_TOKEN, min_length=1)
    remaining_records: bool = False  # documented, but absent from the live API of 2026
    end_of_feed: Literal["null", "empty"] = "null"
    absolute_next_page: bool = False
    field_definitions: bool = True
    faults: tuple[Fault, ...] = ()

    @model_validator(mode="after")
    def _default_page_is_allowed(self) -> Self:
        if self.default_page_size > self.max_page_size:
            raise ValueError(
                f"default_page_size ({self.default_page_size}) is above max_page_size ({self.max_page_size})"
            )
        return self
