"""`.local/outputs.json` and `.local/env`: the most recent `up` of this checkout that still runs."""

import shutil
import subprocess
from pathlib import Path

from local.paths import AWS, COMMANDS, LOCAL, PYTHON_COMMANDS, ROOT, STACKS
from local.stack.lifecycle import is_running

FILES = ("outputs.json", "env")


def show(folder: Path) -> None:
    """Make `.local/` describe the stack whose state *folder* is."""
    (folder / "shown").touch()
    refresh()


def refresh() -> None:
    """Make `.local/` describe the running stack that was shown last, or none."""
    shown = [folder / "shown" for folder in running_stacks() if (folder / "shown").exists()]
    latest = max(shown, key=lambda mark: mark.stat().st_mtime_ns, default=None)
    for name in FILES:
        if latest is None:
            (LOCAL / name).unlink(missing_ok=True)
        else:
            draft = LOCAL / f"{name}.new"
            shutil.copyfile(latest.with_name(name), draft)
            draft.replace(LOCAL / name)


def provide_commands() -> None:
    """Put `assetline` into `.local/bin`, and the stock `aws` if the one on the PATH does not work in this folder."""
    COMMANDS.mkdir(parents=True, exist_ok=True)
    _link("assetline", PYTHON_COMMANDS / "assetline")
    if AWS.exists() and not _aws_works():
        _link("aws", AWS)


def running_stacks() -> list[Path]:
    """Return the state folders of the stacks of this checkout that run."""
    return [folder for folder in sorted(STACKS.glob("*")) if is_running(folder)]


def _link(name: str, program: Path) -> None:
    link = COMMANDS / name
    if not link.is_symlink() or link.readlink() != program:
        link.unlink(missing_ok=True)
        link.symlink_to(program)


def _aws_works() -> bool:
    """Return whether an `aws` outside `.local/bin` runs here; a shim on the PATH may not run."""
    found = shutil.which("aws")
    if found is None or Path(found).parent == COMMANDS:
        return False
    return subprocess.run([found, "--version"], check=False, capture_output=True, cwd=ROOT).returncode == 0
