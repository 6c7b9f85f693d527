"""`sam deploy` as the local stack runs it."""

from pathlib import Path

import pytest

from local.errors import DeployFailed
from local.stack import deploy
from local.stack.deploy import Deployable

# As SAM does, it leaves a folder in the temporary directory.
SAM = """#!/bin/sh
mktemp -d
exit 1
"""


def test_folders_that_sam_leaves_behind_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sam, logs = tmp_path / "sam", tmp_path / "logs"
    sam.write_text(SAM)
    sam.chmod(0o755)
    logs.mkdir()
    monkeypatch.setattr(deploy, "SAM", sam)
    with pytest.raises(DeployFailed):
        deploy.deploy(Deployable("assetline", tmp_path / "template.yaml", {}, ""), "http://127.0.0.1:9", tmp_path)
    left = Path((logs / "deploy.log").read_text().strip())
    assert left.is_relative_to(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs", "sam"]
