"""The time until code runs: the import of each function, and `assetline --help`, each in a process of its own.

Modules are compiled, as `make build` and the installation of a command leave them.

.venv/bin/python -m benchmarks.startup
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
RUNS = 5
CANDIDATES = 3  # functions that may be the slowest, by their first import
# The layer does not have click, without which httpx does not import its command and the packages that this needs.
_IMPORT = """
import sys, time
sys.modules["click"] = None
at = time.perf_counter()
import functions.{}.app
print(time.perf_counter() - at)
"""


def measure() -> dict[str, float]:
    """Return `cold_start_ms` (the slowest import of a function) and `help_ms`, each the fastest of some runs."""
    with tempfile.TemporaryDirectory(prefix="assetline-") as compiled:
        keeping = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment = {
            **keeping,
            "PYTHONPYCACHEPREFIX": compiled,
            "STACK_NAME": "benchmark",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/assetline'}",
        }
        for function in FUNCTIONS:
            _import_seconds(function, environment)  # compiles
        once = {function: _import_seconds(function, environment) for function in FUNCTIONS}
        slowest = sorted(FUNCTIONS, key=lambda function: once[function])[-CANDIDATES:]
        imports = [min(_import_seconds(function, environment) for _ in range(RUNS)) for function in slowest]
        return {
            "cold_start_ms": round(max(imports) * 1000),
            "help_ms": round(min(_help_seconds(environment) for _ in range(1 + RUNS)) * 1000),  # the first compiles
        }


def _import_seconds(function: str, environment: Mapping[str, str]) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT.format(function)],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout)


def _help_seconds(environment: Mapping[str, str]) -> float:
    command: list[str | Path] = [Path(sys.executable).with_name("assetline"), "--help"]
    started = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))  # noqa: T201 - the figures are the output
