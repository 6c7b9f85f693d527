"""`make bench`: the cost of exports and ingestions, as a table and in `.local/bench.json`.

Exports are measured in under six minutes, and so are ingestions, by `make bench-ingest`. Both fill one report.
"""

import json
import operator
import os
import platform
import signal
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import cost_page, datasets, ingest, memory, prices, rendering, startup, upload_memory, walls
from benchmarks.readme import with_section

ROOT = Path(__file__).parents[1]
REPORT = ROOT / ".local/bench.json"

ABOUT = {
    "render_vs_stdlib": "rows/s from page to CSV, over json + re + csv.DictWriter, one core",
    "wall_vs_floor": "wall of a complete export, 200 pages at 50 ms, over a bare loop that fetches them",
    "overlap_gain": "the same where a page takes 25 ms to its first byte and 25 ms to stream",
    "page_size_gain": "wall at the page size that the export found, over wall at 100 a page",
    "seed_vs_ours": "wall of a plain program, 25 a page, over a complete export; 10,000 rows, 50 ms a page",
    "rss_growth": "peak memory of write_pages over 1,000,000 rows, over 100,000",
    "peak_mib": "that peak, of the complete process, in MiB",
    "wide_peak_mib": "the same over 10,000 rows of 300 custom fields of emoji, at the largest page",
    "cold_start_ms": "import of the function that takes longest, compiled as `make build` does, in milliseconds",
    "help_ms": "assetline --help, in milliseconds",
    "events_per_million": "history events for 1,000,000 assets at 100 a page and 0.45 s a page",
    "usd_per_million": "Lambda, Step Functions, S3 and DynamoDB for the same, in US dollars",
    "download_vs_sdk": "files/s of 900 small assets downloaded to a folder in memory, over the official SDK",
    "list_pages_vs_floor": "wall of listing 50 pages at 50 ms a page, the complete execution, over 50 x 50 ms",
    "upload_vs_sdk": "assets/s from opening the session to the last PUT, 5,000 small images, over the official SDK",
    "upload_vs_sdk_local_s3": "the same for 1,000 images in the local S3, one thread for all of AWS",
    "upload_cpu_vs_sdk": "CPU seconds an asset of the session's functions (open, upload, poll, settle), over the SDK's",
    "drops_per_minute": "events that record_drop records in a minute of CPU time, on one core of this machine",
    "wru_per_drop": "DynamoDB write units a drop, of a complete ingestion of 5,000, with those of the index",
    "usd_per_million_images": "list prices of ingesting 1,000,000 images of 0.5 MB from S3, without the transfer to Vi",
    "ingest_10k_vs_1k": "wall from opening the first session to settling the last, of 10,000 drops over 1,000",
    "sessions_for_5000": "ingestion sessions opened for 5,000 drops of one gather window",
    "upload_rss_mib": "peak memory of upload_assets that streams 64 files of 64 MiB, in MiB",
}
TARGETS = {
    "render_vs_stdlib": ">= 6",
    "wall_vs_floor": "<= 1.03",
    "overlap_gain": "<= 0.6",
    "page_size_gain": "<= 0.15",
    "seed_vs_ours": ">= 15",
    "rss_growth": "<= 1.1",
    "peak_mib": "<= 200",
    "wide_peak_mib": "<= 400",
    "cold_start_ms": "<= 350",
    "help_ms": "<= 300",
    "events_per_million": "<= 150",
    "download_vs_sdk": ">= 2",
    "list_pages_vs_floor": "<= 1.1",
    "upload_vs_sdk": ">= 4",
    "upload_cpu_vs_sdk": "<= 0.5",
    "wru_per_drop": "<= 6",
    "usd_per_million_images": "<= 8",
    "ingest_10k_vs_1k": "<= 11",
    "sessions_for_5000": "<= 1",
    "upload_rss_mib": "<= 250",
}


def _price_of_images() -> dict[str, float]:
    usd = prices.million_images()
    details = {f"images_usd_{service}": round(dollars, 2) for service, dollars in usd.items()}
    return {"usd_per_million_images": round(sum(usd.values()), 2), **details}


