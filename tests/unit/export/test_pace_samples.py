"""The pace of a turn: bounded, complete, and without losing the slowest page."""

from hypothesis import given
from hypothesis import strategies as st

from assetline.export.pace_samples import MOST_SAMPLES, PaceSamples


@given(st.lists(st.floats(0.001, 60), min_size=1, max_size=2000))
def test_the_samples_are_bounded_and_keep_the_ends(page_seconds: list[float]) -> None:
    pace, at = PaceSamples(), 1_700_000_000.0
    for number, seconds in enumerate(page_seconds, start=1):
        at += seconds
        pace.note(at, rows=100 * number, pages=number, page_seconds=seconds)
    samples = pace.as_list()
    assert len(samples) <= MOST_SAMPLES
    assert [sample[0] for sample in samples] == sorted(sample[0] for sample in samples)
    assert samples[-1][1:3] == [100 * len(page_seconds), len(page_seconds)]
    assert max(sample[3] for sample in samples) == round(max(page_seconds), 3)


def test_quick_pages_share_a_sample() -> None:
    pace = PaceSamples(interval_seconds=1.0)
    for number in range(1, 41):
        pace.note(number / 10, rows=number, pages=number, page_seconds=0.1)
    assert len(pace.as_list()) <= 6
