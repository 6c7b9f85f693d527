"""Delete Ids: deletes assets by id, many at once, each with its own outcome."""

import math
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import batched
from typing import TYPE_CHECKING

from pydantic import BaseModel

from assetline.budget import Budget
from assetline.deletion.staging import BLOCK_IDS, DeletionOutcome, DeletionStaging, DeletionTask
from assetline.errors import AssetUnknown, RateLimited, StagedGone, ViRefused, ViUnavailable, ViUnreachable
from assetline.observability import logger
from assetline.vi.assets import Assets
from assetline.vi.client import ViClient

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AT_ONCE = 16  # ours: deletions
TRIES = 3  # ours: attempts per asset; in each, the client sends up to three requests
PAUSE = 2.0  # ours: seconds before the second attempt at most, twice that before the third
PAUSE_UNSAID = 10.0  # ours: seconds, if Vi requests a pause without a length
LONGEST_PAUSE = 3600.0  # ours: seconds


class DeletedIds(BaseModel, frozen=True):
    """The result of a turn: the next block and the pause before it or, after the last, the number of assets left."""

    cursor: int | None
    wait_seconds: int = 0
    count_after: int | None = None


@dataclass
class IdsDeletion:
    """Deletes assets of a deletion until *budget* is spent."""

    client: ViClient
    s3: "S3Client"
    budget: Budget
    sleep: Callable[[float], None] = time.sleep

    def run(self, deletion: DeletionTask, cursor: int) -> DeletedIds:
        """Delete the assets from the block *cursor* on; those with an outcome of an earlier turn are skipped.

        A turn ends when its time is used up, or when Vi requests a pause. The machine waits out the pause.

        Raises:
            StagedGone: the ids have expired.
            KeyMissing, KeyRefused, KeyForbidden: Vi refuses the key; the outcomes so far are stored.
            ViUnavailable, ViUnreachable, RateLimited: all blocks are done, but the rest could not be counted.
        """
        staging, assets = DeletionStaging(self.s3, deletion.ref), Assets(self.client, deletion.dataset_id)
        ids = staging.ids()
        if ids is None:
            raise StagedGone("The list of ids to delete has expired. Start the deletion again.")
        for number, block in enumerate(batched(ids, BLOCK_IDS, strict=False)):
            if number < cursor:
                continue
            if number > cursor and self.budget.spent():
                return DeletedIds(cursor=number)
            turn = BlockTurn(assets, self.budget.spent, self.sleep)
            left = self._block(staging, number, block, turn)
            logger.info("block_deleted", block=number, assets=len(block), left=left)
            if left:
                return DeletedIds(cursor=number, wait_seconds=turn.wait_seconds)
        return DeletedIds(cursor=None, count_after=assets.count())

    def _block(self, staging: DeletionStaging, number: int, block: Sequence[str], turn: "BlockTurn") -> int:
        """Delete the rest of a block, store the outcomes, and return how many assets the time did not suffice for."""
        done = {outcome.asset_id: outcome for outcome in staging.block(number)}
        ahead = [asset_id for asset_id in block if asset_id not in done]
        if not ahead:
            return 0
        try:
            turn.run(ahead)
        finally:
            done |= {outcome.asset_id: outcome for outcome in turn.outcomes}
            staging.keep_block(number, tuple(done[asset_id] for asset_id in block if asset_id in done))
        return len(block) - len(done)


@dataclass
class BlockTurn:
    """Deletes assets, many at once, until it must stop or Vi requests a pause of `wait_seconds`."""

    assets: Assets
    stopped: Callable[[], bool]
    sleep: Callable[[float], None]
    outcomes: list[DeletionOutcome] = field(default_factory=list)
    wait_seconds: int = 0
    _broken: bool = field(default=False, init=False)

    def run(self, ids: Sequence[str]) -> None:
        """Delete *ids*. Raise an error that concerns all of them after those in progress have ended."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="delete") as threads:
            for future in [threads.submit(self._delete_or_break, asset_id) for asset_id in ids]:
                future.result()

    def _delete_or_break(self, asset_id: str) -> None:
        try:
            self._delete(asset_id)
        except BaseException:
            self._broken = True  # at once, so that the others are not attempted
            raise

    def _delete(self, asset_id: str) -> None:
        for tries in range(1, TRIES + 1):
            if self._broken or self.wait_seconds or self.stopped():
                return
            try:
                self.assets.delete(asset_id)
            except RateLimited as limit:
                requested = PAUSE_UNSAID if limit.pause_seconds is None else limit.pause_seconds
                self.wait_seconds = max(self.wait_seconds, 1, math.ceil(min(requested, LONGEST_PAUSE)))
                return
            except AssetUnknown:
                outcome = DeletionOutcome(asset_id=asset_id, state="gone")
            except ViRefused as refusal:
                outcome = _failed(asset_id, refusal, str(refusal))
            except (ViUnavailable, ViUnreachable) as fault:
                if tries < TRIES:
                    self.sleep(random.uniform(0, PAUSE * tries))  # noqa: S311 - jitter is no secret
                    continue
                outcome = _failed(asset_id, fault, f"{fault} This was the last of {TRIES} attempts.")
            else:
                outcome = DeletionOutcome(asset_id=asset_id, state="deleted")
            self.outcomes.append(outcome)
            return


def _failed(asset_id: str, error: Exception, message: str) -> DeletionOutcome:
    return DeletionOutcome(asset_id=asset_id, state="failed", reason=type(error).__name__, message=message)
