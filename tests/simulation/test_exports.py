"""Every export is complete, partial or failed in the end, and one of them only, whatever happens."""

import logging

import pytest

from tests.handlers.conftest import Aws, aws, emulator, feed_api
from tests.simulation.exports import simulate
from tests.simulation.seeds import SEEDS

__all__ = ["aws", "emulator", "feed_api"]


@pytest.mark.parametrize("seed", SEEDS)
def test_an_export_keeps_its_promises(aws: Aws, seed: int) -> None:
    logging.disable(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch:
        simulated = simulate(aws, seed, patch)
    assert not simulated.broken, "\n".join([*simulated.broken, "", *simulated.trace])
