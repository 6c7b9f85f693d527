"""No command about assets lets a terminal obey what Vi calls datasets and assets."""

import json
from pathlib import Path

import pytest

from tests.cli.account import Run
from tests.cli.assets.conftest import DATASET, Held
from tests.cli.screens import screen, shown_on
from tests.support.hostile_text import HOSTILE, obeyed

NAMED = f"{HOSTILE}.png"


@pytest.fixture
def asset_id(vi: Held) -> str:
    (asset,) = vi.holds(NAMED)
    vi.vi.stage.datasets[DATASET].name = HOSTILE
    return asset.asset_id


@pytest.mark.parametrize(
    "words",
    [
        ("datasets",),
        ("assets", "list", DATASET),
        ("assets", "list", DATASET, "--url"),
        ("assets", "get", DATASET, "ASSET"),
        ("assets", "get", DATASET, "ASSET", "--url"),
        ("assets", "count", DATASET),
        ("assets", "count", HOSTILE),
        ("assets", "list", DATASET, "--id", HOSTILE),
        ("assets", "verify", DATASET, "FOLDER"),
        ("assets", "download", DATASET, "FOLDER"),
        ("assets", "rename", DATASET, "ASSET", HOSTILE),
        ("assets", "delete", DATASET, "--name", "*", "--yes", "--expect-count", "7"),
    ],
    ids=lambda words: " ".join(words)[:30],
)
def test_a_command_obeys_nothing(assetline: Run, asset_id: str, tmp_path: Path, words: tuple[str, ...]) -> None:
    given = [{"ASSET": asset_id, "FOLDER": str(tmp_path)}.get(word, word) for word in words]
    ended, out = assetline(*given), screen(200)
    assetline(*given, out=out)
    assert ended.stdout + ended.stderr + shown_on(out)
    assert obeyed(ended.stdout + ended.stderr + shown_on(out)) == []


@pytest.mark.parametrize("words", [("datasets",), ("assets", "list", DATASET), ("assets", "get", DATASET, "ASSET")])
def test_json_is_exact_and_no_terminal_obeys_it(assetline: Run, asset_id: str, words: tuple[str, ...]) -> None:
    lines = assetline(*[asset_id if word == "ASSET" else word for word in words], "--json").stdout.splitlines()
    assert all(line.isprintable() for line in lines)
    assert {HOSTILE, NAMED} & {json.loads(line).get("name", json.loads(line).get("filename")) for line in lines}
