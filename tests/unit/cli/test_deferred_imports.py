import sys
from importlib import import_module

import pytest

from assetline_cli.deferred_imports import defer_import


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a module that is not imported; its class is `Random`."""
    monkeypatch.setitem(sys.modules, "random", sys.modules["random"])  # put back in the end
    del sys.modules["random"]
    return "random"


def test_a_deferred_class_imports_its_module_when_called(absent: str) -> None:
    defer_import(absent, "Random")
    stand_in = import_module(absent)
    assert not hasattr(stand_in, "choice")
    assert 0 <= stand_in.Random(7).random() < 1
    assert hasattr(import_module(absent), "choice")


def test_a_module_that_is_imported_already_stays() -> None:
    real = sys.modules["random"] = import_module("random")
    defer_import("random", "Random")
    assert sys.modules["random"] is real
