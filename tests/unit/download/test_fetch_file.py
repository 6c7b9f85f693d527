"""One file out of Vi: the request, and the verification if Vi returns few details."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest

from assetline.assets.asset_file import AssetFile
from assetline.download.fetch_file import Fetch, Mismatch, VerifiedBody
from assetline.vi import crc32c
from assetline.vi.assets import Assets
from assetline.vi.declared_checksum import declared_crc32c
from assetline.vi.file_download import Downloader
from assetline.vi.signed_url import SignedUrl

BODY = b"bytes of a.png"
MILLISECONDS = 1_795_217_214_199


def file_of(size: int | None = len(BODY), checksum: Any = None, expiry: int | None = None) -> AssetFile:
    hash_ = {"algorithm": "crc32c", "contents": checksum}
    contents = {"asset": {"url": "https://files.example/a.png?signature=1", "expiry": expiry}}
    record = {"assetId": "a1", "filename": "a.png", "metadata": {"fileSize": size, "hash": hash_}, "contents": contents}
    return AssetFile.of(record, "a.png")


class Vi(Assets, Downloader):
    """A Vi that gives one file out, and notes what it was asked."""

    def __init__(self) -> None:
        self.requested: list[str] = []

    def get(self, asset_id: str, *, contents: bool = False) -> dict[str, Any]:
        assert contents
        self.requested.append(f"asset {asset_id}")
        fresh = {"asset": {"url": "https://files.example/a.png?signature=2"}}
        return {"metadata": {"fileSize": len(BODY)}, "contents": fresh}

    @contextmanager
    def opened(self, url: str, headers: Mapping[str, str]) -> Iterator[Iterator[bytes]]:
        del headers
        self.requested.append(url.rpartition("?")[2])
        yield iter([BODY])


@dataclass
class MemoryPlace:
    """A place that keeps what arrives."""

    kept: dict[str, bytes] = field(default_factory=dict)

    def room(self, file: AssetFile) -> AbstractContextManager[object]:
        del file
        return nullcontext()

    def held(self, file: AssetFile) -> int | None:
        del file
        return None

    def put(self, file: AssetFile, arriving: VerifiedBody) -> None:
        self.kept[file.name] = b"".join(arriving)


@pytest.mark.parametrize("pieces", [[BODY[:-1]], [], [BODY, b"!"], [b"x" * 100]])
def test_a_file_is_verified_by_its_size_without_a_checksum(pieces: list[bytes]) -> None:
    with pytest.raises(Mismatch) as raised:
        b"".join(VerifiedBody(iter(pieces), file_of(), lambda: False))
    assert raised.value.reason == "WrongSize"
    assert b"".join(VerifiedBody(iter([BODY]), file_of(), lambda: False)) == BODY


def test_a_url_whose_time_is_over_is_renewed_and_not_asked() -> None:
    vi, place = Vi(), MemoryPlace()
    seconds = MILLISECONDS / 1000
    fetch = Fetch(vi, vi, place, clock=lambda: seconds + 1)
    assert fetch.download(file_of(expiry=MILLISECONDS)).state == "written"
    assert vi.requested == ["asset a1", "signature=2"]
    vi.requested.clear()
    # In seconds, as it may be as well, it would be long over: then Vi has to refuse it.
    assert fetch.download(file_of(expiry=MILLISECONDS // 1000)).state == "written"
    assert vi.requested == ["signature=1"]


def test_a_file_whose_signed_url_is_refused_has_that_reason() -> None:
    vi = Vi()
    with closing(Downloader("https://vi.example")) as downloader:
        local = file_of().model_copy(update={"contents": SignedUrl(url="http://127.0.0.1:9/a.png?signature=1")})
        outcome = Fetch(vi, downloader, MemoryPlace()).download(local)
    assert (outcome.state, outcome.reason) == ("failed", "SignedUrlRefused")
    assert "127.0.0.1" not in (outcome.message or "")


CHECKSUM = crc32c.of(BODY)
UNSIGNED = CHECKSUM & 0xFFFFFFFF


@pytest.mark.parametrize(
    "spelled",
    [
        str(CHECKSUM),
        str(UNSIGNED),
        CHECKSUM,
        f"{UNSIGNED:08x}",
        f"0x{UNSIGNED:08X}",
        base64.b64encode(UNSIGNED.to_bytes(4)).decode(),
    ],
)
def test_a_checksum_is_understood_however_vi_spells_it(spelled: object) -> None:
    assert CHECKSUM in declared_crc32c({"algorithm": "CRC-32C", "contents": spelled}, len(BODY))


@pytest.mark.parametrize(
    "hash_",
    [
        None,
        {},
        {"algorithm": "md5", "contents": "1"},
        {"algorithm": "crc32c", "contents": None},
        {"algorithm": "crc32c", "contents": "0"},
        {"algorithm": "crc32c", "contents": "what?"},
        {"algorithm": "crc32c", "contents": True},
    ],
)
def test_an_invalid_checksum_verifies_nothing(hash_: object) -> None:
    assert declared_crc32c(hash_, len(BODY)) == ()
