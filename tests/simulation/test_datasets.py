"""A download has every asset, a deletion takes what it was told and nothing else, whatever happens."""

import logging

import pytest

from local.emulators.vi.server import Emulator
from tests.handlers.dataset.download_stage import download_stage
from tests.simulation.datasets import simulate
from tests.simulation.seeds import SEEDS


@pytest.mark.parametrize("seed", SEEDS)
def test_downloads_and_deletions_keep_their_promises(vi: Emulator, seed: int) -> None:
    logging.disable(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch, download_stage(vi, patch) as stage:
        simulated = simulate(stage, seed, patch)
    assert not simulated.broken, "\n".join([*simulated.broken, "", *simulated.trace])
