"""A part that is replaced after it was verified is not copied."""

import zlib

import boto3
import pytest

from assetline.aws.join_objects import JoinSource, join_objects
from assetline.aws.s3_documents import Address
from assetline.errors import PartsMismatch
from tests.simulation.account import MemoryAccount


@pytest.mark.parametrize(("parts", "copy"), [(1, "CopyObject"), (2, "UploadPartCopy")])
def test_a_part_replaced_after_its_check_is_refused(monkeypatch: pytest.MonkeyPatch, parts: int, copy: str) -> None:
    account, s3 = MemoryAccount(), boto3.client("s3")
    account.buckets.objects["exports"] = {}

    def replace_part(operation: str) -> None:
        if operation == copy:
            account.buckets.put_object(s3, {"Bucket": "exports", "Key": "part", "Body": b"other"})

    account.takes_calls(monkeypatch)
    s3.put_object(Bucket="exports", Key="part", Body=b"bytes")
    account.called = replace_part
    part = JoinSource("part", 5, zlib.crc32(b"bytes"))
    with pytest.raises(PartsMismatch):
        join_objects(s3, [part] * parts, Address(bucket="exports", key="file"), "text/csv")
    assert "file" not in account.buckets.objects["exports"]
    assert not account.buckets.uploads
