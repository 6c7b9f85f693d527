"""The staged documents of a download: its slices with signed URLs, their outcomes, and the names in use."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel

from assetline.assets.asset_file import AssetFile, FileOutcome
from assetline.assets.file_names import Names
from assetline.aws.s3_documents import Address, object_at
from assetline.download.request import DownloadRef

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SLICE_FILES = 200  # ours: one invocation downloads them in seconds, and loses them if it is killed
SLICE_BYTES = 8 * 1024**3  # ours: the same for large files
TURN_SLICES = 100  # ours: their addresses are in the machine's state, which holds 256 KiB


class Destination(BaseModel, frozen=True):
    """The destination of the files of a download."""

    bucket: str
    prefix: str


class DownloadSlice(BaseModel, frozen=True):
    """Some files of a download; one invocation downloads them."""

    download: DownloadRef
    destination: Destination
    overwrite: bool
    turn: int
    number: int
    files: tuple[AssetFile, ...]


class SliceOutcomes(BaseModel, frozen=True):
    """The outcomes of a slice; `left` counts the files that the time did not suffice for."""

    outcomes: tuple[FileOutcome, ...]
    left: int


class ListingTurn(BaseModel, frozen=True):
    """The result of one listing: `unknown` are ids without an asset; `excluded` counts assets left out by `where`."""

    slices: int
    files: int
    excluded: int
    nameless: int
    unknown: tuple[str, ...]
    next_cursor: str | None


class DownloadStaging:
    """The documents of one download; each turn has its own, so that a repeated turn begins in the same state."""

    def __init__(self, s3: "S3Client", download: DownloadRef) -> None:
        self._s3 = s3
        self._bucket = download.bucket
        self._prefix = f"staging/download/{download.download_id}/"

    def names_before(self, turn: int) -> Names:
        """Return the names assigned before a turn."""
        return Names(self._get(f"names-{turn - 1:05}.bin") or b"" if turn > 1 else b"")

    def keep_turn(self, number: int, slices: Sequence[DownloadSlice], names: Names, turn: ListingTurn) -> list[Address]:
        """Store the result of a turn, and return the addresses of its slices."""
        for slice_ in slices:
            self._put(_slice(number, slice_.number), slice_.model_dump_json().encode())
        if turn.next_cursor is not None:
            self._put(f"names-{number:05}.bin", names.dump())
        self._put(f"turn-{number:05}.json", turn.model_dump_json().encode())
        return [Address(bucket=self._bucket, key=f"{self._prefix}{_slice(number, slice_.number)}") for slice_ in slices]

    def turn(self, number: int) -> ListingTurn | None:
        """Return the result of a turn, None before it is stored."""
        body = self._get(f"turn-{number:05}.json")
        return None if body is None else ListingTurn.model_validate_json(body)

    def keep_outcomes(self, slice_: DownloadSlice, outcomes: SliceOutcomes) -> None:
        """Store the outcomes of a slice; a repeat replaces them."""
        self._put(_outcomes(slice_.turn, slice_.number), outcomes.model_dump_json().encode())

    def outcomes(self, turn: int, number: int) -> SliceOutcomes | None:
        """Return the outcomes of a slice, None before they are stored."""
        body = self._get(_outcomes(turn, number))
        return None if body is None else SliceOutcomes.model_validate_json(body)

    def _put(self, name: str, body: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=f"{self._prefix}{name}", Body=body)

    def _get(self, name: str) -> bytes | None:
        return object_at(self._s3, Address(bucket=self._bucket, key=f"{self._prefix}{name}"))


def slice_at(s3: "S3Client", address: Address) -> DownloadSlice | None:
    """Return a slice, None if it has expired."""
    body = object_at(s3, address)
    return None if body is None else DownloadSlice.model_validate_json(body)


def _slice(turn: int, number: int) -> str:
    return f"slice-{turn:05}-{number:04}.json"


def _outcomes(turn: int, number: int) -> str:
    return f"outcomes-{turn:05}-{number:04}.json"
