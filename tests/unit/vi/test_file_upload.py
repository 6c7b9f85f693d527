"""An upload is verified by the CRC32C that the object store answers with, if it answers with one."""

from collections.abc import Iterator

import pytest

from assetline.errors import UploadDamaged, ViUnavailable
from assetline.vi import crc32c
from assetline.vi.file_upload import Uploader
from assetline.vi.signed_url import SignedUrl
from tests.unit.http.test_signed_url_requests import SignedUrlServer

CONTENT = b"the bytes of a file"
RIGHT = f"x-goog-hash: crc32c={crc32c.to_s3(crc32c.of(CONTENT))}\r\n"
WRONG = f"x-goog-hash: crc32c={crc32c.to_s3(crc32c.of(b'others'))}\r\n"
MD5 = "x-goog-hash: md5=Ojk9c3dhfxgoKVVHYwFbHQ==\r\n"


def put(
    headers: str, body: bytes | Iterator[bytes] = CONTENT, *, verify: bool = True, status: int = 200
) -> dict[str, str]:
    """Upload to a store that answers so; return the headers of its answer."""
    answer = f"HTTP/1.1 {status} Any\r\n{headers}content-length: 0\r\n\r\n".encode()
    uploader = Uploader("http://127.0.0.1")
    try:
        with SignedUrlServer([[answer]]).running() as url:
            return uploader.put(SignedUrl(url=url), body, len(CONTENT), verify=verify)
    finally:
        uploader.close()


def in_pieces() -> Iterator[bytes]:
    yield CONTENT[:7]
    yield CONTENT[7:]


@pytest.mark.parametrize("headers", [RIGHT, RIGHT + MD5, MD5 + RIGHT, RIGHT.replace("\r\n", ",md5=AA==\r\n")])
def test_an_upload_that_is_stored_as_sent_passes(headers: str) -> None:
    for body in (CONTENT, in_pieces()):
        assert crc32c.from_google(put(headers, body)["x-goog-hash"]) == crc32c.of(CONTENT)


@pytest.mark.parametrize("headers", [WRONG, WRONG + MD5, MD5 + WRONG])
def test_an_upload_that_is_stored_otherwise_is_damaged(headers: str) -> None:
    for body in (CONTENT, in_pieces()):
        with pytest.raises(UploadDamaged, match=f"{crc32c.of(CONTENT)}"):
            put(headers, body)


@pytest.mark.parametrize("headers", ["", MD5, "x-goog-hash: crc32c=not base64\r\n", "x-goog-hash: crc32c=AA==\r\n"])
def test_a_store_that_names_no_checksum_is_believed(headers: str) -> None:
    assert crc32c.from_google(put(headers).get("x-goog-hash", "")) is None


def test_an_upload_that_need_not_be_verified_is_not() -> None:
    stored = crc32c.from_google(put(WRONG, verify=False)["x-goog-hash"])
    assert stored == crc32c.of(b"others")


def test_a_failed_upload_is_no_damaged_one() -> None:
    with pytest.raises(ViUnavailable):
        put(WRONG, status=503)
