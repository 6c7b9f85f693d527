from typing import Any

import pytest

from assetline.export.sealed_parts import part_bytes
from assetline.export.write_pages import KEEPING_SECONDS, turn_seconds
from benchmarks import __main__ as bench
from benchmarks import prices
from benchmarks.__main__ import ABOUT, MEASUREMENTS, TARGETS, is_met, measured
from benchmarks.prices import FUNCTION_GB, PART_BYTES, TURN_SECONDS, events, million
from benchmarks.readme import with_section
from tests.contract.template import resources, template

REPORT = {
    "measured_at": "2026-11-21",
    "machine": {"cores": 2, "python": "3.13"},
    "figures": {"rss_growth": 1.01},
    "targets": {"rss_growth": "<= 1.1"},
    "about": {"rss_growth": "peak over peak"},
}


def test_a_target_is_met_on_its_own_side() -> None:
    assert is_met("render_vs_stdlib", 6.0)
    assert not is_met("render_vs_stdlib", 5.99)
    assert is_met("wall_vs_floor", 1.03)
    assert not is_met("wall_vs_floor", 1.031)
    assert is_met("usd_per_million", 1e9)
    assert TARGETS.keys() <= ABOUT.keys()


def test_a_million_assets_take_few_turns_events_and_cents() -> None:
    assert million(500).turns == 6
    assert events(beside=14, a_turn=7) == 56
    assert 0.02 < sum(million(500).usd().values()) < 0.2


def test_the_readme_gets_the_figures_between_its_marks_and_nothing_else_changes() -> None:
    text = "before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n"
    made = with_section(text, REPORT)
    assert "| `rss_growth` | 1.01 | <= 1.1 | peak over peak |" in made
    assert made.startswith("before\n<!-- bench -->\n")
    assert made.endswith("<!-- /bench -->\nafter\n")
    assert with_section(made, REPORT) == made


def test_what_the_arithmetic_takes_for_given_is_what_is_deployed() -> None:
    common = template()["Globals"]["Function"]
    function = resources("AWS::Serverless::Function")["WritePagesFunction"]
    assert turn_seconds(None, function["Timeout"]) == TURN_SECONDS
    assert function.get("MemorySize", common["MemorySize"]) / 1024 == FUNCTION_GB
    assert part_bytes(1) == PART_BYTES
    assert KEEPING_SECONDS == prices.KEEPING_SECONDS


def test_every_figure_comes_from_one_measurement() -> None:
    assert sorted(key for _, keys in MEASUREMENTS.values() for key in keys) == sorted(ABOUT)


def test_one_figure_is_measured_without_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_asked_for() -> dict[str, float]:
        raise AssertionError("this was not asked for")

    figures = {"rss_growth": 1.0, "peak_mib": 150.0, "write_pages_bytes_per_row": 500.0}
    stand_ins: dict[str, Any] = {name: (not_asked_for, keys) for name, (_, keys) in MEASUREMENTS.items()}
    stand_ins["memory"] = (lambda: figures, MEASUREMENTS["memory"][1])
    monkeypatch.setattr(bench, "MEASUREMENTS", stand_ins)
    assert measured(lambda _: None, "peak_mib")["figures"] == {"peak_mib": 150.0}
