"""The target of a signed URL: followed a few times, and never from https to less."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from assetline.errors import ViRefused, ViUnavailable
from assetline.vi.file_download import REDIRECTS, Downloader
from assetline.vi.signed_url import SignedUrlExpired

FIRST = "https://files.example/a.png?signature=1"


class AnswersByUrl:
    """Answers what is asked by its URL: bytes, a status, or where else to go."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers
        self.requested: list[str] = []

    @contextmanager
    def sent(self, method: str, url: str, headers: Mapping[str, str]) -> Iterator[Any]:
        assert (method, headers["accept-encoding"]) == ("GET", "identity")
        self.requested.append(url)
        answer = self._answers[url]
        if isinstance(answer, str):
            yield SimpleNamespace(status=302, headers={"location": answer})
        elif isinstance(answer, int):
            yield SimpleNamespace(status=answer, headers={})
        else:
            yield SimpleNamespace(status=200, headers={}, pieces=lambda: iter([answer]))


def got(answers: Mapping[str, Any]) -> tuple[bytes, list[str]]:
    downloader = Downloader("https://vi.example")
    downloader._requests = files = AnswersByUrl(answers)  # type: ignore[assignment]
    with downloader.opened(FIRST, {}) as pieces:
        return b"".join(pieces), files.requested


def test_a_file_that_has_moved_is_followed() -> None:
    there = "https://other.example/b.png"
    assert got({FIRST: "/c.png", "https://files.example/c.png": there, there: b"bytes"})[0] == b"bytes"


def test_nothing_leads_from_https_to_less_or_nowhere_or_for_ever() -> None:
    for location in ("http://files.example/a.png", "ftp://files.example/a.png", ""):
        with pytest.raises(ViRefused, match="not allowed") as raised:
            got({FIRST: location, "http://files.example/a.png": b"bytes"})
        assert "files.example" not in str(raised.value)
    with pytest.raises(ViRefused, match=f"more than {REDIRECTS} times"):
        got({FIRST: FIRST})


@pytest.mark.parametrize(
    ("statuses", "error"),
    [
        ((401, 403, 404, 410), SignedUrlExpired),
        ((429, 500, 503), ViUnavailable),
        ((206, 400), ViRefused),
    ],
)
def test_a_refusal_is_what_it_means(statuses: tuple[int, ...], error: type[Exception]) -> None:
    for status in statuses:
        with pytest.raises(error):
            got({FIRST: status})
