"""The compiled modules of a build: Python loads them, whatever packaging did to the sources."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from release.bytecode import CompilationError, compile_build

UNCHECKED = 0b01  # the flags of a file that Python loads without a look at its source (PEP 552)


def build_of(folder: Path, source: str) -> Path:
    package = folder / "AssetlineLayer/python/shipped"
    package.mkdir(parents=True)
    (package / "rows.py").write_text(source)
    return folder


def compiled(build: Path) -> Path:
    return Path(importlib.util.cache_from_source(str(build / "AssetlineLayer/python/shipped/rows.py")))


def test_python_loads_a_compiled_module_without_its_source(tmp_path: Path) -> None:
    build = build_of(tmp_path, "print('compiled')")
    assert compile_build(build) == 1
    source = build / "AssetlineLayer/python/shipped/rows.py"
    source.write_text("print('from the source')")
    os.utime(source, (0, 0))
    ended = subprocess.run(
        [sys.executable, "-c", "import shipped.rows"],
        cwd=source.parents[1],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert ended.stdout == "compiled\n"


def test_two_builds_of_a_source_have_the_same_bytes(tmp_path: Path) -> None:
    source = "def rows(page: bytes) -> int:\n    return len(page)\n"
    first, second = (build_of(tmp_path / name, source) for name in ("first", "second/in/a/deeper/folder"))
    compile_build(first)
    compile_build(second)
    assert compiled(first).read_bytes() == compiled(second).read_bytes()
    assert int.from_bytes(compiled(first).read_bytes()[4:8], "little") == UNCHECKED


def test_a_module_with_an_error_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CompilationError, match="AssetlineLayer was not compiled"):
        compile_build(build_of(tmp_path, "def rows(:\n"))
