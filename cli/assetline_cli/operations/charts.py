"""Charts as SVG, without scripts and without a network: a line over time, with pauses as bands and faults as marks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 240  # of the drawing; the page scales it
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 12, 34  # room for the labels of the axes
TICKS = 4
_LEAST_POWER = -300  # a float has no exact lower powers of ten
# Seconds between two labels of the time axis.
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)

type Point = tuple[float, float]


@dataclass(frozen=True)
class Band:
    """A span of time, in seconds since the start, with a description."""

    start: float
    end: float
    label: str


@dataclass(frozen=True)
class Mark:
    """A moment, in seconds since the start, with a description."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A chart of *points*, `(seconds since the start, value)`; *unit* names the values."""

    title: str
    unit: str
    points: Sequence[Point]
    bands: Sequence[Band] = ()
    marks: Sequence[Mark] = ()

    def svg(self) -> str:
        """Return the chart as an SVG element; every text in it is escaped."""
        ends = (
            [point[0] for point in self.points] + [band.end for band in self.bands] + [each.at for each in self.marks]
        )
        last = time_ceiling(max([*ends, 1.0]))
        most = nice_ceiling(max((value for _, value in self.points), default=1.0) or 1.0)
        x = _scale(last, LEFT, WIDTH - RIGHT)
        y = _scale(most, HEIGHT - BOTTOM, TOP)
        parts = [
            f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(self.title)}">',
            *_grid(most, y, last, x),
            *(_band(band, x) for band in self.bands),
            *self._line(x, y),
            *(_mark(each, x) for each in self.marks),
            f'<text class="unit" x="{LEFT}" y="{HEIGHT - 2}">{escape(self.unit)}</text>',
            "</svg>",
        ]
        return "".join(parts)

    def _line(self, x: Callable[[float], float], y: Callable[[float], float]) -> list[str]:
        if not self.points:
            return []
        path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in self.points)
        first, last = self.points[0][0], self.points[-1][0]
        area = f"{x(first):.1f},{y(0):.1f} {path} {x(last):.1f},{y(0):.1f}"
        return [f'<polygon class="area" points="{area}"/>', f'<polyline class="line" points="{path}"/>']


def nice_ceiling(value: float) -> float:
    """Return the least of 1, 2, 2.5, 5 and 10 times a power of ten that is not below *value*."""
    power = 10.0 ** max(_LEAST_POWER, math.floor(math.log10(value)))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value * 0.999999)


def time_ceiling(seconds: float) -> float:
    """Return the end of the time axis: `TICKS` round steps, the fewest that hold *seconds*."""
    return TICKS * next((step for step in _STEPS if TICKS * step >= seconds), seconds / TICKS)


def clock_label(seconds: float) -> str:
    """Return seconds since the start as `90s`, `12m` or `1h 05m`."""
    if seconds < 120:
        return f"{seconds:.0f}s" if seconds >= 10 or seconds == int(seconds) else f"{seconds:.1f}s"
    minutes = round(seconds / 60)
    return f"{minutes}m" if minutes < 120 else f"{minutes // 60}h {minutes % 60:02d}m"


def value_label(value: float) -> str:
    """Return a value of an axis: `1,250`, `0.25`."""
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def _scale(most: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (end - start) * value / most


def _grid(most: float, y: Callable[[float], float], last: float, x: Callable[[float], float]) -> list[str]:
    parts = []
    for tick in range(TICKS + 1):
        value, at = most * tick / TICKS, last * tick / TICKS
        height = y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}"/>')
        parts.append(
            f'<text class="tick" x="{LEFT - 6}" y="{height + 4:.1f}" text-anchor="end">{value_label(value)}</text>'
        )
        anchor = "end" if tick == TICKS else "middle"
        parts.append(
            f'<text class="tick" x="{x(at):.1f}" y="{HEIGHT - 18}" text-anchor="{anchor}">{clock_label(at)}</text>'
        )
    return parts


def _band(band: Band, x: Callable[[float], float]) -> str:
    width = max(1.5, x(band.end) - x(band.start))
    return (
        f'<rect class="pause" x="{x(band.start):.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}">'
        f"<title>{escape(band.label)}</title></rect>"
    )


def _mark(mark: Mark, x: Callable[[float], float]) -> str:
    at = x(mark.at)
    return (
        f'<g class="fault"><title>{escape(mark.label)}</title>'
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        f'<circle cx="{at:.1f}" cy="{TOP + 3}" r="3.5"/></g>'
    )
