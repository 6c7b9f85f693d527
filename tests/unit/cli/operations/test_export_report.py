"""The figures of an export's report."""

from dataclasses import replace

from assetline_cli.operations.export_report import export_page
from tests.browser.test_report_page import export_facts, line


def test_a_pause_in_two_lines_is_counted_once() -> None:
    facts = export_facts()
    failed = line(10, "page_failed", error="RateLimited", faults=1, pause_seconds=60.2)
    ended = line(10.5, "turn_ended", turn=1, pages=1, rows=100, pause_seconds=61, pace=[])
    later = line(90, "page_failed", error="FeedUnavailable", faults=1, pause_seconds=2)
    page = export_page(replace(facts, lines=[failed, ended, later]))
    assert dict(page.tiles)["Pauses"] == "1m 04s"
    assert dict(page.tiles)["Failed requests"] == "2"


def test_a_size_that_is_not_known_yet_has_no_tile() -> None:
    facts = export_facts()
    assert "Size" in dict(export_page(facts).tiles)
    held_back = facts.item.model_copy(update={"state": "running", "rows": 1200, "bytes": 0})
    assert "Size" not in dict(export_page(replace(facts, item=held_back)).tiles)
