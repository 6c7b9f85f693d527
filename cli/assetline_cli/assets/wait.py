"""An asset waited for until Vi is through with it."""

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

# Vi's words are not documented (docs/contracts/vi-api.md, section 3.1); the first is evidenced by its own guide.
DONE = ("completed", "uploaded", "done", "finished", "ready", "success", "succeeded")
FAILED = frozenset({"failed", "error", "errored", "cancelled", "canceled", "rejected"})
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0  # ours: seconds between two looks


@dataclass(frozen=True)
class ProcessingWaiter:
    """Looks at assets until their `uploadStatus` is one of *done*, at most *seconds* long."""

    assets: Assets
    clock: Clock
    done: Collection[str]
    seconds: float

    def processed(self, asset_id: str, tell: Callable[[str], object]) -> dict[str, Any]:
        """Return the record of an asset that Vi is through with; *tell* each status that is new meanwhile.

        Raises:
            CommandFailed: it has failed, or the time is over.
            AssetUnknown and the like: as `Assets.get`; what passes is waited for as well.
        """
        began, pause, before = self.clock.now(), FIRST_PAUSE, ""
        while True:
            record, status, asked = self._look(asset_id)
            if record is not None and status.casefold() in self.done:
                return record
            if status.casefold() in FAILED:
                raise CommandFailed(f"Vi could not process {asset_id}: its upload status is {status}.")
            if status != before:
                tell(status)
                before = status
            left = self.seconds - (self.clock.now() - began).total_seconds()
            if left <= 0:
                raise CommandFailed(
                    f"After {self.seconds:g} seconds the upload status of {asset_id} is {status}. Wait longer with "
                    "--timeout, or say with --until which status you wait for."
                )
            self.clock.sleep(min(max(asked or 0.0, pause), left))
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _look(self, asset_id: str) -> tuple[dict[str, Any] | None, str, float | None]:
        try:
            record = self.assets.get(asset_id)
        except Retryable as fault:
            return (
                None,
                "not known, for Vi does not answer",
                fault.pause_seconds if isinstance(fault, RateLimited) else None,
            )
        return record, str(metadata_of(record).get("uploadStatus") or "not told"), None
