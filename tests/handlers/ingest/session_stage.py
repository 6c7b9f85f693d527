"""Ingestion sessions for the functions that end them: opened and uploaded by the real handlers, to an emulated Vi."""

import io
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from assetline.ingest import dependencies as connections
from assetline.ingest import drop, ledger
from assetline.ingest.claimed_drops import ClaimedDrops
from assetline.ingest.drop import Drop, DropState, drop_id, moment
from assetline.ingest.fast_dynamodb_updates import ItemUpdates
from assetline.ingest.fast_s3_reads import SmallObjects
from assetline.ingest.staging import SessionStaging
from functions.open_session import app as open_session
from functions.poll_session import app as poll_session
from functions.settle_session import app as settle_session
from functions.sweep_drops import app as sweep_drops
from functions.upload_assets import app as upload_assets
from local.emulators.vi.scenario import LOCAL_KEY, LOCAL_ORGANIZATION, ViScenario
from local.emulators.vi.server import ViEmulator, running
from tests.handlers.conftest import lambda_context
from tests.simulation.account import MemoryAccount
from tests.support.connections import forget_aws

STAGING, DROPS = "assetline-exports", "assetline-drops"
DATASET = "ds1"
SHARDS = 2  # of the ledger's index: a look for drops is a Query of each
QUIET_MINUTES = 1.5  # GATHER_SECONDS have passed, but not twice
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:ingest_drops"


def execution_arn(execution: str) -> str:
    """Return the ARN of a run."""
    return f"arn:aws:states:us-east-1:123456789012:execution:ingest_drops:{execution}"


