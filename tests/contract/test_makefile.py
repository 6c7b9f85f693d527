"""The Makefile on a machine without Python: one sentence names the program to install."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.contract.template import ROOT

# A uv that finds no Python and cannot download one; it prints a chain of causes as the real one does.
UV = """#!/bin/sh
case "$1" in
--version) echo "uv 99.0.0" ;;
*) echo "error: No interpreter found" >&2; echo "  Caused by: error sending request" >&2; exit 2 ;;
esac
"""


@pytest.mark.parametrize("target", ["up", "invoke", "demo", "test", "check"])
def test_a_machine_without_python_gets_one_sentence(target: str, tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "uv.lock", ".python-version"):
        shutil.copy(ROOT / name, tmp_path)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "uv").write_text(UV)
    (programs / "uv").chmod(0o755)
    ended = subprocess.run(
        ["make", target],
        cwd=tmp_path,
        env={"PATH": f"{programs}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("make: ***")]
    assert "\n".join(lines) == (
        "Python 3.13 is missing, and uv cannot download it. Install Python 3.13 so that python3.13 is on the PATH, "
        "and run the command again."
    )
