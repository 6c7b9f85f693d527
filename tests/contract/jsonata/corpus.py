"""The JSONata expressions of the machines, and the evaluations of them that were recorded in real runs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.stack.lifecycle import LOCAL_PARAMETERS
from tests.contract.template import MACHINES, machine

RECORDED = Path(__file__).with_name("recorded.jsonl")


def expressions() -> set[str]:
    """Return every JSONata expression of every machine, with the parameters of the local stack."""
    return {text for path in MACHINES for text in _expressions(machine(path))}


def evaluations() -> list[dict[str, Any]]:
    """Return the recorded evaluations: `expression`, `states`, `variables`, and `result` or `error`."""
    return [json.loads(line) for line in RECORDED.read_text().splitlines()]


def _expressions(node: Any) -> Iterator[str]:
    match node:
        case dict():
            for inner in node.values():
                yield from _expressions(inner)
        case list():
            for inner in node:
                yield from _expressions(inner)
        case str() if node.startswith("{%") and node.endswith("%}"):
            yield node[2:-2].strip().replace("${GatherSeconds}", LOCAL_PARAMETERS["GatherSeconds"])
