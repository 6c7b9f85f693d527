"""What the operator asks for, in the shape the state machines take it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from assetline_cli.errors import ParamMalformed

NAME_CHARS = 80  # Step Functions: the longest execution name
NAME_TAIL = len("-20261121-003012-1a2b")
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
class SeveralRequest:
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


type Request = ExportRequest | ResumeRequest | SeveralRequest | AssetsExportRequest


def _given(asked: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in asked.items() if value is not None and value != {}})


def execution_name(subject: str, at: datetime, tag: str) -> str:
    """Return a name that tells subject and time to who reads the list of executions; *tag* makes it unique."""
    subject = re.sub(r"[^A-Za-z0-9_-]+", "-", subject)[: NAME_CHARS - NAME_TAIL]
    return f"{subject}-{at.astimezone(UTC):%Y%m%d-%H%M%S}-{tag}"


def parse_params(given: Sequence[str]) -> Params:
    """Read NAME=VALUE arguments; a name given more than once has all its values, in order.

    Raises:
        ParamMalformed: one has no `=`, or nothing before it.
    """
    params: Params = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise ParamMalformed(f"--param {text!r} is not NAME=VALUE: write, for example, --param archived=both.")
        before = params.get(name)
        params[name] = value if before is None else [*([before] if isinstance(before, str) else before), value]
    return params
