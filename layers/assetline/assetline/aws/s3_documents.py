"""Complete objects in S3: read, stored and sized; absent objects are distinguished from denied ones."""

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
    """Return the bytes of an object, None if it is absent.

    Raises:
        AwsUnavailable: S3 did not answer, or the body ended early.
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
    """Return the size of an object in bytes, None if it is absent; raises as `object_at`."""
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
    """Return whether S3 answered that the object does not exist.

    All callers may list their bucket. Without s3:ListBucket, S3 answers 403 for an absent object, which looks like a
    denial.
    """
    return code_of(error) in _ABSENT
