"""The arguments and options of the commands for assets; several commands share those that select assets."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from assetline_cli.errors import CommandFailed
from assetline_cli.options import an_id, ids

if TYPE_CHECKING:
    from assetline.assets.conditions import Where
    from assetline.assets.selection import Selection

PANEL = "Select assets"
SYNTAX = "passed to Vi unchanged; see docs/datasets.md"

Dataset = Annotated[
    str, typer.Argument(metavar="DATASET", callback=an_id, help="ID of the Vi dataset.", show_default=False)
]
AssetId = Annotated[str, typer.Argument(metavar="ASSET", callback=an_id, help="ID of the asset.", show_default=False)]
AssetIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ASSET]…", callback=ids, help="IDs of the assets.", show_default=False),
]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="New name of the asset.", show_default=False)]

Filter = Annotated[
    str | None,
    typer.Option(
        "--filter",
        metavar="FILTER",
        help=f'Filter expression, such as \'{{"status": "error"}}\', {SYNTAX}.',
        rich_help_panel=PANEL,
    ),
]
MetadataQuery = Annotated[
    str | None,
    typer.Option("--metadata-query", metavar="QUERY", help=f"Metadata query, {SYNTAX}.", rich_help_panel=PANEL),
]
RuleQuery = Annotated[
    str | None, typer.Option("--rule-query", metavar="QUERY", help=f"Rule query, {SYNTAX}.", rich_help_panel=PANEL)
]
StrictQuery = Annotated[
    bool, typer.Option("--strict-query", help="Make Vi match the queries strictly.", rich_help_panel=PANEL)
]
AssetIdOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--id",
        metavar="ASSET_ID",
        callback=ids,
        help="Select this asset. Repeat the option for more.",
        rich_help_panel=PANEL,
    ),
]
MinBytes = Annotated[
    int | None, typer.Option("--min-bytes", min=0, help="Select files of this size or more.", rich_help_panel=PANEL)
]
MaxBytes = Annotated[
    int | None, typer.Option("--max-bytes", min=0, help="Select files of this size or less.", rich_help_panel=PANEL)
]
MinWidth = Annotated[
    int | None, typer.Option("--min-width", min=0, help="Select by smallest width, in pixels.", rich_help_panel=PANEL)
]
MaxWidth = Annotated[
    int | None, typer.Option("--max-width", min=0, help="Select by largest width, in pixels.", rich_help_panel=PANEL)
]
MinHeight = Annotated[
    int | None,
    typer.Option("--min-height", min=0, help="Select by smallest height, in pixels.", rich_help_panel=PANEL),
]
MaxHeight = Annotated[
    int | None, typer.Option("--max-height", min=0, help="Select by largest height, in pixels.", rich_help_panel=PANEL)
]
OfAspect = Annotated[
    Literal["square", "landscape", "portrait"] | None,
    typer.Option("--aspect", help="Select by shape.", rich_help_panel=PANEL),
]
Mimes = Annotated[
    list[str] | None,
    typer.Option(
        "--mime",
        metavar="TYPE",
        help="Select by media type, such as image/png or image/*. Repeat the option for more.",
        rich_help_panel=PANEL,
    ),
]
OfKind = Annotated[
    Literal["Image", "Video"] | None, typer.Option("--kind", help="Select by kind.", rich_help_panel=PANEL)
]
UploadedAfter = Annotated[
    datetime | None,
    typer.Option("--uploaded-after", help="Select assets uploaded at this time (UTC) or later.", rich_help_panel=PANEL),
]
UploadedBefore = Annotated[
    datetime | None,
    typer.Option("--uploaded-before", help="Select assets uploaded before this time (UTC).", rich_help_panel=PANEL),
]
NameLike = Annotated[
    str | None,
    typer.Option("--name", metavar="PATTERN", help="Select by name, such as '*.png'.", rich_help_panel=PANEL),
]
Statuses = Annotated[
    list[str] | None,
    typer.Option(
        "--status", metavar="STATUS", help="Select by status. Repeat the option for more.", rich_help_panel=PANEL
    ),
]

SortBy = Annotated[
    Literal["assetId", "filename", "lastModified.contents", "metadata.fileSize"] | None,
    typer.Option("--sort-by", help="Sort by this field.", show_default="assetId"),
]
Descending = Annotated[bool, typer.Option("--descending", help="Sort in descending order.")]
AssetsLimit = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="List at most N assets; 0 lists all.")]
PageOf = Annotated[
    int | None,
    typer.Option(
        "--page-size", min=1, max=1000, help="Request this many assets per page.", show_default="chosen by the limit"
    ),
]
Url = Annotated[bool, typer.Option("--url", help="Add a signed URL of the file, and its expiry.")]
WaitForAsset = Annotated[bool, typer.Option("--wait", help="Wait until Vi has processed the asset.")]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0, help="With --wait, wait at most this long.")
]
Until = Annotated[
    list[str] | None,
    typer.Option(
        "--until",
        metavar="STATUS",
        help="With --wait, wait for this upload status. Repeat the option for more.",
        show_default="completed, and its synonyms",
    ),
]
ByDate = Annotated[
    bool, typer.Option("--by-date", help="Put files into a folder for each day of upload, such as 2026/11/21/.")
]
Into = Annotated[
    str,
    typer.Argument(
        metavar="DIR|S3_PREFIX", help="Folder, created if missing, or s3://BUCKET/PREFIX.", show_default=False
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Download files that exist already, and replace them.")]
CompareWith = Annotated[
    str,
    typer.Argument(
        metavar="DIR|S3_PREFIX", help="Folder or s3://BUCKET/PREFIX with downloaded files.", show_default=False
    ),
]
ExpectCount = Annotated[
    int | None,
    typer.Option(
        "--expect-count",
        metavar="N",
        min=0,
        help="Abort unless exactly N assets match.",
        show_default="any number",
    ),
]

# The parameters of a command, with their options: queries that Vi answers, IDs, and conditions checked afterwards.
VI_QUERY_OPTIONS: dict[str, Any] = {
    "filter": Filter,
    "metadata_query": MetadataQuery,
    "rule_query": RuleQuery,
    "strict_query": StrictQuery,
}
ID_OPTIONS: dict[str, Any] = {"ids": AssetIdOptions}
CONDITION_OPTIONS: dict[str, Any] = {
    "min_bytes": MinBytes,
    "max_bytes": MaxBytes,
    "min_width": MinWidth,
    "max_width": MaxWidth,
    "min_height": MinHeight,
    "max_height": MaxHeight,
    "aspect": OfAspect,
    "mime": Mimes,
    "kind": OfKind,
    "uploaded_after": UploadedAfter,
    "uploaded_before": UploadedBefore,
    "filename": NameLike,
    "status": Statuses,
}


@dataclass(frozen=True)
class AssetSelection:
    """The values of the options that select assets, by parameter."""

    given: Mapping[str, Any]

    def where(self) -> Where | None:
        """Return the conditions that are checked after Vi has answered; raises `CommandFailed`."""
        from assetline.assets.conditions import Where  # noqa: PLC0415 - it imports pydantic, and help needs none

        conditions = {name: _value(value) for name, value in self.given.items() if name in CONDITION_OPTIONS}
        with selection_errors():
            return Where(**conditions) if conditions else None

    def vi_query(self) -> dict[str, Any]:
        """Return the queries that Vi answers."""
        return {name: value for name, value in self.given.items() if name in VI_QUERY_OPTIONS}

    def of(self, dataset_id: str) -> Selection:
        """Return the selected assets of a dataset; raises `CommandFailed`."""
        from assetline.assets.selection import Selection  # noqa: PLC0415 - as above

        where, asset_ids = self.where(), self.given.get("ids")
        with selection_errors():
            return Selection(dataset_id=dataset_id, **self.vi_query(), ids=asset_ids, where=where)


def selection_options(**tables: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of *tables*; it gets their values as `selection`, an `AssetSelection`."""

    def given_to(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def with_options(**given: Any) -> None:
            values = {name: given.pop(name) for name in tables}
            chosen = {name: value for name, value in values.items() if _was_given(value)}
            command(**given, selection=AssetSelection(chosen))

        hints = get_type_hints(command, include_extras=True)
        own = [each for name, each in inspect.signature(command).parameters.items() if name != "selection"]
        kind = inspect.Parameter.KEYWORD_ONLY
        options_ = [
            inspect.Parameter(name, kind, default=None, annotation=annotation) for name, annotation in tables.items()
        ]
        parameters = [each.replace(kind=kind, annotation=hints[each.name]) for each in own] + options_
        with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {each.name: each.annotation for each in parameters}
        return with_options

    return given_to


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


@contextmanager
def selection_errors() -> Iterator[None]:
    """Report the errors of a selection in one sentence; raises `CommandFailed`."""
    from pydantic import ValidationError  # noqa: PLC0415 - as above

    try:
        yield
    except ValidationError as error:
        reasons = "; ".join(
            f"{'.'.join(map(str, each['loc']))} {each['msg']}".strip().removeprefix("Value error, ")
            for each in error.errors(include_url=False, include_input=False)
        )
        raise CommandFailed(f"Invalid selection of assets: {reasons}.") from None


def _was_given(value: Any) -> bool:
    return value is not None and value is not False and value != []
