"""The README's performance section, made from a report."""

import re
from collections.abc import Mapping
from typing import Any

MARKED = re.compile(r"(<!-- bench -->\n).*?(<!-- /bench -->)", re.DOTALL)


def section(report: Mapping[str, Any]) -> str:
    """Return the table of a report as `make bench` writes it."""
    lines = ["| Figure | Measured | Target | |", "|---|---|---|---|"]
    for key, figure in report["figures"].items():
        target = report["targets"].get(key, "")
        lines.append(f"| `{key}` | {figure:g} | {target} | {report['about'][key]} |")
    machine = report["machine"]
    lines.append(f"\nMeasured on {report['measured_at']} with {machine['cores']} cores, Python {machine['python']}.\n")
    return "\n".join(lines)


def with_section(text: str, report: Mapping[str, Any]) -> str:
    """Return *text* with a new section between its two marks."""
    return MARKED.sub(lambda marks: marks[1] + section(report) + marks[2], text)
