"""The command `assets download`: what a Vi dataset holds, brought to a folder or to S3."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assetline.assets.listing import Listing
from assetline.download.report import DownloadResult
from assetline.vi.assets import Assets
from assetline.vi.file_download import Downloader
from assetline_cli.assets.download_files import DownloadProgress, FileDownloader
from assetline_cli.assets.download_folder import DownloadFolder, FolderFetch
from assetline_cli.assets.run_execution import AssetRuns
from assetline_cli.assets.selection_options import (
    CONDITION_OPTIONS,
    ID_OPTIONS,
    VI_QUERY_OPTIONS,
    AssetSelection,
    ByDate,
    Dataset,
    selection_options,
)
from assetline_cli.assets.verify_targets import S3
from assetline_cli.context import CliContext
from assetline_cli.error_reporting import errors_reported
from assetline_cli.exit_codes import COMPLETE, FAILED
from assetline_cli.filesystem import ready_folder
from assetline_cli.options import ShowProgress, StackName
from assetline_cli.stack import DEFAULT_STACK, find_stack
from assetline_cli.terminal.formatting import count, count_of, duration, size
from assetline_cli.terminal.output import printable
from assetline_cli.terminal.progress_bar import ProgressFrame, frames_on
from assetline_cli.vi_client import vi_client

if TYPE_CHECKING:
    from datetime import datetime

    from assetline.assets.selection import Selection

FAILURES_SHOWN = 20  # ours

Into = Annotated[
    str,
    typer.Argument(
        metavar="DIR|S3_PREFIX", help="A folder, made if need be, or s3://BUCKET/PREFIX.", show_default=False
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Fetch again what is there, and replace it.")]


@selection_options(**VI_QUERY_OPTIONS, **ID_OPTIONS, **CONDITION_OPTIONS)
def download(  # noqa: PLR0913 - typer: one argument an option
    ctx: typer.Context,
    *,
    dataset: Dataset,
    to: Into,
    selection: AssetSelection,
    overwrite: Overwrite = False,
    by_date: ByDate = False,
    progress: ShowProgress = True,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Download the assets of a Vi dataset to a folder or to S3, many at once, each of them proven.

    A file that is there with equal size and checksum is skipped, so the same
    command again goes on where it stopped. A file has its name only when it is
    whole. Names are such that any disk takes them; .assetline-names.jsonl in a
    folder says which are not the assets' own. Of several assets of one name, all but the first have their ids in
    theirs; so has one whose name another file in the folder has, which is
    replaced only with --overwrite. To S3 it is a run of the stack that
    downloads: Ctrl+C ends the watching only. Exit status: 0 all files are
    there, 1 anything else, 130 Ctrl+C.

    [bold]Examples[/bold]

      [cyan]assetline assets download ds1 photos[/cyan]
      [cyan]assetline assets download ds1 photos --mime 'image/*' --min-width 640 --aspect square[/cyan]
      [cyan]assetline assets download ds1 photos --id asset-1 --id asset-2 --overwrite[/cyan]
      [cyan]assetline assets download ds1 s3://BUCKET/downloads/ds1/[/cyan]
    """
    context: CliContext = ctx.obj
    with errors_reported(context):
        wanted = selection.of(dataset)
        if to.startswith(S3):
            asked = {"overwrite": overwrite, "by_date": by_date}
            raise typer.Exit(_run(context, stack, wanted, to.removeprefix(S3), asked, progress=progress))
        folder = Path(to)
        ready_folder(folder, another="name a directory")
        bringing = _bring(context, stack, wanted, folder, overwrite=overwrite, by_date=by_date, progress=progress)
        _sum_up(context, bringing, folder)
        raise typer.Exit(FAILED if bringing.failed or bringing.nameless else COMPLETE)


def _run(  # noqa: PLR0913 - each is an option of the command
    context: CliContext, stack: str, wanted: Selection, to: str, asked: dict[str, bool], *, progress: bool
) -> int:
    """Have the stack download to S3, and return the exit status."""
    machine = find_stack(context.aws.cloudformation, stack).machine_of_downloads()
    bucket, _, prefix = to.partition("/")
    meant = wanted.model_dump(mode="json", exclude_defaults=True)
    given = {name: value for name, value in asked.items() if value}
    title, subject = f"Downloading {wanted.dataset_id}", f"download-{wanted.dataset_id}"
    result = AssetRuns(context, machine, progress).through(
        title, subject, meant | given | {"bucket": bucket, "prefix": prefix}, DownloadResult
    )
    line = (
        f"Downloaded {count_of(result.written, 'file')} ({size(result.bytes)}) to s3://{result.bucket}/{result.prefix}"
    )
    line += f", skipped {count(result.skipped)} that are there" if result.skipped else ""
    line += f", left out {count(result.excluded)} that were not meant" if result.excluded else ""
    context.say(f"{line}.")
    if not result.complete:
        context.complain(f"{_missing(result)} The same command again fetches what is missing.")
    context.say(f"Every file, and why one failed: s3://{result.manifest_bucket}/{result.files_key}")
    return COMPLETE if result.complete else FAILED


