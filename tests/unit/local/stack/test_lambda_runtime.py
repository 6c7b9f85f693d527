"""An edit of a loaded module ends the environment that has loaded it."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack.lambda_runtime import LoadedModules

NAME = "edited_by_a_test"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / f"{NAME}.py"
    path.write_text("VALUE = 1")
    monkeypatch.syspath_prepend(tmp_path)
    yield path
    sys.modules.pop(NAME, None)


def test_only_an_edit_of_a_loaded_module_is_noticed(module: Path, tmp_path: Path) -> None:
    modules = LoadedModules([str(tmp_path)])
    assert not modules.is_any_edited()
    os.utime(module, ns=(1, 1))
    assert not modules.is_any_edited()  # it is not loaded
    importlib.import_module(NAME)
    assert not modules.is_any_edited()
    os.utime(module, ns=(2, 2))
    assert modules.is_any_edited()


def test_a_module_that_is_being_replaced_is_edited(module: Path, tmp_path: Path) -> None:
    modules = LoadedModules([str(tmp_path)])
    importlib.import_module(NAME)
    assert not modules.is_any_edited()
    module.unlink()
    assert modules.is_any_edited()
