"""The command `drop`: files put into the drop bucket, and followed until they are assets or refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from assetline_cli.aws_errors import explain
from assetline_cli.context import CliContext
from assetline_cli.drops.ingestion_runs import FailedRuns
from assetline_cli.drops.local_files import FoundFiles, find_files
from assetline_cli.drops.metadata import parse_metadata
from assetline_cli.drops.progress import following_frame, uploading_frame
from assetline_cli.drops.summary import DropSummary, print_drop_summary
from assetline_cli.drops.table import DropsTable
from assetline_cli.drops.upload import Uploader, UploadProgress
from assetline_cli.drops.wait import NOTHING_MOVED, IngestionProgress, IngestionWatcher
from assetline_cli.errors import CommandFailed
from assetline_cli.exit_codes import COMPLETE, FAILED, INTERRUPTED
from assetline_cli.suggested_commands import drops_command
from assetline_cli.terminal.formatting import count, count_of, duration
from assetline_cli.terminal.progress_bar import frames_on

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from assetline_cli.stack import Stack

LEFT_SHOWN = 10  # ours: of the files that an interrupted command did not drop


@dataclass(frozen=True)
class DropRequest:
    """What is to be dropped, and how much of it is to be seen."""

    paths: Sequence[Path]
    dataset_id: str
    metadata: Sequence[str] = ()
    wait: bool = True
    progress: bool = True


def drop(context: CliContext, stack: Stack, asked: DropRequest) -> int:
    """Drop what is *asked* and return the exit status of the command: 0 if all of it is in Vi, or dropped.

    Raises:
        CommandFailed: nothing could be dropped, or AWS does not let us go on.
    """
    return DropCommand(context, stack, asked).run()


class DropCommand:
    """One run of the command."""

    def __init__(self, context: CliContext, stack: Stack, asked: DropRequest) -> None:
        self._context = context
        self._stack = stack
        self._ingestion = stack.ingestion()
        self._asked = asked
        # The ids are for another program: what is said besides goes where errors go.
        self._screen = context.out if asked.wait else context.err
        self._look = drops_command(stack.name, asked.dataset_id)

    def run(self) -> int:
        """Upload the files, wait for their ingestion if asked to, and return the exit status."""
        metadata = parse_metadata(self._asked.metadata)
        found = find_files(self._asked.paths, self._asked.dataset_id)
        for line in found.skipped_lines():
            self._context.complain(line)
        if not found.files and not found.unfit:
            raise CommandFailed(f"There is nothing to drop in {', '.join(map(str, self._asked.paths))}.")
        uploading = self._upload(found, metadata)
        uploading.failed += found.unfit
        if not self._asked.wait:
            for one in uploading.dropped:
                self._context.say(one.drop_id)
        if uploading.ended != "whole":
            return self._ended_early(found, uploading)
        return self._wait(uploading) if self._asked.wait else self._leave(uploading)

    def _upload(self, found: FoundFiles, metadata: dict[str, str]) -> UploadProgress:
        uploader = Uploader(self._context.aws.s3_of_many, self._ingestion.drop_bucket, metadata, self._context.clock)
        dataset_id, now = self._asked.dataset_id, self._context.clock.now
        with frames_on(self._screen, self._context.clock, wanted=self._asked.progress) as view:
            return uploader.upload(
                found.files.values(), lambda told: view.show(uploading_frame(told, dataset_id, now()))
            )

    def _ended_early(self, found: FoundFiles, uploading: UploadProgress) -> int:
        """Say what was dropped and what was not."""
        tell = self._context.complain
        if uploading.refusal:
            tell(f"Error: {explain(uploading.refusal)}")
        dropped = {one.file.key for one in uploading.dropped}
        tell(
            f"{'' if uploading.refusal else '\n'}Dropped {count(len(dropped))} of {count_of(len(found.files), 'file')}."
        )
        if dropped:
            tell(f"What was dropped is ingested all the same: {self._look}")
        left = [file for key, file in found.files.items() if key not in dropped]
        if left:
            tell("Not dropped:")
        for file in left[:LEFT_SHOWN]:
            tell(f"  {file.shown}")
        if len(left) > LEFT_SHOWN:
            tell(f"  … and {count(len(left) - LEFT_SHOWN)} more")
        return FAILED if uploading.refusal else INTERRUPTED

    def _leave(self, uploading: UploadProgress) -> int:
        for file in uploading.failed:
            self._context.complain(f"Not dropped: {file.shown}: {file.message}")
        self._context.complain(f"See how far they are: {self._look}")
        return FAILED if uploading.failed else COMPLETE

    def _wait(self, uploading: UploadProgress) -> int:
        try:
            return self._sum_up(uploading, self._follow(uploading))
        except KeyboardInterrupt:
            self._context.complain("\nStopped waiting; the ingestion goes on.")
            self._context.complain(f"See how far it is: {self._look}")
            return INTERRUPTED
        except (BotoCoreError, ClientError) as error:
            raise CommandFailed(
                f"{explain(error)}\nThe waiting ends; the ingestion does not. See how far it is: {self._look}"
            ) from error

    def _follow(self, uploading: UploadProgress) -> IngestionWatcher:
        dataset_id, clock = self._asked.dataset_id, self._context.clock
        failed_runs = FailedRuns(self._context.aws.stepfunctions, self._ingestion.machine_arn, dataset_id)
        drops = DropsTable.of(self._context, self._ingestion)
        following = IngestionWatcher(drops, failed_runs, uploading.dropped, clock)
        if not uploading.dropped:
            return following
        last: IngestionProgress | None = None
        with frames_on(self._screen, clock, wanted=self._asked.progress) as view:
            for last in following.looks():
                view.show(following_frame(last, dataset_id, clock.now()))
        if last and last.gave_up:
            self._tell_gave_up(last)
        return following

    def _tell_gave_up(self, last: IngestionProgress) -> None:
        self._context.complain(f"Nothing has moved for {duration(NOTHING_MOVED.total_seconds())}: the waiting ends.")
        if last.trouble:
            self._context.complain(f"The last run failed: {last.trouble}")
        self._context.complain(f"The drops wait on, and are ingested once that is put right: {self._look}")

    def _sum_up(self, uploading: UploadProgress, following: IngestionWatcher) -> int:
        summary = DropSummary(self._asked.dataset_id, uploading.dropped, uploading.failed, following.over)
        print_drop_summary(self._context.out, summary, self._stack.name)
        return COMPLETE if summary.complete else FAILED
