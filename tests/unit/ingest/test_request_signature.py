"""Requests are signed as boto3 signs them."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials

from assetline.ingest.request_signature import signed

NOTHING = sha256(b"").hexdigest()
with_and_without_token = pytest.mark.parametrize("token", [None, "a token/+="], ids=["user", "role"])


def is_signed_alike(service: str, foreign: Any, request_line: str, headers: dict[str, str], body_hash: str) -> bool:
    """Return whether a request has the signature that boto3 gave to the same *foreign* one."""
    now = datetime.strptime(foreign.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    keys = ReadOnlyCredentials("AKIA1", "secret", foreign.headers.get("x-amz-security-token"))
    own = signed(request_line, headers, body_hash, service, "eu-west-1", keys, now)
    return bool(own["authorization"] == foreign.headers["authorization"])


@with_and_without_token
@pytest.mark.parametrize(
    ("path", "query"), [("/photos/ds1/a%20b%2B%C3%BC.png", ""), ("/photos/a~b", "versionId=v.1%2F")]
)
def test_a_read_of_s3_is_signed_as_by_boto3(token: str | None, path: str, query: str) -> None:
    foreign = AWSRequest("GET", f"https://s3.eu-west-1.amazonaws.com{path}{'?' if query else ''}{query}")
    S3SigV4Auth(Credentials("AKIA1", "secret", token), "s3", "eu-west-1").add_auth(foreign)
    headers = {"host": "s3.eu-west-1.amazonaws.com", "x-amz-content-sha256": NOTHING}
    assert is_signed_alike("s3", foreign, f"GET\n{path}\n{query}", headers, NOTHING)


@with_and_without_token
def test_a_request_to_dynamodb_is_signed_as_by_boto3(token: str | None) -> None:
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.UpdateItem"}
    host, body = "dynamodb.eu-west-1.amazonaws.com", b'{"TableName": "drops"}'
    foreign = AWSRequest("POST", f"https://{host}/", headers=headers, data=body)
    SigV4Auth(Credentials("AKIA1", "secret", token), "dynamodb", "eu-west-1").add_auth(foreign)
    assert is_signed_alike("dynamodb", foreign, "POST\n/\n", headers | {"host": host}, sha256(body).hexdigest())
