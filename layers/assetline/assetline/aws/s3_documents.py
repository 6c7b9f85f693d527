"""Whole objects in S3: read in one go, sized, and told apart from objects that are absent."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from pydantic import BaseModel

from assetline.aws.failures import code_of, reading

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})


class Address(BaseModel, frozen=True):
    """The bucket and the key of a document."""

    bucket: str
    key: str


def object_at(s3: "S3Client", address: Address) -> bytes | None:
    """Return the bytes of an object, or None when there is none.

    Raises:
        AwsUnavailable: S3 did not answer, or the body broke off.
        AwsRefused: S3 denies the object: its policy or its KMS key does not admit the function.
    """
    try:
        answer = s3.get_object(Bucket=address.bucket, Key=address.key)
    except ClientError as error:
        if is_absent(error):
            return None
        raise
    with reading(f"s3://{address.bucket}/{address.key}"), answer["Body"] as body:
        return body.read()


def object_bytes(s3: "S3Client", bucket: str, key: str) -> int | None:
    """Return the size of an object in bytes, or None when there is none; raises as `object_at`."""
    try:
        return s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
    except ClientError as error:
        if is_absent(error):
            return None
        raise


def put_document(s3: "S3Client", address: Address, body: bytes) -> None:
    """Store a JSON document; a repeat replaces it."""
    s3.put_object(Bucket=address.bucket, Key=address.key, Body=body, ContentType="application/json")


def is_absent(error: ClientError) -> bool:
    """Return whether S3 answered that there is no such object.

    Every function that asks may list its bucket: without s3:ListBucket, S3 answers 403 for an absent object, which
    could not be told from a denial.
    """
    return code_of(error) in _ABSENT
