"""Many files brought at once: Ctrl+C ends what is under way, too."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest

from assetline.dataset.fetch import Fetch, Stopped
from assetline.dataset.files import AssetFile, Outcome
from assetline.dataset.listing import ListedPage, Listing
from assetline_cli.assets.bringing import Bringer
from assetline_cli.clock import Clock

PATIENCE_SECONDS = 20


@dataclass
class Pages:
    """A list of one page."""

    def pages(self) -> Iterator[ListedPage]:
        yield ListedPage([{"assetId": "a1", "filename": "a.png"}], 0, [], None)


@dataclass
class LargeFile:
    """A file that comes for hours, unless it is stopped."""

    stopped: Callable[[], bool]
    ended: bool = False

    def bring(self, file: AssetFile) -> Outcome:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if self.stopped():
                self.ended = True
                raise Stopped(file.name)
            time.sleep(0.01)
        raise AssertionError("nobody stopped it")


def test_ctrl_c_ends_a_file_that_is_under_way() -> None:
    files: list[LargeFile] = []

    def fetch(stopped: Callable[[], bool]) -> Fetch:
        files.append(LargeFile(stopped))
        return cast("Fetch", files[0])

    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    bringer = Bringer(cast("Listing", Pages()), fetch, Clock())
    with pytest.raises(KeyboardInterrupt):
        bringer.bring(interrupted, by_date=False)
    assert files[0].ended
