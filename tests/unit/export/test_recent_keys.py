from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assetline.export.recent_keys import WINDOW_KEYS, KeyWindow


def records(*keys: object) -> list[dict[str, Any]]:
    return [{"id": key} for key in keys]


def test_a_row_that_moved_to_a_later_page_is_written_once() -> None:
    window = KeyWindow()
    assert window.sift(records("a", "b"), ["id"]).unseen == records("a", "b")
    assert window.sift(records("b", "c"), ["id"]).unseen == records("c")


def test_a_row_twice_on_one_page_is_written_once() -> None:
    assert KeyWindow().sift(records("a", "a"), ["id"]).unseen == records("a")


def test_rows_without_a_key_all_pass() -> None:
    rows: list[dict[str, Any]] = [*records(None, None, "", ""), {}]
    assert KeyWindow().sift(rows, ["id"]).unseen == rows


def test_rows_that_lack_a_part_of_their_key_all_pass() -> None:
    rows: list[dict[str, Any]] = [{"group": "a", "user": ""}] * 2 + [{"group": None, "user": "b"}] * 2
    assert KeyWindow().sift(rows, ["group", "user"]).unseen == rows


def test_a_key_that_is_nought_is_a_key() -> None:
    assert KeyWindow().sift(records(0, 0), ["id"]).unseen == records(0)


def test_a_key_of_several_columns_compares_all_of_them() -> None:
    rows = [{"group": "a", "user": "bc"}, {"group": "ab", "user": "c"}, {"group": "a", "user": "bc"}]
    assert KeyWindow().sift(rows, ["group", "user"]).unseen == rows[:2]


def test_a_number_and_its_text_are_two_keys() -> None:
    assert KeyWindow().sift(records(1, "1", "[1]"), ["id"]).unseen == records(1, "1", "[1]")


def test_the_window_costs_less_than_a_megabyte() -> None:
    window = KeyWindow()
    window.sift(records(*map(str, range(WINDOW_KEYS + 10))), ["id"])
    assert len(window.to_bytes()) == WINDOW_KEYS * 19 < 1_000_000


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
        assert bool(window.sift(records(key), ["id"]).unseen) is expected
        if expected:
            kept.append(key)


def versions(*contents: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"id": key, "value": value} for key, value in contents]


def test_a_newer_version_on_the_same_page_takes_the_place_of_the_older() -> None:
    sifted = KeyWindow().sift(versions(("a", 1), ("b", 1), ("a", 2)), ["id"])
    assert sifted.unseen == versions(("a", 2), ("b", 1))
    assert (sifted.newer, sifted.replaced) == ([], 1)


def test_a_newer_version_on_a_later_page_is_no_duplicate() -> None:
    window = KeyWindow()
    window.sift(versions(("a", 1), ("b", 1)), ["id"])
    window = KeyWindow.from_bytes(window.to_bytes())
    sifted = window.sift(versions(("a", 2), ("b", 1)), ["id"])
    assert (sifted.unseen, sifted.newer) == ([], versions(("a", 2)))
    assert window.sift(versions(("a", 2)), ["id"]).newer == []


def test_records_without_a_key_are_counted() -> None:
    assert KeyWindow().sift([{"a": 1}, {"id": "b"}, {"id": None}], ["id"]).keyless == 2
