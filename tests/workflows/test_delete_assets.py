"""Deletions on the real machine: by ids and by a filter, and every way in which they end."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from local.emulators.vi.scenario import ApiFault, DeletionFails, LostDeletion, ViScenario
from local.emulators.vi.server import ViEmulator
from local.stack.outputs import DeployedStack
from tests.handlers.dataset.download_stage import DATASET, held
from tests.support.waiting import ended_execution

OLD = {"dataset_id": DATASET, "filter": "old_", "expect_count": 2}


@dataclass(frozen=True)
class EndedDeletion:
    """An execution that has ended."""

    status: str
    output: dict[str, Any]
    error: str
    cause: str
    states: list[str]


@dataclass(frozen=True)
class Deletions:
    """The machine of a stack, and the Vi it deletes from."""

    stack: DeployedStack
    vi: ViEmulator

    def plays(self, *faults: Any, **scenario: Any) -> None:
        """Let Vi continue with *faults*, or with *scenario*."""
        self.vi.plays(ViScenario(**{"faults": faults} | scenario))

    def run(self, request: Any) -> EndedDeletion:
        """Start an execution and wait for its end."""
        machines = self.stack.client("stepfunctions")
        arn = machines.start_execution(
            stateMachineArn=self.stack.outputs["DeleteStateMachineArn"], input=json.dumps(request)
        )["executionArn"]
        described = ended_execution(machines, arn)
        history = machines.get_paginator("get_execution_history").paginate(executionArn=arn)
        entered = [event.get("stateEnteredEventDetails") for page in history for event in page["events"]]
        return EndedDeletion(
            described["status"],
            json.loads(described.get("output", "{}")),
            described.get("error", ""),
            described.get("cause", ""),
            [details["name"] for details in entered if details],
        )

    def left(self) -> list[str]:
        """Return the names of the assets that Vi holds."""
        return sorted(self.vi.assets(DATASET))

    def reports(self) -> list[dict[str, Any]]:
        """Return the reports there are, the newest first."""
        s3, bucket = self.stack.client("s3"), self.stack.outputs["ExportBucketName"]
        listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"reports/{DATASET}/deletions/").get("Contents", [])
        keys = [item["Key"] for item in listed if item["Key"].endswith(".json")]
        found = [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
        return sorted(found, key=lambda report: str(report["finished_at"]), reverse=True)


@pytest.fixture
def deletions(stack: DeployedStack, vi: ViEmulator) -> Deletions:
    for name in ("old_1.png", "old_2.png", "new.png"):
        held(vi, name)
    return Deletions(stack, vi)


def test_ids_are_deleted_in_turns(deletions: Deletions) -> None:
    assets = deletions.vi.assets(DATASET)
    ids = [assets["old_1.png"].asset_id, assets["old_2.png"].asset_id, "asset-nope"]
    deletions.plays(ApiFault(method="DELETE", status=429, retry_after=1, times=1))
    ended = deletions.run({"dataset_id": DATASET, "ids": ids})
    assert (ended.status, ended.output["complete"]) == ("SUCCEEDED", True)
    assert (ended.output["deleted"], ended.output["gone"]) == (2, 1)
    assert deletions.left() == ["new.png"]
    assert "Wait For Vi" in ended.states


def test_the_assets_of_a_filter_are_deleted_and_awaited(deletions: Deletions) -> None:
    deletions.plays(deletion_polls=2)
    ended = deletions.run(OLD)
    assert (ended.status, ended.output["complete"], ended.output["deleted"]) == ("SUCCEEDED", True, 2)
    assert deletions.left() == ["new.png"]
    assert "Wait For Deletion" in ended.states
    assert deletions.reports()[0]["report_key"] == ended.output["report_key"]


def test_another_count_fails_the_run_and_is_reported(deletions: Deletions) -> None:
    ended = deletions.run(OLD | {"expect_count": 3})
    assert (ended.status, ended.error) == ("FAILED", "CountMismatch")
    assert "3 assets were expected, but Vi finds 2" in ended.cause
    assert len(deletions.left()) == 3
    report = deletions.reports()[0]
    assert (report["error"], report["ended"], report["left"]) == ("CountMismatch", "not_begun", 2)


@pytest.mark.parametrize("request_", [{"dataset_id": DATASET}, {}, ["old_1.png"], "old_1.png"])
def test_bad_input_fails_the_run_and_nothing_else(deletions: Deletions, request_: Any) -> None:
    earlier = len(deletions.reports())
    ended = deletions.run(request_)
    assert (ended.status, ended.error) == ("FAILED", "InvalidInput")
    assert ended.states == ["Begin Deletion", "Open Deletion", "Deletion Failed"]
    assert len(deletions.reports()) == earlier


def test_a_lost_answer_deletes_once(deletions: Deletions) -> None:
    deletions.plays(LostDeletion(times=1), deletion_polls=2)
    ended = deletions.run(OLD)
    assert (ended.status, ended.output["complete"]) == ("SUCCEEDED", True)
    assert len(deletions.vi.stage.datasets[DATASET].deletions) == 1


def test_a_failed_deletion_has_an_output_with_the_failure(deletions: Deletions) -> None:
    deletions.plays(DeletionFails())
    ended = deletions.run(OLD)
    assert (ended.status, ended.output["complete"], ended.output["ended"]) == ("SUCCEEDED", False, "failed")
    assert deletions.reports()[0]["failure"].startswith("Internal")


@pytest.mark.parametrize(
    ("path", "requested"), [("/assets/", {"ids": ["asset-000001"]}), ("/deleteManyAssetsSessions/", OLD)]
)
def test_a_key_that_is_refused_fails_the_run_and_is_reported(
    deletions: Deletions, path: str, requested: dict[str, Any]
) -> None:
    deletions.plays(ApiFault(path=path, status=401))
    ended = deletions.run({"dataset_id": DATASET} | requested)
    assert (ended.status, ended.error) == ("FAILED", "KeyRefused")
    assert (deletions.reports()[0]["error"], deletions.reports()[0]["ended"]) == ("KeyRefused", "broken")


def test_as_many_ids_as_an_input_holds(deletions: Deletions) -> None:
    ids = [f"gone-{number:030}" for number in range(6500)]
    ended = deletions.run({"dataset_id": DATASET, "ids": ids})
    assert (ended.status, ended.output["gone"]) == ("SUCCEEDED", len(ids))
