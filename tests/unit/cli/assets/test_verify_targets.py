"""The targets of a comparison with Vi: the checksum of an object is the one S3 keeps, if it is one of its bytes."""

import io

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from assetline.vi import crc32c
from assetline_cli.assets.verify_targets import PrefixTarget

BODY = b"bytes of a.png"


@pytest.mark.parametrize("stored", [{}, {"ChecksumCRC32C": "AAAAAA==-2"}], ids=["none", "of the parts' checksums"])
def test_a_checksum_that_is_not_of_its_bytes_is_made_of_them(stored: dict[str, str]) -> None:
    s3 = boto3.client("s3")
    with Stubber(s3) as stub:
        stub.add_response("head_object", stored)
        stub.add_response("get_object", {"Body": StreamingBody(io.BytesIO(BODY), len(BODY))})
        assert PrefixTarget(s3, "photos", "ds1/").crc32c("a.png") == crc32c.of(BODY)


def test_a_checksum_that_s3_stores_is_not_computed() -> None:
    s3 = boto3.client("s3")
    with Stubber(s3) as stub:
        stub.add_response("head_object", {"ChecksumCRC32C": crc32c.to_s3(crc32c.of(BODY))})
        assert PrefixTarget(s3, "photos", "ds1/").crc32c("a.png") == crc32c.of(BODY)
