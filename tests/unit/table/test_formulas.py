import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.table.columns import Columns, CustomField
from assetline.table.formulas import runs
from assetline.table.rows import CsvTable

FORMULAS = [
    '=HYPERLINK("https://example.invalid","click")',
    "=1+1",
    "+61 2 5550 0000",
    "-1+1",
    "-",
    "--5",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1",
    "\t-5",
    "\r=1",
    "\n=1",
    " =1+1",
    "\tno formula but for the tab",
    "\rnone but for the carriage return",
    "\nnone but for the line break",
    "\u00a0=1",
    "\ufeff=1",
    "\u3000@a",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff20SUM(1)",
    " \uff1d1",
    "-5 AUD",
    "-1e",
    "-1\n",
    "-٣",
]
HARMLESS = ["", "a=1", "5", "-5", "+5", "+1.5", "-1e-7", "-.5", "-5.", " -5 ", "007", "1E5", "'=1", "(=1)", "a\t=1"]
COLUMNS = Columns.flattened(("id", "fields", "status_options"), [CustomField(id="s", name="=Serial")])


def render(record: dict[str, Any], *, neutralise: bool = True) -> tuple[dict[str, str], CsvTable]:
    table = CsvTable(COLUMNS, neutralise_formulas=neutralise)
    content = table.render_header() + table.render([record])
    (line,) = csv.DictReader(io.StringIO(content.decode(), newline=""))
    return line, table


def with_field(value: Any) -> dict[str, Any]:
    return {"fields": json.dumps([{"name": "=Serial", "value": value, "field_id": "s"}], separators=("|", ":"))[1:-1]}


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert render({"id": text})[0]["id"] == f"'{text}"
    assert render(with_field(text))[0]["'=Serial"] == f"'{text}"
    assert render({"fields": [{"name": "=Serial", "value": text, "field_id": "s"}]})[0]["'=Serial"] == f"'{text}"


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_is_left_alone_and_so_are_plain_numbers(text: str) -> None:
    assert render({"id": text})[0]["id"] == text
    assert render(with_field(text))[0]["'=Serial"] == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"currencyCode": "AUD", "units": -111, "nanos": -500_000_000}, "-111.5 AUD"),
        (-5, "-5"),
        (-1e-7, "-1e-7"),
        ({"=": "@"}, '{"=":"@"}'),
    ],
)
def test_cells_of_values_that_are_no_text_are_never_touched(value: Any, text: str) -> None:
    line, table = render(with_field(value))
    assert line["'=Serial"] == text
    assert render({"fields": [{"name": "=Serial", "value": value, "field_id": "s"}]})[0]["'=Serial"] == text
    assert render({"id": value})[0]["id"] == text
    assert table.tally.neutralised == 1  # the header


def test_a_list_that_does_not_parse_is_text_as_well() -> None:
    line, table = render({"status_options": "=1"})
    assert line["status_options"] == "'=1"
    assert table.tally.neutralised == 2


def test_every_changed_cell_is_counted_once_the_header_too() -> None:
    piece = [{"name": "=Serial", "value": "=1", "field_id": "s"}, {"name": "new", "value": "=2", "field_id": "n"}]
    _, table = render({"id": "=1", "fields": json.dumps(piece, separators=("|", ":"))[1:-1]})
    assert table.tally.neutralised == 3


@pytest.mark.parametrize("text", FORMULAS)
def test_it_is_off_unless_asked_for(text: str) -> None:
    line, table = render({"id": text, **with_field(text)}, neutralise=False)
    assert (line["id"], line["=Serial"], table.tally.neutralised) == (text, text, 0)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_no_plain_number_runs(number: float) -> None:
    assert not runs(json.dumps(number))
    assert not runs(f"+{json.dumps(abs(number))}")
