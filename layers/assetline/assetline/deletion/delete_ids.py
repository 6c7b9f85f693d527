"""Delete Ids: assets are deleted one by one, many at once, each with an outcome of its own."""

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
TRIES = 3  # ours: of an asset; the client asks Vi three times in each
PAUSE = 2.0  # ours: seconds before the second try at most, twice that before the third
PAUSE_UNSAID = 10.0  # ours: seconds, where Vi asks for a pause and not for how long
LONGEST_PAUSE = 3600.0  # ours: seconds


class DeletedIds(BaseModel, frozen=True):
    """The end of a turn: the next block and its time or, after the last, the number of assets left."""

    cursor: int | None
    wait_seconds: int = 0
    count_after: int | None = None


@dataclass
class IdsDeletion:
    """Deletes assets of a deletion as far as *budget* lets it."""

    client: ViClient
    s3: "S3Client"
    budget: Budget
    sleep: Callable[[float], None] = time.sleep

    def run(self, deletion: DeletionTask, cursor: int) -> DeletedIds:
        """Delete the assets from the block *cursor* on; those that an earlier turn came to are left alone.

        A turn ends where its time does, or where Vi asks for a pause; that is for the machine to wait out.

        Raises:
            StagedGone: the ids have expired.
            KeyMissing, KeyRefused, KeyForbidden: Vi does not take the key; what was deleted is kept.
            ViUnavailable, ViUnreachable, RateLimited: all is done, and what is left could not be counted.
        """
        staging, assets = DeletionStaging(self.s3, deletion.ref), Assets(self.client, deletion.dataset_id)
        ids = staging.ids()
        if ids is None:
            raise StagedGone("The ids that were to be deleted are gone: they have expired. Start the deletion again.")
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
        """Delete what is left of a block, keep what became of it, and return how many there was no time for."""
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
    """Deletes assets, many at once, until it is to stop or Vi asks for a pause: then `wait_seconds` say how long."""

    assets: Assets
    stopped: Callable[[], bool]
    sleep: Callable[[float], None]
    outcomes: list[DeletionOutcome] = field(default_factory=list)
    wait_seconds: int = 0
    _broken: bool = field(default=False, init=False)

    def run(self, ids: Sequence[str]) -> None:
        """Delete *ids*; raises what concerns all of them, when what is under way has ended."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="delete") as threads:
            for future in [threads.submit(self._delete_or_break, asset_id) for asset_id in ids]:
                future.result()

    def _delete_or_break(self, asset_id: str) -> None:
        try:
            self._delete(asset_id)
        except BaseException:
            self._broken = True  # at once: the others have no reason to be tried
            raise

    def _delete(self, asset_id: str) -> None:
        for tries in range(1, TRIES + 1):
            if self._broken or self.wait_seconds or self.stopped():
                return
            try:
                self.assets.delete(asset_id)
            except RateLimited as limit:
                asked = PAUSE_UNSAID if limit.pause_seconds is None else limit.pause_seconds
                self.wait_seconds = max(self.wait_seconds, 1, math.ceil(min(asked, LONGEST_PAUSE)))
                return
            except AssetUnknown:
                outcome = DeletionOutcome(asset_id=asset_id, state="gone")
            except ViRefused as refusal:
                outcome = _failed(asset_id, refusal, str(refusal))
            except (ViUnavailable, ViUnreachable) as fault:
                if tries < TRIES:
                    self.sleep(random.uniform(0, PAUSE * tries))  # noqa: S311 - jitter is no secret
                    continue
                outcome = _failed(asset_id, fault, f"{fault} That was the last of {TRIES} tries.")
            else:
                outcome = DeletionOutcome(asset_id=asset_id, state="deleted")
            self.outcomes.append(outcome)
            return


def _failed(asset_id: str, error: Exception, message: str) -> DeletionOutcome:
    return DeletionOutcome(asset_id=asset_id, state="failed", reason=type(error).__name__, message=message)
