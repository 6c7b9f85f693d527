"""A download has every asset, a deletion takes what it was told and nothing else, whatever happens."""

from collections.abc import Iterator

import pytest

from local.emulators.vi.server import Emulator
from tests.simulation.datasets import simulated_datasets
from tests.simulation.ingestion import Simulates
from tests.simulation.seeds import SEEDS


@pytest.fixture(scope="module")
def simulate(vi: Emulator) -> Iterator[Simulates]:
    with simulated_datasets(vi) as simulates:
        yield simulates


@pytest.mark.parametrize("seed", SEEDS)
def test_downloads_and_deletions_keep_their_promises(simulate: Simulates, seed: int) -> None:
    simulated = simulate(seed)
    assert not simulated.broken, "\n".join([*simulated.broken, "", *simulated.trace])
