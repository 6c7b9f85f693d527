"""What the operator asks for, in the shape the state machine takes it."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from assetline_cli.errors import ParamMalformed

NAME_CHARS = 80  # Step Functions: the longest execution name
NAME_TAIL = len("-20261121-003012-1a2b")

type Params = dict[str, str | list[str]]


@dataclass(frozen=True)
class ExportRequest:
    """One export, as asked for; what was not given stays None and is left to the machine."""

    feed: str
    params: Params | None = None
    format: str | None = None
    page_size: int | None = None
    max_turn_seconds: float | None = None

    def input(self) -> str:
        """Return the input of the execution, without what was not given."""
        given = {
            "feed": self.feed,
            "params": self.params or None,
            "format": self.format,
            "page_size": self.page_size,
            "max_turn_seconds": self.max_turn_seconds,
        }
        return json.dumps({name: value for name, value in given.items() if value is not None})

    def execution_name(self, at: datetime, tag: str) -> str:
        """Return a name that tells feed and time to who reads the list of executions; *tag* makes it unique."""
        feed = re.sub(r"[^A-Za-z0-9_-]+", "-", self.feed)[: NAME_CHARS - NAME_TAIL]
        return f"{feed}-{at.astimezone(UTC):%Y%m%d-%H%M%S}-{tag}"


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
