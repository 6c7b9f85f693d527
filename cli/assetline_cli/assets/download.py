"""Download the assets of a dataset to a folder or to S3."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assetline.assets.listing import Listing
from assetline.download.report import DownloadResult
from assetline.vi.assets import Assets
from assetline.vi.file_download import Downloader
from assetline_cli.assets.download_files import DownloadProgress, FileDownloader
from assetline_cli.assets.download_folder import DownloadFolder, FolderFetch
from assetline_cli.assets.run_execution import AssetRuns
from assetline_cli.assets.verify_targets import S3
from assetline_cli.context import CliContext
from assetline_cli.exit_codes import COMPLETE, FAILED
from assetline_cli.filesystem import ready_folder
from assetline_cli.stack import find_stack
from assetline_cli.terminal.formatting import count, count_of, duration, size
from assetline_cli.terminal.output import printable
from assetline_cli.terminal.progress_bar import ProgressFrame, frames_on
from assetline_cli.vi_client import vi_client

if TYPE_CHECKING:
    from datetime import datetime

    from assetline.assets.selection import Selection

FAILURES_SHOWN = 20  # ours
RUN_AGAIN = "Run the command again to download the missing files."


def _missing(result: DownloadResult) -> str:
    """Return the files that an incomplete download is missing, in words."""
    parts = [f"{count(result.failed)} failed"] if result.failed else []
    parts += [f"{count_of(result.left, 'file')} not started"] if result.left else []
    # The result does not count records without an ID, nor the files of a run that ended early.
    manifest = f"s3://{result.manifest_bucket}/{result.manifest_key}"
    return f"{' and '.join(parts)}." if parts else f"The download is not complete. See {manifest} for the reasons."


def _frame(progress: DownloadProgress, dataset_id: str, now: datetime) -> ProgressFrame:
    seconds = (now - progress.began_at).total_seconds()
    done = progress.counts.total()
    more = "" if progress.listed else "+"
    figures = [
        f"{count(done)} of {count(progress.files)}{more} files",
        f"{size(progress.bytes_done)} of {size(progress.bytes_total)}{more}",
    ]
    figures += [f"{count(progress.counts[state])} {state}" for state in ("skipped", "failed") if progress.counts[state]]
    if progress.bytes_written and seconds >= 1:
        figures.append(f"{size(round(progress.bytes_written / seconds))}/s")
    return ProgressFrame(
        f"Downloading {dataset_id}",
        done=progress.bytes_done + done,
        total=progress.bytes_total + progress.files,
        figures=(*figures, duration(seconds)),
        ended=progress.ended,
    )


def _print_summary(context: CliContext, progress: DownloadProgress, folder: Path) -> None:
    written, skipped = progress.counts["written"], progress.counts["skipped"]
    line = f"Downloaded {count_of(written, 'file')} ({size(progress.bytes_written)}) to {printable(str(folder))}"
    context.print_line(f"{line}{_skipped_and_excluded(skipped, progress.excluded)}.")
    for outcome in progress.beside[:FAILURES_SHOWN]:
        context.print_message(
            f"Another file is named {printable(outcome.filename)}. Saved this one as {printable(outcome.name)}."
        )
    if len(progress.beside) > FAILURES_SHOWN:
        context.print_message(
            f"… and {count(len(progress.beside) - FAILURES_SHOWN)} more, with their IDs in their names."
        )
    for outcome in progress.failed[:FAILURES_SHOWN]:
        shown = printable(outcome.name or outcome.asset_id)
        context.print_message(f"Not downloaded: {shown}: {outcome.message} ({outcome.reason})")
    if len(progress.failed) > FAILURES_SHOWN:
        context.print_message(f"… and {count(len(progress.failed) - FAILURES_SHOWN)} more.")
    if progress.failed:
        context.print_message(RUN_AGAIN)
    if progress.nameless:
        context.print_message(
            f"Vi listed {count_of(progress.nameless, 'asset')} without an ID, which cannot be downloaded."
        )


@dataclass(frozen=True)
class DownloadArguments:
    """The assets to download, to a folder or to s3://BUCKET/PREFIX, and how."""

    selected: Selection
    to: str
    overwrite: bool
    by_date: bool
    progress: bool


def download_assets(context: CliContext, stack: str, request: DownloadArguments) -> int:
    """Download assets and return the exit status of the command.

    Raises:
        CommandFailed: nothing could be downloaded, or the download could not continue.
    """
    if request.to.startswith(S3):
        return _download_to_s3(context, stack, request)
    folder = Path(request.to)
    ready_folder(folder, another="Name another folder")
    progress = _download_to_folder(context, stack, request, folder)
    _print_summary(context, progress, folder)
    return FAILED if progress.failed or progress.nameless else COMPLETE


def _download_to_s3(context: CliContext, stack: str, request: DownloadArguments) -> int:
    machine = find_stack(context.aws.cloudformation, stack).machine_of_downloads()
    bucket, _, prefix = request.to.removeprefix(S3).partition("/")
    options = {"overwrite": request.overwrite, "by_date": request.by_date}
    result = AssetRuns(context, machine, request.progress).through(
        f"Downloading {request.selected.dataset_id}",
        f"download-{request.selected.dataset_id}",
        request.selected.model_dump(mode="json", exclude_defaults=True)
        | {name: value for name, value in options.items() if value}
        | {"bucket": bucket, "prefix": prefix},
        DownloadResult,
    )
    line = (
        f"Downloaded {count_of(result.written, 'file')} ({size(result.bytes)}) to s3://{result.bucket}/{result.prefix}"
    )
    context.print_line(f"{line}{_skipped_and_excluded(result.skipped, result.excluded)}.")
    if not result.complete:
        context.print_message(f"{_missing(result)} {RUN_AGAIN}")
    context.print_line(f"Result of every file: s3://{result.manifest_bucket}/{result.files_key}")
    return COMPLETE if result.complete else FAILED


def _download_to_folder(context: CliContext, stack: str, request: DownloadArguments, folder: Path) -> DownloadProgress:
    found, now = find_stack(context.aws.cloudformation, stack), context.clock.now
    dataset_id = request.selected.dataset_id
    with (
        closing(vi_client(context, found)) as client,
        closing(vi_client(context, found, patient=False)) as of_files,  # the complete file is retried instead
        closing(Downloader(found.vi().origin)) as http,
    ):
        listing = Listing(client, request.selected)
        listing.admit()
        assets, place = Assets(of_files, dataset_id), DownloadFolder(folder)
        place.remove_abandoned()
        downloader = FileDownloader(
            listing, lambda stopped: FolderFetch(assets, http, place, request.overwrite, stopped), context.clock
        )
        try:
            with frames_on(context.out, context.clock, enabled=request.progress) as view:
                return downloader.download(
                    lambda progress: view.show(_frame(progress, dataset_id, now())), by_date=request.by_date
                )
        finally:
            place.keep_renamed(downloader.renamed)


def _skipped_and_excluded(skipped: int, excluded: int) -> str:
    words = f", skipped {count(skipped)} that exist already" if skipped else ""
    return f"{words}, excluded {count(excluded)} by the conditions" if excluded else words
