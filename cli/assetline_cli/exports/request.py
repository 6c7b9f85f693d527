"""Requests for exports, in the shape of the state machines' input."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import typer

from assetline_cli.errors import CommandFailed
from assetline_cli.executions import FEEDS_SUBJECT, execution_name

EVERY_FEED = "all"

type Params = dict[str, str | list[str]]


@dataclass(frozen=True)
class ExportArguments:
    """A request for one export; None leaves a value to the machine."""

    feed: str
    params: Params | None = None
    format: str | None = None
    page_size: int | None = None
    max_turn_seconds: float | None = None
    since: str | None = None
    neutralise_formulas: bool | None = None
    changes: bool | None = None
    overlap_minutes: float | None = None
    excel: bool | None = None

    @property
    def title(self) -> str:
        """The heading of the progress."""
        return f"Exporting {self.feed}"

    def input(self) -> str:
        """Return the input of the execution, without omitted options."""
        return _given(asdict(self))

    def execution_name(self, at: datetime, tag: str) -> str:
        """Return a name with feed and time, for the list of executions; *tag* makes it unique."""
        return execution_name(self.feed, at, tag)


@dataclass(frozen=True)
class ResumeArguments:
    """A request to resume a failed export."""

    export_id: str
    max_turn_seconds: float | None = None

    @property
    def title(self) -> str:
        """The heading of the progress."""
        return f"Resuming {self.export_id}"

    def input(self) -> str:
        """Return the input of the execution, without omitted options."""
        return _given({"resume": self.export_id, "max_turn_seconds": self.max_turn_seconds})

    def execution_name(self, at: datetime, tag: str) -> str:
        """Return a name with export and time, for the list of executions; *tag* makes it unique."""
        return execution_name(self.export_id, at, tag)


@dataclass(frozen=True)
class FeedsArguments:
    """A request for several feeds, or all, side by side; None leaves a value to the machine."""

    feeds: tuple[str, ...]
    format: str | None = None
    max_turn_seconds: float | None = None
    since: str | None = None
    neutralise_formulas: bool | None = None
    changes: bool | None = None
    overlap_minutes: float | None = None
    excel: bool | None = None

    @property
    def title(self) -> str:
        """The heading of the progress."""
        return "Exporting all feeds" if self.feeds == (EVERY_FEED,) else f"Exporting {len(self.feeds)} feeds"

    def input(self) -> str:
        """Return the input of the execution, without omitted options."""
        feeds = EVERY_FEED if self.feeds == (EVERY_FEED,) else self.feeds
        return _given(asdict(self) | {"feeds": feeds})

    def execution_name(self, at: datetime, tag: str) -> str:
        """Return a name with the time, for the list of executions; *tag* makes it unique."""
        return execution_name(FEEDS_SUBJECT, at, tag)


@dataclass(frozen=True)
class AssetsExportArguments:
    """A request to export the assets of a Vi dataset; *options* is the rest of the machine's input."""

    dataset_id: str
    options: Mapping[str, Any]

    @property
    def title(self) -> str:
        """The heading of the progress."""
        return f"Exporting the assets of {self.dataset_id}"

    def input(self) -> str:
        """Return the input of the execution, without omitted options."""
        return _given({"source": "vi", "dataset_id": self.dataset_id, **self.options})

    def execution_name(self, at: datetime, tag: str) -> str:
        """Return a name with dataset and time, for the list of executions; *tag* makes it unique."""
        return execution_name(f"vi-{self.dataset_id}", at, tag)


type Request = ExportArguments | ResumeArguments | FeedsArguments | AssetsExportArguments


def _given(options: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in options.items() if value is not None and value != {}})


def parse_params(given: Sequence[str]) -> Params:
    """Read NAME=VALUE arguments; a name given more than once has all its values, in order.

    Raises:
        CommandFailed: one has no `=`, or nothing before it.
    """
    params: Params = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise CommandFailed(f"Invalid --param {text!r}. Use NAME=VALUE, for example --param archived=both.")
        earlier = params.get(name)
        params[name] = value if earlier is None else [*([earlier] if isinstance(earlier, str) else earlier), value]
    return params


@dataclass(frozen=True)
class ExportOptions:
    """The options on the command line; None where one was not given."""

    feeds: Sequence[str]
    resume: str | None
    param: Sequence[str] | None
    format: str | None
    page_size: int | None
    max_turn_seconds: float | None
    since: str | None
    neutralise_formulas: bool | None
    changes: bool | None
    overlap_minutes: float | None = None
    excel: bool | None = None

    def request(self) -> Request:
        """Return the request of the options.

        Raises:
            typer.BadParameter: options exclude each other.
            CommandFailed: see `parse_params`.
        """
        if self.resume is not None:
            return self._resume(self.resume)
        if self.since and self.changes:
            raise typer.BadParameter("Excludes --since: it compares complete exports.", param_hint="--changes")
        feeds = tuple(dict.fromkeys(self.feeds))
        if not feeds:
            raise typer.BadParameter("Name a feed, several feeds, or all.", param_hint="FEED")
        if len(feeds) > 1 or feeds == (EVERY_FEED,):
            return self._many_feeds(feeds)
        return self._single_feed(feeds[0])

    def _single_feed(self, feed: str) -> ExportArguments:
        return ExportArguments(
            feed,
            params=parse_params(self.param or ()),
            format=self.format,
            page_size=self.page_size,
            max_turn_seconds=self.max_turn_seconds,
            since=self.since,
            neutralise_formulas=self.neutralise_formulas,
            changes=self.changes,
            overlap_minutes=self.overlap_minutes,
            excel=self.excel,
        )

    def _many_feeds(self, feeds: tuple[str, ...]) -> FeedsArguments:
        if EVERY_FEED in feeds and len(feeds) > 1:
            raise typer.BadParameter("'all' means every feed. Do not name others.", param_hint="FEED")
        self._only("Not allowed with several feeds. Export that feed alone.", without=("param", "page_size"))
        return FeedsArguments(
            feeds,
            format=self.format,
            max_turn_seconds=self.max_turn_seconds,
            since=self.since,
            neutralise_formulas=self.neutralise_formulas,
            changes=self.changes,
            overlap_minutes=self.overlap_minutes,
            excel=self.excel,
        )

    def _resume(self, export_id: str) -> ResumeArguments:
        if self.feeds:
            raise typer.BadParameter("Excludes FEED: a resumed export keeps its feed.", param_hint="--resume")
        settled = (
            "param",
            "format",
            "page_size",
            "since",
            "overlap_minutes",
            "neutralise_formulas",
            "excel",
            "changes",
        )
        self._only("Not allowed with --resume: the export keeps its options.", without=settled)
        return ResumeArguments(export_id, self.max_turn_seconds)

    def _only(self, where: str, without: Sequence[str]) -> None:
        for name in without:
            if getattr(self, name):
                raise typer.BadParameter(f"{where}", param_hint=f"--{name.replace('_', '-')}")
