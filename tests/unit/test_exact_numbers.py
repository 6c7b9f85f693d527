"""No number changes on its way, whatever a double makes of it."""

import json
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.exact_numbers import Digits, loaded, loses_digits, number_of
from assetline.export.turn_memory import Memory
from assetline.safetyculture.page_parser import parse_page
from assetline.table.cells import as_json, cell_text
from assetline.table.pipe_encoding import parse_pipes

NO_DOUBLE = [
    "1e400",
    "-1E+999",
    "1e-400",
    "0.123456789012345678",
    "12345678901234567890.5",
    "9007199254740993.0",
    "18446744073709551616",
    "-9223372036854775809",
    "123456789012345678901234567890",
    "1e99999999999999999999",
]
DOUBLES = ["0", "-0.0", "0e999", "1.5", "1e5", "66.66666666666667", "1.7976931348623157e308", "5e-324"]
INTEGERS = ["18446744073709551615", "-9223372036854775808", "123456789012345678"]


def page(value: str) -> bytes:
    return b'{"metadata": {"next_page": null}, "data": [{"id": "1", "value": %b}]}' % value.encode()


@pytest.mark.parametrize("digits", NO_DOUBLE)
@pytest.mark.parametrize("shape", ["%s", "[%s]", '{"in":%s}', "[1.5,%s,2]", "[ %s ]"])
def test_a_number_that_no_double_holds_keeps_its_digits(digits: str, shape: str) -> None:
    text = shape % digits
    (record,) = parse_page(page(text)).records
    assert as_json(record["value"]) == text.replace(" ", "")
    assert cell_text(record["value"]) == text.replace(" ", "")


@pytest.mark.parametrize("number", [*DOUBLES, *INTEGERS])
def test_a_number_that_is_held_is_read_quickly(number: str) -> None:
    assert not loses_digits(page(number))
    (record,) = parse_page(page(number)).records
    assert record["value"] == json.loads(number)


@pytest.mark.parametrize("digits", NO_DOUBLE)
def test_a_value_of_a_custom_field_keeps_its_digits(digits: str) -> None:
    (item,) = parse_pipes(f'{{"name":"Load"|"value":{digits}|"field_id":"a"}}')
    assert cell_text(item["value"]) == digits


def test_digits_keep_beside_what_else_is_written_slowly() -> None:
    assert as_json({"a": Digits("1e400"), "b": 2**70, "c": "\ud800"}) == f'{{"a":1e400,"b":{2**70},"c":"\ud800"}}'


def test_digits_wait_for_the_header_as_they_are() -> None:
    gathered = [{"id": "1", "value": Digits("1e400"), "half": "\ud800", "large": 2**70, "break": "a\u2028b\nc"}]
    assert Memory.from_bytes(Memory(gathered=[*gathered]).to_bytes()).gathered == gathered


def test_an_integer_of_thousands_of_digits_is_no_fault() -> None:
    digits = "9" * 5000
    assert as_json(parse_page(page(digits)).records[0]["value"]) == digits


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][-+]?[0-9]{1,4})?", fullmatch=True))
def test_every_number_of_json_is_the_same_number_when_written(text: str) -> None:
    (record,) = parse_page(page(text)).records
    written = as_json(record["value"])
    assert written == text or Decimal(written) == Decimal(text)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_as_it_is_usually_written_is_held(number: float) -> None:
    for text in (repr(number), orjson.dumps(number).decode()):
        assert number_of(text) == number


def test_nan_is_no_json() -> None:
    with pytest.raises(ValueError, match="NaN is not JSON"):
        loaded("NaN")
