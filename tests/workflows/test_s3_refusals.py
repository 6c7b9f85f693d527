"""The local S3 refuses wrong parts of a multipart upload, as S3 does."""

import base64
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.stack.outputs import DeployedStack

FULL = b"x" * (5 * 1024**2)
LAST = b"last"


def crc32(body: bytes) -> str:
    return base64.b64encode(zlib.crc32(body).to_bytes(4)).decode()


class UploadProbe:
    def __init__(self, stack: DeployedStack) -> None:
        self.s3: Any = stack.client("s3")
        self.where = {"Bucket": stack.outputs["ExportBucketName"], "Key": "refusals/object"}

    def open(self, **checksum: str) -> None:
        self.where["UploadId"] = self.s3.create_multipart_upload(**self.where, **checksum)["UploadId"]

    def put(self, number: int, body: bytes, **checksum: str) -> dict[str, Any]:
        answer = self.s3.upload_part(**self.where, PartNumber=number, Body=body, **checksum)
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32": crc32(body)}

    def complete(self, parts: list[dict[str, Any]]) -> bytes:
        self.s3.complete_multipart_upload(**self.where, MultipartUpload={"Parts": parts})
        body: bytes = self.s3.get_object(Bucket=self.where["Bucket"], Key=self.where["Key"])["Body"].read()
        return body

    def refusal(self, parts: list[dict[str, Any]]) -> tuple[str, int]:
        with pytest.raises(ClientError) as refused:
            self.complete(parts)
        return code_and_status(refused.value)


def code_and_status(error: ClientError) -> tuple[str, int]:
    return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def upload(stack: DeployedStack) -> Iterator[UploadProbe]:
    upload = UploadProbe(stack)
    upload.open(ChecksumAlgorithm="CRC32", ChecksumType="COMPOSITE")
    yield upload
    upload.s3.abort_multipart_upload(**upload.where)


def test_complete_parts_are_accepted(stack: DeployedStack) -> None:
    upload = UploadProbe(stack)
    upload.open(ChecksumAlgorithm="CRC32", ChecksumType="COMPOSITE")
    parts = [upload.put(1, FULL), upload.put(2, LAST)]
    assert upload.complete(parts) == FULL + LAST


def test_part_numbers_with_a_gap_are_refused(upload: UploadProbe) -> None:
    assert upload.refusal([upload.put(1, FULL), upload.put(9991, LAST)]) == ("InvalidPartOrder", 400)


def test_parts_out_of_order_are_refused(stack: DeployedStack) -> None:
    upload = UploadProbe(stack)
    upload.open()
    parts = [upload.put(1, FULL), upload.put(2, FULL)]
    bare = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
    assert upload.refusal(bare[::-1]) == ("InvalidPartOrder", 400)
    assert upload.refusal([bare[0], bare[0]]) == ("InvalidPartOrder", 400)


def test_part_numbers_with_a_gap_are_accepted_without_checksums(stack: DeployedStack) -> None:
    upload = UploadProbe(stack)
    upload.open()
    parts = [upload.put(1, FULL), upload.put(7, LAST)]
    bare = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
    assert upload.complete(bare) == FULL + LAST


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"ETag": '"d41d8cd98f00b204e9800998ecf8427e"'}, "InvalidPart"),
        ({"ETag": ""}, "InvalidPart"),
        ({"ChecksumCRC32": crc32(b"another")}, "InvalidPart"),
        ({"PartNumber": 3}, "InvalidPartOrder"),
    ],
)
def test_a_part_that_differs_from_the_stored_one_is_refused(
    upload: UploadProbe, wrong: dict[str, Any], code: str
) -> None:
    assert upload.refusal([upload.put(1, FULL), upload.put(2, LAST) | wrong]) == (code, 400)


def test_a_part_that_was_never_uploaded_is_refused(upload: UploadProbe) -> None:
    part = upload.put(1, FULL)
    assert upload.refusal([part, part | {"PartNumber": 2}]) == ("InvalidPart", 400)


def test_a_part_without_its_checksum_is_refused(upload: UploadProbe) -> None:
    part = upload.put(1, LAST)
    del part["ChecksumCRC32"]
    with pytest.raises(ClientError, match="It was missing for part 1 in the request") as refused:
        upload.complete([part])
    assert code_and_status(refused.value) == ("InvalidRequest", 400)


def test_a_small_part_before_the_last_is_refused(upload: UploadProbe) -> None:
    assert upload.refusal([upload.put(1, LAST), upload.put(2, LAST)]) == ("EntityTooSmall", 400)


def test_a_body_that_does_not_match_its_checksum_is_refused(upload: UploadProbe) -> None:
    with pytest.raises(ClientError) as refused:
        upload.put(1, LAST, ChecksumCRC32=crc32(b"another"))
    assert code_and_status(refused.value) == ("BadDigest", 400)