@dataclass
class SessionStage:
    """An account with a drop bucket and a Vi; a test drops, opens, uploads, and looks at what is left in the end."""

    vi: ViEmulator
    s3: Any
    announced: list[dict[str, Any]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)

    def drops(self, *names: str, attempts: int = 0, tags: str = "", minutes_ago: float = QUIET_MINUTES) -> list[str]:
        """Put objects and note them as drops that wait; return their ids. They are gathered, but do not wait long."""
        return [self._drop(name, attempts, tags, minutes_ago) for name in names]

    def opens(self, execution: str = "run", round_: int = 1, predecessor: str | None = None) -> dict[str, Any]:
        """Play Open Session and return the answer."""
        return self._invoke(
            open_session,
            {
                "dataset_id": DATASET,
                "execution_arn": execution_arn(execution),
                "execution_name": execution,
                "predecessor_arn": predecessor and execution_arn(predecessor),
                "round": round_,
            },
        )

    def opens_when_quiet(self, execution: str = "run", round_: int = 1) -> dict[str, Any]:
        """Play Open Session after a time without new drops, and return the answer."""
        table = connections.ledger().table
        arrived = moment(datetime.now(UTC) - timedelta(minutes=QUIET_MINUTES))
        for item in table.scan()["Items"]:
            if item.get("state") == "dropped" and str(item["dropped_at"]) > arrived:
                table.update_item(
                    Key={"drop_id": item["drop_id"]},
                    UpdateExpression="SET dropped_at = :arrived",
                    ExpressionAttributeValues={":arrived": arrived},
                )
        return self.opens(execution, round_)

    def uploads(self, opened: dict[str, Any]) -> dict[str, Any]:
        """Play Upload Assets for every slice, and return the session."""
        for address in opened["slices"]:
            self._invoke(upload_assets, address)
        session: dict[str, Any] = opened["session"]
        return session

    def session(self, *names: str, execution: str = "run", **options: Any) -> dict[str, Any]:
        """Drop, open and upload, and return the session."""
        self.drops(*names, **options)
        return self.uploads(self.opens(execution))

    def polls(self, session: dict[str, Any], polls: int = 0, error: str | None = None) -> dict[str, Any]:
        """Play Poll Session; *error* is what broke uploads off."""
        caught = {"Error": error, "Cause": "{}"} if error else None
        return self._invoke(poll_session, {"session": session, "polls": polls, "error": caught})

    def settles(self, session: dict[str, Any], progress: str = "finished", error: str | None = None) -> dict[str, Any]:
        """Play Settle Session."""
        caught = {"Error": error, "Cause": "{}"} if error else None
        return self._invoke(settle_session, {"session": session, "progress": progress, "error": caught})

    def sweeps(self) -> dict[str, Any]:
        """Play Sweep Drops."""
        return self._invoke(sweep_drops, {})

    def lease_passes(self, session_key: str) -> None:
        """Let the leases of a session and of its dataset expire."""
        for key in (session_key, f"run#{DATASET}"):
            connections.sessions_table().table.update_item(
                Key={"session_key": key},
                UpdateExpression="SET lease_until = :past",
                ConditionExpression="attribute_exists(session_key)",
                ExpressionAttributeValues={":past": int((datetime.now(UTC) - timedelta(minutes=1)).timestamp())},
            )

    def ends(self, execution: str) -> None:
        """Let a run have ended: it owns its dataset no more, and its sessions stay as they are."""
        connections.run_ownership().release(DATASET, execution_arn(execution))

    def drop(self, name: str) -> Drop:
        """Return a drop as the ledger has it."""
        (found,) = connections.ledger().get([self._id(name)]).values()
        return found

    def states(self, *names: str) -> list[str]:
        """Return the states of drops, as an operator sees them."""
        return [drop.state for drop in self._seen(names)]

    def sessions_of(self, *names: str) -> set[str | None]:
        """Return the keys of the sessions that send or have sent drops, as an operator sees them."""
        return {drop.session_key for drop in self._seen(names)}

    def uploaded(self, session_key: str = "run-1") -> list[str]:
        """Return the names of the files that Vi has, by the outcomes of a session's slices."""
        outcome = SessionStaging(self.s3, STAGING, session_key).outcomes()
        return sorted(drop.asset_filename for drop in connections.ledger().get(outcome.uploaded).values())

    def tags(self, name: str) -> dict[str, str]:
        """Return the tags of an object."""
        tags = self.s3.get_object_tagging(Bucket=DROPS, Key=f"{DATASET}/{name}")["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in tags}

    def noted(self, session_key: str = "run-1") -> dict[str, Any]:
        """Return a session as the table has it."""
        item: dict[str, Any] = connections.sessions_table().table.get_item(Key={"session_key": session_key})["Item"]
        return item

    def reports(self) -> list[str]:
        """Return the keys of all reports."""
        listed = self.s3.list_objects_v2(Bucket=STAGING, Prefix="reports/").get("Contents", [])
        return [item["Key"] for item in listed]

    def text(self, key: str) -> str:
        """Return an object of the export bucket."""
        content: str = self.s3.get_object(Bucket=STAGING, Key=key)["Body"].read().decode()
        return content

    def report(self, settled: dict[str, Any]) -> dict[str, Any]:
        """Return the summary of a settled session."""
        report: dict[str, Any] = json.loads(self.text(settled["report_key"]))
        return report

    def plays(self, *faults: Any, **scenario: Any) -> None:
        """Let Vi continue with *faults*, or with *scenario*."""
        self.vi.plays(ViScenario(**{"sessions_per_window": None, "faults": faults} | scenario))

    def cancels(self) -> int:
        """Return how often a session was cancelled in Vi."""
        return len(self.vi.requests(":cancel"))

    def _seen(self, names: Iterable[str]) -> list[Drop]:
        claimed = ClaimedDrops(connections.sessions_table(), self.s3, STAGING)
        return claimed.marked(self.drop(name) for name in names)

    def _drop(self, name: str, attempts: int, tags: str, minutes_ago: float) -> str:
        key, body = f"{DATASET}/{name}", b"bytes of " + name.encode()
        etag = self.s3.put_object(Bucket=DROPS, Key=key, Body=body, Tagging=tags)["ETag"].strip('"')
        now = datetime.now(UTC) - timedelta(minutes=minutes_ago)
        state: DropState = "dropped"
        drop = Drop(
            drop_id=drop_id(DROPS, key, "the version"),
            bucket=DROPS,
            key=key,
            etag=etag,
            size=len(body),
            dataset_id=DATASET,
            asset_filename=name,
            mime="image/png",
            kind="Image",
            tag_count=tags.count("=") and 1,
            state=state,
            attempts=attempts,
            dropped_at=now,
            updated_at=now,
        )
        connections.ledger().record(drop)
        connections.sessions_table().note_dataset(DATASET)
        return drop.drop_id

    def _id(self, name: str) -> str:
        return drop_id(DROPS, f"{DATASET}/{name}", "the version")

    def _invoke(self, function: Any, payload: dict[str, Any]) -> dict[str, Any]:
        answer = function.lambda_handler(json.loads(json.dumps(payload)), lambda_context())
        result: dict[str, Any] = json.loads(json.dumps(answer))
        return result


@contextmanager
def emulated_vi() -> Iterator[ViEmulator]:
    """Run an emulated Vi that does not look into files."""
    with running(looks_into_files=False) as vi:  # "bytes of a.png" are no picture
        yield vi


@contextmanager
def session_stage(
    vi: ViEmulator, monkeypatch: pytest.MonkeyPatch, account: MemoryAccount | None = None, **scenario: Any
) -> Iterator[SessionStage]:
    """Set the stage, in *account*, which answers boto3 already, or in one of moto; *scenario* is Vi's."""
    vi.has(ViScenario(**{"sessions_per_window": None} | scenario))
    vi.forget()
    with nullcontext() if account else mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=STAGING)
        s3.create_bucket(Bucket=DROPS)
        _create_tables()
        secret = json.dumps({"secret_key": LOCAL_KEY, "organization_id": LOCAL_ORGANIZATION})
        secret_arn = boto3.client("secretsmanager").create_secret(Name="vi", SecretString=secret)["ARN"]
        for name, value in {
            "EXPORT_BUCKET": STAGING,
            "DROPS_TABLE": "drops",
            "SESSIONS_TABLE": "sessions",
            "VI_API_URL": vi.url,
            "VI_SECRET_ARN": secret_arn,
            "DEFAULT_DATASET_ID": "",
            "FAILURE_MODE": "FailAfterAll",
            "ON_ASSET_OVERWRITTEN": "RemoveLinkedResource",
            "MAX_IMAGE_BYTES": "268435456",
            "SESSIONS_PER_WINDOW": "50",
            "SESSION_WINDOW_SECONDS": "300",
            "GATHER_SECONDS": "60",
            "TAG_OBJECTS": "All",
            "LONGEST_GATHER_SECONDS": "600",
            "DROP_RETENTION_DAYS": "30",
            "INGEST_STATE_MACHINE_ARN": MACHINE,
            "DROP_QUEUE_URL": boto3.client("sqs").create_queue(QueueName="drops")["QueueUrl"],
        }.items():
            monkeypatch.setenv(name, value)
        forget_connections()
        for module in (drop, ledger):
            monkeypatch.setattr(module, "SHARDS", SHARDS)
        # moto answers only boto3; the workflows read small objects and update items as on AWS.
        monkeypatch.setattr(SmallObjects, "read", lambda *_: None)
        monkeypatch.setattr(ItemUpdates, "update", lambda *_: None)
        if account:
            stage = SessionStage(vi, s3, account.announced, account.started)
        else:
            stage = SessionStage(vi, s3)
            connections.events().meta.events.register(
                "provide-client-params.events.PutEvents", lambda params, **_: stage.announced.extend(params["Entries"])
            )
            connections.machines().meta.events.register("before-call.stepfunctions.StartExecution", _starting(stage))
        yield stage
        forget_connections()


