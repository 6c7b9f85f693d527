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

SLICE_FILES = 200  # ours: what one invocation downloads in seconds, and loses when it is killed
SLICE_BYTES = 8 * 1024**3  # ours: the same, of large files
TURN_SLICES = 100  # ours: their addresses are in the machine's state, which holds 256 KiB


class Destination(BaseModel, frozen=True):
    """The destination of the files of a download."""

    bucket: str
    prefix: str


class DownloadSlice(BaseModel, frozen=True):
    """Some files of a download, which one invocation brings."""

    download: DownloadRef
    destination: Destination
    overwrite: bool
    turn: int
    number: int
    files: tuple[AssetFile, ...]


class SliceOutcomes(BaseModel, frozen=True):
    """The outcome of a slice; `left` is the number of files that there was no time for."""

    outcomes: tuple[FileOutcome, ...]
    left: int


class ListingTurn(BaseModel, frozen=True):
    """The result of one listing: `unknown` are ids without an asset, `excluded` counts assets that `where` left out."""

    slices: int
    files: int
    excluded: int
    nameless: int
    unknown: tuple[str, ...]
    next_cursor: str | None


class DownloadStaging:
    """The documents of one download; each turn has its own, so that a turn that is repeated begins where it did."""

    def __init__(self, s3: "S3Client", download: DownloadRef) -> None:
        self._s3 = s3
        self._bucket = download.bucket
        self._prefix = f"staging/download/{download.download_id}/"

    def names_before(self, turn: int) -> Names:
        """Return the names given out before a turn."""
        return Names(self._get(f"names-{turn - 1:05}.bin") or b"" if turn > 1 else b"")

    def keep_turn(self, number: int, slices: Sequence[DownloadSlice], names: Names, turn: ListingTurn) -> list[Address]:
        """Keep what a turn found, and return where its slices are."""
        for one in slices:
            self._put(_slice(number, one.number), one.model_dump_json().encode())
        if turn.next_cursor is not None:
            self._put(f"names-{number:05}.bin", names.dump())
        self._put(f"turn-{number:05}.json", turn.model_dump_json().encode())
        return [Address(bucket=self._bucket, key=f"{self._prefix}{_slice(number, one.number)}") for one in slices]

    def turn(self, number: int) -> ListingTurn | None:
        """Return what a turn found; None while it has not been kept."""
        body = self._get(f"turn-{number:05}.json")
        return None if body is None else ListingTurn.model_validate_json(body)

    def keep_outcomes(self, one: DownloadSlice, outcomes: SliceOutcomes) -> None:
        """Keep what became of a slice; a repeat replaces it."""
        self._put(_outcomes(one.turn, one.number), outcomes.model_dump_json().encode())

    def outcomes(self, turn: int, number: int) -> SliceOutcomes | None:
        """Return what became of a slice, None while nothing has."""
        body = self._get(_outcomes(turn, number))
        return None if body is None else SliceOutcomes.model_validate_json(body)

    def _put(self, name: str, body: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=f"{self._prefix}{name}", Body=body)

    def _get(self, name: str) -> bytes | None:
        return object_at(self._s3, Address(bucket=self._bucket, key=f"{self._prefix}{name}"))


def slice_at(s3: "S3Client", address: Address) -> DownloadSlice | None:
    """Return a slice; None when it has expired."""
    body = object_at(s3, address)
    return None if body is None else DownloadSlice.model_validate_json(body)


def _slice(turn: int, number: int) -> str:
    return f"slice-{turn:05}-{number:04}.json"


def _outcomes(turn: int, number: int) -> str:
    return f"outcomes-{turn:05}-{number:04}.json"
