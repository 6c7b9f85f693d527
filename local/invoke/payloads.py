"""The payloads of `events/`, and what `events/runs.json` declares about them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from local.invoke.errors import InvocationRefused
from local.paths import ROOT

EVENTS = ROOT / "events"
FUNCTIONS = ROOT / "functions"
RUNS = EVENTS / "runs.json"


@dataclass(frozen=True)
class Payload:
    """A payload of a function, and the runs that come before it.

    - `after`: the payloads to run first, in order, as `FUNCTION/NAME`
    - `take`: the path of a value in this payload, and the answer that it comes from, as `FUNCTION:PATH`
    - `needs`: the preparations (see `local.invoke.preparations`)
    - `fails`: the name of the error that the function raises, empty for a success
    """

    function: str
    name: str
    path: Path
    after: Sequence[str] = ()
    take: dict[str, str] = field(default_factory=dict)
    needs: Sequence[str] = ()
    fails: str = ""

    @property
    def key(self) -> str:
        """The function and the name, as the tables name a payload."""
        return f"{self.function}/{self.name}"

    def read(self) -> Any:
        """Return the payload as the file has it."""
        try:
            return json.loads(self.path.read_text())
        except (OSError, ValueError) as error:
            raise InvocationRefused(f"cannot read the payload {self.path}: {error}") from error


@cache
def functions() -> tuple[str, ...]:
    """Return the names of the functions, which are the folders of `functions/`."""
    return tuple(sorted(app.parent.name for app in FUNCTIONS.glob("*/app.py")))


@cache
def payloads() -> dict[str, Payload]:
    """Return all payloads of `events/`, by key."""
    declared = json.loads(RUNS.read_text())
    found = {}
    for path in sorted(EVENTS.glob("*/*.json")):
        payload = Payload(path.parent.name, path.stem, path, **declared.get(f"{path.parent.name}/{path.stem}", {}))
        found[payload.key] = payload
    return found


def requested(function: str, event: str) -> Payload:
    """Return the payload that *function* and *event* name; *event* may also be the path of a JSON file.

    Raises:
        InvocationRefused: there is none; the message lists the names.
    """
    if function not in functions():
        raise InvocationRefused(_unknown("function", "F", function, functions()))
    if event.endswith(".json"):
        return Payload(function, Path(event).stem, Path(event))
    names = [payload.name for payload in payloads().values() if payload.function == function]
    if not event and len(names) == 1:
        event = names[0]
    if event not in names:
        raise InvocationRefused(_unknown(f"payload of {function}", "E", event, names))
    return payloads()[f"{function}/{event}"]


def steps(payload: Payload) -> list[Payload]:
    """Return the runs that come before a payload, and the payload itself."""
    return [*(payloads()[key] for key in payload.after), payload]


def chains() -> list[Payload]:
    """Return the last payloads of the fewest chains that run every payload once at least, the longest chains first."""
    covered: set[str] = set()
    found = []
    for payload in sorted(payloads().values(), key=lambda payload: (-len(payload.after), payload.key)):
        if payload.key not in covered:
            found.append(payload)
            covered |= {step.key for step in steps(payload)}
    return found


def _unknown(kind: str, variable: str, value: str, names: Iterable[str]) -> str:
    names = list(names)
    what = f"Unknown {kind} {value!r}." if value else f"No {kind} is named."
    near = get_close_matches(value, names, n=1)
    guess = f" Did you mean {variable}={near[0]}?" if near else ""
    return f"{what}{guess} Choose {variable} from: {', '.join(names)}."
