from benchmarks.__main__ import ABOUT, TARGETS, is_met
from benchmarks.prices import events, million
from benchmarks.readme import with_section

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
