"""The payloads of the functions that download and delete assets in events/, run as events/runs.json declares."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.emulators.vi.server import ViEmulator, running
from tests.handlers.dataset.download_stage import BUCKET, download_stage
from tests.handlers.sample_chains import StackInMemory, chains_of, played, stack_in_memory

FUNCTIONS = (
    *("list_assets", "download_slice", "close_download"),
    *("open_deletion", "delete_ids", "poll_deletion", "close_deletion"),
)
# The values that show the meaning of a sample.
SHOWN: dict[str, dict[str, Any]] = {
    "close_download/finished": {"written": 2, "failed": 0},
    "close_deletion/finished": {"deleted": 2, "gone": 1, "left": 0, "complete": True},
    "close_deletion/broken": {"ended": "broken", "left": 3, "complete": False},
    "poll_deletion/first_look": {"progress": "finished", "count_after": 0},
}


@pytest.fixture(scope="module")
def vi() -> Iterator[ViEmulator]:
    with running() as vi:
        yield vi


@pytest.fixture
def stack(vi: ViEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[StackInMemory]:
    with download_stage(vi, monkeypatch):
        yield stack_in_memory({"vi": vi.url}, ExportBucketName=BUCKET, DropBucketName="assetline-drops")


@pytest.mark.parametrize("chain", chains_of(*FUNCTIONS))
def test_a_chain_of_samples_of_assets_runs_as_declared(chain: str, stack: StackInMemory) -> None:
    result = played(chain, stack)[chain].answer.content
    expected = SHOWN.get(chain, {})
    assert {name: result[name] for name in expected} == expected
