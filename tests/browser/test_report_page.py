"""The reports, opened in headless Chromium: on a laptop, on a phone, light and dark, without a network."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assetline.ingest.sessions_table import Session
from assetline_cli.exports.table import ExportItem
from assetline_cli.operations.export_report import ExportFacts, export_page
from assetline_cli.operations.log_lines import LogLine
from assetline_cli.operations.report_page import ReportPage
from assetline_cli.operations.session_report import SessionFacts, session_page
from tests.contract.template import ROOT

NODE = ROOT / ".local/tools/jsonata/bin/node"
PACKAGES = ROOT / ".local/tools/chromium"
OPEN_PAGE = ROOT / "tests/browser/open_page.mjs"
STARTED = datetime(2026, 11, 21, 3, tzinfo=UTC)
HOSTILE = "<script>document.title='taken'</script><img src=http://example.com/x.png>"


def line(seconds: float, event: str, function: str = "write_pages", **fields: Any) -> LogLine:
    return LogLine(STARTED + timedelta(seconds=seconds), function, "INFO", event, fields, f"{seconds}{event}")


def turn(number: int, start: float) -> LogLine:
    at, rows = STARTED.timestamp() + start, 5000 * (number - 1)
    pace = [[at + step, rows + 100 * step, 50 * (number - 1) + step, 0.2 + step % 7 / 10] for step in range(1, 51)]
    return line(
        start + 50, "turn_ended", turn=number, pages=50 * number, rows=5000 * number, pause_seconds=0, pace=pace
    )


def export_facts() -> ExportFacts:
    item = ExportItem.model_validate(
        {
            "export_id": "assets_20261121_030000",
            "feed": "assets",
            "state": "complete",
            "execution_arn": "arn:aws:states:eu-west-1:123456789012:execution:export_feed:assets-20261121-030000-1a2b",
            "bucket": "the-exports",
            "key": "exports/assets/assets_20261121_030000.csv",
            "manifest_key": "exports/assets/assets_20261121_030000.manifest.json",
            "started_at": STARTED,
            "updated_at": STARTED + timedelta(seconds=170),
            "finished_at": STARTED + timedelta(seconds=170),
            "rows": 15_000,
            "pages": 150,
            "bytes": 7_600_000,
            "turns": 3,
        }
    )
    columns = [{"header": "id", "kind": "value"}, {"header": HOSTILE, "kind": "field", "field_id": "f-1"}]
    drift = {"unseen_fields": {"seen": {"f-2": {"count": 3, "first_row": 12, "label": "Réglage"}}, "others": 2}}
    manifest = {
        "complete": True,
        "format": "csv",
        "keys": ["id"],
        "crc32": "c53e2777",
        "columns": columns,
        "drift": drift,
    }
    lines = [
        line(0.5, "export_opened", "open_export", feed="assets"),
        turn(1, 1),
        line(52, "page_failed", error="RateLimited", faults=1, pause_seconds=20),
        turn(2, 73),
        line(124, "page_failed", error="FeedUnavailable", faults=1, pause_seconds=1.5),
        turn(3, 120),
    ]
    return ExportFacts(item, manifest, lines, "assetline", STARTED + timedelta(hours=1))


def session_facts() -> SessionFacts:
    session = Session.model_validate(
        {
            "session_key": "ds1-1763685000-1",
            "dataset_id": "ds1",
            "state": "finished",
            "opened_at": STARTED,
            "updated_at": STARTED + timedelta(seconds=90),
            "finished_at": STARTED + timedelta(seconds=90),
            "total": 302,
            "ingested": 300,
            "rejected": 2,
            "report_key": "reports/ds1/ds1_20261121_030000_s1.json",
        }
    )
    files = [{"key": f"ds1/{n}.jpg", "state": "ingested", "reason": "", "message": ""} for n in range(300)]
    files += [
        {"key": f"ds1/{HOSTILE}.png", "state": "rejected", "reason": "WrongContent", "message": "The content is text."},
        {"key": "ds1/empty.jpg", "state": "rejected", "reason": "EmptyObject", "message": "The file is empty."},
    ]
    lines = [line(10 * n, "slice_uploaded", "upload_assets", uploaded=100, failed=0) for n in range(1, 4)]
    return SessionFacts(session, files, "the-exports", lines, "assetline", STARTED + timedelta(hours=1))


def opened(page: ReportPage, folder: Path) -> list[dict[str, Any]]:
    """Open a page in Chromium and return what each screen shows."""
    path = folder / "report.html"
    path.write_text(page.html(), encoding="utf-8")
    scratch = PACKAGES / "tmp"  # the browser is unpacked there, once
    scratch.mkdir(exist_ok=True)
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "CHROMIUM_PACKAGES": str(PACKAGES), "TMPDIR": str(scratch)}
    shown = subprocess.run([NODE, OPEN_PAGE, path, folder], env=env, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    screens: list[dict[str, Any]] = json.loads(shown.stdout)
    return screens


@pytest.mark.parametrize(
    ("page", "charts", "words"),
    [
        (export_page(export_facts()), 2, ["15,000", "RateLimited", "f-2 (Réglage)", "7.6 MB", "2m 50s", HOSTILE]),
        (session_page(session_facts()), 1, ["99.3%", "WrongContent", "ds1/empty.jpg", "and 280 more", HOSTILE]),
    ],
    ids=["export", "session"],
)
def test_a_report_reads_well_on_every_screen(page: ReportPage, charts: int, words: list[str], tmp_path: Path) -> None:
    screens = {screen["name"]: screen for screen in opened(page, tmp_path)}
    assert [*screens] == ["laptop", "phone", "dark"]
    for name, screen in screens.items():
        assert screen["title"] == f"{page.title} - Assetline"
        assert [word for word in words if word not in screen["text"]] == []
        assert (screen["charts"], screen["scripts"], screen["problems"]) == (charts, 0, [])
        assert [url for url in screen["requests"] if not url.startswith("file:")] == []
        assert screen["contentWidth"] <= screen["width"], f"{name} scrolls sideways"
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
    assert screens["dark"]["background"] != screens["laptop"]["background"]
    assert screens["dark"]["colour"] != screens["laptop"]["colour"]


def test_an_export_shows_each_fault_and_pause(tmp_path: Path) -> None:
    laptop = opened(export_page(export_facts()), tmp_path)[0]
    assert (laptop["faults"], laptop["pauses"]) == (2 * 2, 2 * 2)  # in both charts


def test_an_export_without_log_lines_has_no_charts() -> None:
    facts = export_facts()
    page = export_page(ExportFacts(facts.item, facts.manifest, [], facts.stack, facts.now))
    assert not page.charts
    assert "LogRetentionDays" in page.html()
