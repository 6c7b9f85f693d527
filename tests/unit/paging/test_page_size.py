import pytest

from assetline.paging.page_size import LADDER, page_size_of, with_smaller_pages


@pytest.mark.parametrize(
    ("cursor", "size"),
    [
        ("/feed/assets?limit=1000", 1000),
        ("/feed/assets?a=1&limit=25&b=2", 25),
        ("/feed/assets", None),
        ("/feed/assets?rate_limit=7", None),
        ("/feed/assets?limit=many", None),
        ("/feed/assets/limit=7", None),
        ("https://api.example/feed/assets?limit=100&next_page_token=a%3D", 100),
    ],
)
def test_a_cursor_contains_its_page_size(cursor: str, size: int | None) -> None:
    assert page_size_of(cursor) == size


def test_the_ladder_is_come_down_step_by_step_to_its_foot() -> None:
    cursor: str | None = "/feed/assets?a=1&limit=1000&b=x%2Fy"
    sizes = []
    while cursor:
        sizes.append(page_size_of(cursor))
        assert cursor == f"/feed/assets?a=1&limit={sizes[-1]}&b=x%2Fy"
        cursor = with_smaller_pages(cursor)
    assert sizes == [*LADDER]


def test_a_remembered_size_comes_down_to_the_next_step() -> None:
    assert with_smaller_pages("/feed/assets?limit=300") == "/feed/assets?limit=250"


@pytest.mark.parametrize("cursor", ["/feed/assets", "/feed/assets?limit=25", "/feed/assets?limit=10"])
def test_below_the_foot_there_is_nothing(cursor: str) -> None:
    assert with_smaller_pages(cursor) is None
