"""Copies in parts: ranges without a gap, side by side, complete or not at all."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from moto.s3 import models as moto_s3

from assetline.aws import copy_object as copies
from assetline.aws.copy_object import COPY_PART_BYTES, copy_object, ranges
from assetline.aws.failures import AwsRefused, guard
from assetline.aws.s3_documents import Address

SOURCE, TARGET = Address(bucket="exports", key="staging/file"), Address(bucket="exports", key="exports/file.csv")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(copies, "COPY_PART_BYTES", 10)
    monkeypatch.setattr(moto_s3, "S3_UPLOAD_PART_MIN_SIZE", 1)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="exports")
        guard(client)
        yield client


@pytest.mark.parametrize("size", [1, 10, 11, 95])
def test_a_copy_has_the_bytes_and_the_content_type(s3: Any, size: int) -> None:
    content = bytes(range(size))
    s3.put_object(Bucket="exports", Key=SOURCE.key, Body=content, ContentType="binary/octet-stream")
    copy_object(s3, SOURCE, TARGET, size, "text/csv; charset=utf-8")
    copied = s3.get_object(Bucket="exports", Key=TARGET.key)
    assert copied["Body"].read() == content
    assert copied["ContentType"] == "text/csv; charset=utf-8"


def test_a_copy_that_fails_leaves_no_upload_behind(s3: Any) -> None:
    with pytest.raises(AwsRefused, match=r"UploadPartCopy on s3://exports/exports/file\.csv"):
        copy_object(s3, SOURCE, TARGET, 95, "text/csv")
    assert s3.list_multipart_uploads(Bucket="exports").get("Uploads", []) == []
    assert s3.list_objects_v2(Bucket="exports").get("Contents", []) == []


@given(st.integers(1, 50 * 1024**4))
def test_ranges_cover_the_object_once_in_at_most_10_000_parts(size: int) -> None:
    pairs = [tuple(map(int, each.removeprefix("bytes=").split("-"))) for each in ranges(size)]
    assert len(pairs) <= 10_000
    assert pairs[0][0] == 0
    assert pairs[-1][1] == size - 1
    assert all(after[0] == before[1] + 1 for before, after in pairwise(pairs))
    assert size > 10_000 * COPY_PART_BYTES or all(end - start < COPY_PART_BYTES for start, end in pairs)
