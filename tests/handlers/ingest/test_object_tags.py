"""The outcome of a drop as tags of its object, beside those of other systems."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from assetline.ingest.object_tags import MAX_VALUE, legal, tag

ADDED = {"assetline:state": "ingested", "assetline:asset": "one.png"}


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="drops")
        client.put_object(Bucket="drops", Key="one.png", Body=b"bytes")
        yield client


def tags(s3: Any, **version: str) -> dict[str, str]:
    found = s3.get_object_tagging(Bucket="drops", Key="one.png", **version)["TagSet"]
    return {entry["Key"]: entry["Value"] for entry in found}


def has(s3: Any, count: int) -> dict[str, str]:
    existing = {f"theirs-{number}": "x" for number in range(count)}
    tagset = [{"Key": name, "Value": value} for name, value in existing.items()]
    s3.put_object_tagging(Bucket="drops", Key="one.png", Tagging={"TagSet": tagset})
    return existing


def test_tags_of_others_stay(s3: Any) -> None:
    existing = has(s3, 3)
    assert tag(s3, "drops", "one.png", ADDED, 3)
    assert tags(s3) == existing | ADDED


def test_earlier_tags_of_the_product_are_removed(s3: Any) -> None:
    existing = has(s3, 1)
    tag(s3, "drops", "one.png", {"assetline:state": "rejected", "assetline:reason": "EBADMIME"}, 1)
    tag(s3, "drops", "one.png", ADDED, 3)
    assert tags(s3) == existing | ADDED


def test_an_object_without_tags_is_not_asked_for_them(s3: Any) -> None:
    reads = []
    s3.meta.events.register("before-call.s3.GetObjectTagging", lambda **_: reads.append(1))
    assert tag(s3, "drops", "one.png", ADDED, 0)
    assert not reads


@pytest.mark.parametrize(("existing", "added"), [(8, 2), (9, 1), (10, 0)])
def test_tags_of_others_go_first_when_there_is_no_room_for_all(s3: Any, existing: int, added: int) -> None:
    there = has(s3, existing)
    assert tag(s3, "drops", "one.png", ADDED, existing) == bool(added)
    assert tags(s3) == there | dict([*ADDED.items()][:added])


def test_a_value_is_made_legal(s3: Any) -> None:
    assert tag(s3, "drops", "one.png", {"assetline:asset": "b\u00e4r (1)*&.png" + "x" * 300}, 0)
    assert tags(s3)["assetline:asset"].startswith("b\u00e4r  1   .png")
    assert len(tags(s3)["assetline:asset"]) == MAX_VALUE


def test_letters_of_any_script_are_legal_and_signs_are_not() -> None:
    assert legal("\u041f\u0440\u0438\u0432\u0435\u0442 \u5199\u771f 7 a+b-c=d.e_f:g/h@i") == (
        "\u041f\u0440\u0438\u0432\u0435\u0442 \u5199\u771f 7 a+b-c=d.e_f:g/h@i"
    )
    assert legal("a\tb\u2603c?") == "a b c"


def test_one_version_is_tagged_and_not_the_one_that_followed(s3: Any) -> None:
    s3.put_bucket_versioning(Bucket="drops", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="drops", Key="one.png", Body=b"first")["VersionId"]
    s3.put_object(Bucket="drops", Key="one.png", Body=b"second")
    assert tag(s3, "drops", "one.png", ADDED, 1, first)
    assert tags(s3, VersionId=first) == ADDED
    assert tags(s3) == {}


@pytest.mark.parametrize("tag_count", [0, 1])
def test_a_deleted_object_is_left_alone(s3: Any, tag_count: int) -> None:
    s3.delete_object(Bucket="drops", Key="one.png")
    assert not tag(s3, "drops", "one.png", ADDED, tag_count)
    assert not tag(s3, "no-such-bucket", "one.png", ADDED, tag_count)


def test_a_refusal_is_logged_and_not_raised(s3: Any, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(**_: Any) -> Any:
        raise s3.exceptions.ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObjectTagging")

    s3.meta.events.register("before-call.s3.PutObjectTagging", refuse)
    assert not tag(s3, "drops", "one.png", ADDED, 0)
    assert "object_not_tagged" in caplog.text
