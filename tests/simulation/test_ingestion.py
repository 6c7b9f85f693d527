"""Every drop is over in the end, no session is open, and Vi holds what S3 holds, whatever happens."""

import logging

import pytest

from local.emulators.vi.server import Emulator
from tests.handlers.ingest.session_stage import session_stage
from tests.simulation.ingestion import simulate
from tests.simulation.seeds import SEEDS


@pytest.mark.parametrize("seed", SEEDS)
def test_an_ingestion_keeps_its_promises(vi: Emulator, seed: int) -> None:
    logging.disable(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch, session_stage(vi, patch) as stage:
        simulated = simulate(stage, seed, patch)
    assert not simulated.broken, "\n".join([*simulated.broken, "", *simulated.trace])
