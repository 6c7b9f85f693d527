"""The report as one HTML page that needs no network: figures, charts and tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetline_cli.operations.charts import Chart


@dataclass(frozen=True)
class PageTable:
    """A table of the page; *remark* stands below its title."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    remark: str = ""
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True)
class ReportPage:
    """The content of a report; `state` decides the colour of the headline."""

    title: str
    subtitle: str
    state: str
    tiles: Sequence[tuple[str, str]]
    problem: str = ""
    next_step: str = ""
    charts: Sequence[Chart] = ()
    no_charts: str = ""
    tables: Sequence[PageTable] = field(default_factory=tuple)
    footer: str = ""

    def html(self) -> str:
        """Return the page; every value is escaped."""
        environment = Environment(
            loader=PackageLoader("assetline_cli.operations"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        charts = [(chart, Markup(chart.svg())) for chart in self.charts]  # noqa: S704 - the chart escapes its texts
        return environment.get_template("report.html.j2").render(page=self, charts=charts)
