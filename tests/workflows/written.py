"""Everything that a local stack has written: logs, histories, tables, buckets, queues, settings and its own files."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from local.stack.outputs import DeployedStack
from tests.support.leaks import Document


def everything(stack: DeployedStack, folder: Path) -> Iterator[Document]:
    """Yield a document for each thing that was written on *stack*, whose state is in *folder*."""

    def client(service: Any) -> Any:
        return stack.client(service)

    yield from _logs(client("logs"))
    yield from _executions(client("stepfunctions"))
    yield from _items(client("dynamodb"))
    yield from objects(stack)
    yield from _messages(client("sqs"))
    yield from _settings(client)
    yield from files(folder)


def objects(stack: DeployedStack) -> Iterator[Document]:
    """Yield every object of every bucket, with its key, its metadata and its tags."""
    s3: Any = stack.client("s3")
    for bucket in [found["Name"] for found in s3.list_buckets()["Buckets"]]:
        for item in _paged(s3, "list_objects_v2", "Contents", Bucket=bucket):
            place, named = f"object {bucket}/{item['Key']}", {"Bucket": bucket, "Key": item["Key"]}
            answer = s3.get_object(**named)
            yield place, answer["Body"].read()
            tags = s3.get_object_tagging(**named)["TagSet"]
            yield f"{place}, its metadata and tags", _text([item["Key"], answer["Metadata"], tags])


def files(folder: Path) -> Iterator[Document]:
    """Yield every file below *folder*, with its path."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = str(path.relative_to(folder))
            yield f"file {name}", path.read_bytes()
            yield f"path of the file {name}", name.encode()


def _logs(logs: Any) -> Iterator[Document]:
    for group in _paged(logs, "describe_log_groups", "logGroups"):
        name = group["logGroupName"]
        for stream in _paged(logs, "describe_log_streams", "logStreams", logGroupName=name):
            yield f"name of a log stream of {name}", stream["logStreamName"].encode()
        for event in _paged(logs, "filter_log_events", "events", logGroupName=name):
            yield f"log {name}", event["message"].encode()


def _executions(machines: Any) -> Iterator[Document]:
    for machine in _paged(machines, "list_state_machines", "stateMachines"):
        arn = machine["stateMachineArn"]
        yield f"machine {arn}", _text(machines.describe_state_machine(stateMachineArn=arn))
        for execution in _paged(machines, "list_executions", "executions", stateMachineArn=arn):
            yield from _execution(machines, execution["executionArn"])
            for run in _paged(machines, "list_map_runs", "mapRuns", executionArn=execution["executionArn"]):
                yield f"map run {run['mapRunArn']}", _text(machines.describe_map_run(mapRunArn=run["mapRunArn"]))
                for child in _paged(machines, "list_executions", "executions", mapRunArn=run["mapRunArn"]):
                    yield from _execution(machines, child["executionArn"])


def _execution(machines: Any, arn: str) -> Iterator[Document]:
    yield f"execution {arn}", _text(machines.describe_execution(executionArn=arn))
    for event in _paged(machines, "get_execution_history", "events", executionArn=arn, includeExecutionData=True):
        yield f"history of {arn}", _text(event)


def _items(tables: Any) -> Iterator[Document]:
    for table in tables.list_tables()["TableNames"]:
        for item in _paged(tables, "scan", "Items", TableName=table):
            yield f"item of {table}", _text(item)


def _messages(queues: Any) -> Iterator[Document]:
    """Yield the messages that wait in queues, and hide them: each is read once."""
    for url in queues.list_queues().get("QueueUrls", []):
        while received := queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in received:
                yield f"message of {url}", _text(message)


def _settings(client: Callable[[str], Any]) -> Iterator[Document]:
    """Yield the settings of functions, schedules, alarms and stacks, and the points of metrics by name."""
    yield "functions", _text(client("lambda").list_functions(MaxItems=1000))
    yield "rules", _text(client("events").list_rules())
    yield "alarms", _text(client("cloudwatch").describe_alarms())
    yield "metrics", _text(list(_paged(client("cloudwatch"), "list_metrics", "Metrics")))
    yield "stacks", _text(client("cloudformation").describe_stacks())


def _paged(client: Any, operation: str, items: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator(operation).paginate(**arguments):
        yield from page.get(items, [])


def _text(value: Any) -> bytes:
    """Return *value* as JSON, in which quotes of strings inside are escaped, and other characters are plain."""
    return json.dumps(value, default=str, ensure_ascii=False).encode()
