"""Upload files to the drop bucket, and wait for their ingestion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from assetline.ingest.sessions_table import SessionsTable
from assetline_cli.aws_errors import explain
from assetline_cli.context import CliContext
from assetline_cli.drops.existing_objects import existing_keys
from assetline_cli.drops.ingestion_runs import FailedRuns
from assetline_cli.drops.local_files import FoundFiles, find_files
from assetline_cli.drops.metadata import parse_metadata
from assetline_cli.drops.progress import following_frame, uploading_frame
from assetline_cli.drops.summary import DropSummary, print_drop_summary
from assetline_cli.drops.table import DropsTable
from assetline_cli.drops.upload import DropUploader, UploadProgress
from assetline_cli.drops.wait import NOTHING_MOVED, IngestionProgress, IngestionWatcher
from assetline_cli.errors import CommandFailed
from assetline_cli.exit_codes import COMPLETE, FAILED, INTERRUPTED
from assetline_cli.stack import find_stack
from assetline_cli.suggested_commands import drops_command, upload_rest_command
from assetline_cli.terminal.formatting import count, count_of, duration
from assetline_cli.terminal.progress_bar import frames_on

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from assetline.ingest.sessions_table import Session
    from assetline_cli.stack import Stack

SESSIONS_NAMED = 5  # ours: of the sessions that settled the drops
LEFT_SHOWN = 10  # ours: of the files that an interrupted command did not drop


@dataclass(frozen=True)
class DropRequest:
    """The files to upload, and the options of the command."""

    paths: Sequence[Path]
    dataset_id: str
    metadata: Sequence[str] = ()
    wait: bool = True
    progress: bool = True
    skip_existing: bool = False


def drop_files(context: CliContext, stack: str, request: DropRequest) -> int:
    """Upload files and return the exit status of the command: 0 if all are ingested, or uploaded without waiting.

    Raises:
        CommandFailed: nothing could be uploaded, or AWS refused to continue.
    """
    return DropCommand(context, find_stack(context.aws.cloudformation, stack), request).run()


class DropCommand:
    """One run of the command."""

    def __init__(self, context: CliContext, stack: Stack, request: DropRequest) -> None:
        self._context = context
        self._stack = stack
        self._ingestion = stack.ingestion()
        self._request = request
        # The IDs are for another program: messages go to stderr.
        self._screen = context.out if request.wait else context.err
        self._look = drops_command(stack.name, request.dataset_id)

    def run(self) -> int:
        """Upload the files, wait for their ingestion if requested, and return the exit status."""
        metadata = parse_metadata(self._request.metadata)
        found = find_files(self._request.paths, self._request.dataset_id)
        for line in found.skipped_lines():
            self._context.print_message(line)
        if not found.files and not found.unfit:
            raise CommandFailed(
                f"No files to upload in {', '.join(map(str, self._request.paths))}. Name other files or folders."
            )
        if self._request.skip_existing and not self._skip_existing(found):
            return FAILED if found.unfit else COMPLETE
        uploading = self._upload(found, metadata)
        uploading.failed += found.unfit
        if not self._request.wait:
            for file in uploading.dropped:
                self._context.print_line(file.drop_id)
        if uploading.ended != "complete":
            return self._ended_early(found, uploading)
        return self._wait(uploading) if self._request.wait else self._leave(uploading)

    def _skip_existing(self, found: FoundFiles) -> bool:
        """Remove the files that the bucket has with the same bytes; return whether files are left."""
        drops = DropsTable.of(self._context, self._stack)
        s3, bucket = self._context.aws.s3_of_many, self._ingestion.drop_bucket
        existing = existing_keys(s3, bucket, drops, self._request.dataset_id, found.files.values())
        if existing:
            self._context.print_message(
                f"Skipped {count_of(len(existing), 'file')} that the drop bucket has with the same bytes. See their "
                f"results: {self._look}"
            )
        for key in existing:
            del found.files[key]
        return bool(found.files)

    def _upload(self, found: FoundFiles, metadata: dict[str, str]) -> UploadProgress:
        uploader = DropUploader(
            self._context.aws.s3_of_many, self._ingestion.drop_bucket, metadata, self._context.clock
        )
        dataset_id, now = self._request.dataset_id, self._context.clock.now
        with frames_on(self._screen, self._context.clock, enabled=self._request.progress) as view:
            return uploader.upload(
                found.files.values(), lambda progress: view.show(uploading_frame(progress, dataset_id, now()))
            )

    def _ended_early(self, found: FoundFiles, uploading: UploadProgress) -> int:
        """Print the number of uploaded files, and the files that are missing."""
        print_message = self._context.print_message
        if uploading.refusal:
            print_message(f"Error: {explain(uploading.refusal)}")
        dropped = {dropped.file.key for dropped in uploading.dropped}
        print_message(
            f"{'' if uploading.refusal else '\n'}Dropped {count(len(dropped))} of {count_of(len(found.files), 'file')}."
        )
        if dropped:
            print_message(f"The uploaded files are ingested. See their progress: {self._look}")
        left = [file for key, file in found.files.items() if key not in dropped]
        if left:
            print_message("Not dropped:")
        for file in left[:LEFT_SHOWN]:
            print_message(f"  {file.shown}")
        if len(left) > LEFT_SHOWN:
            print_message(f"  … and {count(len(left) - LEFT_SHOWN)} more")
        if left:
            rest = upload_rest_command(self._request.paths, self._stack.name, self._request.dataset_id)
            print_message(f"Upload the rest: {rest}")
        return FAILED if uploading.refusal else INTERRUPTED

    def _leave(self, uploading: UploadProgress) -> int:
        for file in uploading.failed:
            self._context.print_message(f"Not dropped: {file.shown}: {file.message}")
        self._context.print_message(f"See their progress: {self._look}")
        return FAILED if uploading.failed else COMPLETE

    def _wait(self, uploading: UploadProgress) -> int:
        try:
            return self._sum_up(uploading, self._follow(uploading))
        except KeyboardInterrupt:
            self._context.print_message("\nStopped waiting. The ingestion continues.")
            self._context.print_message(f"See its progress: {self._look}")
            return INTERRUPTED
        except (BotoCoreError, ClientError) as error:
            raise CommandFailed(
                f"{explain(error)}\nStopped waiting. The ingestion continues. See its progress: {self._look}"
            ) from error

    def _follow(self, uploading: UploadProgress) -> IngestionWatcher:
        dataset_id, clock = self._request.dataset_id, self._context.clock
        failed_runs = FailedRuns(self._context.aws.stepfunctions, self._ingestion.machine_arn, dataset_id)
        drops = DropsTable.of(self._context, self._stack)
        following = IngestionWatcher(drops, failed_runs, uploading.dropped, clock)
        if not uploading.dropped:
            return following
        last: IngestionProgress | None = None
        with frames_on(self._screen, clock, enabled=self._request.progress) as view:
            for last in following.looks():
                view.show(following_frame(last, dataset_id, clock.now()))
        if last and last.gave_up:
            self._print_gave_up(last)
        return following

    def _print_gave_up(self, last: IngestionProgress) -> None:
        self._context.print_message(
            f"No drop has changed for {duration(NOTHING_MOVED.total_seconds())}. Stopped waiting."
        )
        if last.trouble:
            self._context.print_message(f"The last run failed: {last.trouble}")
        self._context.print_message(f"The drops are ingested once the cause is fixed. See their progress: {self._look}")

    def _sessions(self, following: IngestionWatcher) -> list[Session]:
        """Return the first sessions that settled the drops."""
        sessions = SessionsTable(self._context.aws.table(self._ingestion.sessions_table))
        keys = dict.fromkeys(drop.session_key for drop in following.over.values() if drop.session_key)
        return [session for key in [*keys][:SESSIONS_NAMED] if (session := sessions.get(key))]

    def _sum_up(self, uploading: UploadProgress, following: IngestionWatcher) -> int:
        summary = DropSummary(
            self._request.dataset_id,
            uploading.dropped,
            uploading.failed,
            following.over,
            (self._context.clock.now() - uploading.began_at).total_seconds(),
            self._sessions(following),
            self._stack.bucket,
        )
        print_drop_summary(self._context.out, summary, self._stack.name)
        return COMPLETE if summary.complete else FAILED
