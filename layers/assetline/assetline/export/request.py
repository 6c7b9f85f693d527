"""The input of an execution: a new export, or the export to resume."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assetline.assets.conditions import Where
from assetline.execution_input import parse
from assetline.vi.asset_query import AssetQuery

type Scalar = str | int | float | bool
type Format = Literal["csv", "csv.gz", "jsonl", "jsonl.gz"]
type SortBy = Literal["default", "assetId", "filename", "lastModified.contents", "metadata.fileSize"]

OVERLAP_MINUTES = 10.0  # ours: caches and replicas of an API lag by minutes; the key removes repeated rows
MAX_OVERLAP_MINUTES = 7 * 24 * 60


def refuse_changes_of_changes(since: str | None, *, changes: bool) -> None:
    """Raise ValueError for two options that exclude each other."""
    if changes and since:
        raise ValueError("`changes` compares complete exports, so it cannot be combined with `since`")


def refuse_lines_neutralised(format_: Format, *, neutralise_formulas: bool) -> None:
    """Raise ValueError for an option that JSON Lines cannot fulfil: its records are unchanged."""
    if neutralise_formulas and not format_.startswith("csv"):
        raise ValueError("`neutralise_formulas` is for `csv` and `csv.gz`: spreadsheets do not evaluate jsonl")


def refuse_excel_lines(format_: Format, *, excel: bool) -> None:
    """Raise ValueError for a byte order mark in a format that spreadsheets do not open."""
    if excel and not format_.startswith("csv"):
        raise ValueError("`excel` is for `csv` and `csv.gz`: spreadsheets do not open jsonl")


class ExportRequest(BaseModel):
    """An export that starts at the first page; all keys but `feed` are optional.

    A `page_size` of null requests the largest pages that the feed accepts; a `max_turn_seconds` of null uses the time
    limit of the function. `since` "last" exports the records changed since the last complete export of the same feed
    and `params` began, and in the `overlap_minutes` before. Rows may become visible late, and the feed's clock may be
    behind ours. `neutralise_formulas` escapes CSV cells that a spreadsheet would evaluate; `excel` adds a byte order
    mark. `changes` also writes the rows added, changed and removed since the last complete export.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    feed: str
    params: dict[str, Scalar | list[Scalar]] = Field(default_factory=dict)
    format: Format = "csv"
    page_size: int | None = Field(default=None, ge=1, le=1000)
    max_turn_seconds: float | None = Field(default=None, gt=0, le=900)
    since: Literal["last"] | None = None
    overlap_minutes: float = Field(default=OVERLAP_MINUTES, ge=0, le=MAX_OVERLAP_MINUTES)
    neutralise_formulas: bool = False
    excel: bool = False
    changes: bool = False

    @model_validator(mode="after")
    def _options_go_together(self) -> Self:
        refuse_changes_of_changes(self.since, changes=self.changes)
        refuse_lines_neutralised(self.format, neutralise_formulas=self.neutralise_formulas)
        refuse_excel_lines(self.format, excel=self.excel)
        return self

    @property
    def series(self) -> dict[str, Any]:
        """The part of the request that distinguishes exports of one feed with different rows."""
        params: dict[str, Any] = self.model_dump(mode="json")["params"]
        return params

    def wire_params(self) -> dict[str, str | list[str]]:
        """Return `params` in the notation of the feed's query: `true`, not `True`."""
        return {
            name: [_wire(element) for element in value] if isinstance(value, list) else _wire(value)
            for name, value in self.params.items()
        }


class AssetsRequest(BaseModel):
    """An export of the assets of a Vi dataset; all keys but `source` and `dataset_id` are optional.

    `filter`, `metadata_query`, `rule_query` and `strict_query` are passed to Vi unchanged (docs/contracts/vi-api.md,
    section 2.1), and so are `sort_by` and `order`. The default is `assetId`: in an unstable order, pages would miss
    assets. `where` has conditions that Vi cannot evaluate. `contents` adds each asset's signed URL. The other keys are
    those of `ExportRequest`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    source: Literal["vi"]
    dataset_id: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,255}$")
    filter: str | None = Field(default=None, min_length=1)
    metadata_query: str | None = Field(default=None, min_length=1)
    rule_query: str | None = Field(default=None, min_length=1)
    strict_query: bool = False
    sort_by: SortBy | None = None
    order: Literal["asc", "desc"] | None = None
    contents: bool = False
    where: Where | None = None
    format: Format = "csv"
    page_size: int | None = Field(default=None, ge=1, le=1000)
    max_turn_seconds: float | None = Field(default=None, gt=0, le=900)
    neutralise_formulas: bool = False
    excel: bool = False

    @model_validator(mode="after")
    def _options_go_together(self) -> Self:
        refuse_lines_neutralised(self.format, neutralise_formulas=self.neutralise_formulas)
        refuse_excel_lines(self.format, excel=self.excel)
        return self

    @property
    def feed(self) -> str:
        """The first part of the export's name; the names of feeds contain no hyphen."""
        return _called_after_dataset(self.dataset_id)

    def wire_params(self) -> dict[str, str]:
        """Return the parameters in Vi's notation: a flag is `y` or absent (docs/contracts/vi-api.md, section 2.1)."""
        query = AssetQuery(self.filter, self.metadata_query, self.rule_query, self.strict_query)
        more = {"sortBy": self.sort_by or "assetId", "o": self.order, "contents": "y" if self.contents else None}
        return query.params() | {name: value for name, value in more.items() if value is not None}

    @property
    def since(self) -> None:
        """None: Vi has no filter for changes."""

    @property
    def changes(self) -> bool:
        """False: exports of assets are not compared."""
        return False

    @property
    def series(self) -> dict[str, Any]:
        """The part of the request that distinguishes exports of one dataset with different rows."""
        options = self.model_dump(
            mode="json", include={"filter", "metadata_query", "rule_query", "strict_query", "where"}
        )
        return {name: value for name, value in options.items() if value}


type AnyRequest = ExportRequest | AssetsRequest


def parsed_request(raw: Any) -> AnyRequest:
    """Read the input of an execution that starts at the first page; raises `InvalidInput` as `parse` does."""
    if isinstance(raw, dict) and "source" in raw:
        return parse(AssetsRequest, raw)
    return parse(ExportRequest, raw)


def called_after(raw: Any) -> str | None:
    """Return the `feed` of the export in an execution's input, None without one.

    All other keys are ignored: the execution may be of another version than the caller.
    """
    fields = raw if isinstance(raw, dict) else {}
    name = fields.get("dataset_id" if "source" in fields else "feed")
    if not isinstance(name, str) or not name:
        return None
    return _called_after_dataset(name) if "source" in fields else name


class ResumeRequest(BaseModel):
    """A failed export that resumes from its last checkpoint, in the same upload."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    resume: str = Field(min_length=1)
    max_turn_seconds: float | None = Field(default=None, gt=0, le=900)

    @classmethod
    def is_requested(cls, raw: Any) -> bool:
        """Return whether an execution's input requests a resume."""
        return isinstance(raw, dict) and "resume" in raw


def _called_after_dataset(dataset_id: str) -> str:
    return f"vi-{dataset_id}"


def _wire(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
