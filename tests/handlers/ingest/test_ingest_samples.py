"""The payloads of the ingestion's functions in events/, run as events/runs.json declares."""

from typing import Any

import pytest

from local.emulators.vi.scenario import ViScenario
from local.invoke.errors import FunctionFailed
from tests.handlers.ingest.session_stage import DROPS, STAGING, SessionStage
from tests.handlers.sample_chains import StackInMemory, chains_of, played, stack_in_memory

FUNCTIONS = ("record_drop", "open_session", "upload_assets", "poll_session", "settle_session", "sweep_drops")
# The values that show the meaning of a sample.
SHOWN: dict[str, dict[str, Any]] = {
    "settle_session/finished": {"progress": "finished", "total": 1, "ingested": 1},
    "settle_session/overdue": {"progress": "overdue", "total": 1, "returned": 1},
    "settle_session/broken": {"progress": "broken", "total": 1, "returned": 1},
    "record_drop/backfill": {"recorded": 1},
    "record_drop/poisoned": {"batchItemFailures": [{"itemIdentifier": "message-0"}]},
    "record_drop/versioned": {"batchItemFailures": []},
}


@pytest.fixture
def stack(stage: SessionStage) -> StackInMemory:
    return stack_in_memory(
        {"vi": stage.vi.url},
        ExportBucketName=STAGING,
        DropBucketName=DROPS,
        DropsTableName="drops",
        SessionsTableName="sessions",
    )


@pytest.mark.parametrize("chain", chains_of(*FUNCTIONS))
def test_a_chain_of_samples_of_drops_runs_as_declared(chain: str, stack: StackInMemory) -> None:
    result = played(chain, stack)[chain].answer.content
    expected = SHOWN.get(chain, {})
    assert {name: result[name] for name in expected} == expected


def test_a_run_without_a_permit_shows_when_to_repeat_it(stage: SessionStage, stack: StackInMemory) -> None:
    stage.vi.has(ViScenario(sessions_per_window=1, window_seconds=3600))
    assert played("settle_session/broken", stack)
    with pytest.raises(FunctionFailed, match=r"has opened all ingestion sessions .*; repeat the command in 3\d{3} s"):
        played("settle_session/broken", stack)
