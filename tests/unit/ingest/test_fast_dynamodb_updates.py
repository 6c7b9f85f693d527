"""Updates of items at a server with scripted answers."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest
from botocore.credentials import ReadOnlyCredentials

from assetline.ingest.fast_dynamodb_updates import ItemUpdates
from tests.unit.http.test_pooled_transport import serving

KEYS = ReadOnlyCredentials("AKIA1", "secret", "a token/+=")
UPDATE = {
    "TableName": "drops",
    "Key": {"drop_id": "1"},
    "UpdateExpression": "SET #size = :size, #suspect = :suspect",
    "ConditionExpression": "#size = :size",
    "ExpressionAttributeNames": {"#size": "size", "#suspect": "suspect"},
    "ExpressionAttributeValues": {":size": 3, ":suspect": True},
}


def answer(status: str, body: dict[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content


def error(name: str) -> dict[str, str]:
    return {"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "message": "The update was refused."}


def updated(response: bytes) -> bool | None:
    """Return the result of an update that is answered with *response*."""
    with serving(response, hangs_up=True) as (origin, _):
        updates = ItemUpdates(origin, "eu-west-1", lambda: KEYS)
        try:
            return updates.update(UPDATE)
        finally:
            updates.close()


class Recording(BaseHTTPRequestHandler):
    """Records each request, and answers that the update is made."""

    protocol_version = "HTTP/1.1"
    recorded: ClassVar[list[tuple[dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        """Record a request."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.recorded.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def test_an_update_has_the_types_of_its_values() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Recording) as server:
        Thread(target=server.serve_forever).start()
        updates = ItemUpdates(f"http://127.0.0.1:{server.server_port}", "eu-west-1", lambda: KEYS)
        assert updates.update(UPDATE) is True
        updates.close()
        server.shutdown()
    ((headers, body),) = Recording.recorded
    assert headers["x-amz-target"] == "DynamoDB_20120810.UpdateItem"
    assert headers["x-amz-security-token"] == "a token/+="
    values = {":size": {"N": "3"}, ":suspect": {"BOOL": True}}
    assert json.loads(body) == UPDATE | {"Key": {"drop_id": {"S": "1"}}, "ExpressionAttributeValues": values}


def test_a_failed_condition_is_a_result() -> None:
    assert updated(answer("400 Bad Request", error("ConditionalCheckFailedException"))) is False


@pytest.mark.parametrize(
    "response",
    [
        answer("400 Bad Request", error("ThrottlingException")),
        answer("400 Bad Request", {}),
        answer("500 Internal Server Error", error("InternalServerError")),
        b"HTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}",
        b"SMTP ready\r\n",
    ],
)
def test_any_other_answer_is_left_to_boto3(response: bytes) -> None:
    assert updated(response) is None


def test_without_credentials_no_request_is_sent() -> None:
    assert ItemUpdates("http://127.0.0.1:1", "eu-west-1", lambda: None).update(UPDATE) is None


def test_a_value_of_another_type_is_an_error() -> None:
    request = UPDATE | {"ExpressionAttributeValues": {":size": 0.5}}
    with pytest.raises(TypeError, match="float"):
        ItemUpdates("http://127.0.0.1:1", "eu-west-1", lambda: KEYS).update(request)
