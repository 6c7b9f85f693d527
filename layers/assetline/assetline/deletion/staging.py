"""The staged documents of a deletion: its opening, its ids, and their outcomes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, TypeAdapter

from assetline.aws.s3_documents import Address, object_at, put_document
from assetline.deletion.request import DeletionRef

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BLOCK_IDS = 500  # ours: outcomes of so many assets are stored at once, and lost if the function is killed
READ_AT_ONCE = 32  # ours: documents of blocks

type State = Literal["deleted", "gone", "failed", "left"]
type Progress = Literal["running", "finished", "failed", "overdue", "unknown"]


class DeletionOutcome(BaseModel, frozen=True):
    """The outcome of an asset; `reason` is a code, `message` describes it.

    `gone` means that the asset did not exist: before the deletion, or after an attempt whose answer was lost. `left`
    means that it was not attempted.
    """

    asset_id: str
    state: State
    reason: str | None = None
    message: str | None = None


class DeletionTask(BaseModel, frozen=True):
    """The state of a deletion in the machine: `session_id` is Vi's, `count` is the number found before."""

    deletion_id: str
    dataset_id: str
    bucket: str
    started_at: datetime
    by: Literal["ids", "query"]
    session_id: str | None
    count: int
    opened_at: datetime

    @property
    def ref(self) -> DeletionRef:
        """The reference of the deletion."""
        return DeletionRef(**self.model_dump(include={*DeletionRef.model_fields}))


class OpenDeletionResult(BaseModel, frozen=True):
    """The output of Open Deletion; unless `progress` is `running`, the work is done, and `count_after` is final.

    `unknown` means that the query finds nothing any more, and the session that may have deleted the assets is unknown.
    """

    deletion: DeletionTask
    progress: Progress
    count_after: int | None = None


class DeletionOpening(BaseModel, frozen=True):
    """The progress of Open Deletion.

    `count` is the number of assets found. Once `asked_at` is set, Vi may have received the request, in a session not in
    `sessions_before` (None if Vi does not list sessions). `input` excludes the ids; `ids` is their number.
    """

    input: dict[str, Any]
    ids: int | None
    count: int
    asked_at: datetime | None = None
    sessions_before: tuple[str, ...] | None = None
    opened: OpenDeletionResult | None = None


class DeletionStaging:
    """The documents of one deletion."""

    def __init__(self, s3: "S3Client", deletion: DeletionRef) -> None:
        self._s3 = s3
        self._bucket = deletion.bucket
        self._prefix = f"staging/delete/{deletion.deletion_id}/"

    def keep_opening(self, opening: DeletionOpening) -> None:
        """Store the progress of Open Deletion."""
        self._put("opening.json", opening.model_dump_json().encode())

    def opening(self) -> DeletionOpening | None:
        """Return the progress of Open Deletion, None before the first count."""
        body = self._get("opening.json")
        return None if body is None else DeletionOpening.model_validate_json(body)

    def keep_ids(self, ids: tuple[str, ...]) -> None:
        """Store the ids of the assets to delete."""
        self._put("ids.json", _IDS.dump_json(ids))

    def ids(self) -> tuple[str, ...] | None:
        """Return the ids of the assets to delete, None if they are absent or expired."""
        body = self._get("ids.json")
        return None if body is None else _IDS.validate_json(body)

    def keep_block(self, number: int, outcomes: tuple[DeletionOutcome, ...]) -> None:
        """Store the outcomes of a block, as far as they are known."""
        self._put(f"outcomes-{number:05}.json", _OUTCOMES.dump_json(outcomes))

    def block(self, number: int) -> tuple[DeletionOutcome, ...]:
        """Return the outcomes of a block, as far as they are known."""
        body = self._get(f"outcomes-{number:05}.json")
        return () if body is None else _OUTCOMES.validate_json(body)

    def outcomes(self, ids: tuple[str, ...]) -> Iterator[DeletionOutcome]:
        """Yield the outcome of each of *ids*, in their order."""
        blocks = range(-(-len(ids) // BLOCK_IDS))
        with ThreadPoolExecutor(READ_AT_ONCE) as threads:
            found = {outcome.asset_id: outcome for block in threads.map(self.block, blocks) for outcome in block}
        for asset_id in ids:
            yield found.get(asset_id) or DeletionOutcome(asset_id=asset_id, state="left")

    def _put(self, name: str, body: bytes) -> None:
        put_document(self._s3, Address(bucket=self._bucket, key=f"{self._prefix}{name}"), body)

    def _get(self, name: str) -> bytes | None:
        return object_at(self._s3, Address(bucket=self._bucket, key=f"{self._prefix}{name}"))


_IDS = TypeAdapter(tuple[str, ...])
_OUTCOMES = TypeAdapter(tuple[DeletionOutcome, ...])
