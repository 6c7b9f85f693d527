"""Deletions played as the machine plays them: the real handlers, an S3 in memory, an emulated Vi."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from assetline.errors import Permanent
from functions.close_deletion import app as close_deletion
from functions.delete_ids import app as delete_ids
from functions.open_deletion import app as open_deletion
from functions.poll_deletion import app as poll_deletion
from local.emulators.vi.scenario import ViScenario
from local.emulators.vi.server import ViEmulator
from local.emulators.vi.store import Asset
from tests.handlers.conftest import event, lambda_context
from tests.handlers.dataset.download_stage import BUCKET, DATASET, download_stage, held
from tests.simulation.account import MemoryAccount

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:delete_assets:run"
STARTED_AT = "2026-11-21T03:00:00.123Z"
LOOKS = 500  # more than any deletion here is worth
POST_SESSION = "deleteManyAssetsSessions"
FUNCTIONS = {
    "open_deletion": open_deletion,
    "delete_ids": delete_ids,
    "poll_deletion": poll_deletion,
    "close_deletion": close_deletion,
}


@dataclass
class DeletionStage:
    """An account and a Vi; a test sets the content of Vi, deletes some of it, and inspects the rest."""

    vi: ViEmulator
    s3: Any
    announced: list[dict[str, Any]]
    executions: int = 1
    waits: list[int] = field(default_factory=list)

    def holds(self, *names: str) -> list[Asset]:
        """Let Vi hold assets."""
        return [held(self.vi, name) for name in names]

    def plays(self, *faults: Any, **scenario: Any) -> None:
        """Let Vi continue with *faults*, or with *scenario*."""
        self.vi.plays(ViScenario(**{"faults": faults} | scenario))

    def opens(self, **fields: Any) -> dict[str, Any]:
        """Play Open Deletion."""
        return self._invoke(open_deletion, self._execution() | {"input": {"dataset_id": DATASET} | fields})

    def deletes(self, opened: dict[str, Any], cursor: int = 0) -> dict[str, Any]:
        """Play one turn of Delete Ids."""
        return self._invoke(delete_ids, {"deletion": opened["deletion"], "cursor": cursor})

    def polls(self, opened: dict[str, Any], polls: int = 0) -> dict[str, Any]:
        """Play Poll Deletion."""
        return self._invoke(poll_deletion, {"deletion": opened["deletion"], "polls": polls})

    def closes(self, error: str | None = None, **seen: Any) -> dict[str, Any]:
        """Play Close Deletion, for what was *seen* last."""
        about = {"dataset_id": DATASET, "progress": "running", "count_after": None, "failure": ""} | seen
        caught = {"Error": error, "Cause": "{}"} if error else None
        return self._invoke(close_deletion, self._execution() | about | {"error": caught})

    def run(self, **fields: Any) -> dict[str, Any]:
        """Play a new execution to its end and return its output."""
        self.executions += 1
        return self.goes_on(self.opens(**fields))

    def goes_on(self, opened: dict[str, Any]) -> dict[str, Any]:
        """Play what follows Open Deletion, and return the output."""
        seen: dict[str, Any] = {"progress": opened["progress"], "count_after": opened["count_after"]}
        cursor: int | None = 0
        while opened["deletion"]["by"] == "ids" and cursor is not None:
            turn = self.deletes(opened, cursor)
            cursor = turn["cursor"]
            seen = {"progress": "finished", "count_after": turn["count_after"]}
            self.waits.append(turn["wait_seconds"])
        polls = 0
        while seen["progress"] == "running":
            assert polls < LOOKS, "it is looked at for ever"
            seen = self.polls(opened, polls)
            self.waits.append(seen.pop("wait_seconds"))
            polls += 1
        return self.closes(**seen)

    def fails(self, error: type[Permanent], **fields: Any) -> dict[str, Any]:
        """Play a new execution that fails with an error in Open Deletion, and return what its closing returns."""
        with pytest.raises(error):
            self.run(**fields)
        return self.closes(error.__name__)

    def plays_sample(self, name: str) -> dict[str, Any]:
        """Give a function one of the payloads in events/, and return its answer."""
        return self._invoke(FUNCTIONS[name.partition("/")[0]], event(name))

    def left(self) -> list[str]:
        """Return the names of the assets that Vi holds."""
        return sorted(asset.filename for asset in self.vi.stage.datasets[DATASET].assets.values())

    def sessions(self) -> int:
        """Return how many bulk deletions Vi has."""
        return len(self.vi.stage.datasets[DATASET].deletions)

    def asked_for_dataset(self) -> int:
        """Return how often Vi was asked for the dataset itself."""
        return sum(request.path.endswith(f"_{DATASET}") for request in self.vi.requests())

    def deletion_requests(self) -> int:
        """Return the number of bulk deletions that Vi received."""
        return len(self.vi.requests(POST_SESSION, "POST"))

    def report(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return the report of a deletion."""
        report: dict[str, Any] = json.loads(self._text(result["report_key"]))
        return report

    def assets(self, result: dict[str, Any]) -> dict[str, tuple[str, str]]:
        """Return state and reason of every asset in the CSV."""
        rows = csv.DictReader(io.StringIO(self._text(result["csv_key"])))
        return {row["asset_id"]: (row["state"], row["reason"]) for row in rows}

    def kept(self) -> str:
        """Return all that is in S3, and all that was announced."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return "".join([*(item["Key"] + self._text(item["Key"]) for item in listed), json.dumps(self.announced)])

    def _text(self, key: str) -> str:
        content: str = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
        return content

    def _execution(self) -> dict[str, Any]:
        return {"execution_arn": f"{EXECUTION}-{self.executions}", "started_at": STARTED_AT}

    def _invoke(self, function: Any, payload: dict[str, Any]) -> dict[str, Any]:
        answer = function.lambda_handler(json.loads(json.dumps(payload)), lambda_context(900))
        result: dict[str, Any] = json.loads(json.dumps(answer))
        return result


@contextmanager
def deletion_stage(
    vi: ViEmulator, monkeypatch: pytest.MonkeyPatch, account: MemoryAccount | None = None
) -> Iterator[DeletionStage]:
    """Set the stage, in *account* or in one of moto."""
    with download_stage(vi, monkeypatch, account) as stage:
        yield DeletionStage(vi, stage.s3, stage.announced)
