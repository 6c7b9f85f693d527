"""The account in memory answers what moto answers, in any order of calls."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.s3 import models as moto_s3
from moto.s3.exceptions import InvalidPartOrder, NoSuchUpload
from moto.s3.models import S3Backend

from tests.simulation.account import MemoryAccount
from tests.simulation.dynamodb import KEYS as KEY_ATTRIBUTES


@dataclass
class Clients:
    """The clients of an account. `uploads` are the ids of its uploads, by the key of their object."""

    drops: Any
    exports: Any
    s3: Any
    uploads: dict[str, str] = field(default_factory=dict)


type Call = Callable[[Clients], Any]

BUCKET = "photos"
STATES = ("dropped", "claimed", "ingested")
MIN_PART_BYTES = 4
LARGE, LARGER, SMALL = b"large", b"larger", b"few"
KEYS = ("a", "b")
UPLOAD_METHODS = (
    "upload_part",
    "upload_part_copy",
    "list_parts",
    "complete_multipart_upload",
    "abort_multipart_upload",
)
keys, states = st.sampled_from(KEYS), st.sampled_from(STATES)


# ---- DynamoDB


def transition(key: str, earlier: str, after: str, session: str | None) -> dict[str, Any]:
    """Return an update as the ledger writes it: under a condition, with names and values, and a counter."""
    condition = "(#state = :before AND attribute_not_exists(gone)) OR (#state IN (:after, :never) AND #key = :key)"
    return {
        "Key": {"drop_id": key},
        "UpdateExpression": "SET #state = :after, #key = :key REMOVE gone ADD attempts :one",
        "ConditionExpression": condition if session else "attribute_exists(drop_id) AND #state <> :after",
        "ExpressionAttributeNames": {"#state": "state", "#key": "session_key"},
        "ExpressionAttributeValues": {":after": after, ":key": session or "none", ":one": 1}
        | ({":before": earlier, ":never": "never"} if session else {}),
    }


def put_drop(key: str, state: str, number: int, condition: Any) -> Call:
    item = {"drop_id": key, "state": state, "dataset_state": f"ds1#{state}", "dropped_at": key, "number": number}
    return lambda clients: clients.drops.put_item(Item=item, ConditionExpression=condition) and None


def transact(first: dict[str, Any], second: dict[str, Any]) -> Call:
    updates = {update["Key"]["drop_id"]: {"TableName": "drops"} | update for update in (first, second)}
    items = [{"Update": update} for update in updates.values()]
    return lambda clients: clients.drops.meta.client.transact_write_items(TransactItems=items) and None


def query(state: str) -> Call:
    query = {"IndexName": "by_dataset_state", "ScanIndexForward": False, "Limit": 5}
    condition = Key("dataset_state").eq(f"ds1#{state}")
    return lambda clients: clients.drops.query(KeyConditionExpression=condition, **query)["Items"]


def ids_from_a(clients: Clients) -> list[str]:
    return sorted(
        item["drop_id"] for item in clients.drops.scan(FilterExpression=Attr("drop_id").begins_with("a"))["Items"]
    )


def claim_export(key: str) -> Call:
    item = {"export_id": key, "state": "running", "execution_arn": "one"}
    free = Attr("export_id").not_exists()
    return lambda clients: clients.exports.put_item(Item=item, ConditionExpression=free) and None


def set_export(key: str, state: str, arn: str) -> Call:
    """Return an update as the exports table writes it: of an export that is not over, and of its execution."""
    barred = Attr("barred").not_exists() | Attr("barred").ne(arn)
    condition = Attr("export_id").exists() & Attr("execution_arn").eq(arn) & ~Attr("state").is_in(["ingested"]) & barred
    return lambda clients: (
        clients.exports.update_item(
            Key={"export_id": key},
            UpdateExpression="SET #state = :state, #barred = :barred REMOVE #error",
            ConditionExpression=condition,
            ExpressionAttributeNames={"#state": "state", "#barred": "barred", "#error": "error"},
            ExpressionAttributeValues={":state": state, ":barred": "two"},
        )
        and None
    )


sessions = st.sampled_from(["one", "two", None])
conditions = st.sampled_from(
    [
        Attr("state").not_exists() | Attr("number").lt(2),
        Attr("state").eq("dropped") & Attr("number").lte(1),
        Attr("state").is_in(["dropped", "claimed"]),
        Attr("session_key").ne("one"),
        "attribute_not_exists(drop_id)",
    ]
)
transitions = st.builds(transition, keys, states, states, sessions)
table_calls = st.one_of(
    st.builds(put_drop, keys, states, st.integers(0, 3), conditions),
    st.builds(lambda update: lambda clients: clients.drops.update_item(**update) and None, transitions),
    st.builds(transact, transitions, transitions),
    st.builds(
        lambda key, condition: (
            lambda clients: clients.drops.delete_item(Key={"drop_id": key}, ConditionExpression=condition) and None
        ),
        keys,
        conditions,
    ),
    st.builds(lambda key: lambda clients: clients.drops.get_item(Key={"drop_id": key}).get("Item"), keys),
    st.builds(query, states),
    st.just(ids_from_a),
    st.builds(claim_export, keys),
    st.builds(set_export, keys, states, st.sampled_from(["one", "two"])),
    st.builds(lambda key: lambda clients: clients.exports.get_item(Key={"export_id": key}).get("Item"), keys),
)


# ---- S3


def put(key: str, body: bytes, condition: dict[str, str]) -> Call:
    return lambda clients: clients.s3.put_object(
        Bucket=BUCKET, Key=key, Body=body, Metadata={"site": key}, ChecksumAlgorithm="CRC32", **condition
    )["ETag"]


def read(key: str, etag: str | None) -> Call:
    matches = {"IfMatch": f'"{etag}"'} if etag else {}

    def call(clients: Clients) -> Any:
        answer = clients.s3.get_object(Bucket=BUCKET, Key=key, **matches)
        return answer["Body"].read(), answer["Metadata"], answer.get("TagCount")

    return call


def head(key: str) -> Call:
    def call(clients: Clients) -> Any:
        answer = clients.s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED")
        # moto returns no checksum of an object that was copied in parts, and copies none with an object.
        checksum = answer.get("ChecksumCRC32") if "site" in answer["Metadata"] else None
        return answer["ContentLength"], answer["ETag"], answer["Metadata"], checksum

    return call


def tag(key: str) -> Call:
    tags = {"TagSet": [{"Key": "k", "Value": key}]}
    return lambda clients: clients.s3.put_object_tagging(Bucket=BUCKET, Key=key, Tagging=tags) and None


def copy(key: str, source: str) -> Call:
    copy = {"Bucket": BUCKET, "Key": key, "CopySource": {"Bucket": BUCKET, "Key": source}}
    return lambda clients: clients.s3.copy_object(
        **copy, MetadataDirective="REPLACE", Metadata={"copy": key}, ContentType="text/plain"
    )["CopyObjectResult"]["ETag"]


def delete(names: list[str]) -> Call:
    objects = [{"Key": name} for name in names]
    return lambda clients: sorted(
        each["Key"] for each in clients.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": objects})["Deleted"]
    )


def listed(clients: Clients) -> Any:
    first = clients.s3.list_objects_v2(Bucket=BUCKET, MaxKeys=1)
    pages = clients.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, PaginationConfig={"PageSize": 1})
    contents = [(each["Key"], each["Size"], each["ETag"]) for page in pages for each in page.get("Contents", [])]
    return contents, first["IsTruncated"], first["KeyCount"]


def create_upload(key: str) -> Call:
    def call(clients: Clients) -> None:
        answer = clients.s3.create_multipart_upload(Bucket=BUCKET, Key=key, Metadata={"upload": key})
        clients.uploads[key] = answer["UploadId"]

    return call


def upload_part(key: str, number: int, body: bytes) -> Call:
    return lambda clients: clients.s3.upload_part(**_upload(clients, key), PartNumber=number, Body=body)["ETag"]


def copy_part(key: str, number: int, source: str) -> Call:
    origin = {"Bucket": BUCKET, "Key": source}
    return lambda clients: clients.s3.upload_part_copy(**_upload(clients, key), PartNumber=number, CopySource=origin)[
        "CopyPartResult"
    ]["ETag"]


def complete(key: str, numbers: list[int], *, wrong_etag: bool) -> Call:
    """Return a call that completes an upload with the parts it has, or with the ETag of no part."""

    def call(clients: Clients) -> Any:
        where = _upload(clients, key)
        etags = {part["PartNumber"]: part["ETag"] for part in clients.s3.list_parts(**where).get("Parts", [])}
        none = '"00000000000000000000000000000000"'
        parts = [{"PartNumber": number, "ETag": none if wrong_etag else etags.get(number, none)} for number in numbers]
        return clients.s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})["ETag"]

    return call


def uploads(clients: Clients) -> Any:
    found = clients.s3.list_multipart_uploads(Bucket=BUCKET, Prefix="a").get("Uploads", [])
    known = {upload_id: key for key, upload_id in clients.uploads.items()}
    return sorted((upload["Key"], known.get(upload["UploadId"], "")) for upload in found)


def parts_of(key: str) -> Call:
    return lambda clients: [
        (part["PartNumber"], part["Size"], part["ETag"])
        for part in clients.s3.list_parts(**_upload(clients, key)).get("Parts", [])
    ]


def _upload(clients: Clients, key: str) -> dict[str, str]:
    return {"Bucket": BUCKET, "Key": key, "UploadId": clients.uploads.get(key, "none")}


bodies, numbers = st.sampled_from([LARGE, LARGER, SMALL]), st.sampled_from([1, 2, 3])
once: list[dict[str, str]] = [{}, {"IfNoneMatch": "*"}, {"Tagging": "k=1&l=2"}]
s3_calls = st.one_of(
    st.builds(put, keys, bodies, st.sampled_from(once)),
    st.builds(read, keys, st.sampled_from([None, "ab56b4d92b40713acc5af89985d4b786"])),
    st.builds(head, keys),
    st.builds(lambda key: lambda clients: clients.s3.delete_object(Bucket=BUCKET, Key=key) and None, keys),
    st.builds(delete, st.lists(keys, min_size=1, max_size=2, unique=True)),
    st.builds(copy, keys, keys),
    st.builds(tag, keys),
    st.builds(lambda key: lambda clients: clients.s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"], keys),
    st.just(listed),
)
upload_calls = st.one_of(
    st.builds(put, keys, bodies, st.just(once[0])),
    st.builds(head, keys),
    st.builds(create_upload, keys),
    st.builds(upload_part, keys, numbers, bodies),
    st.builds(copy_part, keys, numbers, keys),
    st.builds(
        complete, keys, st.sampled_from([[], [1], [1, 2], [1, 2, 3], [2], [1, 3], [2, 1]]), wrong_etag=st.booleans()
    ),
    st.builds(complete, keys, st.sampled_from([[1], [1, 2]]), wrong_etag=st.just(False)),
    st.builds(lambda key: lambda clients: clients.s3.abort_multipart_upload(**_upload(clients, key)) and None, keys),
    st.just(uploads),
    st.builds(parts_of, keys),
)


@cache
def clients_of_both() -> Clients:
    """Return the clients, which reach moto or the account in memory, whichever is active."""
    dynamodb = boto3.resource("dynamodb")
    return Clients(dynamodb.Table("drops"), dynamodb.Table("exports"), boto3.client("s3"))


def outcomes(calls: list[Call]) -> list[Any]:
    """Return what each call answers, or the code of its refusal."""
    clients = clients_of_both()
    clients.uploads.clear()
    clients.s3.create_bucket(Bucket=BUCKET)
    found: list[Any] = []
    for call in calls:
        try:
            found.append(call(clients) or None)
        except ClientError as error:
            reasons = [each.get("Code") for each in error.response.get("CancellationReasons", [])]
            # moto answers HEAD and the copy of a part alike where there is no object; S3 has a body for the second.
            code = error.response["Error"]["Code"]
            found.append(("NoSuchKey" if code == "404" else code, reasons))
    return found


@contextmanager
def moto_account() -> Iterator[None]:
    """Give out an account of moto that answers as AWS where moto does not.

    moto fails with `KeyError` for a deleted upload, and takes part numbers with a gap or out of order. S3 takes
    consecutive ones only of an upload with checksums, as all uploads of boto3 are.
    """
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(moto_s3, "S3_UPLOAD_PART_MIN_SIZE", MIN_PART_BYTES)
        for name in UPLOAD_METHODS:
            patch.setattr(S3Backend, name, _corrected(getattr(S3Backend, name)))
        dynamodb = clients_of_both().drops.meta.client
        index = {"dataset_state": "HASH", "dropped_at": "RANGE"}
        for table, key in KEY_ATTRIBUTES.items():
            attributes = [key, *index] if table == "drops" else [key]
            indexes: dict[str, Any] = {"IndexName": "by_dataset_state", "KeySchema": _schema(index)}
            dynamodb.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in attributes],
                KeySchema=_schema({key: "HASH"}),
                **(
                    {"GlobalSecondaryIndexes": [indexes | {"Projection": {"ProjectionType": "ALL"}}]}
                    if table == "drops"
                    else {}
                ),
            )
        yield


def _schema(attributes: dict[str, str]) -> list[Any]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in attributes.items()]


def _corrected(method: Any) -> Any:
    def corrected(backend: S3Backend, bucket: str, upload_id: str, *args: Any, **options: Any) -> Any:
        if upload_id not in backend.get_bucket(bucket).multiparts:
            raise NoSuchUpload(upload_id=upload_id)
        if method.__name__ == "complete_multipart_upload":
            named = [*args[0]]
            if [number for number, _ in named] != [*range(1, len(named) + 1)]:
                raise InvalidPartOrder
            args = (iter(named),)
        return method(backend, bucket, upload_id, *args, **options)

    return corrected


def check(calls: list[Call]) -> None:
    with moto_account():
        expected = outcomes(calls)
    with pytest.MonkeyPatch.context() as patch:
        account = MemoryAccount()
        account.buckets.min_part_bytes = MIN_PART_BYTES
        account.takes_calls(patch)
        assert outcomes(calls) == expected


@settings(max_examples=40)
@given(st.lists(table_calls | s3_calls, min_size=1, max_size=25))
def test_the_account_answers_what_moto_answers(calls: list[Call]) -> None:
    check(calls)


@settings(max_examples=40)
@given(st.lists(upload_calls, min_size=1, max_size=25))
def test_multipart_uploads_answer_what_moto_answers(calls: list[Call]) -> None:
    check([create_upload("a"), upload_part("a", 1, LARGE), *calls])


def test_executions_are_described_and_listed_as_moto_does() -> None:
    machines = boto3.client("stepfunctions")
    with mock_aws():
        role = "arn:aws:iam::123456789012:role/any"
        machine = machines.create_state_machine(name="export_feed", definition="{}", roleArn=role)["stateMachineArn"]
        for name in ("one", "two", "three"):
            arn = machines.start_execution(stateMachineArn=machine, name=name, input="{}")["executionArn"]
            if name != "three":
                machines.stop_execution(executionArn=arn)
        expected = executions(machines, machine)
    account = MemoryAccount()
    account.executions = {
        arn: {name: described[name] for name in ("status", "startDate", "input")}
        for arn, described in expected["described"].items()
    }
    with pytest.MonkeyPatch.context() as patch:
        account.takes_calls(patch)
        assert executions(machines, machine) == expected


def executions(machines: Any, machine: str) -> dict[str, Any]:
    """Return the executions of a machine as they are listed by status and described, and the refusal of another."""
    kept = ("executionArn", "status", "startDate")
    listed = [
        {name: each[name] for name in kept}
        for status in ("RUNNING", "ABORTED")
        for each in machines.list_executions(stateMachineArn=machine, statusFilter=status)["executions"]
    ]
    arns = [each["executionArn"] for each in listed]
    described = {arn: machines.describe_execution(executionArn=arn) for arn in arns}
    with pytest.raises(machines.exceptions.ExecutionDoesNotExist):
        machines.describe_execution(executionArn=f"{arns[0]}-other")
    return {
        "listed": listed,
        "described": {arn: {name: each[name] for name in (*kept, "input")} for arn, each in described.items()},
    }
