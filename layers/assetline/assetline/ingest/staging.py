"""The staged documents of a session: its requests to Vi, its drops, its slices with signed URLs, their outcomes."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Self

from pydantic import BaseModel, TypeAdapter

from assetline.aws.s3_documents import Address, object_at, put_document
from assetline.ingest.drop import Drop, SessionDrop
from assetline.ingest.outcomes import UploadFailure
from assetline.ingest.sessions_table import Session
from assetline.slices import in_slices
from assetline.vi.signed_url import SignedUrl

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SLICE_ASSETS = 250  # ours: one invocation uploads them in seconds, and loses them if it is killed
SLICE_BYTES = 2 * 1024**3  # ours: the same for large files
MAX_SLICES = 200  # ours: their addresses are in the machine's state, which holds 256 KiB

NEVER_OPENED = ""  # ours: an id that Vi gives to no session

_NAMES = TypeAdapter(list[str])
_DROPS = TypeAdapter(list[SessionDrop])


class SessionRef(BaseModel, frozen=True):
    """The state of a session in the machine; `bucket` holds its documents.

    Its `session_id` is `NEVER_OPENED` if the session may never have been requested from Vi.
    """

    session_key: str
    dataset_id: str
    session_id: str
    ingestion_id: str
    bucket: str
    total: int
    opened_at: datetime

    @classmethod
    def of(cls, session: Session, bucket: str) -> Self:
        """Return the state of the item *session*, whose documents are in *bucket*."""
        return cls(
            session_key=session.session_key,
            dataset_id=session.dataset_id,
            session_id=session.session_id or NEVER_OPENED,
            ingestion_id=session.ingestion_id or "",
            bucket=bucket,
            total=session.total,
            opened_at=session.opened_at,
        )


class SliceAsset(BaseModel, frozen=True):
    """A drop to upload; `upload` is None if Vi sent no URL for it, `crc32c` if Vi received none."""

    drop_id: str
    bucket: str
    key: str
    etag: str
    version_id: str | None
    size: int
    mime: str
    asset_filename: str
    tag_count: int
    crc32c: int | None = None
    upload: SignedUrl | None

    @classmethod
    def of(cls, drop: Drop, upload: SignedUrl | None) -> "SliceAsset":
        """Return the upload of *drop*."""
        fields = drop.model_dump(include={*cls.model_fields} - {"upload"})
        return cls(**fields | {"mime": drop.mime or "application/octet-stream"}, upload=upload)


class Slice(BaseModel, frozen=True):
    """Some drops of a session; one invocation uploads them."""

    session: SessionRef
    number: int
    assets: tuple[SliceAsset, ...]


class SliceOutcome(BaseModel, frozen=True):
    """The outcome of a slice as far as it is known: the drops whose bytes Vi has, by id, and the failed ones."""

    uploaded: tuple[str, ...] = ()
    failed: tuple[UploadFailure, ...] = ()

    @classmethod
    def of(cls, attempts: Sequence[Self]) -> Self:
        """Return the outcome of a slice from its *attempts*, in any order.

        If one attempt uploaded a drop, Vi has it, unless another attempt left damaged bytes in its place.
        """
        failures = sorted((failure for each in attempts for failure in each.failed), key=attrgetter("damaged"))
        failed = {failure.drop_id: failure for failure in failures}  # of a drop with several, a damage is the last
        damaged = {failure.drop_id for failure in failures if failure.damaged}
        uploaded = {drop_id for attempt in attempts for drop_id in attempt.uploaded} - damaged
        left = [failed[drop_id] for drop_id in sorted(failed.keys() - uploaded)]
        return cls(uploaded=tuple(sorted(uploaded)), failed=tuple(left))


class SessionStaging:
    """The documents of one session."""

    def __init__(self, s3: "S3Client", bucket: str, session_key: str) -> None:
        self._s3 = s3
        self.bucket = bucket
        self._prefix = f"staging/ingest/{session_key}/"

    def keep_request(self, opener: str, filenames: Sequence[str]) -> None:
        """Store the names of the files in a request for a session, before it is sent; each *opener* has one request."""
        self._put(f"{_REQUEST}{opener}.json", _NAMES.dump_json([*filenames]))

    def requests(self) -> list[frozenset[str]]:
        """Return the names of the files in the last request of each opener."""
        return [frozenset(_NAMES.validate_json(body)) for body in self._all(_REQUEST)]

    def keep_drops(self, session_id: str, drops: Sequence[Drop]) -> None:
        """Store the drops of the session that Vi opened as *session_id*."""
        self._put(f"drops-{session_id}.json", _DROPS.dump_json([*map(SessionDrop.of, drops)]))

    def drops(self, session_id: str) -> list[SessionDrop]:
        """Return the drops of the session that Vi opened as *session_id*; none if they have expired."""
        body = self._get(f"drops-{session_id}.json")
        return [] if body is None else _DROPS.validate_json(body)

    def keep_slices(self, slices: Sequence[Slice]) -> list[Address]:
        """Store the slices and, last, their list; return their addresses."""
        for slice_ in slices:
            self._put(slice_name(slice_.number), slice_.model_dump_json().encode())
        addresses = [Address(bucket=self.bucket, key=f"{self._prefix}{slice_name(slice_.number)}") for slice_ in slices]
        self._put("slices.json", _ADDRESSES.dump_json(addresses))
        return addresses

    def addresses(self) -> list[Address] | None:
        """Return the addresses of the slices, None until all are stored."""
        body = self._get("slices.json")
        return None if body is None else _ADDRESSES.validate_json(body)

    def slice_at(self, key: str) -> Slice | None:
        """Return a slice, None if it has expired."""
        body = self._get(key.removeprefix(self._prefix))
        return None if body is None else Slice.model_validate_json(body)

    def keep_outcome(self, number: int, attempt: str, outcome: SliceOutcome) -> None:
        """Store the outcome of an *attempt* at a slice so far; it replaces the earlier outcome of this attempt only."""
        self._put(f"{_OUTCOME}{number:04}-{attempt}.json", outcome.model_dump_json().encode())

    def outcome(self, number: int) -> SliceOutcome:
        """Return the outcome of a slice so far."""
        return SliceOutcome.of(self._attempts(f"{number:04}-"))

    def outcomes(self) -> SliceOutcome:
        """Return the outcome of all slices so far."""
        return SliceOutcome.of(self._attempts(""))

    def _attempts(self, beginning: str) -> list[SliceOutcome]:
        return [SliceOutcome.model_validate_json(body) for body in self._all(f"{_OUTCOME}{beginning}")]

    def _all(self, beginning: str) -> list[bytes]:
        """Return the documents whose names have a *beginning*."""
        pages = self._s3.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.bucket, Prefix=f"{self._prefix}{beginning}")
        names = [item["Key"].removeprefix(self._prefix) for page in found for item in page.get("Contents", [])]
        return [body for name in names if (body := self._get(name)) is not None]

    def _put(self, name: str, body: bytes) -> None:
        put_document(self._s3, Address(bucket=self.bucket, key=f"{self._prefix}{name}"), body)

    def _get(self, name: str) -> bytes | None:
        return object_at(self._s3, Address(bucket=self.bucket, key=f"{self._prefix}{name}"))


_ADDRESSES = TypeAdapter(list[Address])
_OUTCOME = "outcome-"
_REQUEST = "request-"


def slice_name(number: int) -> str:
    """Return the name of a slice's document."""
    return f"slice-{number:04}.json"


def sliced(session: SessionRef, assets: Sequence[SliceAsset]) -> list[Slice]:
    """Return *assets* in slices of at most `SLICE_ASSETS` and, unless one asset is larger, `SLICE_BYTES`."""
    slices = in_slices(assets, attrgetter("size"), SLICE_ASSETS, SLICE_BYTES)
    return [Slice(session=session, number=number, assets=each) for number, each in enumerate(slices, 1)]


def fits(drops: Sequence[Drop]) -> int:
    """Return how many of *drops*, from the first, fit in the slices of one session."""
    slices, count, held = 1, 0, 0
    for place, drop in enumerate(drops):
        if count >= SLICE_ASSETS or (count and held + drop.size > SLICE_BYTES):
            slices, count, held = slices + 1, 0, 0
            if slices > MAX_SLICES:
                return place
        count, held = count + 1, held + drop.size
    return len(drops)
