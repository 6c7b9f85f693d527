"""The calls that a state of a machine makes, as IAM names them, and the error of Step Functions when one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .condition_keys import keys_of_entries

INTEGRATION = "arn:aws:states:::"
MANAGED_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"


@dataclass(frozen=True)
class Call:
    """A call that a role has to grant: an action on a resource, with condition keys."""

    action: str
    resource: str
    error: str
    keys: Mapping[str, Any] = field(default_factory=dict)


def machine_of(arn: str) -> str:
    """Return the ARN of a state machine for its own ARN or that of the children of its Map Run."""
    return arn.partition("/")[0]


def calls_of_map(machine: str) -> list[Call]:
    """Return the calls of a Distributed Map of *machine*: it starts its children and watches them."""
    error = "States.Permissions"
    executions = machine.replace(":stateMachine:", ":execution:") + "/any:any"
    return [
        Call("states:StartExecution", machine, error),
        Call("states:DescribeExecution", executions, error),
        Call("states:StopExecution", executions, error),
    ]


def calls_of_task(resource: str, arguments: Any, machine: str) -> list[Call]:
    """Return the calls of a Task of *machine*; none for an integration whose resource is unknown."""
    here = ":".join(machine.split(":")[3:5])
    if resource.startswith("arn:aws:lambda:"):
        return [_invoke(resource, here)]
    service, _, api = resource.removeprefix(INTEGRATION).partition(":")
    calls = CALLS.get(service) if resource.startswith(INTEGRATION) and isinstance(arguments, Mapping) else None
    return calls(api, arguments, here) if calls else []


def read_call(reader: Mapping[str, Any], arguments: Mapping[str, Any]) -> Call:
    """Return the call of an ItemReader."""
    bucket, error = f"arn:aws:s3:::{arguments.get('Bucket')}", "States.ItemReaderFailed"
    if str(reader.get("Resource", "")).endswith("listObjectsV2"):
        return Call("s3:ListBucket", bucket, error, {"s3:prefix": str(arguments.get("Prefix", ""))})
    return Call("s3:GetObject", f"{bucket}/{arguments.get('Key')}", error)


def write_call(bucket: str, key: str) -> Call:
    """Return the call by which a ResultWriter puts an object."""
    return Call("s3:PutObject", f"arn:aws:s3:::{bucket}/{key}", "States.ResultWriterFailed")


def _invoke(function: str, here: str) -> Call:
    arn = _arn("lambda", here, f"function:{function}", function)
    return Call("lambda:InvokeFunction", arn, "Lambda.AWSLambdaException")


def _of_lambda(_api: str, arguments: Mapping[str, Any], here: str) -> list[Call]:
    return [_invoke(str(arguments.get("FunctionName", "")), here)]


def _of_states(api: str, arguments: Mapping[str, Any], here: str) -> list[Call]:
    error, machine = "StepFunctions.AWSStepFunctionsException", str(arguments.get("StateMachineArn", ""))
    started = Call("states:StartExecution", machine, error)
    if ".sync" not in api:
        return [started]
    execution = machine.replace(":stateMachine:", ":execution:") + ":any"
    rule = f"arn:aws:events:{here}:rule/{MANAGED_RULE}"
    return [
        started,
        *(Call(f"states:{action}", execution, error) for action in ("DescribeExecution", "StopExecution")),
        *(Call(f"events:{action}", rule, error) for action in ("PutTargets", "PutRule", "DescribeRule")),
    ]


def _of_events(_api: str, arguments: Mapping[str, Any], here: str) -> list[Call]:
    error, entries = "EventBridge.AmazonEventBridgeException", arguments.get("Entries")
    listed = [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
    buses = sorted({str(entry.get("EventBusName", "default")) for entry in listed})
    arns = [_arn("events", here, f"event-bus/{bus}", bus) for bus in buses]
    return [Call("events:PutEvents", arn, error, keys_of_entries(listed)) for arn in arns]


def _of_dynamodb(api: str, arguments: Mapping[str, Any], here: str) -> list[Call]:
    table = arguments.get("TableName")
    arn = _arn("dynamodb", here, f"table/{table}", table)
    return [Call(f"dynamodb:{api[:1].upper()}{api[1:]}", arn, "DynamoDB.AmazonDynamoDBException")]


def _of_sqs(_api: str, arguments: Mapping[str, Any], here: str) -> list[Call]:
    queue = str(arguments.get("QueueUrl", "")).rpartition("/")[2]
    return [Call("sqs:SendMessage", f"arn:aws:sqs:{here}:{queue}", "SQS.AmazonSQSException")]


def _of_sns(_api: str, arguments: Mapping[str, Any], _here: str) -> list[Call]:
    return [Call("sns:Publish", str(arguments.get("TopicArn", "")), "SNS.AmazonSNSException")]


def _arn(service: str, here: str, name: str, given: Any) -> str:
    """Return *given* if it is an ARN, else the ARN of *name*."""
    return str(given) if str(given).startswith("arn:") else f"arn:aws:{service}:{here}:{name}"


CALLS = {
    "lambda": _of_lambda,
    "states": _of_states,
    "events": _of_events,
    "dynamodb": _of_dynamodb,
    "sqs": _of_sqs,
    "sns": _of_sns,
}
