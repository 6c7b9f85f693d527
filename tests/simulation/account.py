"""An AWS account in memory, for simulations: what the functions call, and as AWS answers it, without a socket.

A call of boto3 ends here before anything of it is put on a wire. That makes a simulated world some thirty times as fast
as with moto, whose answers `test_account.py` compares with these. A call that nobody simulates raises `KeyError`.
"""

import copy
import io
import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from tests.simulation.dynamodb_expressions import Names, holds, updated

type Asked = dict[str, Any]
type Answer = dict[str, Any]

_KEYS = {"drops": "drop_id", "sessions": "session_key"}
_STATUS = {"NoSuchKey": 404, "404": 404, "PreconditionFailed": 412}


@dataclass
class StoredObject:
    """An object of S3."""

    body: bytes
    etag: str
    metadata: dict[str, str]
    content_type: str
    tags: list[dict[str, str]]


@dataclass
class Account:
    """What an account holds. `called` hears of each call before it happens."""

    called: Callable[[str], None] = lambda _: None
    tables: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in _KEYS})
    buckets: dict[str, dict[str, StoredObject]] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    announced: list[dict[str, Any]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)

    def empty(self) -> None:
        """Let the tables and the buckets hold nothing, and nothing have been announced or started."""
        for table in self.tables.values():
            table.clear()
        for bucket in self.buckets.values():
            bucket.clear()
        self.announced.clear()
        self.started.clear()

    def takes_calls(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Answer every call of boto3 from now on."""

        def call(client: BaseClient, operation: str, asked: Asked) -> Answer:
            self.called(operation)
            return _ANSWERS[operation](self, client, asked)

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    # ---- DynamoDB

    def put_item(self, client: BaseClient, asked: Asked) -> Answer:
        """Put an item where the condition holds."""
        key = asked["Item"][_KEYS[asked["TableName"]]]
        self._write(client, asked, key, lambda _: copy.deepcopy(asked["Item"]))
        return {}

    def update_item(self, client: BaseClient, asked: Asked) -> Answer:
        """Update an item, or make it, where the condition holds."""
        (key,) = asked["Key"].values()
        made = asked["Key"]
        self._write(client, asked, key, lambda item: updated(asked["UpdateExpression"], item or made, Names.of(asked)))
        return {}

    def delete_item(self, client: BaseClient, asked: Asked) -> Answer:
        """Delete an item where the condition holds."""
        (key,) = asked["Key"].values()
        self._write(client, asked, key, lambda _: None)
        return {}

    def transact_write_items(self, client: BaseClient, asked: Asked) -> Answer:
        """Make all updates, or none where a condition does not hold."""
        updates = [one["Update"] for one in asked["TransactItems"] if "Update" in one]
        codes = []
        for one in [*updates, *(one["ConditionCheck"] for one in asked["TransactItems"] if "ConditionCheck" in one)]:
            (key,) = one["Key"].values()
            met = holds(one.get("ConditionExpression"), self.tables[one["TableName"]].get(key, {}), Names.of(one))
            codes.append("None" if met else "ConditionalCheckFailed")
        if {*codes} != {"None"}:
            reasons = [{"Code": code} for code in codes]
            raise _error(client, "TransactWriteItems", "TransactionCanceledException", CancellationReasons=reasons)
        for one in updates:
            self.update_item(client, one)
        return {}

    def get_item(self, _: BaseClient, asked: Asked) -> Answer:
        """Return an item."""
        (key,) = asked["Key"].values()
        item = self.tables[asked["TableName"]].get(key)
        return {} if item is None else {"Item": copy.deepcopy(item)}

    def batch_get_item(self, _: BaseClient, asked: Asked) -> Answer:
        """Return the items there are."""
        found: dict[str, list[Any]] = {}
        for name, wanted in asked["RequestItems"].items():
            keys = [key for one in wanted["Keys"] for key in one.values()]
            found[name] = [copy.deepcopy(self.tables[name][key]) for key in keys if key in self.tables[name]]
        return {"Responses": found, "UnprocessedKeys": {}}

    def query(self, _: BaseClient, asked: Asked) -> Answer:
        """Return the drops of a partition of the index, by when they were dropped."""
        _attribute, partition = asked["KeyConditionExpression"].get_expression()["values"]
        items = [one for one in self.tables[asked["TableName"]].values() if one.get("dataset_state") == partition]
        items.sort(key=operator.itemgetter("dropped_at"), reverse=not asked.get("ScanIndexForward", True))
        return {"Items": copy.deepcopy(items[: asked.get("Limit", len(items))])}

    def scan(self, _: BaseClient, asked: Asked) -> Answer:
        """Return the items that the filter lets through."""
        items = [*self.tables[asked["TableName"]].values()]
        return {
            "Items": [copy.deepcopy(one) for one in items if holds(asked.get("FilterExpression"), one, Names.of(asked))]
        }

    def _write(
        self, client: BaseClient, asked: Asked, key: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]
    ) -> None:
        table = self.tables[asked["TableName"]]
        if not holds(asked.get("ConditionExpression"), table.get(key, {}), Names.of(asked)):
            raise _error(client, "Write", "ConditionalCheckFailedException")
        after = change(table.get(key, {}))
        if after is None:
            table.pop(key, None)
        else:
            table[key] = after

    # ---- S3

    def put_object(self, client: BaseClient, asked: Asked) -> Answer:
        """Put an object, unless one is there and must not be."""
        bucket, key = self.buckets[asked["Bucket"]], asked["Key"]
        if asked.get("IfNoneMatch") == "*" and key in bucket:
            raise _error(client, "PutObject", "PreconditionFailed")
        body = asked.get("Body", b"")
        content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else body.read()
        etag = md5(content, usedforsecurity=False).hexdigest()
        bucket[key] = StoredObject(content, etag, dict(asked.get("Metadata", {})), asked.get("ContentType", ""), [])
        return {"ETag": f'"{etag}"'}

    def get_object(self, client: BaseClient, asked: Asked) -> Answer:
        """Return an object, if it is the one that is asked for."""
        stored = self._stored(client, "GetObject", asked, "NoSuchKey")
        if asked.get("IfMatch", f'"{stored.etag}"') != f'"{stored.etag}"':
            raise _error(client, "GetObject", "PreconditionFailed")
        body = stored.body
        if "Range" in asked:
            start, _, end = asked["Range"].removeprefix("bytes=").partition("-")
            body = body[int(start) : int(end) + 1]
        return self._described(stored) | {
            "Body": StreamingBody(io.BytesIO(body), len(body)),
            "ContentLength": len(body),
        }

    def head_object(self, client: BaseClient, asked: Asked) -> Answer:
        """Return what S3 says of an object."""
        return self._described(self._stored(client, "HeadObject", asked, "404"))

    def delete_object(self, _: BaseClient, asked: Asked) -> Answer:
        """Delete an object, be it there or not."""
        self.buckets[asked["Bucket"]].pop(asked["Key"], None)
        return {}

    def list_objects_v2(self, _: BaseClient, asked: Asked) -> Answer:
        """Return the objects below a prefix, in order."""
        bucket = self.buckets[asked["Bucket"]]
        keys = sorted(key for key in bucket if key.startswith(asked.get("Prefix", "")))
        listed = [{"Key": key, "Size": len(bucket[key].body), "ETag": f'"{bucket[key].etag}"'} for key in keys]
        return {"Contents": listed[: asked.get("MaxKeys", 1000)]} if listed else {}

    def get_object_tagging(self, client: BaseClient, asked: Asked) -> Answer:
        """Return the tags of an object."""
        return {"TagSet": copy.deepcopy(self._stored(client, "GetObjectTagging", asked, "NoSuchKey").tags)}

    def put_object_tagging(self, client: BaseClient, asked: Asked) -> Answer:
        """Replace the tags of an object."""
        self._stored(client, "PutObjectTagging", asked, "NoSuchKey").tags = copy.deepcopy(asked["Tagging"]["TagSet"])
        return {}

    def list_multipart_uploads(self, _: BaseClient, __: Asked) -> Answer:
        """Return the uploads under way: nothing is large here."""
        return {}

    def _stored(self, client: BaseClient, operation: str, asked: Asked, code: str) -> StoredObject:
        stored = self.buckets[asked["Bucket"]].get(asked["Key"])
        if stored is None:
            raise _error(client, operation, code)
        return stored

    def _described(self, stored: StoredObject) -> Answer:
        tagged = {"TagCount": len(stored.tags)} if stored.tags else {}
        about = {"ETag": f'"{stored.etag}"', "ContentLength": len(stored.body), "Metadata": dict(stored.metadata)}
        return about | tagged | {"ContentType": stored.content_type}

    # ---- the others

    def create_bucket(self, _: BaseClient, asked: Asked) -> Answer:
        """Make a bucket."""
        self.buckets.setdefault(asked["Bucket"], {})
        return {}

    def create_secret(self, _: BaseClient, asked: Asked) -> Answer:
        """Make a secret."""
        arn = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{asked['Name']}"
        self.secrets[arn] = asked["SecretString"]
        return {"ARN": arn}

    def get_secret_value(self, _: BaseClient, asked: Asked) -> Answer:
        """Return what a secret holds."""
        return {"SecretString": self.secrets[asked["SecretId"]]}

    def put_events(self, _: BaseClient, asked: Asked) -> Answer:
        """Take events."""
        self.announced.extend(asked["Entries"])
        return {"FailedEntryCount": 0}

    def start_execution(self, _: BaseClient, asked: Asked) -> Answer:
        """Take note of the name of an execution."""
        self.started.append(asked["name"])
        return {"executionArn": asked["name"]}

    def nothing(self, _: BaseClient, __: Asked) -> Answer:
        """Answer that it is done."""
        return {"QueueUrl": "https://queue/"}


@contextmanager
def account_of_nobody(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set what every function reads of its environment, for longer than a test."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "STACK_NAME": "assetline-test",
    }.items():
        patch.setenv(name, value)
    yield


def _error(client: BaseClient, operation: str, code: str, **more: Any) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": _STATUS.get(code, 400)},
    }
    kind: Any = client.exceptions.from_code(code)  # a class, though the stubs have it as one of its objects
    error: ClientError = kind(response | more, operation)
    return error


_ANSWERS: dict[str, Callable[[Account, BaseClient, Asked], Answer]] = {
    "PutItem": Account.put_item,
    "UpdateItem": Account.update_item,
    "DeleteItem": Account.delete_item,
    "TransactWriteItems": Account.transact_write_items,
    "GetItem": Account.get_item,
    "BatchGetItem": Account.batch_get_item,
    "Query": Account.query,
    "Scan": Account.scan,
    "PutObject": Account.put_object,
    "GetObject": Account.get_object,
    "HeadObject": Account.head_object,
    "DeleteObject": Account.delete_object,
    "ListObjectsV2": Account.list_objects_v2,
    "GetObjectTagging": Account.get_object_tagging,
    "PutObjectTagging": Account.put_object_tagging,
    "ListMultipartUploads": Account.list_multipart_uploads,
    "CreateBucket": Account.create_bucket,
    "CreateSecret": Account.create_secret,
    "GetSecretValue": Account.get_secret_value,
    "PutEvents": Account.put_events,
    "StartExecution": Account.start_execution,
    "CreateTable": Account.nothing,
    "CreateQueue": Account.nothing,
    "ChangeMessageVisibility": Account.nothing,
}
