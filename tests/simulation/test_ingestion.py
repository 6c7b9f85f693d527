"""Every drop is over in the end, no session is open, and Vi holds what S3 holds, whatever happens."""

from collections.abc import Iterator

import pytest

from local.emulators.vi.server import Emulator
from tests.simulation.ingestion import Simulates, simulated_ingestions
from tests.simulation.seeds import SEEDS


@pytest.fixture(scope="module")
def simulate(vi: Emulator) -> Iterator[Simulates]:
    with simulated_ingestions(vi) as simulates:
        yield simulates


@pytest.mark.parametrize("seed", SEEDS)
def test_an_ingestion_keeps_its_promises(simulate: Simulates, seed: int) -> None:
    simulated = simulate(seed)
    assert not simulated.broken, "\n".join([*simulated.broken, "", *simulated.trace])
