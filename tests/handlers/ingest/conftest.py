"""An emulated Vi for each module, and an account with drops for each test."""

from collections.abc import Iterator

import pytest

from local.emulators.vi.server import ViEmulator
from tests.handlers.ingest.session_stage import SessionStage, emulated_vi, session_stage


@pytest.fixture(scope="module")
def vi() -> Iterator[ViEmulator]:
    with emulated_vi() as vi:
        yield vi


@pytest.fixture
def stage(vi: ViEmulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionStage]:
    with session_stage(vi, monkeypatch) as stage:
        yield stage
