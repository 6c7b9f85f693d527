"""The account, the Vi and the folder that the commands for assets are tested with."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from assetline_cli.assets.renamed_files import LIST_NAME
from local.emulators.vi.scenario import LOCAL_KEY, LOCAL_ORGANIZATION, ViScenario
from local.emulators.vi.server import ViEmulator, running
from local.emulators.vi.store import Asset
from tests.cli.account import OUTPUTS, Account

DATASET = "ds1"


@dataclass(frozen=True)
class Held:
    """The content of Vi, set by a test."""

    vi: ViEmulator

    def holds(self, *names: str, content: bytes | None = None, mime: str = "image/png") -> list[Asset]:
        """Let Vi hold assets, be it several of one name."""
        return [self._put(name, content, mime) for name in names]

    def plays(self, *faults: object, **scenario: object) -> None:
        """Let Vi continue with *faults*, or with *scenario*."""
        self.vi.plays(ViScenario.model_validate({"faults": faults} | scenario))

    def gone(self, *assets: Asset) -> None:
        """Let assets be no more."""
        for asset in assets:
            self.vi.stage.datasets[DATASET].remove(asset.asset_id)

    def names(self) -> set[str]:
        """Return what Vi holds by now."""
        return {asset.filename for asset in self.vi.stage.datasets[DATASET].assets.values()}

    def _put(self, name: str, content: bytes | None, mime: str) -> Asset:
        store = self.vi.stage.content()
        store.append(b"bytes of " + name.encode() if content is None else content)
        assets = self.vi.stage.datasets[DATASET]
        asset = assets.put(f"unique-{len(assets.assets)}", "Image", mime, store, {})
        assets.rename(asset, name)
        return asset


@pytest.fixture(scope="module")
def emulator() -> Iterator[ViEmulator]:
    with running() as vi:
        yield vi


@pytest.fixture
def vi(emulator: ViEmulator, account: Account) -> Held:
    emulator.has(ViScenario())
    emulator.forget()
    secret = json.dumps({"secret_key": LOCAL_KEY, "organization_id": LOCAL_ORGANIZATION})
    arn = account.session.client("secretsmanager").create_secret(Name="vi", SecretString=secret)["ARN"]
    account.stacks["assetline"] = OUTPUTS | {"ViSecretArn": arn}
    account.parameters = {"ViApiUrl": emulator.url}
    return Held(emulator)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "photos"


def files(folder: Path) -> dict[str, bytes]:
    """Return every file below *folder*, hidden ones too but the list of renamed ones, by its path there."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != LIST_NAME]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
