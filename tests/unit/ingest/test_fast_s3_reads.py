"""Objects out of an S3 that answers what a test gives it to answer."""

from typing import Any

import pytest
from botocore.credentials import ReadOnlyCredentials

from assetline.ingest.fast_s3_reads import SmallObjects
from assetline.ingest.staging import SliceAsset
from tests.unit.http.test_pooled_transport import serving

KEYS = ReadOnlyCredentials("AKIA1", "secret", "a token/+=")
PICTURE = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody"


def any_asset(**values: Any) -> SliceAsset:
    given = {"drop_id": "1", "bucket": "photos", "key": "ds1/a b+ü.png", "etag": "e1", "version_id": None, "size": 4}
    rest = {"mime": "image/png", "asset_filename": "a.png", "tag_count": 0, "upload": None}
    return SliceAsset.model_validate(given | rest | values)


@pytest.mark.parametrize("version", [None, "v/1"], ids=["without versions", "with versions"])
def test_a_dropped_object_is_requested_with_its_etag(version: str | None) -> None:
    with serving(PICTURE) as (origin, script):
        objects = SmallObjects(origin, "eu-west-1", lambda: KEYS)
        assert objects.read(any_asset(version_id=version)) == b"body"
        objects.close()
    ((head,),) = script.connections
    assert head.splitlines()[0] == b"GET /photos/ds1/a%20b%2B%C3%BC.png HTTP/1.1"
    assert [line for line in head.splitlines() if line.startswith(b"if-match")] == [b'if-match: "e1"']


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 412 Precondition Failed\r\ncontent-length: 4\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbod",
        b"HTTP/1.1 307 Temporary Redirect\r\ncontent-length: 0\r\n\r\n",
        b"SMTP ready\r\n",
    ],
)
def test_any_answer_but_the_object_is_left_to_boto3(answer: bytes) -> None:
    with serving(answer, hangs_up=True) as (origin, _):
        objects = SmallObjects(origin, "eu-west-1", lambda: KEYS)
        assert objects.read(any_asset()) is None
        objects.close()


def test_without_credentials_nothing_is_asked() -> None:
    assert SmallObjects("http://127.0.0.1:1", "eu-west-1", lambda: None).read(any_asset()) is None
