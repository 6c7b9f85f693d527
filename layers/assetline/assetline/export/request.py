"""The input of an execution: what somebody asks to be exported, or which export is to go on."""

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assetline.assets.conditions import Where
from assetline.execution_input import parse
from assetline.vi.asset_query import AssetQuery

type Scalar = str | int | float | bool
type Format = Literal["csv", "csv.gz", "jsonl", "jsonl.gz"]
type SortBy = Literal["default", "assetId", "filename", "lastModified.contents", "metadata.fileSize"]

OVERLAP_MINUTES = 10.0  # ours: caches and replicas of an API lag by minutes; a row that comes twice has its key
MAX_OVERLAP_MINUTES = 7 * 24 * 60


def refuse_changes_of_changes(since: str | None, *, changes: bool) -> None:
    """Raise ValueError for two options of which each makes the other one meaningless."""
    if changes and since:
        raise ValueError("`changes` compares whole exports, so it does not go with `since`")


def refuse_lines_neutralised(format_: Format, *, neutralise_formulas: bool) -> None:
    """Raise ValueError for a promise that could not be kept: the records of JSON Lines are as they came."""
    if neutralise_formulas and not format_.startswith("csv"):
        raise ValueError(
            "`neutralise_formulas` is for `csv` and `csv.gz`: no spreadsheet program runs what is in jsonl"
        )


def refuse_excel_lines(format_: Format, *, excel: bool) -> None:
    """Raise ValueError for a byte order mark where no spreadsheet program reads it."""
    if excel and not format_.startswith("csv"):
        raise ValueError("`excel` is for `csv` and `csv.gz`: no spreadsheet program opens jsonl")


class ExportRequest(BaseModel):
    """An export that starts at the first page; all but `feed` may be left out.

    `page_size` null asks for the largest pages the feed accepts, `max_turn_seconds` null for turns as long as the
    function may run. `since` "last" exports what changed since the last complete export of the same feed and `params`
    began, and in the `overlap_minutes` before: rows may become visible late, and the feed's clock may be behind ours.
    `neutralise_formulas` takes the power from cells of a CSV a spreadsheet program would run; `excel` begins it with a
    byte order mark. `changes` writes, beside the file, what was added, changed and removed since the last complete
    export.
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
        """Return `params` as the feed's query spells them: `true`, not `True`."""
        return {
            name: [_wire(element) for element in value] if isinstance(value, list) else _wire(value)
            for name, value in self.params.items()
        }


class AssetsRequest(BaseModel):
    """An export of the assets of a Vi dataset; all but `source` and `dataset_id` may be left out.

    `filter`, `metadata_query`, `rule_query` and `strict_query` are asked of Vi as they are
    (docs/contracts/vi-api.md, section 2.1), `sort_by` and `order` as well: by `assetId` when nothing is said, since in
    an order that does not hold still pages would leave assets out. `where` is what cannot be asked of Vi. `contents`
    adds each asset's signed URL. The rest is as in `ExportRequest`.
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
        """The first part of the export's name; no feed's name has a hyphen."""
        return _called_after_dataset(self.dataset_id)

    def wire_params(self) -> dict[str, str]:
        """Return what is asked of Vi as its query spells it: `y` or nothing (docs/contracts/vi-api.md, section 2.1)."""
        query = AssetQuery(self.filter, self.metadata_query, self.rule_query, self.strict_query)
        more = {"sortBy": self.sort_by or "assetId", "o": self.order, "contents": "y" if self.contents else None}
        return query.params() | {name: value for name, value in more.items() if value is not None}

    @property
    def since(self) -> None:
        """Nothing: Vi cannot be asked for what has changed."""

    @property
    def changes(self) -> bool:
        """Nothing is compared."""
        return False

    @property
    def series(self) -> dict[str, Any]:
        """The part of the request that distinguishes exports of one dataset with different rows."""
        asked = self.model_dump(
            mode="json", include={"filter", "metadata_query", "rule_query", "strict_query", "where"}
        )
        return {name: value for name, value in asked.items() if value}


type AnyRequest = ExportRequest | AssetsRequest


def asked_for(raw: Any) -> AnyRequest:
    """Read the input of an execution that starts at the first page; raises `InvalidInput` as `parse` does."""
    if isinstance(raw, dict) and "source" in raw:
        return parse(AssetsRequest, raw)
    return parse(ExportRequest, raw)


def called_after(raw: Any) -> str | None:
    """Return the `feed` of the export that an execution's input asks for, None where it names none.

    Nothing else of the input is looked at: the execution may be of another version than who asks.
    """
    asked = raw if isinstance(raw, dict) else {}
    name = asked.get("dataset_id" if "source" in asked else "feed")
    if not isinstance(name, str) or not name:
        return None
    return _called_after_dataset(name) if "source" in asked else name


class ResumeRequest(BaseModel):
    """An export that failed and goes on where it stopped, in the same upload."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    resume: str = Field(min_length=1)
    max_turn_seconds: float | None = Field(default=None, gt=0, le=900)

    @classmethod
    def asked_for(cls, raw: Any) -> bool:
        """Say whether an execution's input asks for a resume."""
        return isinstance(raw, dict) and "resume" in raw


def _called_after_dataset(dataset_id: str) -> str:
    return f"vi-{dataset_id}"


def _wire(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
