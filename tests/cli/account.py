"""An AWS account of the operator's: moto for the table and the bucket, a script for the stack and the machines.

moto's Step Functions cannot run our machines, so what Step Functions answers is scripted at the wire, and so is the
stack: every second that the command sleeps, the next moment of the export comes to pass.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.loaders import Loader
from botocore.model import OperationModel
from mypy_boto3_dynamodb.service_resource import Table
from typer.testing import Result

from assetline.export.export_item import ExportProgress
from assetline.export.export_names import export_ids, manifest_key, object_key

REGION = "eu-west-1"
STARTED = datetime(2026, 11, 21, 0, 30, 12, 345000, tzinfo=UTC)
MACHINE = f"arn:aws:states:{REGION}:123456789012:stateMachine:export_feed"
EXECUTION_NAME = "assets-20261121-003012-1a2b"
SEVERAL_NAME = "feeds-20261121-003012-1a2b"
EXECUTION = f"arn:aws:states:{REGION}:123456789012:execution:export_feed:assets-20261121-003012-1a2b"
SEVERAL_MACHINE = f"arn:aws:states:{REGION}:123456789012:stateMachine:export_feeds"
SEVERAL = f"arn:aws:states:{REGION}:123456789012:execution:export_feeds:feeds-20261121-003012-1a2b"
RESUMING = f"{EXECUTION}-again"
SECRET = f"arn:aws:secretsmanager:{REGION}:123456789012:secret:token[/red]"  # as it is: no emoji, no markup
CSV = b"id,name\r\n" + b"1,Pump\r\n" * 2000

OUTPUTS = {
    "ExportStateMachineArn": MACHINE,
    "ExportBucketName": "the-exports",
    "ExportsTableName": "the-table",
    "ExportFeedsStateMachineArn": SEVERAL_MACHINE,
}
LOADER = Loader()  # reads the service descriptions of botocore once for all sessions

type Run = Callable[..., Result]


@dataclass
class Account:
    """An AWS account whose export follows a script; it is asked as boto3 asks AWS."""

    session: boto3.Session
    table: Table
    arn: str = EXECUTION
    machine: str = MACHINE
    status: str = "RUNNING"
    stacks: dict[str, dict[str, str]] = field(default_factory=lambda: {"assetline": OUTPUTS})
    parameters: dict[str, str] = field(default_factory=dict)
    input: str = '{"feed": "assets"}'
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    stopped_at: datetime | None = None
    known: bool = True
    started: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[dict[str, Any]] = field(default_factory=list)
    refusals: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    moments: list[Callable[[], object]] = field(default_factory=list)
    now: datetime = STARTED

    def __post_init__(self) -> None:
        self.session.events.register("before-call.sfn", self._answer)
        self.session.events.register("before-call.cloudformation", self._describe_stacks)

    # what comes to pass ------------------------------------------------------

    def then(self, *moments: Callable[[], object]) -> None:
        """Let *moments* come to pass, a second each."""
        self.moments += moments

    def opens(self, **progress: Any) -> None:
        self._put(**progress)

    def writes(self, pages: int, **progress: Any) -> Callable[[], None]:
        rows = pages * 100
        given: dict[str, Any] = {"pages": pages, "rows": rows, "page_rows": 100, "turns": 1, "page_seconds": 0.05}
        return lambda: self._put(**given | progress)

    def completes(self, *, complete: bool = True, rows: int = 2000, pages: int = 20) -> None:
        id_ = next(export_ids("assets", STARTED))
        self._put(pages=pages, rows=rows, page_rows=100, turns=2, remaining=0, state="complete")
        bucket = self.session.resource("s3").Bucket("the-exports")
        bucket.put_object(Key=object_key("assets", id_, "csv"), Body=CSV)
        bucket.put_object(Key=manifest_key("assets", id_), Body=b'{"complete": true}')
        names = {"key": object_key("assets", id_, "csv"), "manifest_key": manifest_key("assets", id_)}
        figures = {"rows": rows, "pages": pages, "bytes": len(CSV), "turns": 2, "complete": complete}
        self.ends("SUCCEEDED")
        self.output = json.dumps({"export_id": id_, "feed": "assets", "bucket": "the-exports"} | names | figures)

    def fails(self, error: str, cause: str, status: str = "FAILED") -> Callable[[], None]:
        def fail() -> None:
            self.ends(status)
            self.error, self.cause = error, cause

        return fail

    def exports_several(self, *feeds: str) -> None:
        """Let the execution that runs be one of several feeds."""
        self.arn, self.machine, self.input = SEVERAL, SEVERAL_MACHINE, json.dumps({"feeds": feeds})

    def feed(self, feed: str, **progress: Any) -> Callable[[], None]:
        """Set the progress of the export of *feed*, started by the execution of several feeds."""
        id_ = next(export_ids(feed, STARTED))
        names = {"key": object_key(feed, id_, "csv"), "manifest_key": manifest_key(feed, id_)}
        given: dict[str, Any] = {"feed": feed, "parent_execution_arn": SEVERAL, "execution_arn": f"{EXECUTION}-{feed}"}
        return lambda: self._put(id_, **given | names | progress)

    def results(self, *results: dict[str, Any]) -> Callable[[], None]:
        """End the execution of several feeds with *results*, and have the files of those that are complete."""

        def end() -> None:
            bucket = self.session.resource("s3").Bucket("the-exports")
            for result in results:
                for name in ("key", "manifest_key"):
                    if name in result:
                        bucket.put_object(Key=result[name], Body=CSV)
            self.ends("SUCCEEDED")
            self.output = json.dumps({"complete": all(values["complete"] for values in results), "results": results})

        return end

    def ends(self, status: str) -> None:
        self.status, self.stopped_at = status, self.now

    def refuses(self, operation: str, code: str, message: str, status: int = 400) -> Callable[[], None]:
        return lambda: self.refusals.update({operation: (status, code, message)})

    def relents(self) -> None:
        self.refusals.clear()

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        assert self.moments, "the command goes on looking when nothing more comes to pass"
        self.moments.pop(0)()

    # what is asked -----------------------------------------------------------

    def _put(self, export_id: str | None = None, execution_arn: str = EXECUTION, **progress: Any) -> None:
        id_ = export_id or next(export_ids("assets", STARTED))
        fixed: dict[str, Any] = {"export_id": id_, "feed": "assets", "format": "csv", "bucket": "the-exports"}
        names = {"key": object_key("assets", id_, "csv"), "manifest_key": manifest_key("assets", id_)}
        times = {"started_at": STARTED, "updated_at": self.now, "execution_arn": execution_arn, "state": "running"}
        # A stack newer than this command may have states that the command lacks.
        values = fixed | names | times | progress
        state = values.pop("state")
        beside = {"state": state} | ({"export": "{}"} if values.pop("opened", True) else {})
        self.table.put_item(Item=ExportProgress.model_validate(values | {"state": "running"}).to_item() | beside)

    def _answer(self, model: OperationModel, params: dict[str, Any], **_: object) -> Any:
        request = json.loads(params["body"])
        if model.name in self.refusals:
            return _refusal(*self.refusals[model.name])
        if model.name == "StartExecution":
            self.started.append(request)
            self.input, self.machine = request["input"], request["stateMachineArn"]
            several, resumes = self.machine == SEVERAL_MACHINE, "resume" in json.loads(self.input)
            self.arn = SEVERAL if several else RESUMING if resumes else EXECUTION
            return _answer({"executionArn": self.arn, "startDate": STARTED})
        if model.name == "ListExecutions":
            return _answer({"executions": [*self._listed(request)]})
        if (child := self.executions.get(request["executionArn"])) is not None:
            return _answer(self._of_child(model.name, child))
        return self._of_execution(model.name, request)

    def _of_execution(self, operation: str, request: dict[str, Any]) -> Any:
        if not self.known or request["executionArn"] != self.arn:
            return _refusal(400, "ExecutionDoesNotExist", "Execution Does Not Exist")
        if operation == "StopExecution":
            self.stopped.append(request)
            if self.status == "RUNNING":
                self.ends("ABORTED")
            return _answer({"stopDate": self.stopped_at})
        return _answer(self._described())

    def _listed(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for arn, execution in self.executions.items():
            facts = (execution["stateMachineArn"], execution["status"])
            if facts == (request["stateMachineArn"], request["statusFilter"]):
                yield {name: execution[name] for name in ("stateMachineArn", "status", "startDate")} | {
                    "executionArn": arn,
                    "name": arn.rpartition(":")[2],
                }

    def _of_child(self, operation: str, child: dict[str, Any]) -> dict[str, Any]:
        if operation == "StopExecution" and child["status"] == "RUNNING":
            self.stopped.append({"executionArn": child["executionArn"]})
            child |= {"status": "ABORTED", "stopDate": self.now} if child.get("can_stop", True) else {}
        return {name: value for name, value in child.items() if name != "can_stop"}

    def executes(self, name: str, status: str, **facts: Any) -> str:
        """Let the machine that exports one feed have another execution, and return its ARN."""
        arn = f"{MACHINE.replace(':stateMachine:', ':execution:', 1)}:{name}"
        fixed = {"executionArn": arn, "stateMachineArn": MACHINE, "status": status, "startDate": self.now}
        ended = {} if status == "RUNNING" else {"stopDate": self.now}
        self.executions[arn] = fixed | ended | facts
        return arn

    def _described(self) -> dict[str, Any]:
        values = {
            "executionArn": self.arn,
            "stateMachineArn": self.machine,
            "status": self.status,
            "startDate": STARTED,
            "stopDate": self.stopped_at,
            "input": self.input,
            "output": self.output,
            "error": self.error,
            "cause": self.cause,
        }
        return {name: value for name, value in values.items() if value is not None}

    def _describe_stacks(self, params: dict[str, Any], **_: object) -> Any:
        name = params["body"]["StackName"]
        if name not in self.stacks:
            return _refusal(400, "ValidationError", f"Stack with id {name} does not exist")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.stacks[name].items()]
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()]
        values = {"StackName": name, "StackStatus": "CREATE_COMPLETE", "Outputs": outputs, "Parameters": parameters}
        return _answer({"Stacks": [values]})


def _answer(values: dict[str, Any], status: int = 200) -> Any:
    return SimpleNamespace(status_code=status), values | {"ResponseMetadata": {"HTTPStatusCode": status}}


def _refusal(status: int, code: str, message: str) -> Any:
    return _answer({"Error": {"Code": code, "Message": message}}, status)
