"""What the operator asks for, in the shape the state machines take it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import typer

from assetline_cli.errors import CommandFailed
from assetline_cli.executions import execution_name

EVERY_FEED = "all"

type Params = dict[str, str | list[str]]


@dataclass(frozen=True)
class ExportRequest:
    """One export, as asked for; what was not given stays None and is left to the machine."""

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
        """What is said to be done."""
        return f"Exporting {self.feed}"

    def input(self) -> str:
        """Return the input of the execution, without what was not given."""
        return _given(asdict(self))

    def execution_name(self, at: datetime, tag: str) -> str:
        """Return a name that tells feed and time to who reads the list of executions; *tag* makes it unique."""
        return execution_name(self.feed, at, tag)


@dataclass(frozen=True)
class ResumeRequest:
    """An export that failed, to go on where it was."""

    export_id: str
    max_turn_seconds: float | None = None

    @property
    def title(self) -> str:
        """What is said to be done."""
        return f"Resuming {self.export_id}"

    def input(self) -> str:
        """Return the input of the execution, without what was not given."""
        return _given({"resume": self.export_id, "max_turn_seconds": self.max_turn_seconds})

    def execution_name(self, at: datetime, tag: str) -> str:
        """Return a name that tells export and time to who reads the list of executions; *tag* makes it unique."""
        return execution_name(self.export_id, at, tag)


@dataclass(frozen=True)
class FeedsRequest:
    """Several feeds, or all, side by side; what was not given stays None and is left to the machine."""

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
        """What is said to be done."""
        return "Exporting all feeds" if self.feeds == (EVERY_FEED,) else f"Exporting {len(self.feeds)} feeds"

    def input(self) -> str:
        """Return the input of the execution, without what was not given."""
        feeds = EVERY_FEED if self.feeds == (EVERY_FEED,) else self.feeds
        return _given(asdict(self) | {"feeds": feeds})

    def execution_name(self, at: datetime, tag: str) -> str:
        """Return a name that tells the time to who reads the list of executions; *tag* makes it unique."""
        return execution_name("feeds", at, tag)


@dataclass(frozen=True)
class AssetsExportRequest:
    """The assets of a Vi dataset, exported; *asked* is the input of the machine beside the dataset."""

    dataset_id: str
    asked: Mapping[str, Any]

    @property
    def title(self) -> str:
        """What is said to be done."""
        return f"Exporting the assets of {self.dataset_id}"

    def input(self) -> str:
        """Return the input of the execution, without what was not given."""
        return _given({"source": "vi", "dataset_id": self.dataset_id, **self.asked})

    def execution_name(self, at: datetime, tag: str) -> str:
        """Return a name that tells dataset and time to who reads the list of executions; *tag* makes it unique."""
        return execution_name(f"vi-{self.dataset_id}", at, tag)


type Request = ExportRequest | ResumeRequest | FeedsRequest | AssetsExportRequest


def _given(asked: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in asked.items() if value is not None and value != {}})


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
            raise CommandFailed(f"--param {text!r} is not NAME=VALUE: write, for example, --param archived=both.")
        before = params.get(name)
        params[name] = value if before is None else [*([before] if isinstance(before, str) else before), value]
    return params


@dataclass(frozen=True)
class ExportOptions:
    """What was given on the command line; None where nothing was."""

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
        """Return what is asked for.

        Raises:
            typer.BadParameter: what was given does not go together.
            CommandFailed: see `parse_params`.
        """
        if self.resume is not None:
            return self._resume(self.resume)
        if self.since and self.changes:
            raise typer.BadParameter(
                "it compares whole exports, so it does not go with --since", param_hint="--changes"
            )
        feeds = tuple(dict.fromkeys(self.feeds))
        if not feeds:
            raise typer.BadParameter("name a feed, several, or all; or give --resume", param_hint="FEED")
        if len(feeds) > 1 or feeds == (EVERY_FEED,):
            return self._several(feeds)
        return self._one(feeds[0])

    def _one(self, feed: str) -> ExportRequest:
        return ExportRequest(
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

    def _several(self, feeds: tuple[str, ...]) -> FeedsRequest:
        if EVERY_FEED in feeds and len(feeds) > 1:
            raise typer.BadParameter("all is every feed: name no other beside it", param_hint="FEED")
        self._only("with several feeds: export that feed by itself", without=("param", "page_size"))
        return FeedsRequest(
            feeds,
            format=self.format,
            max_turn_seconds=self.max_turn_seconds,
            since=self.since,
            neutralise_formulas=self.neutralise_formulas,
            changes=self.changes,
            overlap_minutes=self.overlap_minutes,
            excel=self.excel,
        )

    def _resume(self, export_id: str) -> ResumeRequest:
        if self.feeds:
            raise typer.BadParameter("an export that is resumed has its feed: give no FEED", param_hint="--resume")
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
        self._only("with --resume: the export keeps what it began with", without=settled)
        return ResumeRequest(export_id, self.max_turn_seconds)

    def _only(self, where: str, without: Sequence[str]) -> None:
        for name in without:
            if getattr(self, name):
                raise typer.BadParameter(f"it does not go {where}", param_hint=f"--{name.replace('_', '-')}")
