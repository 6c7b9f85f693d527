"""Pages of Vi's list, and answers that do not end the list."""

from typing import Any

import httpx
import pytest

from assetline.assets.asset_pages import AssetPages
from assetline.errors import ViRefused, ViUnavailable
from assetline.vi import client as vi_client
from assetline.vi import datasets
from assetline.vi.client import ViClient
from tests.support.vi_key import AnyKey


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vi_client, "PAUSE", 0)


def client(answer: Any, status: int = 200) -> ViClient:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=answer))
    return ViClient("https://vi.example", AnyKey("arn:vi"), transport)


def pages(answer: Any, status: int = 200) -> AssetPages:
    return AssetPages(client(answer, status), "ds1", {})


@pytest.mark.parametrize("answer", [{"items": []}, {"items": [], "nextPage": None}, {"items": [], "nextPage": ""}])
def test_null_and_nothing_are_the_end(answer: dict[str, Any]) -> None:
    assert pages(answer).fetch("?s=5").next_cursor is None


@pytest.mark.parametrize("odd", [False, 0, {}, [], 7])
def test_anything_else_that_is_not_text_is_refused(odd: Any) -> None:
    with pytest.raises(ViUnavailable, match="neither null nor text"):
        pages({"items": [], "nextPage": odd}).fetch("?s=5")
    with pytest.raises(ViUnavailable, match="neither null nor text"):
        [*datasets.datasets(client({"items": [], "nextPage": odd}))]


def test_a_token_too_long_for_a_request_is_refused_by_name() -> None:
    with pytest.raises(ViRefused, match="8,192"):
        pages({"items": [], "nextPage": "a" * 9000}).fetch("?s=5")


@pytest.mark.parametrize("status", [500, 503, 504])
def test_a_page_that_fails_may_be_smaller(status: int) -> None:
    with pytest.raises(ViUnavailable) as fault:
        pages({}, status).ask("?s=5")(lambda _: None)
    assert fault.value.smaller_may_help
