"""An emulated Vi for each module, and no logs: a seed that breaks a promise shows its trace."""

import logging
from collections.abc import Iterator

import pytest

from tests.handlers.ingest.conftest import vi

__all__ = ["vi"]


@pytest.fixture(autouse=True, scope="module")
def no_logs() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
