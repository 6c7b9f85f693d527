from typing import Any

import pytest

from benchmarks import __main__ as bench
from benchmarks.__main__ import ABOUT, MEASUREMENTS, TARGETS, is_met, measured


def test_a_target_is_met_on_its_own_side() -> None:
    assert is_met("render_vs_stdlib", 6.0)
    assert not is_met("render_vs_stdlib", 5.99)
    assert is_met("wall_vs_floor", 1.03)
    assert not is_met("wall_vs_floor", 1.031)
    assert is_met("usd_per_million", 1e9)
    assert TARGETS.keys() <= ABOUT.keys()


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