def forget_connections() -> None:
    """Let the next call make new connections, as a cold function does."""
    forget_aws()
    for client in (connections.vi_client, connections.uploader):
        if client.cache_info().currsize:
            client().close()
    for made in vars(connections).values():
        if hasattr(made, "cache_clear"):
            made.cache_clear()


def _starting(stage: SessionStage) -> Any:
    """Start no run, as the machine is another test's, but note its name."""

    def start(params: dict[str, Any], **_: Any) -> Any:
        execution = json.loads(params["body"])
        stage.started.append(execution["name"])
        answer = json.dumps({"executionArn": execution["name"], "startDate": 0}).encode()
        return _Answered(), json.loads(answer)

    return start


class _Answered:
    """An answer with status 200, without a request."""

    status_code = 200
    raw = io.BytesIO()


def _create_tables() -> None:
    dynamodb = boto3.resource("dynamodb")
    dynamodb.create_table(
        TableName="drops",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("drop_id", "dataset_state", "dropped_at")
        ],
        KeySchema=[{"AttributeName": "drop_id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_dataset_state",
                "KeySchema": [
                    {"AttributeName": "dataset_state", "KeyType": "HASH"},
                    {"AttributeName": "dropped_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    dynamodb.create_table(
        TableName="sessions",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "session_key", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "session_key", "KeyType": "HASH"}],
    )
