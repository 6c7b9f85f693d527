"""Secrets of any shape are removed from texts of others, and other text stays readable."""

import json
import string
from collections.abc import Callable
from types import SimpleNamespace
from urllib.parse import quote

import boto3
import httpx
import orjson
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given, settings
from hypothesis import strategies as st

from assetline import redaction
from assetline.aws.failures import AwsRefused, guard
from assetline.credentials import ViKey
from assetline.errors import ViRefused
from assetline.export.ended_execution import EndedExecution
from assetline.redaction import CHARACTERS, never_show, without_secrets
from assetline.vi import bulk_deletions, ingestion_sessions
from assetline.vi.client import ViClient
from assetline_cli.aws_errors import explain
from assetline_cli.executions import ExecutionFailure

SECRETS = st.text(string.ascii_letters + string.digits, min_size=16, max_size=64).filter(
    lambda text: not text.isalpha()
)
ORDINARY = st.lists(
    st.sampled_from(
        [
            "The session failed because of",
            "a.png and b/c.jpg (2,048 of 5,000)",
            "at 12:30.",
            "Unknown: quota is 'used' up;",
            "try again in 30 s!",
            "100%",
            "arn:aws:lambda:eu-central-1:123456789012:function:upload",
            "signature does not match",
            "invalid token, expired policy",
            "a//b",
            "Bearer token is missing",
            "Basic authentication is off",
        ]
    ),
    max_size=6,
).map(" ".join)

SHAPES: dict[str, Callable[[str], str]] = {
    "https": lambda secret: f"https://storage.googleapis.com/b/o?X-Goog-Signature={secret}",
    "HTTPS": lambda secret: f"HTTPS://Storage.example/b/{secret}",
    "gs": lambda secret: f"gs://bucket/{secret}?x=1",
    "ftp": lambda secret: f"1ftp://{secret}:x@host/",
    "userinfo": lambda secret: f"https://user:{secret}@host",
    "no scheme": lambda secret: f"//host/b/o?{secret}",
    "host alone": lambda secret: f"storage.googleapis.com/b/o?{secret}",
    "in parentheses": lambda secret: f"(see https://host/{secret})",
    "after a sign": lambda secret: f"url=https://host/{secret}",
    "in JSON": lambda secret: orjson.dumps({"message": "no", "url": f"https://host/{secret}"}).decode(),
    "escaped JSON": lambda secret: '{\\"url\\":\\"https:\\/\\/host\\/' + secret + '\\"}',
    "unicode escapes": lambda secret: f"https\\u003a\\u002f\\u002fhost\\u002f{secret}",
    "percent": lambda secret: quote(f"https://host/b/o?sig={secret}", safe=""),
    "percent twice": lambda secret: quote(quote(f"https://host/b/o?sig={secret}", safe=""), safe=""),
    "percent in lower case": lambda secret: quote("https://host/a b/", safe="").lower() + secret,
    "html": lambda secret: f"https:&#47;&#47;host/o?a=1&amp;sig={secret}",
    "signature": lambda secret: f"signature={secret}",
    "Signature spaced": lambda secret: f"Signature = '{secret}'",
    "signature encoded": lambda secret: f"sig%6Eature = {secret}",
    "signature in JSON": lambda secret: f'{{"signature": "{secret}"}}',
    "X-Amz": lambda secret: f"X-Amz-Signature={secret}&X-Amz-Credential={secret}",
    "x-amz header": lambda secret: f"x-amz-security-token: {secret}",
    "X-Goog": lambda secret: f"?x-goog-signature={secret}",
    "CloudFront": lambda secret: f"Policy={secret}&Key-Pair-Id={secret}",
    "AWS header": lambda secret: f"AWS4-HMAC-SHA256 Credential={secret}, SignedHeaders=host, Signature={secret}",
    "access key": lambda secret: f"AWSAccessKeyId={secret}&secret_access_key={secret}",
    "bearer": lambda secret: f"Bearer {secret}",
    "BEARER": lambda secret: f"authorization: BEARER {secret}",
    "bearer encoded": lambda secret: f"Bearer%20{secret}",
    "basic": lambda secret: f"authorization: Basic {secret}",
    "cookie": lambda secret: f"set-cookie: session={secret}; path=/",
    "Vi key": lambda secret: f"The key dtvi_{secret} is unknown",
    "SafetyCulture token": lambda secret: f"token 'scapi_{secret}'",
    "api key": lambda secret: f"api-key: {secret}1",
    "JWT": lambda secret: f"eyJhbGciOiJIUzI1NiJ9.{secret}.{secret}",
}  # fmt: skip


KEY = "dtvi_8c1f0e7a93bd"
LEAKY = f"no: {KEY}, HTTPS://h.example/p?X-Amz-Signature=a1b2c3d4, sig%6Eature%3Da1b2c3d4"


def vi_refuses() -> str:
    transport = httpx.MockTransport(lambda _: httpx.Response(400, json={"message": LEAKY}))
    key = ViKey("arn", lambda _: json.dumps({"secret_key": KEY, "organization_id": "o"}))
    with pytest.raises(ViRefused) as refused:
        ViClient("https://vi.example", key, transport).send("POST", "/x", body={})
    return str(refused.value)


