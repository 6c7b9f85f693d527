"""Charts: every point, pause and fault inside the drawing, and every text escaped."""

import re
from xml.etree import ElementTree as ET

from hypothesis import example, given
from hypothesis import strategies as st

from assetline_cli.operations.charts import HEIGHT, WIDTH, Band, Chart, Mark, clock_label, nice_ceiling

SECONDS = st.floats(0, 1e6, allow_nan=False)
VALUES = st.floats(0, 1e9, allow_nan=False)


@example([(0.0, 5e-324)], [], [], "")
@given(st.lists(st.tuples(SECONDS, VALUES)), st.lists(SECONDS), st.lists(st.tuples(SECONDS, SECONDS)), st.text())
def test_everything_is_inside_the_drawing(
    points: list[tuple[float, float]], faults: list[float], pauses: list[tuple[float, float]], label: str
) -> None:
    label = "".join(character for character in label if character.isprintable())
    chart = Chart(
        label,
        label,
        sorted(points),
        bands=[Band(min(pause), max(pause), label) for pause in pauses],
        marks=[Mark(at, label) for at in faults],
    )
    drawing = ET.fromstring(chart.svg())  # noqa: S314 - our own markup
    drawn = [tuple(map(float, point.split(","))) for line in drawing.iter() for point in line.get("points", "").split()]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in drawn)
    assert len(list(drawing.iter("circle"))) == len(faults)
    assert len(list(drawing.iter("rect"))) == len(pauses)


def test_a_label_cannot_add_markup() -> None:
    chart = Chart("<script>", "a & b", [(0, 1)], marks=[Mark(1, "</title><script>alert(1)</script>")])
    assert not re.search("<script", chart.svg())


@given(st.floats(1e-3, 1e12))
def test_the_top_of_an_axis_is_round_and_near(value: float) -> None:
    top = nice_ceiling(value)
    assert value * 0.999 <= top <= 2.6 * value


def test_times_of_an_axis_are_short() -> None:
    assert [clock_label(seconds) for seconds in (0, 2.5, 30, 600, 7500)] == ["0s", "2.5s", "30s", "10m", "2h 05m"]
