import json
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.errors import FeedUnavailable, ForeignCursor, PageTooLarge
from assetline.safetyculture import page_parser
from assetline.safetyculture.page_parser import early_next_cursor, parse_page


def test_a_page_has_records_and_the_cursor_of_the_next() -> None:
    page = parse_page(
        b'{"metadata": {"next_page": "/feed/assets?t=2", "remaining_records": 75}, "data": [{"id": "1"}]}'
    )
    assert (page.records, page.next_cursor, page.remaining) == ([{"id": "1"}], "/feed/assets?t=2", 75)


@pytest.mark.parametrize("metadata", [b'{"next_page": null}', b'{"next_page": ""}', b"{}"])
def test_the_last_page_has_no_cursor(metadata: bytes) -> None:
    assert parse_page(b'{"metadata": %b, "data": []}' % metadata).next_cursor is None


@pytest.mark.parametrize(("next_page", "cursor"), [(b"null", None), (b'""', None), (b'"/2"', "/2")])
def test_null_is_an_empty_page_if_it_has_a_next_cursor(next_page: bytes, cursor: str | None) -> None:
    page = parse_page(b'{"metadata": {"next_page": %b}, "data": null}' % next_page)
    assert (page.records, page.next_cursor) == ([], cursor)


@pytest.mark.parametrize("remaining", [b"null", b'"many"', b"true"])
def test_remaining_records_that_are_no_number_are_passed_over(remaining: bytes) -> None:
    assert parse_page(b'{"metadata": {"remaining_records": %b}, "data": []}' % remaining).remaining is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>maintenance</html>",
        b'{"metadata": {"next_page": null}, "data": [{"id": "secret-1"',
        b"[]",
        b'{"data": []}',
        b'{"metadata": {"next_page": null}}',
        b'{"metadata": {"next_page": null}, "data": {}}',
        b'{"metadata": {}, "data": null}',
        b'{"metadata": null, "data": null}',
        b'{"metadata": {"next_page": 7}, "data": null}',
        b'{"metadata": {"next_page": null}, "data": ["secret-1"]}',
        *(b'{"metadata": {"next_page": %b}, "data": []}' % odd for odd in (b"7", b"0", b"false", b"{}", b"[]", b'" "')),
        b'{"metadata": {"next_page": null}, "data": [{"id": NaN, "secret-1": 1}]}',
        b'{"metadata": {"next_page": null}, "data": [{"id": "secret-1\xff"}]}',
        b'{"metadata": {"next_page": null}, "data": ' + b"[" * 200_000,
        b'{"metadata": {"next_page": null}, "data": [{"id": ' + b"9" * 5_000 + b'}, {"secret-1',
    ],
)
def test_a_200_that_is_no_page_may_be_asked_for_again_and_is_not_quoted(body: bytes) -> None:
    with pytest.raises(FeedUnavailable) as failure:
        parse_page(body)
    assert "secret-1" not in str(failure.value)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (b'"next_page": null, "next_page_token": "more"', "next_page_token"),
        (b'"next_page": "", "next_page_token": "more"', "next_page_token"),
        (b'"next_page_token": "more"', "next_page_token"),
        (b'"next_page": null, "remaining_records": 9975', "9975"),
    ],
)
def test_an_end_that_the_metadata_contradicts_is_an_unsure_one(metadata: bytes, message: str) -> None:
    page = parse_page(b'{"metadata": {%b}, "data": []}' % metadata)
    assert page.next_cursor is None
    assert message in (page.unsure_end or "")
    assert "more" not in (page.unsure_end or "")


@pytest.mark.parametrize(
    "metadata",
    [
        b'"next_page": null, "next_page_token": ""',
        b'"next_page": null, "next_page_token": null, "remaining_records": 0',
        b'"next_page": "/2", "next_page_token": "2", "remaining_records": 7',
    ],
)
def test_an_end_that_nothing_contradicts_is_sure(metadata: bytes) -> None:
    assert parse_page(b'{"metadata": {%b}, "data": []}' % metadata).unsure_end is None


@pytest.mark.parametrize("mark_of", [b'{"n": 1}', b'{"n": 18446744073709551616}', b'{"n": "\\ud83d"}'])
def test_a_byte_order_mark_is_passed_over(mark_of: bytes) -> None:
    body = b'{"metadata": {"next_page": "/2"}, "data": [%b]}' % mark_of
    assert parse_page(b"\xef\xbb\xbf" + body) == parse_page(body)


@pytest.mark.parametrize("cursor", ["/feed?" + "a" * 8200, "/feed?" + "é" * 4100])
def test_a_cursor_too_long_for_a_request_is_refused_by_name(cursor: str) -> None:
    with pytest.raises(ForeignCursor, match="8,192 bytes") as refusal:
        parse_page(json.dumps({"metadata": {"next_page": cursor}, "data": []}).encode())
    assert "aaa" not in str(refusal.value)
    assert parse_page(json.dumps({"metadata": {"next_page": cursor[:2000]}, "data": []}).encode()).next_cursor