def a_session_fails() -> str:
    failed = {"status": "FailedReach", "reason": LEAKY, "message": LEAKY}
    status = {"conditions": [failed], "events": [{"kind": "Error", "files": {"a.png": LEAKY}}]}
    session = ingestion_sessions.decoded({"assetIngestionSessionId": "s", "status": status})
    return session.failure + session.file_errors["a.png"]


def a_bulk_deletion_fails() -> str:
    status = {"conditions": [{"status": "FailedReach", "message": LEAKY}]}
    return bulk_deletions.decoded({"deleteManyAssetsSessionId": "s", "status": status}).failure


def aws_refuses() -> str:
    answer = {"Error": {"Code": "SignatureDoesNotMatch", "Message": LEAKY}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    s3 = boto3.client("s3", "eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    guard(s3)
    s3.meta.events.register("before-call.s3", lambda **_: (SimpleNamespace(status_code=403), answer))  # type: ignore[arg-type]
    with pytest.raises(AwsRefused) as refused:
        s3.get_object(Bucket="b", Key="k")
    return str(refused.value)


def an_execution_fails() -> str:
    ended = EndedExecution(execution_arn="x", status="FAILED", start_date=0, cause=json.dumps({"errorMessage": LEAKY}))
    return str(ended.message())


def the_command_shows_an_execution() -> str:
    causes = (LEAKY, json.dumps({"errorMessage": LEAKY}), json.dumps([LEAKY]))
    return "".join(ExecutionFailure.from_answer("FAILED", "E", cause).message for cause in causes)


def the_command_explains_aws() -> str:
    return explain(ClientError({"Error": {"Code": "Other", "Message": LEAKY}}, "GetObject")) + explain(
        EndpointConnectionError(endpoint_url=f"https://h.example/?{LEAKY}")
    )


@pytest.mark.parametrize(
    "message",
    [
        vi_refuses,
        a_session_fails,
        a_bulk_deletion_fails,
        aws_refuses,
        an_execution_fails,
        the_command_shows_an_execution,
        the_command_explains_aws,
    ],
)
def test_every_way_of_text_from_outside_into_a_message_hides_secrets(message: Callable[[], str]) -> None:
    expected_text = message()
    assert redaction.HIDDEN in expected_text
    assert not [secret for secret in (KEY, KEY[5:], "h.example", "a1b2c3d4") if secret in expected_text]


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_credentials", set())


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=25)
@given(secret=SECRETS, front=ORDINARY, back=ORDINARY)
def test_a_secret_in_any_shape_does_not_come_out(shape: str, secret: str, front: str, back: str) -> None:
    expected_text = without_secrets(f"{front} {SHAPES[shape](secret)} {back}", 10_000)
    assert secret not in expected_text
    assert redaction.HIDDEN in expected_text


@given(credential=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=16, max_size=80))
def test_a_credential_that_is_known_does_not_come_out_in_any_spelling(credential: str) -> None:
    never_show(credential)
    for echoed in (credential, f"key={credential}.", quote(credential, safe=""), orjson.dumps([credential]).decode()):
        assert credential not in without_secrets(f"unknown {echoed}, sorry", 10_000)


def test_most_of_a_credential_that_is_cut_does_not_come_out() -> None:
    never_show("Zq83hfLM0aQ2-whatever-it-is")
    assert without_secrets("no key Zq83hfLM0aQ2-what...") == "no key …"


@given(ORDINARY)
def test_words_without_a_secret_stay_as_they_are(expected_text: str) -> None:
    assert without_secrets(expected_text, 10_000) == expected_text


@pytest.mark.parametrize(
    "expected_text",
    [
        "https://api.vi.datature.com refused the connection (ConnectError).",
        "AWS refused S3 PutObject on s3://assetline/exports/assets.csv (AccessDenied): no policy allows it.",
        "User: arn:aws:sts::123456789012:assumed-role/open-export/x is not authorized to perform: s3:GetObject",
        "put a current one in the secret arn:aws:secretsmanager:eu-central-1:123456789012:secret:vi-key-AbCdEf",
        "The file 100%25.png is none. 2026-11-28T10:00:00Z",
        "request 0f3c9b7e-55d1-4c1e-b7a0-3a5a1c2f9a10 failed",
        "The bearer token is invalid.",
        "(aws secretsmanager put-secret-value --secret-id arn:aws:secretsmanager:x:1:secret:y --secret-string scapi_…)",
        """(--secret-string '{"secret_key": "dtvi_…", "organization_id": "…"}') and start again.""",
        "The provided signature does not match.",
    ],
)
def test_a_text_without_a_secret_stays_readable(expected_text: str) -> None:
    assert without_secrets(expected_text) == expected_text


def test_the_text_around_a_secret_stays_readable() -> None:
    assert without_secrets("Quota, see https://vi/?signature=1 for more") == "Quota, see … for more"
    assert (
        without_secrets('{"code": 7, "signature": "abc", "name": "a.png"}')
        == '{"code": 7, "signature": "…", "name": "a.png"}'
    )


def test_long_text_is_cut_after_its_secrets_are_hidden() -> None:
    expected_text = without_secrets("x" * (CHARACTERS - 3) + " https://host/secret")
    assert len(expected_text) <= CHARACTERS
    assert "sec" not in expected_text
    assert without_secrets("a " * 3000 + "b" * 5000, 10_000).endswith("a")
