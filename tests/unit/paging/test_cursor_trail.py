import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.paging.cursor_trail import CursorTrail

CURSORS = st.lists(st.text(), unique=True)


def trail_of(cursors: list[str]) -> CursorTrail:
    trail = CursorTrail()
    for cursor in cursors:
        trail.add(cursor)
    return trail


@given(CURSORS)
def test_a_trail_survives_the_way_to_bytes_and_back(cursors: list[str]) -> None:
    trail = CursorTrail.from_bytes(trail_of(cursors).to_bytes())
    assert len(trail) == len(cursors)
    assert [trail.page_number(cursor) for cursor in cursors] == [*range(1, len(cursors) + 1)]


@given(CURSORS, CURSORS)
def test_a_trail_that_was_kept_half_way_goes_on_to_the_same_bytes(earlier: list[str], after: list[str]) -> None:
    resumed = CursorTrail.from_bytes(trail_of(earlier).to_bytes())
    for cursor in after:
        resumed.add(cursor)
    assert resumed.to_bytes() == trail_of(earlier + after).to_bytes()


def test_only_what_was_added_is_in_it() -> None:
    trail = trail_of(["/feed?a", "/feed?b"])
    assert ("/feed?a" in trail, "/feed?A" in trail, "" in trail) == (True, False, False)


def test_a_cursor_added_twice_is_one() -> None:
    assert len(trail_of(["/feed?a", "/feed?a"])) == 1


def test_a_hundred_thousand_pages_are_well_under_a_megabyte() -> None:
    assert len(trail_of([f"/feed?next_page_token={page}" for page in range(100_000)]).to_bytes()) == 800_000


def test_the_bytes_are_the_same_on_every_machine() -> None:
    assert trail_of(["/feed?a", "/feed?b"]).to_bytes().hex() == "3ef5076552a5f40a45024bf455d36a60"


def test_bytes_that_are_no_trail_are_refused() -> None:
    with pytest.raises(ValueError, match="7 bytes"):
        CursorTrail.from_bytes(b"7 bytes")