MEASUREMENTS: Mapping[str, tuple[Callable[[], dict[str, float]], frozenset[str]]] = {
    "rendering": (rendering.measure, frozenset({"render_vs_stdlib"})),
    "memory": (memory.measure, frozenset({"rss_growth", "peak_mib", "wide_peak_mib", "usd_per_million"})),
    "start-up": (startup.measure, frozenset({"cold_start_ms", "help_ms"})),
    "complete exports": (
        walls.measure,
        frozenset({"wall_vs_floor", "overlap_gain", "page_size_gain", "seed_vs_ours", "events_per_million"}),
    ),
    "datasets": (datasets.measure, frozenset({"download_vs_sdk", "list_pages_vs_floor"})),
    "ingestion": (
        ingest.measure,
        frozenset(
            {
                *("upload_vs_sdk", "upload_vs_sdk_local_s3", "upload_cpu_vs_sdk", "drops_per_minute"),
                *("wru_per_drop", "ingest_10k_vs_1k", "sessions_for_5000"),
            }
        ),
    ),
    "the price of images": (_price_of_images, frozenset({"usd_per_million_images"})),
    "the memory of uploads": (upload_memory.measure, frozenset({"upload_rss_mib"})),
}
INGESTION = frozenset({"ingestion", "the price of images", "the memory of uploads"})
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {">=": operator.ge, "<=": operator.le}


def is_met(key: str, figure: float) -> bool:
    """Return whether a figure meets its target; a figure without a target does."""
    if key not in TARGETS:
        return True
    comparison, bound = TARGETS[key].split()
    return _COMPARE[comparison](figure, float(bound))


def measured(report: Callable[[str], None], only: str | None = None, *, ingestion: bool = False) -> dict[str, Any]:
    """Measure exports, or *ingestion*, or only the measurement of the figure *only*, and return the report."""
    details: dict[str, float] = {}
    seconds: dict[str, int] = {}
    for name, (measure, keys) in MEASUREMENTS.items():
        if only in keys or (only is None and (name in INGESTION) == ingestion):
            report(f"Measuring {name}.")
            started = time.monotonic()
            details |= measure()
            seconds[name] = round(time.monotonic() - started)
            report(f"Measured {name} in {seconds[name]} s.")
    if "events_a_turn" in details:
        details["events_per_million"] = prices.events(details["events_beside"], details["events_a_turn"])
    if "write_pages_bytes_per_row" in details:
        usd = prices.million(details["write_pages_bytes_per_row"]).usd()
        details["usd_per_million"] = round(sum(usd.values()), 3)
        details |= {f"usd_{service}": round(dollars, 4) for service, dollars in usd.items()}
    figures = {key: details.pop(key) for key in ABOUT if key in details}
    return {
        "measured_at": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": {"cores": os.process_cpu_count(), "python": platform.python_version()},
        "figures": figures if only is None else {only: figures[only]},
        "targets": TARGETS,
        "about": ABOUT,
        "details": details,
        "seconds": seconds,
    }


def _joined(report: dict[str, Any]) -> dict[str, Any]:
    """Return *report* with the figures of the last report that it lacks."""
    earlier = json.loads(REPORT.read_text()) if REPORT.exists() else {"figures": {}, "details": {}}
    figures = earlier["figures"] | report["figures"]
    return report | {
        "figures": {key: figures[key] for key in ABOUT if key in figures},
        "details": earlier["details"] | report["details"],
        "seconds": earlier.get("seconds", {}) | report["seconds"],
    }


def table_of(report: Mapping[str, Any]) -> Table:
    """Return the report as a table."""
    table = Table("figure", "measured", "target", "", "description", box=None)
    for key, figure in report["figures"].items():
        mark = "" if key not in TARGETS else "met" if is_met(key, figure) else "MISSED"
        table.add_row(key, f"{figure:g}", TARGETS.get(key, ""), mark, ABOUT[key])
    return table


def _a_figure(key: str | None) -> str | None:
    if key is not None and key not in ABOUT:
        raise typer.BadParameter(f"Unknown figure {key!r}. Use one of {', '.join(ABOUT)}.")
    return key


def main(
    *,
    only: Annotated[
        str | None,
        typer.Option(callback=_a_figure, metavar="KEY", help="Measure only this figure, and do not change the report."),
    ] = None,
    ingestion: Annotated[bool, typer.Option(help="Measure ingestions instead of exports.")] = False,
    readme: Annotated[bool, typer.Option(help="Write the last figures into the README, and measure nothing.")] = False,
    cost: Annotated[bool, typer.Option(help="Write docs/cost.md from the prices, and measure nothing.")] = False,
) -> None:
    """Measure exports, ingestions, or one figure; exit status 1 if a target is missed."""
    console = Console()
    if cost:
        cost_page.write()
        return
    if readme:
        path = ROOT / "README.md"
        path.write_text(with_section(path.read_text(), json.loads(REPORT.read_text())))
        return
    report = measured(console.print, only, ingestion=ingestion)
    if only is None:
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(json.dumps(_joined(report), indent=2) + "\n")
    console.print(table_of(report))
    if not all(is_met(key, figure) for key, figure in report["figures"].items()):
        raise typer.Exit(1)


def _interrupt(*_: object) -> NoReturn:
    """End as Ctrl+C does, so that stacks and folders are removed."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _interrupt)
    typer.run(main)
