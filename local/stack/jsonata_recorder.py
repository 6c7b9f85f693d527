"""Records every JSONata expression that MiniStack evaluates, with its input and its result, one JSON object a line.

`ministack_server.py` loads it by its path, in MiniStack's environment, when `ASSETLINE_RECORD_JSONATA` names a file.
`make record-jsonata` uses it to renew the corpus that `tests/contract/test_jsonata.py` replays.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

CONTEXT = ("Execution", "State", "StateMachine", "Map")  # the context object of Step Functions; the rest is MiniStack's


def recorded(evaluate: Callable[..., Any], file: Path) -> Callable[..., Any]:
    """Return *evaluate*, MiniStack's `_evaluate_jsonata`, that appends each call to *file*."""

    def recording(
        expression: str, raw_input: Any, ctx: Any = None, result: Any = None, error_output: Any = None
    ) -> Any:
        context = {name: ctx[name] for name in CONTEXT if ctx and name in ctx}
        states = {"input": raw_input, "result": result, "errorOutput": error_output, "context": context}
        line = {"expression": expression, "states": states, "variables": dict((ctx or {}).get("variables", {}))}
        try:
            line["result"] = answer = evaluate(expression, raw_input, ctx, result, error_output)
        except Exception as error:
            line["error"] = type(error).__name__
            raise
        finally:
            with file.open("a") as lines:
                lines.write(json.dumps(line, default=str) + "\n")
        return answer

    return recording
