"""Every export is complete, partial or failed in the end, and only one of them, whatever happens."""

from collections.abc import Iterator

import pytest

from tests.simulation.exports import simulated_exports
from tests.simulation.seeds import SEEDS
from tests.simulation.simulation import Simulates


@pytest.fixture(scope="module")
def simulate() -> Iterator[Simulates]:
    with simulated_exports() as simulates:
        yield simulates


@pytest.mark.parametrize("seed", SEEDS)
def test_an_export_keeps_its_promises(simulate: Simulates, seed: int) -> None:
    simulated = simulate(seed)
    assert not simulated.broken, "\n".join([*simulated.broken, "", *simulated.trace])
