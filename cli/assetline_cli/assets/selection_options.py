"""Options that say which assets are selection, the same ones for every command that takes them."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer
from pydantic import ValidationError

from assetline.assets.conditions import Where
from assetline.assets.selection import Selection
from assetline_cli.errors import CommandFailed
from assetline_cli.options import an_id, ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PANEL = "Which assets"

Dataset = Annotated[
    str, typer.Argument(metavar="DATASET", callback=an_id, help="The Vi dataset, by its id.", show_default=False)
]

Filter = Annotated[
    str | None, typer.Option("--filter", metavar="FILTER", help="Asked of Vi as it is.", rich_help_panel=PANEL)
]
MetadataQuery = Annotated[
    str | None, typer.Option("--metadata-query", metavar="QUERY", help="Asked of Vi as it is.", rich_help_panel=PANEL)
]
RuleQuery = Annotated[
    str | None, typer.Option("--rule-query", metavar="QUERY", help="Asked of Vi as it is.", rich_help_panel=PANEL)
]
StrictQuery = Annotated[bool, typer.Option("--strict-query", help="Have Vi match strictly.", rich_help_panel=PANEL)]
Ids = Annotated[
    list[str] | None,
    typer.Option(
        "--id",
        metavar="ASSET_ID",
        callback=ids,
        help="This asset; repeat the option for more.",
        rich_help_panel=PANEL,
    ),
]
MinBytes = Annotated[
    int | None, typer.Option("--min-bytes", min=0, help="Of this size or more.", rich_help_panel=PANEL)
]
MaxBytes = Annotated[
    int | None, typer.Option("--max-bytes", min=0, help="Of this size or less.", rich_help_panel=PANEL)
]
MinWidth = Annotated[int | None, typer.Option("--min-width", min=0, help="In pixels.", rich_help_panel=PANEL)]
MaxWidth = Annotated[int | None, typer.Option("--max-width", min=0, help="In pixels.", rich_help_panel=PANEL)]
MinHeight = Annotated[int | None, typer.Option("--min-height", min=0, help="In pixels.", rich_help_panel=PANEL)]
MaxHeight = Annotated[int | None, typer.Option("--max-height", min=0, help="In pixels.", rich_help_panel=PANEL)]
OfAspect = Annotated[
    Literal["square", "landscape", "portrait"] | None,
    typer.Option("--aspect", help="Of this shape.", rich_help_panel=PANEL),
]
Mimes = Annotated[
    list[str] | None,
    typer.Option(
        "--mime", metavar="TYPE", help="Such as image/png or image/*; or any of several.", rich_help_panel=PANEL
    ),
]
OfKind = Annotated[
    Literal["Image", "Video"] | None, typer.Option("--kind", help="Of this kind.", rich_help_panel=PANEL)
]
UploadedAfter = Annotated[
    datetime | None,
    typer.Option("--uploaded-after", help="Uploaded then or later (UTC).", rich_help_panel=PANEL),
]
UploadedBefore = Annotated[
    datetime | None, typer.Option("--uploaded-before", help="Uploaded before then (UTC).", rich_help_panel=PANEL)
]
NameLike = Annotated[
    str | None, typer.Option("--name", metavar="PATTERN", help="Whose name is such as '*.png'.", rich_help_panel=PANEL)
]
Statuses = Annotated[
    list[str] | None,
    typer.Option("--status", metavar="STATUS", help="In this status; or any of several.", rich_help_panel=PANEL),
]
AssetId = Annotated[
    str, typer.Argument(metavar="ASSET", callback=an_id, help="The asset, by its id.", show_default=False)
]
NewName = Annotated[str, typer.Argument(metavar="NAME", help="What it is called from now on.", show_default=False)]

SortBy = Annotated[
    Literal["assetId", "filename", "lastModified.contents", "metadata.fileSize"] | None,
    typer.Option("--sort-by", help="What Vi sorts by.", show_default="assetId"),
]
Descending = Annotated[bool, typer.Option("--descending", help="The last first.")]
AssetsLimit = Annotated[int, typer.Option("--limit", metavar="N", min=0, help="How many at most; 0 for all.")]
PageOf = Annotated[
    int | None,
    typer.Option("--page-size", min=1, max=1000, help="Assets that Vi lists at a time.", show_default="what suits"),
]
Url = Annotated[bool, typer.Option("--url", help="Also a fresh signed URL of the file, and when it ends.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until Vi has processed it.")]
Timeout = Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=0, help="How long to wait at most.")]
Until = Annotated[
    list[str] | None,
    typer.Option(
        "--until",
        metavar="STATUS",
        help="The upload status to wait for; or any of several.",
        show_default="completed, and words like it",
    ),
]
ByDate = Annotated[bool, typer.Option("--by-date", help="A folder for each day of upload: 2026/11/21/.")]

# What Vi is asked, and what its answer is held against: the parameter of a command, and what it goes by.
VI_QUERY_OPTIONS: dict[str, Any] = {
    "filter": Filter,
    "metadata_query": MetadataQuery,
    "rule_query": RuleQuery,
    "strict_query": StrictQuery,
}
ID_OPTIONS: dict[str, Any] = {"ids": Ids}
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
    """What was given of the options, by parameter."""

    given: Mapping[str, Any]

    def where(self) -> Where | None:
        """Return the conditions that Vi is not asked about; raises `CommandFailed`."""
        told = {name: _value(value) for name, value in self.given.items() if name in CONDITION_OPTIONS}
        with selection_errors():
            return Where(**told) if told else None

    def asked(self) -> dict[str, Any]:
        """Return what Vi is asked."""
        return {name: value for name, value in self.given.items() if name in VI_QUERY_OPTIONS}

    def of(self, dataset_id: str) -> Selection:
        """Return which assets of a dataset are selection.

        Raises:
            CommandFailed: it cannot be understood.
        """
        where, ids = self.where(), self.given.get("ids")
        with selection_errors():
            return Selection(dataset_id=dataset_id, **self.asked(), ids=ids, where=where)


def selection_options(**tables: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of *tables*; what is given of them it gets as `selection`, an `AssetSelection`."""

    def given_to(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def with_options(**given: Any) -> None:
            values = {name: given.pop(name) for name in tables}
            chosen = {name: value for name, value in values.items() if _was_given(value)}
            command(**given, selection=AssetSelection(chosen))

        hints = get_type_hints(command, include_extras=True)
        own = [one for name, one in inspect.signature(command).parameters.items() if name != "selection"]
        kind = inspect.Parameter.KEYWORD_ONLY
        options_ = [
            inspect.Parameter(name, kind, default=None, annotation=annotation) for name, annotation in tables.items()
        ]
        parameters = [one.replace(kind=kind, annotation=hints[one.name]) for one in own] + options_
        with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {one.name: one.annotation for one in parameters}
        return with_options

    return given_to


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


@contextmanager
def selection_errors() -> Iterator[None]:
    """Say in one sentence what cannot be understood; raises `CommandFailed`."""
    try:
        yield
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip().removeprefix("Value error, ")
            for one in error.errors(include_url=False, include_input=False)
        )
        raise CommandFailed(f"Which assets are meant cannot be understood: {told}.") from None


def _was_given(value: Any) -> bool:
    return value is not None and value is not False and value != []
