"""Samples in payloads become names of the stack and values of earlier answers."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from local.invoke.chain_run import ChainRun
from local.invoke.errors import FunctionFailed
from local.invoke.payloads import payloads

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:"
OUTPUTS = {
    "ExportBucketName": "exports-1",
    "DropBucketName": "drops-1",
    "ExportStateMachineArn": f"{MACHINE}export-1",
    "DeleteStateMachineArn": f"{MACHINE}delete-1",
    "DownloadStateMachineArn": f"{MACHINE}download-1",
    "IngestStateMachineArn": f"{MACHINE}ingest-1",
}
SAMPLES = ("123456789012:execution", "123456789012:stateMachine", "03:00:00.123", "1795230000123", "assetline-export")
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:export-1:assets-20261121-030000-1a2b-ab12"


def run(**answers: Any) -> ChainRun:
    return ChainRun(OUTPUTS, datetime(2026, 11, 29, 8, 30, 1, 5000, tzinfo=UTC), "ab12", {}, answers)


def test_an_execution_is_a_new_one_of_the_machine_of_the_stack() -> None:
    filled = run().filled(payloads()["open_export/assets"])
    assert filled["execution_arn"] == EXECUTION
    assert filled["started_at"] == "2026-11-29T08:30:01.005Z"


def test_an_event_of_an_execution_is_of_the_same_one() -> None:
    detail = run().filled(payloads()["salvage_export/stopped"])["detail"]
    assert detail["executionArn"] == EXECUTION
    assert detail["stateMachineArn"] == f"{MACHINE}export-1"
    assert datetime.fromtimestamp(detail["startDate"] / 1000, UTC) == datetime(2026, 11, 29, 8, 30, 1, 5000, tzinfo=UTC)


@pytest.mark.parametrize("key", [key for key, payload in payloads().items() if not payload.take])
def test_no_sample_is_left_in_a_payload(key: str) -> None:
    text = json.dumps(run().filled(payloads()[key]))
    assert [sample for sample in SAMPLES if sample in text] == []


def test_a_value_comes_from_an_earlier_answer() -> None:
    answers = {"list_assets": {"slices": [{"bucket": "b", "key": "k"}]}}
    assert run(**answers).filled(payloads()["download_slice/slice"]) == {"bucket": "b", "key": "k"}


def test_a_complete_answer_is_taken() -> None:
    filled = run(open_export={"export": {"a": 1}}, write_pages={"rows": 5}).filled(payloads()["close_export/finished"])
    assert filled == {"export": {"a": 1}, "checkpoint": {"rows": 5}}


@pytest.mark.parametrize("answer", [{"slices": []}, {}, {"slices": [{"bucket": "b", "key": None}]}])
def test_a_missing_value_names_the_run_and_its_answer(answer: Any) -> None:
    with pytest.raises(
        FunctionFailed, match=r"cannot run download_slice/slice: it takes slices.0.\w+ from list_assets, w"
    ):
        run(list_assets=answer).filled(payloads()["download_slice/slice"])
