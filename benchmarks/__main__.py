"""`make bench`: what an export costs in time, memory and money, as a table and as `.local/bench.json`."""

import json
import operator
import os
import platform
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import memory, prices, rendering, walls
from benchmarks.readme import with_section

ROOT = Path(__file__).parents[1]
REPORT = ROOT / ".local/bench.json"

ABOUT = {
    "render_vs_stdlib": "rows/s from page to CSV, over json + re + csv.DictWriter, one core",
    "wall_vs_floor": "wall of a whole export, 200 pages at 50 ms, over a bare loop that fetches them",
    "overlap_gain": "the same where a page takes 25 ms to its first byte and 25 ms to stream",
    "page_size_gain": "wall at the page size it found, over wall at 100 a page",
    "rss_growth": "peak memory of write_pages over 1,000,000 rows, over 100,000",
    "peak_mib": "that peak, the whole process, in MiB",
    "events_per_million": "history events for 1,000,000 assets at 100 a page and 0.45 s a page",
    "usd_per_million": "Lambda, Step Functions, S3 and DynamoDB for the same, in US dollars",
}
TARGETS = {
    "render_vs_stdlib": ">= 6",
    "wall_vs_floor": "<= 1.03",
    "overlap_gain": "<= 0.6",
    "page_size_gain": "<= 0.15",
    "rss_growth": "<= 1.1",
    "peak_mib": "<= 200",
    "events_per_million": "<= 150",
}
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {">=": operator.ge, "<=": operator.le}


def is_met(key: str, figure: float) -> bool:
    """Say whether a figure meets its target; one without a target does."""
    if key not in TARGETS:
        return True
    comparison, bound = TARGETS[key].split()
    return _COMPARE[comparison](figure, float(bound))


def measured(say: Callable[[str], None]) -> dict[str, Any]:
    """Measure everything and return the report."""
    details: dict[str, float] = {}
    for name, measure in (
        ("rendering", rendering.measure),
        ("memory", memory.measure),
        ("whole exports", walls.measure),
    ):
        say(f"Measuring {name}.")
        details |= measure()
    million = prices.million(details["write_pages_bytes_per_row"])
    details["events_per_million"] = prices.events(details["events_beside"], details["events_a_turn"])
    details["usd_per_million"] = round(sum(million.usd().values()), 3)
    return {
        "measured_at": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": {"cores": os.process_cpu_count(), "python": platform.python_version()},
        "figures": {key: details.pop(key) for key in ABOUT},
        "targets": TARGETS,
        "about": ABOUT,
        "details": details | {f"usd_{service}": round(usd, 4) for service, usd in million.usd().items()},
    }


def table_of(report: Mapping[str, Any]) -> Table:
    """Return the report as a table for people."""
    table = Table("figure", "measured", "target", "", "what it is", box=None)
    for key, figure in report["figures"].items():
        mark = "" if key not in TARGETS else "met" if is_met(key, figure) else "MISSED"
        table.add_row(key, f"{figure:g}", TARGETS.get(key, ""), mark, ABOUT[key])
    return table


def main(
    readme: Annotated[bool, typer.Option(help="Put the last figures into the README, and measure nothing.")] = False,
) -> None:
    """Measure everything; exit status 1 when a target is missed."""
    console = Console()
    if readme:
        path = ROOT / "README.md"
        path.write_text(with_section(path.read_text(), json.loads(REPORT.read_text())))
        return
    report = measured(console.print)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(report, indent=2) + "\n")
    console.print(table_of(report))
    if not all(is_met(key, figure) for key, figure in report["figures"].items()):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
