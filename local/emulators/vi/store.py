"""The store of the emulated Vi: datasets, their assets, and the assets' bytes."""

import io
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import google_crc32c
from PIL import Image, UnidentifiedImageError

IN_MEMORY = 1024**2  # larger ones are stored in files


def now_ms() -> int:
    """Return the time in epoch milliseconds."""
    return int(time.time() * 1000)


class StoredContent:
    """The bytes of a file, with their checksum: in memory, or in a file of *folder* where they are many."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder
        self._memory: bytearray | None = bytearray()
        self._file: Path | None = None
        self.size = 0
        self.crc32c = 0

    def append(self, piece: bytes) -> None:
        """Append a piece."""
        self.size += len(piece)
        self.crc32c = google_crc32c.extend(self.crc32c, piece)
        if self._memory is not None:
            self._memory += piece
            if len(self._memory) <= IN_MEMORY:
                return
            with tempfile.NamedTemporaryFile(dir=self._folder(), delete=False) as first:
                first.write(self._memory)
            self._file, self._memory = Path(first.name), None
        elif self._file is not None:
            with self._file.open("ab") as file:
                file.write(piece)

    def read(self) -> bytes:
        """Return all bytes."""
        if self._memory is not None:
            return bytes(self._memory)
        return self._file.read_bytes() if self._file else b""

    def head(self, size: int) -> bytes:
        """Return the first bytes."""
        if self._file is None:
            return bytes((self._memory or b"")[:size])
        with self._file.open("rb") as file:
            return file.read(size)

    @cached_property
    def dimensions(self) -> tuple[int, int]:
        """Return width and height from the image, or 0 and 0 if it cannot be read as an image."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(self._file or io.BytesIO(self.read())) as image:
                    return image.size
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
            return 0, 0


@dataclass
class Asset:
    """An asset of a dataset."""

    asset_id: str
    filename: str
    kind: str
    mime: str
    content: StoredContent
    custom_metadata: dict[str, Any]
    created: int
    updated: int
    annotations: dict[str, int] = field(default_factory=dict)
    status: str = "uploaded"
    upload_status: str = "completed"


@dataclass
class Deletion:
    """A bulk deletion, due at `due_at`; `fails_for` is the reason if it fails."""

    deletion_id: str
    spec: dict[str, Any]
    created: int
    due_at: int
    fails_for: str = ""
    deletes_at_most: int | None = None
    over: bool = False
    polls: int = 0


@dataclass
class Folder:
    """A name over assets."""

    name: str
    owner: str
    created: int = field(default_factory=now_ms)


@dataclass
class StoredDataset:
    """A dataset; `version` changes whenever its assets do."""

    dataset_id: str
    name: str
    type: str = "phrase-grounding"
    description: str = ""
    created: int = field(default_factory=now_ms)
    assets: dict[str, Asset] = field(default_factory=dict)
    by_name: dict[str, str] = field(default_factory=dict)
    deletions: dict[str, Deletion] = field(default_factory=dict)
    folders: dict[str, Folder] = field(default_factory=dict)
    version: int = 0
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def put(  # noqa: PLR0913 - the fields of a session's file
        self,
        filename: str,
        kind: str,
        mime: str,
        content: StoredContent,
        custom_metadata: dict[str, Any],
        *,
        keep_linked: bool = False,
    ) -> Asset:
        """Store a file as an asset, which replaces one of its name and keeps its annotations if *keep_linked*."""
        now = now_ms()
        earlier = self.assets.get(self.by_name.get(filename, ""))
        asset = Asset(
            earlier.asset_id if earlier else f"asset-{next(self._numbers):06}",
            filename,
            kind,
            mime,
            content,
            custom_metadata,
            earlier.created if earlier else now,
            now,
            earlier.annotations if earlier and keep_linked else {},
        )
        self.assets[asset.asset_id] = asset
        self.by_name[filename] = asset.asset_id
        self.version += 1
        return asset

    def rename(self, asset: Asset, filename: str) -> None:
        """Rename an asset."""
        self.by_name.pop(asset.filename, None)
        asset.filename, asset.updated = filename, now_ms()
        self.by_name[filename] = asset.asset_id
        self.version += 1

    def remove(self, asset_id: str) -> bool:
        """Delete an asset; return whether it existed."""
        asset = self.assets.pop(asset_id, None)
        if asset is None:
            return False
        if self.by_name.get(asset.filename) == asset_id:
            del self.by_name[asset.filename]
        self.version += 1
        return True
