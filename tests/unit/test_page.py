import pytest

from assetline.errors import FeedUnavailable
from assetline.feed.page import parse_page


def test_a_page_has_records_and_the_cursor_of_the_next() -> None:
    page = parse_page(
        b'{"metadata": {"next_page": "/feed/assets?t=2", "remaining_records": 75}, "data": [{"id": "1"}]}'
    )
    assert (page.records, page.next_cursor, page.remaining) == ([{"id": "1"}], "/feed/assets?t=2", 75)


@pytest.mark.parametrize("metadata", [b'{"next_page": null}', b'{"next_page": ""}', b"{}"])
def test_the_last_page_has_no_cursor(metadata: bytes) -> None:
    assert parse_page(b'{"metadata": %b, "data": []}' % metadata).next_cursor is None


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
        b'{"metadata": {"next_page": null}, "data": ["secret-1"]}',
        b'{"metadata": {"next_page": 7}, "data": []}',
    ],
)
def test_a_200_that_is_no_page_may_be_asked_for_again_and_is_not_quoted(body: bytes) -> None:
    with pytest.raises(FeedUnavailable) as failure:
        parse_page(body)
    assert "secret-1" not in str(failure.value)
