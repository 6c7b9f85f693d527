import csv
import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assetline.table.rows import CsvTable

COLUMNS = ("id", "code", "site_id")

# Lone surrogates are no Unicode text: JSON that orjson parses cannot hold them.
texts = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda children: st.lists(children) | st.dictionaries(texts, children),
    max_leaves=5,
)
records = st.lists(st.dictionaries(st.sampled_from((*COLUMNS, "new", "newer")), json_values), max_size=5)


def read(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))


def file_of(*rows: dict[str, Any]) -> list[list[str]]:
    table = CsvTable(COLUMNS)
    return read(table.render_header() + table.render(rows))


def test_the_header_names_the_columns_and_extra_after_them() -> None:
    assert CsvTable(COLUMNS).render_header() == b"id,code,site_id,extra\r\n"


def test_a_record_becomes_a_line_in_the_order_of_the_columns() -> None:
    assert CsvTable(COLUMNS).render([{"site_id": "s", "id": "1", "code": "c"}]) == b"1,c,s,\r\n"


def test_null_and_missing_are_empty_cells() -> None:
    assert file_of({"id": "1", "code": None})[1] == ["1", "", "", ""]


def test_values_that_are_no_text_are_written_as_json_writes_them() -> None:
    assert file_of({"id": 7, "code": True, "site_id": {"a": [1.5, None]}})[1] == ["7", "true", '{"a":[1.5,null]}', ""]


def test_quotes_commas_newlines_and_unicode_come_back_as_they_were() -> None:
    awkward = 'say "hi", then\r\nnext\nline\rend — ナイフ 🔪 |'
    assert file_of({"id": awkward})[1][0] == awkward


def test_an_unknown_key_is_complete_in_extra() -> None:
    line = file_of({"id": "1", "colour": "red", "sizes": [1, 2]})[1]
    assert line[:3] == ["1", "", ""]
    assert json.loads(line[3]) == {"colour": "red", "sizes": [1, 2]}


def test_no_records_are_no_lines() -> None:
    assert CsvTable(COLUMNS).render([]) == b""


@given(records)
def test_every_line_has_as_many_cells_as_the_header(rows: list[dict[str, Any]]) -> None:
    lines = file_of(*rows)
    assert len(lines) == 1 + len(rows)
    assert {len(line) for line in lines} == {len(COLUMNS) + 1}


@given(records)
def test_nothing_a_record_holds_is_lost(rows: list[dict[str, Any]]) -> None:
    for record, line in zip(rows, file_of(*rows)[1:], strict=True):
        cells = dict(zip((*COLUMNS, "extra"), line, strict=True))
        extra = json.loads(cells.pop("extra") or "{}")
        for name, value in record.items():
            if name not in COLUMNS:
                assert extra[name] == value
            elif value is None or isinstance(value, str):
                assert cells[name] == (value or "")
            else:
                assert json.loads(cells[name]) == value


@given(records, st.integers(0, 5))
def test_pages_rendered_apart_are_the_same_bytes_as_together(rows: list[dict[str, Any]], cut: int) -> None:
    table = CsvTable(COLUMNS)
    assert table.render(rows[:cut]) + table.render(rows[cut:]) == table.render(rows)
