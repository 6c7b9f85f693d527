"""Files that arrive slowly, but with pauses shorter than the quiet time, share one ingestion session."""

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from local.emulators.vi.scenario import ViScenario
from local.emulators.vi.server import ViEmulator, running
from local.sample_images import image
from local.stack.lifecycle import running_stack
from local.stack.ministack import free_port
from local.stack.settings import StackSettings
from tests.support.waiting import until
from tests.workflows.drop_box import DropBox

# A minute is four seconds here: the quiet time is a minute, and a file arrives every half a minute, for five minutes.
QUIET_SECONDS = 4
LONGEST_SECONDS = 40
PAUSE_SECONDS = 2
FILES = 10
SCALED = {"GatherSeconds": f"{QUIET_SECONDS}", "LongestGatherSeconds": f"{LONGEST_SECONDS}"}


@pytest.fixture
def vi() -> Iterator[ViEmulator]:
    with running(ViScenario(sessions_per_window=None)) as emulator:
        yield emulator


@pytest.fixture
def box(vi: ViEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DropBox]:
    settings = StackSettings(
        free_port(), tmp_path_factory.mktemp("stack"), vi_url=vi.url, parameters=SCALED, forks_functions=True
    )
    with running_stack(settings) as stack:
        yield DropBox(stack)


def test_a_slow_upload_becomes_one_session(box: DropBox, vi: ViEmulator) -> None:
    keys = [f"ds1/{number}.png" for number in range(FILES)]
    for number, key in enumerate(keys):
        box.put(key, image("png", number))
        time.sleep(PAUSE_SECONDS)
    drops = box.over({*keys})
    assert {(drop.state, drop.attempts) for drop in drops.values()} == {("ingested", 0)}
    until(lambda: not box.runs("RUNNING"), "no run runs")

    # A machine that stalls may have made a pause of its own.
    arrivals = sorted(drop.dropped_at for drop in drops.values())
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(arrivals)]
    assert sum(pauses) > 3 * QUIET_SECONDS, "the upload takes several quiet times"
    assert vi.sessions_opened() == 1 + sum(pause >= QUIET_SECONDS for pause in pauses)
    assert [run["status"] for run in box.runs() if run["status"] != "SUCCEEDED"] == []
