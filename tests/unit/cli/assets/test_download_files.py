"""Many files are downloaded at once, and Ctrl+C ends those under way, too."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Barrier
from typing import Any, cast

import pytest

from assetline.assets.asset_file import AssetFile, FileOutcome, outcome
from assetline.assets.listing import ListedPage, Listing
from assetline.download.fetch_file import Fetch, Stopped
from assetline_cli.assets.download_files import FileDownloader
from assetline_cli.clock import Clock

PATIENCE_SECONDS = 20
MANY = 16


@dataclass
class Pages:
    """A list of one page with so many *files*."""

    files: int = 1

    def pages(self) -> Iterator[ListedPage]:
        records = [{"assetId": f"a{number}", "filename": f"{number}.png"} for number in range(self.files)]
        yield ListedPage(records, 0, [], None)


@dataclass
class EndlessFile:
    """A file that comes for hours, unless it is stopped."""

    stopped: Callable[[], bool]
    ended: bool = False

    def download(self, file: AssetFile) -> FileOutcome:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if self.stopped():
                self.ended = True
                raise Stopped(file.name)
            time.sleep(0.01)
        raise AssertionError("nobody stopped it")


@dataclass
class Together:
    """Files that end only after all are under way."""

    under_way: Barrier

    def download(self, file: AssetFile) -> FileOutcome:
        self.under_way.wait(PATIENCE_SECONDS)
        return outcome(file, "written", 1, None)


def test_files_are_downloaded_side_by_side() -> None:
    together = Together(Barrier(MANY))
    bringer = FileDownloader(cast("Listing", Pages(2 * MANY)), lambda _: cast("Fetch", together), Clock())
    assert bringer.download(lambda _: None, by_date=False).counts["written"] == 2 * MANY


def test_ctrl_c_ends_a_file_that_is_under_way() -> None:
    files: list[EndlessFile] = []

    def fetch(stopped: Callable[[], bool]) -> Fetch:
        files.append(EndlessFile(stopped))
        return cast("Fetch", files[0])

    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    bringer = FileDownloader(cast("Listing", Pages()), fetch, Clock())
    with pytest.raises(KeyboardInterrupt):
        bringer.download(interrupted, by_date=False)
    assert files[0].ended
