import base64
import zlib

import boto3
import pytest
from botocore.stub import Stubber

from assetline.errors import PartsMismatch, UploadGone
from assetline.export.checkpoint import Checkpoint
from assetline.export.multipart_upload import MultipartUpload, Part, proven

CONTENTS = [b"first part", b"second part"]


def stored(*contents: bytes) -> list[Part]:
    return [
        Part(number, len(content), f'"{number}"', base64.b64encode(zlib.crc32(content).to_bytes(4)).decode())
        for number, content in enumerate(contents, start=1)
    ]


def rendered(*contents: bytes) -> Checkpoint:
    whole = b"".join(contents)
    return Checkpoint(cursor=None, next_part=len(contents) + 1, bytes=len(whole), crc32=zlib.crc32(whole))


def test_a_part_that_s3_does_not_take_any_more_says_so() -> None:
    s3 = boto3.client("s3")
    with Stubber(s3) as stub:
        stub.add_client_error("upload_part", "NoSuchUpload", http_status_code=404)
        with pytest.raises(UploadGone, match="s3://bucket/key"):
            MultipartUpload(s3, "bucket", "key", "id").put(1, b"part")


def test_parts_that_are_the_bytes_rendered_are_proven() -> None:
    parts = stored(*CONTENTS)
    assert proven(parts, rendered(*CONTENTS)) == parts


def test_parts_beyond_the_last_one_rendered_are_left_out() -> None:
    parts = stored(*CONTENTS, b"left behind by a turn that was killed")
    assert proven(parts, rendered(*CONTENTS)) == parts[:2]


def test_last_parts_that_the_caller_put_belong_to_the_object() -> None:
    *_, last = stored(b"first part", b" and the rest")
    listed = stored(b"first part", b"put by a turn that still runs")
    content = b"first part and the rest"
    checkpoint = rendered(b"first part").model_copy(update={"bytes": len(content), "crc32": zlib.crc32(content)})
    assert proven(listed, checkpoint, [last]) == [listed[0], last]


def test_a_part_that_was_replaced_completes_nothing() -> None:
    s3 = boto3.client("s3")
    with Stubber(s3) as stub:
        stub.add_client_error("complete_multipart_upload", "InvalidPart", http_status_code=400)
        with pytest.raises(PartsMismatch, match="was replaced"):
            MultipartUpload(s3, "bucket", "key", "id").complete(stored(*CONTENTS))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (stored(*CONTENTS)[:1], "all 2 parts"),
        (stored(*CONTENTS)[1:], "all 2 parts"),
        ([], "all 2 parts"),
        (stored(b"first part", b"second"), "16 bytes, rendered were 21"),
        (stored(b"first part", b"SECOND part"), "not the bytes"),
        (stored(*reversed(CONTENTS)), "not the bytes"),
        ([Part(1, 10, '"1"', ""), Part(2, 11, '"2"', "")], "not the bytes"),
    ],
)
def test_anything_else_is_not_published(parts: list[Part], said: str) -> None:
    with pytest.raises(PartsMismatch, match=said):
        proven(parts, rendered(*CONTENTS))
