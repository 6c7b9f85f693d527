"""Renew `recorded.jsonl` from what the local stack recorded: `python -m tests.contract.jsonata RECORDING`.

Of each expression of a machine, the smallest evaluation of each kind is kept, with those inputs only that the
expression names. An empty array, an array of one and a longer one are of different kinds.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from tests.contract.jsonata.corpus import RECORDED, expressions


def kind(value: Any) -> Any:
    """Return the kind of a value: the kinds of its members, and of an array whether it holds none, one or more."""
    match value:
        case dict():
            return sorted((name, repr(kind(inner))) for name, inner in value.items())
        case list():
            return min(len(value), 2)
        case bool() | None:
            return value
        case _:
            return type(value).__name__


def named(evaluation: dict[str, Any]) -> dict[str, Any]:
    """Return an evaluation with those inputs only that its expression names."""
    names = {*re.findall(r"\$(\w+)", evaluation["expression"])}
    parts = {*re.findall(r"\$states\.(\w+)", evaluation["expression"])}
    return evaluation | {
        "states": {part: value for part, value in evaluation["states"].items() if part in parts},
        "variables": {name: value for name, value in evaluation["variables"].items() if name in names},
    }


def portable(value: Any) -> Any:
    """Return a value without the tracebacks in its causes, which are JSON in text: they hold the paths of a machine."""
    match value:
        case dict():
            return {name: portable(inner) for name, inner in value.items() if name != "stackTrace"}
        case list():
            return [portable(inner) for inner in value]
        case str() if value.startswith("{"):
            try:
                return json.dumps(portable(json.loads(value)))
            except ValueError:
                return value
        case _:
            return value


def reduced(lines: list[str]) -> list[str]:
    """Return the smallest evaluation of each expression and kind, as lines of JSON."""
    expected, kept = expressions(), dict[str, str]()
    evaluations = [portable(named(item)) for item in map(json.loads, lines) if item["expression"] in expected]
    complete = {line for line in map(json.dumps, evaluations) if "stackTrace" not in line}  # else a cause was cut short
    for line in sorted(complete, key=lambda line: (len(line), line)):
        kept.setdefault(repr([*kind(json.loads(line)), json.loads(line)["expression"]]), line)
    return sorted(kept.values())


if __name__ == "__main__":
    RECORDED.write_text("\n".join(reduced(Path(sys.argv[1]).read_text().splitlines())) + "\n")
