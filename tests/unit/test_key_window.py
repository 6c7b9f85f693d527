from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assetline.export.recent_keys import WINDOW_KEYS, KeyWindow


def records(*keys: object) -> list[dict[str, Any]]:
    return [{"id": key} for key in keys]


def test_a_row_that_moved_to_a_later_page_is_written_once() -> None:
    window = KeyWindow()
    assert window.unseen(records("a", "b"), ["id"]) == records("a", "b")
    assert window.unseen(records("b", "c"), ["id"]) == records("c")


def test_a_row_twice_on_one_page_is_written_once() -> None:
    assert KeyWindow().unseen(records("a", "a"), ["id"]) == records("a")


def test_rows_without_a_key_all_pass() -> None:
    rows: list[dict[str, Any]] = [*records(None, None, "", ""), {}]
    assert KeyWindow().unseen(rows, ["id"]) == rows


def test_rows_that_lack_a_part_of_their_key_all_pass() -> None:
    rows: list[dict[str, Any]] = [{"group": "a", "user": ""}] * 2 + [{"group": None, "user": "b"}] * 2
    assert KeyWindow().unseen(rows, ["group", "user"]) == rows


def test_a_key_that_is_nought_is_a_key() -> None:
    assert KeyWindow().unseen(records(0, 0), ["id"]) == records(0)


def test_a_key_of_several_columns_is_told_by_all_of_them() -> None:
    rows = [{"group": "a", "user": "bc"}, {"group": "ab", "user": "c"}, {"group": "a", "user": "bc"}]
    assert KeyWindow().unseen(rows, ["group", "user"]) == rows[:2]


def test_a_number_and_its_text_are_two_keys() -> None:
    assert KeyWindow().unseen(records(1, "1", "[1]"), ["id"]) == records(1, "1", "[1]")


def test_the_window_costs_less_than_a_megabyte() -> None:
    window = KeyWindow()
    window.unseen(records(*map(str, range(WINDOW_KEYS + 10))), ["id"])
    assert len(window.to_bytes()) == WINDOW_KEYS * 16 < 1_000_000


keys = st.lists(st.sampled_from("abcdefgh"), max_size=40)


@given(keys, st.integers(1, 5), st.integers(0, 40))
def test_exactly_the_keys_written_last_are_remembered_also_over_turns(
    written: list[str], size: int, turn_ends_at: int
) -> None:
    window, kept = KeyWindow(size=size), list[str]()
    for number, key in enumerate(written):
        if number == turn_ends_at:
            window = KeyWindow.from_bytes(window.to_bytes(), size)
        expected = key not in kept[-size:]
        assert bool(window.unseen(records(key), ["id"])) is expected
        if expected:
            kept.append(key)
