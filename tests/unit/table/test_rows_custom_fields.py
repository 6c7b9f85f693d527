"""Records of a feed with custom fields, rendered: nothing they hold is lost."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.safetyculture.catalogue import feed_named
from assetline.table.cells import cell_text
from assetline.table.columns import Columns, CustomField, defined_fields, items_of
from assetline.table.drift import Drift
from assetline.table.rows import CsvTable
from local.emulators.safetyculture.assets import ODD_TEXTS, asset, field_definitions, fields, statuses

KEYS = ("id", "fields", "status_options")
FIELDS = (
    CustomField(id="s", name="Serial number"),
    CustomField(id="p", name="Price | tax"),
    CustomField(id="q", name='The "quoted" one\\'),
    CustomField(id="é", name="Größe"),
)
COLUMNS = Columns.flattened(KEYS, FIELDS)
NAMES = {field.id: field.name for field in FIELDS}

type Record = dict[str, Any]
type Line = dict[str, str]


def item(field_id: Any, value: Any, **others: Any) -> Record:
    return {"name": NAMES.get(field_id, "Unknown"), "value": value, "field_id": field_id, **others}


def piped(*items: Any) -> str:
    return json.dumps(items, separators=("|", ":"), ensure_ascii=False)[1:-1]


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))


def lines_of(table: CsvTable, *records: Record) -> list[Line]:
    header, *lines = read(table.render_header() + table.render(records))
    return [dict(zip(header, line, strict=True)) for line in lines]


def line_of(record: Record, columns: Columns = COLUMNS) -> Line:
    (line,) = lines_of(CsvTable(columns), record)
    return line


def tally_of(*records: Record) -> Drift:
    table = CsvTable(COLUMNS)
    table.render(records)
    return table.tally


def assert_nothing_is_lost(record: Record, line: Line, columns: Columns = COLUMNS) -> None:
    extra = json.loads(line["extra"] or "{}")
    for column in columns.columns:
        value = record.get(column.key)
        if column.kind == "value":
            assert line[column.header] == cell_text(value)
        elif column.kind == "list":
            found = items_of(value)
            assert (
                line[column.header] == cell_text(value)
                if found is None
                else json.loads(line[column.header] or "[]") == found
            )
    for key in record.keys() - {column.key for column in columns.columns if column.kind != "extra"}:
        assert extra.pop(key) == record[key]
    left = extra.pop("fields", [])
    items = items_of(record.get("fields"))
    if items is None:
        assert left == record["fields"]
    else:
        cells = {column.field_id: line[column.header] for column in columns.columns if column.kind == "field"}
        assert_every_item_is_somewhere(items, cells, left)
    assert extra == {}


def assert_every_item_is_somewhere(items: list[Record], cells: dict[str | None, str], left: list[Record]) -> None:
    for found in items:
        if found in left:
            left.remove(found)
            continue
        field_id = found["field_id"]
        if text := cell_text(found.get("value")):
            assert cells.pop(field_id) == text
        elif cells.get(field_id) == "":
            assert field_id in cells
        rest = {key: value for key, value in found.items() if key not in {"name", "value", "field_id"}}
        if not isinstance(found.get("name", ""), str):
            rest["name"] = found["name"]
        if rest:
            left.remove({"field_id": field_id, **rest})
    assert left == []
    assert set(cells.values()) <= {""}


texts = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.text('"|\\{}, \n', max_size=6)
    | st.sampled_from(ODD_TEXTS)
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda children: st.lists(children, max_size=2) | st.dictionaries(texts, children, max_size=2),
    max_leaves=4,
)
usual_items = st.builds(item, st.sampled_from(["s", "p", "q", "é"]), texts | json_values)
odd_items = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Serial number", "Renamed", None]),
        "value": json_values,
        "field_id": st.sampled_from(["s", "p", "unknown", None, 7]),
        "unit": json_values,
    },
)
item_lists = st.lists(usual_items | odd_items, max_size=5)
records = st.fixed_dictionaries(
    {},
    optional={
        "id": json_values,
        "fields": item_lists.map(lambda found: piped(*found)) | item_lists | json_values,
        "status_options": item_lists.map(lambda found: piped(*found)) | json_values,
        "colour": json_values,
        "Serial number": json_values,
        "extra": json_values,
    },
)


@given(st.lists(records, max_size=4))
def test_nothing_a_record_holds_is_lost(found: list[Record]) -> None:
    for record, line in zip(found, lines_of(CsvTable(COLUMNS), *found), strict=True):
        assert_nothing_is_lost(record, line)


@given(st.lists(records, max_size=4), st.integers(0, 4))
def test_pages_rendered_apart_are_the_same_as_together(found: list[Record], cut: int) -> None:
    together, apart = CsvTable(COLUMNS), CsvTable(COLUMNS)
    assert apart.render(found[:cut]) + apart.render(found[cut:]) == together.render(found)
    assert apart.tally == together.tally
    first, second = CsvTable(COLUMNS), CsvTable(COLUMNS)
    first.render(found[:cut])
    second.render(found[cut:])
    assert first.tally + second.tally == together.tally
    resumed = CsvTable(COLUMNS, Drift.model_validate_json(first.tally.model_dump_json()))
    resumed.render(found[cut:])
    assert resumed.tally == together.tally


@given(st.lists(records, min_size=1, max_size=4), st.booleans())
def test_every_line_has_as_many_cells_as_the_header(found: list[Record], neutralise: bool) -> None:
    table = CsvTable(COLUMNS, neutralise_formulas=neutralise)
    assert {len(line) for line in read(table.render_header() + table.render(found))} == {len(COLUMNS.header)}


@given(st.lists(records, max_size=4))
def test_the_bytes_are_those_of_the_standard_writer(found: list[Record]) -> None:
    content = CsvTable(COLUMNS).render(found)
    text = io.StringIO(newline="")
    csv.writer(text).writerows(read(content))
    assert text.getvalue().encode() == content


def test_five_hundred_emulated_assets_are_decoded_completely() -> None:
    columns = Columns.flattened(feed_named("assets").columns, defined_fields(field_definitions()))
    table = CsvTable(columns)
    header_of = {column.field_id: column.header for column in columns.columns if column.kind == "field"}
    for index, line in enumerate(lines_of(table, *map(asset, range(500)))):
        assert_nothing_is_lost(asset(index), line, columns)
        assert line["extra"] == ""
        assert json.loads(line["status_options"] or "[]") == statuses(index)
        for found in fields(index):
            assert line[header_of[found["field_id"]]] == cell_text(found["value"])
    assert table.tally == Drift(rows=500)


@pytest.mark.parametrize("value", [None, ""])
def test_no_fields_are_empty_cells(value: Any) -> None:
    assert set(line_of({"fields": value}).values()) == {""}


def test_values_stand_under_the_columns_of_their_fields() -> None:
    line = line_of(
        {"fields": piped(item("p", {"currencyCode": "AUD", "units": 111, "nanos": 500_000_000}), item("s", "a|b"))}
    )
    assert (line["Serial number"], line["Price | tax"], line["extra"]) == ("a|b", "111.5 AUD", "")


def test_a_field_unknown_to_the_header_is_in_extra_and_counted() -> None:
    unseen = {"name": "Colour", "value": {"seconds": 1, "nanos": 0}, "field_id": "c"}
    assert json.loads(line_of({"fields": piped(item("s", "1"), unseen)})["extra"]) == {"fields": [unseen]}
    tally = tally_of({}, {"fields": piped(unseen)}, {"fields": piped(unseen)})
    (sighting,) = tally.unseen_fields.seen.items()
    assert (sighting[0], sighting[1].label, sighting[1].count, sighting[1].first_row) == ("c", "Colour", 2, 2)


def test_a_second_item_of_a_field_is_complete_in_extra_and_counted() -> None:
    record = {"fields": piped(item("s", "first"), item("s", "second"))}
    line = line_of(record)
    assert line["Serial number"] == "first"
    assert json.loads(line["extra"]) == {"fields": [item("s", "second")]}
    assert tally_of(record).repeated_fields.seen["s"].count == 1


def test_the_first_item_with_a_value_takes_the_cell() -> None:
    for encoded in (piped(item("s", None), item("s", "second")), [item("s", ""), item("s", "second")]):
        line = line_of({"fields": encoded})
        assert (line["Serial number"], line["extra"]) == ("second", "")


def test_further_keys_of_an_item_are_in_extra() -> None:
    line = line_of({"fields": piped(item("s", "1", unit="kg"))})
    assert line["Serial number"] == "1"
    assert json.loads(line["extra"]) == {"fields": [{"field_id": "s", "unit": "kg"}]}


def test_a_name_that_is_no_text_is_in_extra() -> None:
    line = line_of({"fields": [{"name": None, "value": "1", "field_id": "s"}]})
    assert line["Serial number"] == "1"
    assert json.loads(line["extra"]) == {"fields": [{"field_id": "s", "name": None}]}


def test_a_field_that_was_renamed_keeps_its_column_and_is_counted() -> None:
    record = {"fields": piped({**item("s", "1"), "name": "Serial no."})}
    assert (line_of(record)["Serial number"], line_of(record)["extra"]) == ("1", "")
    assert tally_of(record).renamed_fields.seen["s: Serial no."].label == "Serial number"


@pytest.mark.parametrize(
    "value", ["not pipes", '{"name":"S"', '{"name":"7|"field_id":"s"}', 7, 0, False, {}, {"a": 1}, ["text"]]
)
def test_fields_that_do_not_parse_are_kept_raw_in_extra_and_counted(value: Any) -> None:
    assert json.loads(line_of({"fields": value})["extra"]) == {"fields": value}
    assert tally_of({"fields": value}).unparsable.seen["fields"].count == 1


def test_a_real_list_of_items_is_taken_as_the_items() -> None:
    assert line_of({"fields": [item("s", "1")]}) == line_of({"fields": piped(item("s", "1"))})


def test_items_spelled_another_way_give_the_same_line() -> None:
    found = [item("s", "1"), item("é", "ü"), item("q", None)]
    usual = line_of({"fields": piped(*found)})
    assert line_of({"fields": json.dumps(found)}) == usual
    assert (
        line_of({"fields": piped(*({key: each[key] for key in ("field_id", "value", "name")} for each in found))})
        == usual
    )


def test_with_no_field_known_all_of_them_are_in_extra() -> None:
    line = line_of({"fields": piped(item("s", "1"))}, Columns.flattened(KEYS, []))
    assert json.loads(line["extra"]) == {"fields": [item("s", "1")]}


def test_a_list_is_one_cell_of_json() -> None:
    statuses = [{"id": "1", "name": "In | Service"}, {"id": "2", "name": "a, b"}]
    assert json.loads(line_of({"status_options": piped(*statuses)})["status_options"]) == statuses
    assert json.loads(line_of({"status_options": statuses})["status_options"]) == statuses
    assert line_of({"status_options": ""})["status_options"] == ""


@pytest.mark.parametrize("value", ["not pipes", "[1]", 7])
def test_a_list_that_does_not_parse_is_kept_raw_and_counted(value: Any) -> None:
    assert line_of({"status_options": value})["status_options"] == cell_text(value)
    tally = tally_of({"status_options": ""}, {"status_options": value})
    assert (tally.unparsable.seen["status_options"].count, tally.unparsable.seen["status_options"].first_row) == (1, 2)


def test_unforeseen_keys_are_counted_with_their_first_row() -> None:
    tally = tally_of({"id": "1"}, {"colour": 1}, {"colour": None, "size": 2})
    assert tally.rows == 3
    assert [(key, seen.count, seen.first_row) for key, seen in tally.unforeseen_keys.seen.items()] == [
        ("colour", 2, 2),
        ("size", 1, 3),
    ]


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**25])
def test_integers_beyond_64_bits_keep_their_digits_in_fields(number: int) -> None:
    assert line_of({"fields": piped(item("s", number))})["Serial number"] == str(number)
    money = {"currencyCode": "AUD", "units": number, "nanos": 0}
    assert (
        line_of({"fields": piped(item("p", money))})["Price | tax"]
        == f'{{"currencyCode":"AUD","units":{number},"nanos":0}}'
    )
    unseen = line_of({"fields": piped(item("unknown", number))})
    assert json.loads(unseen["extra"])["fields"][0]["value"] == number


def test_lone_surrogates_are_written_as_json_escapes() -> None:
    line = line_of({"id": "\udfff", "fields": r'{"name":"Serial number"|"value":"\ud800"|"field_id":"s"|"\ud801":1}'})
    assert (line["id"], line["Serial number"]) == (r"\udfff", r"\ud800")
    assert json.loads(line["extra"]) == {"fields": [{"field_id": "s", "\ud801": 1}]}
    assert tally_of({"\ud800": 1}).model_dump_json()


def test_values_nested_too_deep_to_be_written_are_kept_raw() -> None:
    for depth in (1_000, 3_000, *range(9_900, 10_010)):
        encoded = '{"name":"N"|"value":' + "[" * depth + "]" * depth + '|"field_id":"deep"}'
        line = line_of({"fields": encoded})
        assert encoded in (json.loads(line["extra"])["fields"], piped(*items_of(encoded) or ()))


def test_nul_is_a_character_like_any_other() -> None:
    assert line_of({"id": "a\0b", "fields": piped(item("s", "\0"))})["Serial number"] == "\0"


def test_a_table_without_columns_still_has_a_line_a_record() -> None:
    assert CsvTable([]).render([{}, {}]) == b'""\r\n""\r\n'


def test_a_tally_stays_small_and_keeps_its_totals() -> None:
    table = CsvTable(COLUMNS)
    table.render([{f"key {row}": 1, "fields": [item(f"f{row}" + "x" * 1000, 1)]} for row in range(500)])
    assert len(table.tally.unforeseen_keys.seen) == len(table.tally.unseen_fields.seen) == 100
    assert table.tally.unforeseen_keys.total == table.tally.unseen_fields.total == 500
    assert len(table.tally.model_dump_json()) < 60_000
    later = CsvTable(COLUMNS)
    later.render([{f"later key {row // 2}": 1} for row in range(20)])
    assert (table.tally + later.tally).unforeseen_keys.others == 400 + 20
    both = table.tally + table.tally
    assert (both.rows, both.unforeseen_keys.total, both.unforeseen_keys.others) == (1000, 1000, 800)
    assert both.unforeseen_keys.seen["key 7"].first_row == 8
