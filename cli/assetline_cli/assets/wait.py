"""Wait until Vi has processed an asset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assetline.assets.asset_file import metadata_of
from assetline.errors import RateLimited, Retryable
from assetline_cli.errors import CommandFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from assetline.vi.assets import Assets
    from assetline_cli.clock import Clock

# Vi's statuses are not documented (docs/contracts/vi-api.md, section 3.1); the first appears in its own guide.
DONE = ("completed", "uploaded", "done", "finished", "ready", "success", "succeeded")
FAILED = frozenset({"failed", "error", "errored", "cancelled", "canceled", "rejected"})
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0  # ours: seconds between two requests


@dataclass(frozen=True)
class ProcessingWaiter:
    """Polls assets until their `uploadStatus` is one of *done*, for at most *seconds*."""

    assets: Assets
    clock: Clock
    done: Collection[str]
    seconds: float

    def processed(self, asset_id: str, report: Callable[[str], object]) -> dict[str, Any]:
        """Return the record of an asset after Vi has processed it; call *report* with each new status.

        Raises:
            CommandFailed: Vi could not process it, or not in time.
            AssetUnknown and others: as `Assets.get`; transient errors are retried.
        """
        began, pause, previous = self.clock.now(), FIRST_PAUSE, ""
        while True:
            record, status, requested_pause = self._look(asset_id)
            if record is not None and status.casefold() in self.done:
                return record
            if status.casefold() in FAILED:
                raise CommandFailed(f"Vi could not process {asset_id}: its upload status is {status}.")
            if status != previous:
                report(status)
                previous = status
            left = self.seconds - (self.clock.now() - began).total_seconds()
            if left <= 0:
                raise CommandFailed(
                    f"The upload status of {asset_id} is {status} after {self.seconds:g} seconds. Wait longer "
                    "with --timeout, or name the status with --until."
                )
            self.clock.sleep(min(max(requested_pause or 0.0, pause), left))
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _look(self, asset_id: str) -> tuple[dict[str, Any] | None, str, float | None]:
        try:
            record = self.assets.get(asset_id)
        except Retryable as fault:
            return (
                None,
                "unknown (Vi does not answer)",
                fault.pause_seconds if isinstance(fault, RateLimited) else None,
            )
        return record, str(metadata_of(record).get("uploadStatus") or "unknown"), None
