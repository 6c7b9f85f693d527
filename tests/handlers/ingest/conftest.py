"""An emulated Vi for each module, and an account with drops for each test."""

from collections.abc import Iterator

import pytest

from local.emulators.vi.server import ViEmulator
from tests.handlers.ingest.session_stage import SessionStage, emulated_vi, session_stage
from tests.simulation.account import MemoryAccount


@pytest.fixture(scope="module")
def vi() -> Iterator[ViEmulator]:
    with emulated_vi() as vi:
        yield vi


@pytest.fixture
def stage(vi: ViEmulator, monkeypatch: pytest.MonkeyPatch, account: MemoryAccount | None) -> Iterator[SessionStage]:
    with session_stage(vi, monkeypatch, account) as stage:
        yield stage
