from benchmarks.readme import with_section

REPORT = {
    "measured_at": "2026-11-21",
    "machine": {"cores": 2, "python": "3.13"},
    "figures": {"rss_growth": 1.01},
    "targets": {"rss_growth": "<= 1.1"},
    "about": {"rss_growth": "peak over peak"},
}


def test_the_readme_changes_only_between_its_marks() -> None:
    text = "before\n<!-- bench -->\nold\n<!-- /bench -->\nafter\n"
    made = with_section(text, REPORT)
    assert "| `rss_growth` | 1.01 | <= 1.1 | peak over peak |" in made
    assert made.startswith("before\n<!-- bench -->\n")
    assert made.endswith("<!-- /bench -->\nafter\n")
    assert with_section(made, REPORT) == made
