import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assetline.table.cells import as_json, cell_text
from assetline.table.literals import literal_text
from assetline.table.pipe_encoding import NotPipeEncoded, parse_value

NANOS = 1_000_000_000

int64s = st.integers(-(2**63), 2**63 - 1)
nanos = st.integers(0, NANOS - 1) | st.sampled_from([0, 1, 10, 500_000_000, 999_999_999])
texts = st.text(st.characters(exclude_categories=["Cs"]))
seconds = st.integers(-62_135_596_800, 253_402_300_799)


def money(units: Any, nanos: Any = 0, currency: Any = "AUD") -> dict[str, Any]:
    return {"currencyCode": currency, "units": units, "nanos": nanos}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (money(111, 500_000_000), "111.5 AUD"),
        (money(111), "111 AUD"),
        (money(0), "0 AUD"),
        (money(0, -750_000_000), "-0.75 AUD"),
        (money(-12, -345_000_000), "-12.345 AUD"),
        (money(7, 1), "7.000000001 AUD"),
        (money(9_007_199_254_740_993), "9007199254740993 AUD"),
        (money("-9223372036854775808", -1), "-9223372036854775808.000000001 AUD"),
        ({"currency_code": "EUR", "units": "3", "nanos": 90_000_000}, "3.09 EUR"),
        ({"nanos": 0, "units": 5, "currencyCode": "JPY"}, "5 JPY"),
        ({"seconds": 1_669_719_600, "nanos": 0}, "2022-11-29T11:00:00Z"),
        ({"seconds": "1669719600", "nanos": 123_456_789}, "2022-11-29T11:00:00.123456789Z"),
        ({"nanos": 120_000_000, "seconds": -1}, "1969-12-31T23:59:59.12Z"),
        ({"seconds": -62_135_596_800, "nanos": 0}, "0001-01-01T00:00:00Z"),
        ({"seconds": 253_402_300_799, "nanos": 999_999_999}, "9999-12-31T23:59:59.999999999Z"),
        ("as it is", "as it is"),
        ("", ""),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (-5, "-5"),
        (1.5, "1.5"),
        (2**70, "1180591620717411303424"),
        ([1, None], "[1,null]"),
        ({"a": "é"}, '{"a":"é"}'),
    ],
)
def test_a_value_as_the_text_of_a_cell(value: Any, text: str) -> None:
    assert cell_text(value) == text


@pytest.mark.parametrize(
    "value",
    [
        money(1, -1),
        money(-1, 1),
        money(1, NANOS),
        money(1, -NANOS),
        money(1.0),
        money(True),
        money(1, 1.0),
        money(1, False),
        money(1, "1"),
        money(None),
        money("1.5"),
        money("01"),
        money("-0"),
        money("\u0661"),
        money(""),
        money(2**63),
        money(1, 0, "aud"),
        money(1, 0, "AU"),
        money(1, 0, "AUD "),
        money(1, 0, "ÄÖÜ"),
        money(1, 0, None),
        {"currencyCode": "AUD", "units": 1},
        {**money(1), "note": "rounded"},
        {"currencyCode": "AUD", "currency_code": "AUD", "units": 1, "nanos": 0},
        {"seconds": 1},
        {"seconds": 1, "nanos": -1},
        {"seconds": 1, "nanos": NANOS},
        {"seconds": 1.5, "nanos": 0},
        {"seconds": True, "nanos": 0},
        {"seconds": 1, "nanos": 0.0},
        {"seconds": 1, "nanos": False},
        {"seconds": 1, "nanos": None},
        {"seconds": None, "nanos": 0},
        {"seconds": 253_402_300_800, "nanos": 0},
        {"seconds": -62_135_596_801, "nanos": 0},
        {"seconds": 1, "nanos": 0, "zone": "UTC"},
    ],
)
def test_other_objects_than_money_and_time_are_kept_complete(value: dict[str, Any]) -> None:
    assert json.loads(cell_text(value)) == value


@given(int64s, nanos, st.sampled_from(["AUD", "JPY", "BHD"]), st.booleans())
def test_money_is_an_exact_decimal(units: int, fraction: int, currency: str, as_string: bool) -> None:
    fraction = -fraction if units < 0 else fraction
    amount, _, code = cell_text(money(str(units) if as_string else units, fraction, currency)).partition(" ")
    assert code == currency
    scaled = Decimal(amount).scaleb(9).to_integral_exact()
    assert int(scaled) == units * NANOS + fraction
    assert "E" not in amount
    assert "." not in amount or not amount.endswith(("0", "."))


@given(seconds, nanos)
def test_time_is_the_same_moment(second: int, fraction: int) -> None:
    text = cell_text({"seconds": second, "nanos": fraction})
    complete, _, digits = text.removesuffix("Z").partition(".")
    assert datetime.fromisoformat(complete) - datetime(1970, 1, 1) == timedelta(seconds=second)  # noqa: DTZ001
    assert int(digits.ljust(9, "0") or 0) == fraction
    if fraction == 0 and second >= 0:
        assert datetime.fromisoformat(text) == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)


def test_json_of_what_orjson_refuses() -> None:
    assert as_json([2**70, "\ud800"]) == '[1180591620717411303424,"\ud800"]'
    deep: list[Any] = []
    for _ in range(1000):
        deep = [deep]
    assert as_json(deep) == "[" * 1001 + "]" * 1001


literals = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(texts, children, max_size=3),
    max_leaves=4,
)
amounts = st.builds(money, int64s | st.integers() | texts, st.integers(-NANOS - 1, NANOS + 1), st.just("AUD") | texts)
moments = st.builds(lambda second, part: {"seconds": second, "nanos": part}, seconds | st.integers(), st.integers())


@given(literals | amounts | moments)
@example(money(1, NANOS - 1))
@example(money(1, -1))
@example({"seconds": 253_402_300_800, "nanos": 0})
def test_a_literal_becomes_the_text_its_value_becomes(value: Any) -> None:
    assert literal_text(json.dumps(value, separators=("|", ":"))) == cell_text(value)


@pytest.mark.parametrize(
    "literal",
    [
        '{"currencyCode":"AUD"|"units":007|"nanos":0}',
        '{"currencyCode":"AUD"|"units":1|"nanos":00}',
        '{"currencyCode":"AUD"|"units":+1|"nanos":0}',
        '{"seconds":01|"nanos":0}',
        '{"seconds":1|"nanos":0}x',
        '{"seconds":1|"nanos":0',
        "",
        "nul",
    ],
)
def test_invalid_json_is_neither_money_nor_time(literal: str) -> None:
    with pytest.raises(NotPipeEncoded):
        literal_text(literal)
    with pytest.raises(NotPipeEncoded):
        parse_value(literal)
