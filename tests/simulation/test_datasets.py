"""A download has every asset, and a deletion deletes the named assets only, whatever happens."""

from collections.abc import Iterator

import pytest

from tests.simulation.datasets import simulated_datasets
from tests.simulation.seeds import SEEDS
from tests.simulation.simulation import Simulates


@pytest.fixture(scope="module")
def simulate() -> Iterator[Simulates]:
    with simulated_datasets() as simulates:
        yield simulates


@pytest.mark.parametrize("seed", SEEDS)
def test_a_dataset_keeps_its_promises(simulate: Simulates, seed: int) -> None:
    simulated = simulate(seed)
    assert not simulated.broken, "\n".join([*simulated.broken, "", *simulated.trace])
