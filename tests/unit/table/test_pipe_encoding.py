import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assetline.table.pipe_encoding import NotPipeEncoded, parse_pipes, parse_value
from local.emulators.safetyculture.assets import ODD_TEXTS, asset, fields, pipe_encoded, statuses

texts = st.text(st.characters(exclude_categories=["Cs"])) | st.text('"\\|{}[]:, \n\r\ta') | st.sampled_from(ODD_TEXTS)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(texts, children, max_size=3),
    max_leaves=6,
)
items = st.lists(st.dictionaries(texts, json_values, max_size=4), max_size=4)


def piped(found: list[dict[str, Any]], *, ascii_only: bool = False) -> str:
    return json.dumps(found, separators=("|", ":"), ensure_ascii=ascii_only)[1:-1]


@given(items, st.booleans())
@example([{"name": "a", "value": "b|"}], False)
@example([{"name": '}|{"', "value": '|"'}, {"": "}|{"}], False)
def test_encoded_items_are_decoded_unchanged(found: list[dict[str, Any]], ascii_only: bool) -> None:
    repeated = parse_pipes(piped(found, ascii_only=ascii_only))
    assert repeated == found
    assert json.dumps(repeated) == json.dumps(found)  # 1 == 1.0 == True, but they are not the same


@given(items)
def test_plain_json_is_taken_as_well_with_and_without_its_brackets(found: list[dict[str, Any]]) -> None:
    assert parse_pipes(json.dumps(found)) == found
    assert parse_pipes(json.dumps(found)[1:-1]) == found
    assert parse_pipes(f"[{piped(found)}]") == found


@given(items)
def test_blanks_around_the_separators_make_no_difference(found: list[dict[str, Any]]) -> None:
    assert parse_pipes(json.dumps(found, separators=(" | ", " : "))[1:-1]) == found


@given(st.text('{}[]"|,:\\n1a \n', max_size=12))
def test_a_text_is_read_as_json_reads_it_or_refused(text: str) -> None:
    plain = re.sub(r'("(?:[^"\\]|\\.)*")|\|', lambda token: token[1] or ",", text, flags=re.DOTALL)
    try:
        expected = json.loads(f"[{plain}]", strict=False)
    except ValueError:
        expected = None
    if isinstance(expected, list) and len(expected) == 1 and isinstance(expected[0], list):
        expected = expected[0]
    if expected is None or not all(isinstance(item, dict) for item in expected):
        with pytest.raises(NotPipeEncoded):
            parse_pipes(text)
    else:
        assert parse_pipes(text) == expected


def test_nothing_is_no_items() -> None:
    assert parse_pipes("") == []


def test_the_emulated_assets_are_decoded_completely() -> None:
    for index in range(500):
        assert parse_pipes(asset(index)["fields"]) == fields(index)
        assert parse_pipes(asset(index)["status_options"]) == statuses(index)
        assert parse_pipes(pipe_encoded(fields(index))) == fields(index)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1',
        '{"a":1}|',
        '{"a":1}{"b":2}',
        '{"a":"b\\|c"}',  # an escape JSON does not have: a pipe, or a backslash and a separator?
        '{"a":"open}',
        '{"a":1}],[{"b":2}',
        '{"a":NaN}',
        '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
        "null",
        "7",
        '"text"',
        "[[]]",
        '{"a":1}|null',
    ],
)
def test_an_ambiguous_text_is_refused(text: str) -> None:
    with pytest.raises(NotPipeEncoded):
        parse_pipes(text)


def test_a_refusal_does_not_quote_the_text() -> None:
    with pytest.raises(NotPipeEncoded) as refusal:
        parse_pipes('{"name":"secret"')
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**64, 10**30, -(10**30)])
def test_integers_beyond_64_bits_keep_their_digits(number: int) -> None:
    assert parse_pipes(piped([{"value": number}])) == [{"value": number}]
    assert parse_pipes(piped([{"value": {"units": [number]}}]))[0]["value"]["units"][0] == number


def test_a_lone_surrogate_comes_back() -> None:
    assert parse_pipes(r'{"value":"\ud800 alone"}') == [{"value": "\ud800 alone"}]


def test_control_characters_may_stand_unescaped_inside_a_string() -> None:
    assert parse_pipes('{"value":"first\nsecond|third"|"b":1}') == [{"value": "first\nsecond|third", "b": 1}]


def test_values_nested_to_any_depth_the_parser_takes_are_no_trouble() -> None:
    for depth in (100, 300, 990, 1000, 1020, 1100, 2000):
        value = parse_pipes('{"a":' + "[" * depth + "]" * depth + "}")[0]["a"]
        for _ in range(depth - 1):
            (value,) = value
        assert value == []


@given(json_values)
def test_one_value_comes_back(value: Any) -> None:
    assert parse_value(json.dumps(value, separators=("|", ":"))) == value


@pytest.mark.parametrize("literal", ["", "1|2", '1}|{"value":2', '1|"other":2', "1}", "[1", "1]"])
def test_anything_but_one_value_is_refused(literal: str) -> None:
    with pytest.raises(NotPipeEncoded):
        parse_value(literal)
