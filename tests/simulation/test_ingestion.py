"""Every drop is over in the end, no session is open, and Vi holds what S3 holds, whatever happens."""

from collections.abc import Iterator

import pytest

from tests.simulation.ingestion import simulated_ingestion
from tests.simulation.seeds import SEEDS
from tests.simulation.simulation import Simulates


@pytest.fixture(scope="module")
def simulate() -> Iterator[Simulates]:
    with simulated_ingestion() as simulates:
        yield simulates


@pytest.mark.parametrize("seed", SEEDS)
def test_an_ingestion_keeps_its_promises(simulate: Simulates, seed: int) -> None:
    simulated = simulate(seed)
    assert not simulated.broken, "\n".join([*simulated.broken, "", *simulated.trace])
