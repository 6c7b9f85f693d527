"""The options of `assetline export`, read as one of the three things they can ask for."""

from collections.abc import Sequence
from dataclasses import dataclass

import typer

from assetline_cli.exports.request import (
    EVERY_FEED,
    ExportRequest,
    Request,
    ResumeRequest,
    SeveralRequest,
    parse_params,
)


@dataclass(frozen=True)
class Asked:
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
            ParamMalformed: see `parse_params`.
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

    def _several(self, feeds: tuple[str, ...]) -> SeveralRequest:
        if EVERY_FEED in feeds and len(feeds) > 1:
            raise typer.BadParameter("all is every feed: name no other beside it", param_hint="FEED")
        self._only("with several feeds: export that feed by itself", without=("param", "page_size"))
        return SeveralRequest(
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
