import subprocess
from pathlib import Path

import pytest

from local.paths import MINISTACK_PYTHON, MINISTACK_SERVER
from local.stack import environment
from local.stack.refusals import patching


def test_a_missing_function_is_named() -> None:
    with pytest.raises(patching.PatchFailed, match=r"MiniStack has no email\.message\._complete"):
        patching.wrap("email.message", "_complete", lambda original: original)


def test_a_missing_module_is_named() -> None:
    with pytest.raises(patching.PatchFailed, match=r"MiniStack has no ministack_of_tomorrow\.run"):
        patching.attribute("ministack_of_tomorrow", "run")


def test_another_version_is_refused_with_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patching, "version", {"ministack": "1.6.0"}.__getitem__)
    with pytest.raises(patching.PatchFailed, match=r"MiniStack is 1\.6\.0.* pin 1\.5\.33 again"):
        patching.require_version()


def test_the_pinned_ministack_has_all_that_is_patched(tmp_path: Path) -> None:
    program = "import runpy, sys; runpy.run_path(sys.argv[1])['refuse_what_aws_refuses']()"
    command: list[str | Path] = [MINISTACK_PYTHON, "-P", "-c", program, MINISTACK_SERVER]
    bare = environment.bare() | {"STATE_DIR": str(tmp_path)}
    taught = subprocess.run(command, check=False, capture_output=True, text=True, env=bare)
    assert (taught.returncode, taught.stderr) == (0, "")
