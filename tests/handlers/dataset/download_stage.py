"""Downloads played as the machine plays them: the real handlers, an S3 in memory, an emulated Vi."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto import mock_aws

from assetline.assets import dependencies as connections
from functions.close_download import app as close_download
from functions.download_slice import app as download_slice
from functions.list_assets import app as list_assets
from local.emulators.vi.scenario import LOCAL_KEY, LOCAL_ORGANIZATION, ViScenario
from local.emulators.vi.server import ViEmulator
from local.emulators.vi.store import Asset
from tests.handlers.conftest import lambda_context
from tests.simulation.account import MemoryAccount
from tests.support.connections import forget_aws

BUCKET, ELSEWHERE = "assetline-exports", "somebodys-photos"
DATASET = "ds1"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:download_assets:run"


@dataclass
class DownloadStage:
    """An account and a Vi; a test sets the content of Vi, downloads it, and inspects S3."""

    vi: ViEmulator
    s3: Any
    announced: list[dict[str, Any]] = field(default_factory=list)
    invocation_seconds: float = 900
    turns: int = 0
    executions: int = 1

    def holds(self, *names: str, content: bytes | None = None) -> list[Asset]:
        """Let Vi hold assets, be it several of one name."""
        return [held(self.vi, name, content) for name in names]

    def lists(
        self, request: dict[str, Any], turn: int = 1, cursor: str | None = None, arn: str | None = None
    ) -> dict[str, Any]:
        """Play List Assets."""
        execution = {
            "execution_arn": arn or f"{EXECUTION}-{self.executions}",
            "started_at": "2026-11-21T03:00:00.123Z",
            "input": request,
        }
        return self._invoke(list_assets, execution | {"turn": turn, "cursor": cursor})

    def downloads(self, address: dict[str, Any]) -> dict[str, Any]:
        """Play Download Slice once."""
        return self._invoke(download_slice, address)

    def closes(self, download: Any, request: Any, turns: int, error: Any = None) -> dict[str, Any]:
        """Play Close Download."""
        about = {"download": download, "execution_arn": f"{EXECUTION}-{self.executions}", "input": request}
        return self._invoke(close_download, about | {"turns": turns, "error": error})

    def run(self, **fields: Any) -> dict[str, Any]:
        """Play an execution to its end and return its output."""
        request = {"dataset_id": DATASET} | fields
        self.executions += 1
        self.turns, cursor = 0, None
        while True:
            self.turns += 1
            listed = self.lists(request, self.turns, cursor)
            for address in listed["slices"]:
                while self.downloads(address)["left"]:
                    pass
            cursor = listed["cursor"]
            if cursor is None:
                return self.closes(listed["download"], request, self.turns)

    def plays(self, *faults: Any, **scenario: Any) -> None:
        """Let Vi continue with *faults*, or with *scenario*."""
        self.vi.plays(ViScenario(**{"faults": faults} | scenario))

    def keys(self, prefix: str = f"downloads/{DATASET}/", bucket: str = BUCKET) -> list[str]:
        """Return the keys below *prefix*, without it."""
        listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return [item["Key"].removeprefix(prefix) for item in listed]

    def bytes(self, name: str) -> bytes:
        """Return a file that was downloaded."""
        content: bytes = self.s3.get_object(Bucket=BUCKET, Key=f"downloads/{DATASET}/{name}")["Body"].read()
        return content

    def head(self, name: str) -> dict[str, Any]:
        """Return S3's description of a downloaded file."""
        head: dict[str, Any] = self.s3.head_object(
            Bucket=BUCKET, Key=f"downloads/{DATASET}/{name}", ChecksumMode="ENABLED"
        )
        return head

    def manifest(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return the manifest of a download."""
        body = self.s3.get_object(Bucket=result["manifest_bucket"], Key=result["manifest_key"])["Body"].read()
        manifest: dict[str, Any] = json.loads(body)
        return manifest

    def files(self, result: dict[str, Any]) -> list[dict[str, str]]:
        """Return the rows of every file of a download."""
        body = self.s3.get_object(Bucket=result["manifest_bucket"], Key=result["files_key"])["Body"].read()
        return [*csv.DictReader(io.StringIO(body.decode()))]

    def gets(self) -> int:
        """Return how often a file was asked for."""
        return len(self.vi.requests("_objects", "GET"))

    def _invoke(self, function: Any, payload: dict[str, Any]) -> dict[str, Any]:
        context = lambda_context(self.invocation_seconds)
        answer = function.lambda_handler(json.loads(json.dumps(payload)), context)
        result: dict[str, Any] = json.loads(json.dumps(answer))
        return result


def held(vi: ViEmulator, name: str, content: bytes | None = None, dataset: str = DATASET) -> Asset:
    """Let Vi hold another asset called *name*."""
    store = vi.stage.content()
    store.append(b"bytes of " + name.encode() if content is None else content)
    assets = vi.stage.datasets[dataset]
    asset = assets.put(f"unique-{len(assets.assets)}", "Image", "image/png", store, {})
    assets.rename(asset, name)
    return asset


@contextmanager
def download_stage(
    vi: ViEmulator, monkeypatch: pytest.MonkeyPatch, account: MemoryAccount | None = None
) -> Iterator[DownloadStage]:
    """Set the stage, in *account*, which answers boto3 already, or in one of moto."""
    vi.has(ViScenario())
    vi.forget()
    with nullcontext() if account else mock_aws():
        s3 = boto3.client("s3")
        for bucket in (BUCKET, ELSEWHERE):
            s3.create_bucket(Bucket=bucket)
        secret = json.dumps({"secret_key": LOCAL_KEY, "organization_id": LOCAL_ORGANIZATION})
        arn = boto3.client("secretsmanager").create_secret(Name="vi", SecretString=secret)["ARN"]
        for name, value in {"EXPORT_BUCKET": BUCKET, "VI_API_URL": vi.url, "VI_SECRET_ARN": arn}.items():
            monkeypatch.setenv(name, value)
        forget_connections()
        stage = DownloadStage(vi, s3, account.announced if account else [])
        if not account:
            connections.events().meta.events.register(
                "provide-client-params.events.PutEvents", lambda params, **_: stage.announced.extend(params["Entries"])
            )
        yield stage
        forget_connections()


def forget_connections() -> None:
    """Let the next call make new connections, as a cold function does."""
    forget_aws()
    for client in (connections.vi_client, connections.downloader):
        if client.cache_info().currsize:
            client().close()
    for made in vars(connections).values():
        if hasattr(made, "cache_clear"):
            made.cache_clear()
