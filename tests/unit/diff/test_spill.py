from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assetline.diff.spill import Spill

ENTRIES = st.lists(st.tuples(st.integers(0, 2**64 - 1), st.binary(max_size=40)), max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ENTRIES, st.integers(1, 200))
def test_entries_come_back_as_they_came_whatever_the_size_of_a_block(
    tmp_path: Path, entries: list[tuple[int, bytes]], block_bytes: int
) -> None:
    spill = Spill(tmp_path, block_bytes)
    for number, entry in entries:
        spill.add(number, entry)
    assert (spill.entries, spill.bytes) == (len(entries), sum(len(entry) for _, entry in entries))
    assert list(spill.drain()) == entries
    assert list(spill.drain()) == []


def test_few_entries_cost_no_file(tmp_path: Path) -> None:
    spill = Spill(tmp_path / "not there", 10_000)
    spill.add(1, b"row")
    assert list(spill.drain()) == [(1, b"row")]


def test_spilled_data_has_no_file_name_and_is_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spill = Spill(tmp_path, 10_000)
    for number in range(1000):
        spill.add(number, b"x" * 100)
    assert list(tmp_path.iterdir()) == []
    assert spill._file is not None
    assert 0 < spill._file.tell() < 5_000
    spill.close()
    assert list(spill.drain()) == []
