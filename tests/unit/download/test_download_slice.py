"""The files of a slice: many are downloaded at once, each with its own outcome."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier, Event
from typing import cast

import pytest

from assetline.assets.asset_file import AssetFile, FileOutcome, outcome
from assetline.download import download_slice
from assetline.download.download_slice import SliceDownloads
from assetline.download.fetch_file import Fetch, NotBegun, Stopped
from assetline.errors import KeyRefused

PATIENCE_SECONDS = 20


@dataclass
class FetchByName:
    """The outcome of a file, by its name."""

    become: Callable[[str], None]

    def download(self, file: AssetFile) -> FileOutcome:
        self.become(file.name)
        return outcome(file, "written", 1, None)


def downloaded(become: Callable[[str], None], *names: str) -> SliceDownloads:
    files = [AssetFile.of({"assetId": name}, name) for name in names]
    result = SliceDownloads()
    result.download(cast("Fetch", FetchByName(become)), files)
    return result


def test_files_are_downloaded_at_once() -> None:
    together = Barrier(4)

    def become(_: str) -> None:
        together.wait(PATIENCE_SECONDS)

    assert len(downloaded(become, "a", "b", "c", "d").outcomes) == 4


def test_files_cut_off_are_distinguished_from_files_not_begun() -> None:
    ends = {"late": NotBegun, "large": Stopped}

    def become(name: str) -> None:
        if name in ends:
            raise ends[name]

    result = downloaded(become, "late", "large", "small")
    assert [item.asset_id for item in result.outcomes] == ["small"]
    assert [item.asset_id for item in result.broken_off] == ["large"]


def test_files_under_way_at_a_common_error_have_their_outcomes() -> None:
    result, together = SliceDownloads(), Barrier(2)

    def become(name: str) -> None:
        together.wait(PATIENCE_SECONDS)
        if name == "refused":
            raise KeyRefused("Vi refused the key.")

    files = [AssetFile.of({"assetId": name}, name) for name in ("refused", "under-way")]
    with pytest.raises(KeyRefused):
        result.download(cast("Fetch", FetchByName(become)), files)
    assert [item.asset_id for item in result.outcomes] == ["under-way"]


def test_files_not_begun_when_one_ended_it_for_all_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled, begun = Event(), list[str]()

    class Executor(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            cancelled.set()
            super().shutdown(wait)

    def become(name: str) -> None:
        begun.append(name)
        if name == "refused":
            raise KeyRefused("Vi refused the key.")
        cancelled.wait(PATIENCE_SECONDS)

    monkeypatch.setattr(download_slice, "THREADS", 1)
    monkeypatch.setattr(download_slice, "ThreadPoolExecutor", Executor)
    result = SliceDownloads()
    files = [AssetFile.of({"assetId": name}, name) for name in ("refused", "under-way", "waits")]
    with pytest.raises(KeyRefused):
        result.download(cast("Fetch", FetchByName(become)), files)
    assert begun == ["refused", "under-way"]
    assert [item.asset_id for item in result.outcomes] == ["under-way"]
