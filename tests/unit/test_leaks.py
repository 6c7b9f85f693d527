"""The scanner of the secrets test finds a secret in every spelling, and takes nothing else for one."""

import base64
import gzip
import json
from urllib.parse import quote

import pytest

from tests.support.leaks import leaks, signatures

TOKEN = "scapi_a/b+c==&d<e>0123456789"
SECRETS = {"token": TOKEN}
VALUE = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        TOKEN,
        f"Authorization: Bearer {TOKEN}",
        f"https://host/feed?token={quote(TOKEN, safe='')}",
        json.dumps({"detail": json.dumps({"token": TOKEN})}),
        TOKEN.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
        *(base64.b64encode(b"x" * offset + TOKEN.encode() + b" and more").decode() for offset in range(3)),
    ],
)
def test_a_secret_is_found_in_every_spelling(text: str) -> None:
    assert leaks([("log", text.encode())], SECRETS) == ["log: token"]


@pytest.mark.parametrize(
    "text",
    [
        f"http://127.0.0.1:1/_objects/1?expires=1&signature={VALUE}",
        f"https://bucket.s3.amazonaws.com/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature={VALUE}",
        f"https://storage.googleapis.com/bucket/key?X-Goog-Signature={VALUE}",
        f"https://account.blob.core.windows.net/files/key?se=1&sig={VALUE}",
        f"https://cdn.example.com/key?Expires=1&Signature={VALUE}&Key-Pair-Id=K1",
        quote(f"http://127.0.0.1:1/key?signature={VALUE}", safe=""),
        json.dumps({"url": f"http://127.0.0.1:1/key?a=1&signature={VALUE}"}).replace("=", r"\u003d"),
        json.dumps({"signature": VALUE}),
    ],
)
def test_the_signature_of_a_signed_url_is_found(text: str) -> None:
    assert leaks([("log", text.encode())], SECRETS) == ["log: signature"]


def test_the_content_of_a_gzip_file_is_searched() -> None:
    packed = gzip.compress(f"{TOKEN}\n?signature={VALUE}".encode())
    assert leaks([("file", packed)], SECRETS) == ["file: token", "file: signature"]
    assert signatures([("file", packed)]) == {VALUE}


@pytest.mark.parametrize(
    "text",
    [
        "TokenRefused: Store the token again (--secret-string scapi_…) and start again.",
        "The signed URL has expired: signature=… was refused.",
        "SignatureDoesNotMatch",
        f"sha256={VALUE}",
        f"assignature={VALUE}",
        "",
    ],
)
def test_text_without_a_secret_is_accepted(text: str) -> None:
    assert leaks([("log", text.encode())], SECRETS) == []
