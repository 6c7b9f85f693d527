"""The slices of a session's drops, and the largest number of drops in a session."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.ingest import staging as slices
from assetline.ingest.drop import Drop
from assetline.ingest.staging import MAX_SLICES, SLICE_ASSETS, SLICE_BYTES, SessionRef, SliceAsset, fits, sliced

NOW = datetime(2026, 11, 21, 4, tzinfo=UTC)
SESSION = SessionRef(
    session_key="run-1",
    dataset_id="ds1",
    session_id="session-1",
    ingestion_id="ingestion-1",
    bucket="exports",
    total=1,
    opened_at=NOW,
)


def any_drops(*sizes: int) -> list[Drop]:
    return [
        Drop(
            drop_id=str(number),
            bucket="drops",
            key=f"ds1/{number}.png",
            etag="etag",
            size=size,
            dataset_id="ds1",
            asset_filename=f"{number}.png",
            state="dropped",
            dropped_at=NOW,
            updated_at=NOW,
        )
        for number, size in enumerate(sizes)
    ]


def sizes_of_slices(drops: list[Drop]) -> list[list[int]]:
    made = sliced(SESSION, [SliceAsset.of(drop, None) for drop in drops])
    assert [item.number for item in made] == [*range(1, len(made) + 1)]
    return [[asset.size for asset in item.assets] for item in made]


def test_a_slice_is_full_by_its_files_or_by_its_bytes() -> None:
    assert [*map(len, sizes_of_slices(any_drops(*[1] * (SLICE_ASSETS + 1))))] == [SLICE_ASSETS, 1]
    half = SLICE_BYTES // 2
    assert sizes_of_slices(any_drops(half, half, 1)) == [[half, half], [1]]
    assert sizes_of_slices(any_drops(half, half + 1)) == [[half], [half + 1]]


def test_a_file_that_is_larger_than_a_slice_has_one_of_its_own() -> None:
    assert sizes_of_slices(any_drops(1, SLICE_BYTES + 1, 1)) == [[1], [SLICE_BYTES + 1], [1]]


def test_a_session_holds_what_fits_in_its_slices_and_no_drop_more() -> None:
    full = MAX_SLICES * SLICE_ASSETS
    assert fits(any_drops(*[1] * full)) == full
    assert fits(any_drops(*[1] * (full + 1))) == full
    large = any_drops(*[SLICE_BYTES] * (MAX_SLICES + 5))
    assert fits(large) == MAX_SLICES


def test_the_fitting_drops_fill_the_slices_for_any_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_ASSETS", 3)
    monkeypatch.setattr(slices, "SLICE_BYTES", 10)
    monkeypatch.setattr(slices, "MAX_SLICES", 4)

    @given(st.lists(st.integers(0, 15), max_size=30))
    def holds(sizes: list[int]) -> None:
        drops = any_drops(*sizes)
        held = fits(drops)
        assert len(sizes_of_slices(drops[:held])) <= 4
        assert held == len(drops) or len(sizes_of_slices(drops[: held + 1])) == 5

    holds()