@pytest.mark.parametrize("depth", [1_100, 9_950, 200_000])
@pytest.mark.parametrize(("opens", "closes"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_json_nested_beyond_reason_is_refused_by_name(depth: int, opens: bytes, closes: bytes) -> None:
    nested = opens * depth + b"1" + closes * depth
    with pytest.raises(FeedUnavailable, match="nested"):
        parse_page(b'{"metadata": {"next_page": null}, "data": [{"odd": %b}]}' % nested)


@pytest.mark.parametrize("value", [b'{"a":1},', b"{},"])
def test_a_page_of_millions_of_values_is_too_large(value: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_parser, "MANY_BYTES", 1000)
    monkeypatch.setattr(page_parser, "MAX_VALUES", 10_000)
    for values, too_many in ((2_000, False), (10_001, True)):
        body = b'{"metadata": {"next_page": null}, "data": [%b]}' % (value * values)[:-1]
        with pytest.raises(PageTooLarge, match="page_size") if too_many else nullcontext():
            assert len(parse_page(body).records) == values


VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=4))
def test_records_are_read_without_loss(records: list[dict[str, object]]) -> None:
    body = json.dumps({"metadata": {"next_page": None}, "data": records}).encode()
    assert repr(parse_page(body).records) == repr(records)


@pytest.mark.parametrize("wide", ["18446744073709551616", "-9223372036854775809", "123456789012345678901234567890"])
@pytest.mark.parametrize("shape", ["%s", "[%s]", '{"a": [1.5, {"b": %s}]}'])
def test_an_integer_of_any_size_keeps_its_digits(wide: str, shape: str) -> None:
    body = '{"metadata": {"next_page": null}, "data": [{"n": %s}]}' % (shape % wide)
    assert json.dumps(parse_page(body.encode()).records[0]["n"]) == shape % wide


def test_half_a_surrogate_pair_is_text_like_any_other() -> None:
    page = parse_page(b'{"metadata": {"next_page": null}, "data": [{"name": "odd \\ud83d end"}]}')
    assert page.records == [{"name": "odd \ud83d end"}]


class TestEarlyNextCursor:
    @pytest.mark.parametrize(
        "opening",
        [
            b'{"metadata":{"next_page":"/feed/assets?t=2"}',
            b' {\n "metadata" : {\t"next_page" : "/feed/assets?t=2" ,',
            b'{"metadata":{"remaining_records":75,"ok":true,"next_page_token":null,"next_page":"/feed/assets?t=2"}',
            rb'{"metadata":{"next_page_token":"a\"b,\"next_page\":1","next_page":"\/feed\u002fassets?t=2"}',
        ],
    )
    def test_metadata_at_the_front_contains_it(self, opening: bytes) -> None:
        assert early_next_cursor(opening) == "/feed/assets?t=2"

    @pytest.mark.parametrize(
        "opening",
        [
            b"",
            b'{"metadata":{"next_page":"/feed/assets?t=2"',  # a number may continue: the parser waits for its end
            b'{"metadata":{"next_page":"/feed/ass',
            b'{"metadata":{"next_page":null,',
            b'{"metadata":{"next_page":"",',
            b'{"metadata":{"next_page":7,',
            b'{"metadata":{"next_page_token":"t",',
            b'{"metadata":{"inner":{"next_page":"/no"},',
            b'{"metadata":{"text":"\\"next_page\\":\\"/no\\",",',
            b'{"data":[{"metadata":{"next_page":"/no"}}],',
            b'{"data":[{"text":"{\\"metadata\\":{\\"next_page\\":\\"/no\\"}"}],',
            b'[{"metadata":{"next_page":"/no"},',
            b'<html>{"metadata":{"next_page":"/no"},',
            b'{"metadata":{"next_page":"\\ud800",',
        ],
    )
    def test_anything_else_does_not(self, opening: bytes) -> None:
        assert early_next_cursor(opening) is None

    @given(
        st.dictionaries(st.sampled_from(["a", "next_page", "next_page_token", 'é"\\']), VALUES),
        st.sampled_from([(",", ":"), (" , ", " : ")]),
        st.integers(0, 400),
    )
    def test_it_never_reports_another_cursor_than_the_complete_page(
        self, metadata: dict[str, object], separators: tuple[str, str], size: int
    ) -> None:
        body = json.dumps({"metadata": metadata, "data": []}, separators=separators).encode()
        early = early_next_cursor(body[:size])
        assert early is None or early == parse_page(body).next_cursor

    def test_a_body_that_is_not_of_that_shape_is_given_up_on_at_once(self) -> None:
        assert early_next_cursor(b'{"metadata":{' + b'"a":"' + b'\\"' * 30_000) is None
        assert early_next_cursor(b'{"metadata":{' + b'"a":1,' * 10_000) is None


def test_a_value_nested_as_deep_as_the_parser_reads_is_read() -> None:
    nested = b"[" * 1000 + b"]" * 1000
    page = parse_page(b'{"metadata": {"next_page": null}, "data": [{"id": "1", "odd": %b}]}' % nested)
    assert page.records[0]["id"] == "1"
