import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.safetyculture.catalogue import feed_named
from assetline.table.columns import Columns, CustomField, defined_fields, discovered_fields
from local.emulators.safetyculture.assets import asset, field_definitions, pipe_encoded

KEYS = ("id", "fields", "state", "status_options")


def headers(*fields: CustomField, keys: tuple[str, ...] = KEYS) -> list[str]:
    return [column.header for column in Columns.flattened(keys, fields).columns if column.kind == "field"]


def field(name: str, field_id: str = "ef12c0de-0001") -> CustomField:
    return CustomField(id=field_id, name=name)


def record(*items: dict[str, Any]) -> dict[str, Any]:
    return {"fields": pipe_encoded(list(items))}


def test_declared_columns_stand_in_the_feeds_order_and_extra_last() -> None:
    assert Columns.plain(("b", "a")).header == ("b", "a", "extra")


def test_fields_are_replaced_in_place_by_a_column_each() -> None:
    columns = Columns.flattened(KEYS, [field("Colour", "c"), field("Weight", "w")])
    assert columns.header == ("id", "Colour", "Weight", "state", "status_options", "extra")
    assert [column.kind for column in columns.columns] == ["value", "field", "field", "value", "list", "extra"]
    assert [column.key for column in columns.columns][1:3] == ["fields", "fields"]


def test_a_field_is_one_column_however_often_it_is_named() -> None:
    assert headers(field("Colour"), field("Colour, renamed")) == ["Colour"]


@pytest.mark.parametrize("other", ["Location", "location", " Location ", "LOCATION\u00a0"])
def test_colliding_names_are_both_distinguished_by_their_ids(other: str) -> None:
    found = headers(field("Location", "38f70da8-1d19"), field(other, "f3d28dcd-c861"))
    assert found == ["Location [38f70da8]", f"{other.strip()} [f3d28dcd]"]


@pytest.mark.parametrize("name", ["id", "ID", " State", "extra", "Extra", "STATUS_OPTIONS"])
def test_a_field_called_like_another_column_gives_way(name: str) -> None:
    columns = Columns.flattened(KEYS, [field(name)])
    assert columns.header == ("id", f"{name.strip()} [ef12c0de]", "state", "status_options", "extra")


def test_as_many_characters_of_the_id_are_shown_as_it_takes() -> None:
    ids = ("aaaaaaaa-1111", "aaaaaaaa-1122", "bbbbbbbb-0000")
    found = headers(*(field("Same", field_id) for field_id in ids))
    assert found == ["Same [aaaaaaaa-111]", "Same [aaaaaaaa-112]", "Same [bbbbbbbb]"]


def test_a_name_that_looks_like_one_with_an_id_is_distinguished_too() -> None:
    found = headers(field("A", "11111111-x"), field("A", "22222222-x"), field("A [11111111]", "33333333-x"))
    assert found == ["A [11111111-x]", "A [22222222]", "A [11111111] [33333333]"]


@pytest.mark.parametrize("name", ["", "  ", "\n"])
def test_an_empty_name_gets_one_from_the_id(name: str) -> None:
    assert headers(field(name)) == ["Field [ef12c0de]"]


def test_the_name_is_kept_as_the_feed_has_it() -> None:
    (column,) = (column for column in Columns.flattened(KEYS, [field("  Colour ")]).columns if column.kind == "field")
    assert (column.header, column.field_name, column.field_id) == ("Colour", "  Colour ", "ef12c0de-0001")


awkward_names = st.sampled_from(
    ["A", "a", " a", "A [1]", "A [11111111]", "id", "extra", "", "Field [1]", "é", "e\u0301"]
)
ids = st.text("1aA", min_size=1, max_size=12)
any_fields = st.lists(st.builds(field, awkward_names | st.text(max_size=4), ids), max_size=12)


@given(any_fields)
def test_no_two_headers_are_alike(fields: list[CustomField]) -> None:
    columns = Columns.flattened(KEYS, fields)
    folded = [header.strip().casefold() for header in columns.header]
    assert len(set(folded)) == len(folded)
    assert [column.field_id for column in columns.columns if column.kind == "field"] == list(
        dict.fromkeys(field.id for field in fields)
    )


@given(any_fields)
def test_columns_come_back_from_json(fields: list[CustomField]) -> None:
    columns = Columns.flattened(KEYS, fields)
    assert Columns.model_validate_json(columns.model_dump_json()) == columns


def test_hundreds_of_fields_of_one_name_are_distinguished() -> None:
    found = headers(*(field("Same", f"{number:036}") for number in range(400)))
    assert len(set(found)) == 400


def test_definitions_give_their_names_and_types_in_their_order() -> None:
    found = defined_fields(field_definitions())
    assert [(custom.id, custom.name) for custom in found] == [
        (each["id"], each["name"]) for each in field_definitions()
    ]
    assert {custom.value_type for custom in found} == {"STRING", "MONEY", "TIMESTAMP", "SELECT"}


def test_definitions_without_an_id_or_a_name_are_passed_over() -> None:
    assert (
        defined_fields([{"name": "a"}, {"id": "", "name": "b"}, {"id": "c", "name": None}, {"id": 7, "name": "d"}])
        == []
    )
    assert defined_fields([{"id": "e", "name": "E"}]) == [CustomField(id="e", name="E")]


def test_fields_are_discovered_in_order_of_first_appearance() -> None:
    first = record({"name": "B", "value": 1, "field_id": "b"}, {"name": "A", "value": 1, "field_id": "a"})
    second = record({"name": "A later", "value": 1, "field_id": "a"}, {"name": "C", "value": 1, "field_id": "c"})
    found = discovered_fields([first, second])
    assert [(custom.id, custom.name) for custom in found] == [("b", "B"), ("a", "A"), ("c", "C")]


def test_an_invalid_column_is_not_discovered() -> None:
    nameless = [{"value": 1, "field_id": "a"}, {"name": "N", "value": 1}, {"name": "N", "value": 1, "field_id": ["l"]}]
    surrogates = {"fields": r'{"name":"\ud800"|"value":1|"field_id":"s"}'}
    unreadable: list[dict[str, Any]] = [{"fields": "not pipes"}, {"fields": None}, {"fields": 7}, {}]
    assert discovered_fields([{"fields": nameless}, surrogates, *unreadable]) == []


def test_a_real_list_of_items_is_taken_as_it_is() -> None:
    assert discovered_fields([{"fields": [{"name": "N", "value": 1, "field_id": "n"}]}]) == [field("N", "n")]


def test_the_emulated_organisation_has_two_fields_called_location() -> None:
    columns = Columns.flattened(feed_named("assets").columns, defined_fields(field_definitions()))
    locations = [header for header in columns.header if header.startswith("Location")]
    assert len(locations) == 2
    assert all(header.endswith("]") and set(header[10:-1]) <= set(string.hexdigits) for header in locations)
    discovered = Columns.flattened(feed_named("assets").columns, discovered_fields(map(asset, range(200))))
    assert set(discovered.header) == set(columns.header)
