"""The local Distributed Map gives its children batches, bounds what they return, and writes it to S3."""

import json
from typing import Any

from local.stack.outputs import DeployedStack
from tests.workflows.probe_machine import EndedProbe, run_machine

ECHO: dict[str, Any] = {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    "StartAt": "Echo",
    "States": {"Echo": {"Type": "Pass", "End": True}},
}


def run_map(
    stack: DeployedStack, given: Any, *, processor: dict[str, Any] = ECHO, language: str = "", **fields: Any
) -> EndedProbe:
    state = {"Type": "Map", "ItemProcessor": processor, "End": True} | fields
    settings = {"QueryLanguage": language} if language else {}
    return run_machine(stack, {"Map": state}, given, **settings)


def test_selected_items_come_in_batches(stack: DeployedStack) -> None:
    ended = run_map(
        stack,
        {"dataset": "ds1", "items": ["a", "b", "c"]},
        ItemsPath="$.items",
        ItemSelector={"key.$": "$$.Map.Item.Value", "dataset.$": "$.dataset"},
        ItemBatcher={"MaxItemsPerBatch": 2, "BatchInput": {"dataset.$": "$.dataset"}},
    )
    a, b, c = ({"key": key, "dataset": "ds1"} for key in "abc")
    assert ended.output == [
        {"BatchInput": {"dataset": "ds1"}, "Items": [a, b]},
        {"BatchInput": {"dataset": "ds1"}, "Items": [c]},
    ]


def test_batches_are_bounded_by_their_bytes(stack: DeployedStack) -> None:
    ended = run_map(stack, ["x" * 40] * 5, ItemBatcher={"MaxInputBytesPerBatch": 100})
    assert [len(batch["Items"]) for batch in ended.output] == [2, 2, 1]


def test_batches_of_a_jsonata_state(stack: DeployedStack) -> None:
    ended = run_map(
        stack,
        {"size": 2, "items": ["a", "b", "c"]},
        language="JSONata",
        Items="{% $states.input.items %}",
        ItemSelector="{% {'key': $states.context.Map.Item.Value} %}",
        ItemBatcher={"MaxItemsPerBatch": "{% $states.input.size %}"},
        Output="{% $count($states.result) %}",
    )
    assert (ended.status, ended.output) == ("SUCCEEDED", 2)


def test_objects_of_a_bucket_come_in_batches(stack: DeployedStack) -> None:
    bucket, s3 = stack.outputs["ExportBucketName"], stack.client("s3")
    for number in range(3):
        s3.put_object(Bucket=bucket, Key=f"distributed-map/{number}", Body=b"")
    reader = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Parameters": {"Bucket": bucket, "Prefix": "distributed-map/"},
    }
    ended = run_map(stack, {}, ItemReader=reader, ItemBatcher={"MaxItemsPerBatch": 2})
    keys = [[item["Key"] for item in batch["Items"]] for batch in ended.output]
    assert keys == [["distributed-map/0", "distributed-map/1"], ["distributed-map/2"]]


def test_a_child_sees_no_variable_of_its_parent(stack: DeployedStack) -> None:
    processor = ECHO | {"States": {"Echo": {"Type": "Pass", "Output": "{% $mine %}", "End": True}}}
    states: dict[str, Any] = {
        "Assign": {"Type": "Pass", "Assign": {"mine": 1}, "Next": "Map"},
        "Map": {"Type": "Map", "ItemProcessor": processor, "End": True},
    }
    assert run_machine(stack, states, [1], QueryLanguage="JSONata").status == "FAILED"


def test_a_result_writer_keeps_large_results_out_of_the_state(stack: DeployedStack) -> None:
    bucket, s3 = stack.outputs["ExportBucketName"], stack.client("s3")
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": bucket, "Prefix": "results"}}
    large = ECHO | {"States": {"Echo": {"Type": "Pass", "Result": {"text": "x" * 100_000}, "End": True}}}
    ended = run_map(stack, [1, 2, 3], processor=large, ResultWriter=writer)
    assert ended.error == ""
    details = ended.output["ResultWriterDetails"]
    assert (ended.output["MapRunArn"].split(":")[5], details["Bucket"]) == ("mapRun", bucket)

    def document(key: str) -> Any:
        return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    manifest = document(details["Key"])
    assert manifest["MapRunArn"] == ended.output["MapRunArn"]
    [file] = manifest["ResultFiles"]["SUCCEEDED"]
    outputs = [json.loads(result["Output"]) for result in document(file["Key"])]
    assert outputs == [{"text": "x" * 100_000}] * 3
