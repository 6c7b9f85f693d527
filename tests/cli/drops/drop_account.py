"""The operator's account, with what ingests drops: a bucket, a ledger, sessions, a machine.

Every second that the command sleeps, the next moment of the ingestion comes to pass; the ledger is the real one.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

from assetline.ingest.drop import NOWHERE, Drop, DropState, SessionDrop, drop_id
from assetline.ingest.ledger import Ledger
from assetline.ingest.outcomes import DropOutcome
from assetline.ingest.run_ownership import RunOwnership
from assetline.ingest.sessions_table import Session, SessionsTable
from assetline.ingest.staging import SessionStaging
from tests.cli.account import OUTPUTS, REGION, Account

MACHINE = f"arn:aws:states:{REGION}:123456789012:stateMachine:ingest_drops"
RUN = MACHINE.replace("stateMachine", "execution")
DROPS, DROPS_TABLE, SESSIONS_TABLE = "the-drops", "the-drops-table", "the-sessions-table"
INGESTION = {
    "DropBucketName": DROPS,
    "DropsTableName": DROPS_TABLE,
    "SessionsTableName": SESSIONS_TABLE,
    "IngestStateMachineArn": MACHINE,
}


@dataclass
class DropAccount:
    """The events of drops that a test sets, and their results."""

    account: Account
    started: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        account = self.account
        account.stacks["assetline"] = OUTPUTS | INGESTION
        self.s3 = account.session.client("s3")
        self.s3.create_bucket(Bucket=DROPS, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        _create_tables(account.session.resource("dynamodb"))
        dynamodb = account.session.resource("dynamodb")
        self.ledger = Ledger(dynamodb.Table(DROPS_TABLE), 30, clock=lambda: account.now)
        self.sessions = SessionsTable(dynamodb.Table(SESSIONS_TABLE))
        events = account.session.events
        events.register("before-call.sfn.StartExecution", self._start)
        events.register("before-call.sfn.ListExecutions", self._list)
        events.register("before-call.sfn.DescribeExecution", self._describe)
        for operation in ("PutObject", "HeadObject"):
            events.register(f"after-call.s3.{operation}", self._at_our_time)

    # what comes to pass ------------------------------------------------------

    def then(self, *moments: Callable[[], object]) -> None:
        """Let *moments* come to pass, one each time the command sleeps."""
        self.account.then(*moments)

    def drop(self, key: str, state: DropState = "dropped", **values: Any) -> Drop:
        """Note a drop that is not of the command's own, as far as it is by now."""
        at = self.account.now - values.pop("ago", timedelta(0))
        fixed: dict[str, Any] = {"bucket": DROPS, "key": key, "etag": "e", "size": 2_500_000, "mime": "image/png"}
        dataset = key.partition("/")[0]
        drop = Drop.model_validate(
            fixed
            | {"drop_id": drop_id(DROPS, key, "e"), "dataset_id": dataset, "asset_filename": key, "state": state}
            | {"dropped_at": at, "updated_at": at}
            | values
        )
        self.ledger.record(drop)
        if drop.dataset_id != NOWHERE:
            self.sessions.note_dataset(drop.dataset_id)
        return drop

    def noted(self) -> None:
        """Let every object of the bucket be noted that is not, as an event does."""
        for key in self.objects():
            self._note(key)

    def becomes(self, *names: str, state: DropState = "ingested", reason: str | None = None) -> Callable[[], None]:
        """Let the drops of ds1 called *names*, or else all, be what they become in a session."""

        def become() -> None:
            self.noted()
            keys = [f"ds1/{name}" for name in names] or self.objects()
            drops = [self._drop_of(key) for key in keys]
            if state == "claimed":
                self.opens_session(*drops)
                return
            message = f"{reason} in words." if reason else None
            outcomes = [DropOutcome(drop.drop_id, state, reason, message) for drop in drops]  # type: ignore[arg-type]
            self.ledger.settle(outcomes, map(SessionDrop.of, drops), "ds1", "run-1")
            self.sessions.finish("run-1", "finished")

        return become

    def opens_session(self, *drops: Drop) -> None:
        """Let a session of ds1 be open that sends *drops*."""
        now = self.account.now
        self.sessions.open(
            Session(session_key="run-1", dataset_id="ds1", state="open", session_id="s1", opened_at=now, updated_at=now)
        )
        RunOwnership(self.sessions.table, lambda: now).take("ds1", f"{RUN}:run", "run-1")
        SessionStaging(self.s3, OUTPUTS["ExportBucketName"], "run-1").keep_drops("s1", drops)

    def uploads(self, uploaded: int, total: int) -> Callable[[], None]:
        """Let the session of claimed drops have sent *uploaded* files of *total* to Vi."""

        def upload() -> None:
            self.sessions.update("run-1", total=total)
            self.sessions.report_uploads("run-1", 1, uploaded)

        return upload

    def refused_at_once(self, name: str, reason: str) -> Callable[[], None]:
        """Let a drop be rejected for what it is, when it is noted."""

        def refuse() -> None:
            self._note(f"ds1/{name}", state="rejected", reason=reason, message=f"{reason} in words.", mime=None)

        return refuse

    def run_fails(self, error: str, message: str, dataset: str = "ds1") -> Callable[[], None]:
        """Let a run of a dataset fail."""

        def fail() -> None:
            cause = json.dumps({"errorType": error, "errorMessage": message})
            values = {"input": json.dumps({"dataset_id": dataset}), "status": "FAILED", "error": error, "cause": cause}
            name = f"{dataset}-{len(self.runs)}"
            times = {"startDate": self.account.now, "stopDate": self.account.now}
            arns = {"executionArn": f"{RUN}:{name}", "stateMachineArn": MACHINE, "name": name}
            self.runs.insert(0, arns | values | times)

        return fail

    def session(self, key: str, state: str = "finished", *, ago: timedelta = timedelta(0), **values: Any) -> None:
        """Note an ingestion session that was opened *ago*."""
        at = self.account.now - ago
        fixed: dict[str, Any] = {"session_key": key, "dataset_id": "ds1", "execution_arn": f"{RUN}:{key}"}
        times = {"opened_at": at, "updated_at": at}
        item = Session.model_validate(fixed | times | {"state": "open"} | values).to_item()
        # A stack newer than this command may have states that the command lacks.
        self.sessions.table.put_item(Item=item | {"state": state})

    # what is left ------------------------------------------------------------

    def objects(self) -> list[str]:
        """Return the keys in the drop bucket."""
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=DROPS).get("Contents", [])]

    def id_of(self, key: str) -> str:
        """Return the id of the drop that the object at *key* is."""
        return drop_id(DROPS, key, self.s3.head_object(Bucket=DROPS, Key=key)["ETag"].strip('"'))

    def found(self, drop: Drop) -> Drop:
        """Return a drop as it is noted by now."""
        return self.ledger.get([drop.drop_id])[drop.drop_id]

    def _drop_of(self, key: str) -> Drop:
        id_ = self.id_of(key)
        return self.ledger.get([id_])[id_]

    def _note(self, key: str, **values: Any) -> None:
        values = {
            "drop_id": self.id_of(key),
            "etag": self.s3.head_object(Bucket=DROPS, Key=key)["ETag"].strip('"'),
        } | values
        self.drop(key, **values)

    def _start(self, params: dict[str, Any], **_: object) -> Any:
        request = json.loads(params["body"])
        if request["stateMachineArn"] != MACHINE or "StartExecution" in self.account.refusals:
            return None  # the other machines are the account's
        self.started.append(request)
        return _answer({"executionArn": f"{RUN}:{request['name']}", "startDate": self.account.now})

    def _list(self, **_: object) -> Any:
        names = ("executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate")
        return _answer({"executions": [{name: run[name] for name in names} for run in self.runs]})

    def _describe(self, params: dict[str, Any], **_: object) -> Any:
        arn = json.loads(params["body"])["executionArn"]
        return next((_answer(run) for run in self.runs if run["executionArn"] == arn), None)

    def _at_our_time(self, parsed: dict[str, Any], **_: object) -> None:
        parsed["ResponseMetadata"].setdefault("HTTPHeaders", {})["date"] = format_datetime(
            self.account.now, usegmt=True
        )


def _answer(values: dict[str, Any]) -> Any:
    return SimpleNamespace(status_code=200), values | {"ResponseMetadata": {"HTTPStatusCode": 200}}


def _create_tables(dynamodb: Any) -> None:
    names = ("drop_id", "dataset_state", "dropped_at")
    dynamodb.create_table(
        TableName=DROPS_TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
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
        TableName=SESSIONS_TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "session_key", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "session_key", "KeyType": "HASH"}],
    )
