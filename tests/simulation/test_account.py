"""The account in memory answers what moto answers, whatever it is asked in whatever order."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from tests.handlers.ingest.session_stage import _create_tables
from tests.simulation.account import Account

type Call = Callable[[Any, Any], Any]

STATES = ("dropped", "claimed", "ingested")
KEYS = ("a", "b")


def transition(key: str, before: str, after: str, session: str | None) -> dict[str, Any]:
    """Return an update as the ledger writes it: under a condition, with names and values, and a counter."""
    condition = "(#state = :before AND attribute_not_exists(gone)) OR (#state IN (:after, :never) AND #key = :key)"
    return {
        "TableName": "drops",
        "Key": {"drop_id": key},
        "UpdateExpression": "SET #state = :after, #key = :key REMOVE gone ADD attempts :one",
        "ConditionExpression": condition if session else "attribute_exists(drop_id) AND #state <> :after",
        "ExpressionAttributeNames": {"#state": "state", "#key": "session_key"},
        "ExpressionAttributeValues": {":after": after, ":key": session or "none", ":one": 1}
        | ({":before": before, ":never": "never"} if session else {}),
    }


keys, states = st.sampled_from(KEYS), st.sampled_from(STATES)
sessions = st.sampled_from(["one", "two", None])
conditions = st.sampled_from(
    [
        Attr("state").not_exists() | Attr("number").lt(2),
        Attr("state").eq("dropped") & Attr("number").lte(1),
        Attr("state").is_in(["dropped", "claimed"]),
        "attribute_not_exists(drop_id)",
    ]
)
transitions = st.builds(transition, keys, states, states, sessions)
table_calls = st.one_of(
    st.builds(
        lambda key, state, number, condition: (
            lambda table, _: table.put_item(
                Item={
                    "drop_id": key,
                    "state": state,
                    "dataset_state": f"ds1#{state}",
                    "dropped_at": key,
                    "number": number,
                },
                ConditionExpression=condition,
            )
        ),
        keys,
        states,
        st.integers(0, 3),
        conditions,
    ),
    st.builds(lambda one: lambda table, _: table.update_item(**_without_table(one)), transitions),
    st.builds(
        lambda one, other: (
            lambda table, _: table.meta.client.transact_write_items(
                TransactItems=[
                    {"Update": update}
                    for update in {one["Key"]["drop_id"]: one, other["Key"]["drop_id"]: other}.values()
                ]
            )
        ),
        transitions,
        transitions,
    ),
    st.builds(
        lambda key, condition: lambda table, _: table.delete_item(Key={"drop_id": key}, ConditionExpression=condition),
        keys,
        conditions,
    ),
    st.builds(lambda key: lambda table, _: table.get_item(Key={"drop_id": key}).get("Item"), keys),
    st.builds(
        lambda state: (
            lambda table, _: table.query(
                IndexName="by_dataset_state",
                KeyConditionExpression=Key("dataset_state").eq(f"ds1#{state}"),
                ScanIndexForward=False,
                Limit=5,
            )["Items"]
        ),
        states,
    ),
    st.just(
        lambda table, _: sorted(
            item["drop_id"] for item in table.scan(FilterExpression=Attr("drop_id").begins_with("a"))["Items"]
        )
    ),
)
objects: dict[str, Any] = {"Bucket": "photos"}
s3_calls = st.one_of(
    st.builds(
        lambda key, body, once: (
            lambda _, s3: s3.put_object(
                **objects, Key=key, Body=body, Metadata={"site": key}, **({"IfNoneMatch": "*"} if once else {})
            )["ETag"]
        ),
        keys,
        st.sampled_from([b"one", b"two"]),
        st.booleans(),
    ),
    st.builds(
        lambda key, etag: lambda _, s3: _read(s3, key, etag),
        keys,
        st.sampled_from([None, "f97c5d29941bfb1b2fdab0874906ab82"]),
    ),
    st.builds(lambda key: lambda _, s3: s3.head_object(**objects, Key=key)["ContentLength"], keys),
    st.builds(lambda key: lambda _, s3: s3.delete_object(**objects, Key=key) and None, keys),
    st.builds(
        lambda key: (
            lambda _, s3: (
                s3.put_object_tagging(**objects, Key=key, Tagging={"TagSet": [{"Key": "k", "Value": key}]}) and None
            )
        ),
        keys,
    ),
    st.builds(lambda key: lambda _, s3: s3.get_object_tagging(**objects, Key=key)["TagSet"], keys),
    st.just(
        lambda _, s3: [
            (one["Key"], one["Size"], one["ETag"]) for one in s3.list_objects_v2(**objects).get("Contents", [])
        ]
    ),
)


def _without_table(update: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in update.items() if name != "TableName"}


def _read(s3: Any, key: str, etag: str | None) -> Any:
    answer = s3.get_object(**objects, Key=key, **({"IfMatch": f'"{etag}"'} if etag else {}))
    return answer["Body"].read(), answer["Metadata"], answer.get("TagCount")


def outcomes(calls: list[Call]) -> list[Any]:
    """Return what each call answers, or the code of its refusal."""
    s3 = boto3.client("s3")
    s3.create_bucket(**objects)
    _create_tables()
    table = boto3.resource("dynamodb").Table("drops")
    found: list[Any] = []
    for call in calls:
        try:
            answer = call(table, s3)
        except ClientError as error:
            reasons = [one.get("Code") for one in error.response.get("CancellationReasons", [])]
            found.append((error.response["Error"]["Code"], reasons))
        else:
            found.append(None if isinstance(answer, dict) and "ResponseMetadata" in answer else answer or None)
    return found


@settings(max_examples=25)
@given(st.lists(table_calls | s3_calls, min_size=1, max_size=25))
def test_it_answers_what_moto_answers(calls: list[Call]) -> None:
    with mock_aws():
        wanted = outcomes(calls)
    with pytest.MonkeyPatch.context() as patch:
        Account(buckets={}).takes_calls(patch)
        assert outcomes(calls) == wanted
