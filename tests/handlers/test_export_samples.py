"""The payloads of the export's functions in events/, run as events/runs.json declares."""

from typing import Any

import pytest

from local.emulators.safetyculture.scenario import FeedScenario
from local.emulators.safetyculture.server import FeedEmulator
from local.invoke.errors import FunctionFailed
from local.invoke.feed_check import checked_rows
from tests.handlers.conftest import BUCKET, ExportAccount
from tests.handlers.sample_chains import StackInMemory, chains_of, played, stack_in_memory

FUNCTIONS = (
    *("open_export", "write_pages", "close_export", "write_changes", "plan_exports"),
    *("salvage_export", "sweep_exports"),
)
ROWS = 250
# The values that show the meaning of a sample.
SHOWN: dict[str, dict[str, Any]] = {
    "write_changes/since_yesterday": {"added": 0, "changed": 0, "removed": 0},
    "write_pages/after_a_pause": {"rows": ROWS, "faults": 0, "pause_seconds": 0},
    "write_pages/later_turn": {"rows": 200, "pages": 2, "turns": 2},
    "salvage_export/stopped": {"rows": ROWS, "complete": False},
}


@pytest.fixture
def stack(aws: ExportAccount, feed_api: FeedEmulator, monkeypatch: pytest.MonkeyPatch) -> StackInMemory:
    feed_api.has(FeedScenario(rows=ROWS))
    machines = stack_in_memory(
        {"safetyculture": feed_api.url},
        ExportBucketName=BUCKET,
        DropBucketName="assetline-drops",
        SafetyCultureSecretArn=aws.secret_arn,
    )
    monkeypatch.setenv("EXPORT_STATE_MACHINE_ARN", machines.outputs["ExportStateMachineArn"])
    return machines


@pytest.mark.parametrize("chain", chains_of(*FUNCTIONS))
def test_a_chain_of_samples_runs_as_declared(chain: str, stack: StackInMemory) -> None:
    result = played(chain, stack)[chain].answer.content
    expected = SHOWN.get(chain, {})
    assert {name: result[name] for name in expected} == expected


def test_the_file_of_the_samples_equals_the_feed(aws: ExportAccount, stack: StackInMemory) -> None:
    closed = played("write_changes/since_yesterday", stack)["close_export/finished"].answer.content
    assert checked_rows(stack, closed) == ROWS
    text = aws.text(closed["key"])
    for other, problem in (
        (text.replace("HY-0000000", "HY-1"), "row 1 of"),
        (text[: text.index("\n") + 1], "has 0"),
    ):
        aws.s3.put_object(Bucket=BUCKET, Key=closed["key"], Body=other.encode())
        with pytest.raises(FunctionFailed, match=problem):
            checked_rows(stack, closed)