def _missing(result: DownloadResult) -> str:
    """Say what a download that is not complete did not bring."""
    told = [f"{count(result.failed)} failed"] if result.failed else []
    told += [f"{count_of(result.left, 'file')} not come to"] if result.left else []
    # What else is not complete, the result does not count: records without an id, or a run that was ended early.
    manifest = f"s3://{result.manifest_bucket}/{result.manifest_key}"
    return f"{' and '.join(told)}." if told else f"It is not complete, and {manifest} says why."


def _bring(  # noqa: PLR0913 - each is an option of the command
    context: CliContext, stack: str, wanted: Selection, folder: Path, *, overwrite: bool, by_date: bool, progress: bool
) -> DownloadProgress:
    now = context.clock.now
    found = find_stack(context.aws.cloudformation, stack)
    with (
        closing(vi_client(context, found)) as client,
        closing(vi_client(context, found, patient=False)) as of_files,  # a file is tried again as a whole
        closing(Downloader(found.vi().origin)) as http,
    ):
        listing = Listing(client, wanted)
        listing.admit()
        assets, place = Assets(of_files, wanted.dataset_id), DownloadFolder(folder)
        place.remove_abandoned()
        bringer = FileDownloader(
            listing, lambda stopped: FolderFetch(assets, http, place, overwrite, stopped), context.clock
        )
        try:
            with frames_on(context.out, context.clock, wanted=progress) as view:
                return bringer.bring(lambda told: view.show(_frame(told, wanted.dataset_id, now())), by_date=by_date)
        finally:
            place.keep_renamed(bringer.renamed)


def _frame(told: DownloadProgress, dataset_id: str, now: datetime) -> ProgressFrame:
    seconds = (now - told.began_at).total_seconds()
    done = told.counts.total()
    more = "" if told.listed else "+"
    figures = [
        f"{count(done)} of {count(told.files)}{more} files",
        f"{size(told.bytes_done)} of {size(told.bytes_total)}{more}",
    ]
    figures += [f"{count(told.counts[state])} {state}" for state in ("skipped", "failed") if told.counts[state]]
    if told.bytes_written and seconds >= 1:
        figures.append(f"{size(round(told.bytes_written / seconds))}/s")
    return ProgressFrame(
        f"Downloading {dataset_id}",
        done=told.bytes_done + done,
        total=told.bytes_total + told.files,
        figures=(*figures, duration(seconds)),
        ended=told.ended,
    )


def _sum_up(context: CliContext, told: DownloadProgress, folder: Path) -> None:
    written, skipped = told.counts["written"], told.counts["skipped"]
    line = f"Downloaded {count_of(written, 'file')} ({size(told.bytes_written)}) to {printable(str(folder))}"
    line += f", skipped {count(skipped)} that are there" if skipped else ""
    line += f", left out {count(told.excluded)} that were not meant" if told.excluded else ""
    context.say(f"{line}.")
    for outcome in told.beside[:FAILURES_SHOWN]:
        context.complain(f"Another {printable(outcome.filename)} was there: this one is {printable(outcome.name)}.")
    if len(told.beside) > FAILURES_SHOWN:
        context.complain(f"… and {count(len(told.beside) - FAILURES_SHOWN)} more, with their ids in their names.")
    for outcome in told.failed[:FAILURES_SHOWN]:
        shown = printable(outcome.name or outcome.asset_id)
        context.complain(f"Not downloaded: {shown}: {outcome.message} ({outcome.reason})")
    if len(told.failed) > FAILURES_SHOWN:
        context.complain(f"… and {count(len(told.failed) - FAILURES_SHOWN)} more.")
    if told.failed:
        context.complain("The same command again fetches what is missing.")
    if told.nameless:
        context.complain(f"Vi listed {count(told.nameless)} without an id, which cannot be downloaded.")
