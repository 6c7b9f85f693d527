"""Options that say which assets are meant, the same ones for every command that takes them."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, get_type_hints

from pydantic import ValidationError

from assetline.assets.conditions import Where
from assetline.assets.selection import Selection
from assetline_cli.assets import options
from assetline_cli.errors import SelectionMalformed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# What Vi is asked, and what its answer is held against: the parameter of a command, and what it goes by.
ASKED: dict[str, Any] = {
    "filter": options.Filter,
    "metadata_query": options.MetadataQuery,
    "rule_query": options.RuleQuery,
    "strict_query": options.StrictQuery,
}
NAMED: dict[str, Any] = {"ids": options.Ids}
WHERE: dict[str, Any] = {
    "min_bytes": options.MinBytes,
    "max_bytes": options.MaxBytes,
    "min_width": options.MinWidth,
    "max_width": options.MaxWidth,
    "min_height": options.MinHeight,
    "max_height": options.MaxHeight,
    "aspect": options.OfAspect,
    "mime": options.Mimes,
    "kind": options.OfKind,
    "uploaded_after": options.UploadedAfter,
    "uploaded_before": options.UploadedBefore,
    "filename": options.NameLike,
    "status": options.Statuses,
}


@dataclass(frozen=True)
class Meant:
    """What was given of the options, by parameter."""

    given: Mapping[str, Any]

    def where(self) -> Where | None:
        """Return the conditions that Vi is not asked about; raises `SelectionMalformed`."""
        told = {name: _value(value) for name, value in self.given.items() if name in WHERE}
        with understood():
            return Where(**told) if told else None

    def asked(self) -> dict[str, Any]:
        """Return what Vi is asked."""
        return {name: value for name, value in self.given.items() if name in ASKED}

    def of(self, dataset_id: str) -> Selection:
        """Return which assets of a dataset are meant.

        Raises:
            SelectionMalformed: it cannot be understood.
        """
        where, ids = self.where(), self.given.get("ids")
        with understood():
            return Selection(dataset_id=dataset_id, **self.asked(), ids=ids, where=where)


def selecting(**tables: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of *tables*; what is given of them it gets as `meant`, a `Meant`."""

    def given_to(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def with_options(**given: Any) -> None:
            told = {name: given.pop(name) for name in tables}
            command(**given, meant=Meant({name: value for name, value in told.items() if _was_given(value)}))

        hints = get_type_hints(command, include_extras=True)
        own = [one for name, one in inspect.signature(command).parameters.items() if name != "meant"]
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
def understood() -> Iterator[None]:
    """Say in one sentence what cannot be understood; raises `SelectionMalformed`."""
    try:
        yield
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip().removeprefix("Value error, ")
            for one in error.errors(include_url=False, include_input=False)
        )
        raise SelectionMalformed(f"Which assets are meant cannot be understood: {told}.") from None


def _was_given(value: Any) -> bool:
    return value is not None and value is not False and value != []
