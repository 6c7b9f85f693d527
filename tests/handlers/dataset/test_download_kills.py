"""A download may be killed at any call and repeated: all arrives as if undisturbed, and nothing is half there."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

import pytest

from assetline.download import s3_target as bucket
from assetline.download import staging as download_staging
from local.emulators.vi.server import ViEmulator, running
from tests.handlers.dataset.download_stage import DATASET, DownloadStage, download_stage
from tests.handlers.dataset.kills import killed_at, survives
from tests.simulation.account import MemoryAccount
from tests.support.kills import Killed

pytestmark = pytest.mark.kills

CALLS = 16  # one more than any step makes
NAMES = ("a.png", "a.png", "b.png")
STORED = {"a.png": b"first", "a~asset-000002.png": b"second", "b.png": b"third" * 1000}
REQUEST = {"dataset_id": DATASET}

by_call = pytest.mark.parametrize("call", range(1, CALLS))
before_or_after = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


@pytest.fixture(scope="module")
def vi() -> Iterator[ViEmulator]:
    with running() as vi:
        yield vi


@pytest.fixture
def stage(vi: ViEmulator, monkeypatch: pytest.MonkeyPatch, memory: MemoryAccount) -> Iterator[DownloadStage]:
    with stage_of_three_files(vi, monkeypatch, memory) as stage:
        yield stage


@contextmanager
def stage_of_three_files(
    vi: ViEmulator, monkeypatch: pytest.MonkeyPatch, account: MemoryAccount | None
) -> Iterator[DownloadStage]:
    monkeypatch.setattr(random, "uniform", lambda *_: 0.0)
    monkeypatch.setattr("assetline.vi.client.PAUSE", 0.0)
    monkeypatch.setattr("assetline.download.download_slice.THREADS", 1)  # a call after the other
    monkeypatch.setattr(download_staging, "SLICE_FILES", 2)
    monkeypatch.setattr(bucket, "SMALL", 0)
    with download_stage(vi, monkeypatch, account) as stage:
        for name, content in zip(NAMES, STORED.values(), strict=True):
            stage.holds(name, content=content)
        yield stage


def there(stage: DownloadStage) -> dict[str, bytes]:
    keys = stage.keys()
    return {key: stage.bytes(key) for key in keys}


def test_no_step_makes_more_calls_than_it_is_killed_at(stage: DownloadStage) -> None:
    with killed_at(1000, after=False) as calls:
        listed = stage.lists(REQUEST)
        counts = [calls.made]
        for address in listed["slices"]:
            stage.downloads(address)
            counts.append(calls.made - sum(counts))
        stage.closes(listed["download"], REQUEST, 1)
        counts.append(calls.made - sum(counts))
    assert max(counts) < CALLS


@by_call
@before_or_after
def test_a_download_whose_every_step_is_killed_comes_to_the_same(stage: DownloadStage, call: int, after: bool) -> None:
    every_step_is_killed(stage, call, after=after)


@pytest.mark.parametrize("call", [3, 7])
@before_or_after
def test_a_download_in_the_account_of_moto_is_killed_alike(
    vi: ViEmulator, monkeypatch: pytest.MonkeyPatch, call: int, after: bool
) -> None:
    with stage_of_three_files(vi, monkeypatch, None) as stage:
        every_step_is_killed(stage, call, after=after)


def every_step_is_killed(stage: DownloadStage, call: int, *, after: bool) -> None:
    """Kill and repeat every step of a download at its *call*-th call: it comes to the same."""
    listed = survives(lambda: stage.lists(REQUEST), call, after=after)
    for address in listed["slices"]:
        assert survives(partial(stage.downloads, address), call, after=after)["left"] == 0
    result = survives(lambda: stage.closes(listed["download"], REQUEST, 1), call, after=after)
    assert result["written"] + result["skipped"] == len(STORED)
    assert (result["complete"], result["failed"], result["left"]) == (True, 0, 0)
    assert there(stage) == STORED
    assert stage.announced[-1]["DetailType"] == "Download Complete"


@by_call
@before_or_after
def test_objects_after_a_kill_are_complete(
    stage: DownloadStage, monkeypatch: pytest.MonkeyPatch, call: int, after: bool
) -> None:
    monkeypatch.setattr(bucket, "PART", 5 * 1024**2)
    large = bytes(range(256)) * 4 * 1024 * 11
    stage.holds("large.png", content=large)
    for address in stage.lists(REQUEST)["slices"]:
        with killed_at(call, after=after), suppress(Killed):
            stage.downloads(address)
    expected = STORED | {"large.png": large}
    assert there(stage).items() <= expected.items()
    result = stage.run()
    assert (result["complete"], there(stage)) == (True, expected)
