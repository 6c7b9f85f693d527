"""`assetline diff`: two exports of a feed compared by key, the changes summed up and, if wanted, written to a file."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from assetline.diff.diff_files import write_changes
from assetline.diff.errors import KeyMissing
from assetline.diff.renames import renamed_columns
from assetline.safetyculture.catalogue import feed_named
from assetline.table.columns import FIELDS
from assetline_cli.error_reporting import errors_reported, report_of
from assetline_cli.errors import CommandFailed, ComparisonFailed
from assetline_cli.exit_codes import DIFFERENT, SAME
from assetline_cli.exports.diff_inputs import ExportFile, FileFinder
from assetline_cli.exports.download import LARGE_BYTES
from assetline_cli.options import StackName
from assetline_cli.stack import DEFAULT_STACK
from assetline_cli.terminal.formatting import count
from assetline_cli.terminal.output import say
from assetline_cli.terminal.progress_bar import byte_progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from assetline.diff.summary import Change, Kind, Summary
    from assetline_cli.context import CliContext

DEFAULT_KEY = ("id",)
SHOWN_CHARACTERS = 60  # of a cell in the preview
STYLES = {"added": "green", "changed": "yellow", "removed": "red"}

_WHAT = "a path, an s3://bucket/key or an export id"

Old = Annotated[str, typer.Argument(metavar="OLD", help=f"The earlier file: {_WHAT}.", show_default=False)]
New = Annotated[str, typer.Argument(metavar="NEW", help="The later file, named likewise.", show_default=False)]
Keys = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        metavar="COLUMN",
        help="A column that tells rows apart; repeat the option for more.",
        show_default="that of the feed, or id",
    ),
]
FeedOfFiles = Annotated[
    str | None,
    typer.Option(
        "--feed", metavar="FEED", help="Take the key of this feed.", show_default="what the manifest beside NEW says"
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write all changes to FILE, as CSV.", show_default="only sum them up"
    ),
]


def diff(  # noqa: PLR0913, PLR0917 - typer: one argument an option
    ctx: typer.Context,
    old: Old,
    new: New,
    key: Keys = None,
    feed: FeedOfFiles = None,
    output: Output = None,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Compare two exports of a feed, row by row, by key.

    The order of rows and columns may differ, and formats may: but CSV has a
    column for each custom field and JSON lines have them in one text, so that
    assets are compared within one of the two. A column that only one file has
    counts as empty in the other. A row whose key was seen before in its file is
    reported as a duplicate, and compared with its like in order.

    Files of any size are compared in little memory; what is kept of them
    meanwhile is in TMPDIR, compressed.

    Exit status, as of diff: 0 no differences, 1 differences, 2 trouble,
    130 Ctrl+C.

    [bold]Examples[/bold]

      [cyan]assetline diff out/assets_20261120_030000.csv out/assets_20261121_030000.csv[/cyan]
      [cyan]assetline diff assets_20261120_030000 assets_20261121_030000 --output changes.csv[/cyan]
        two exports in the stack's bucket, by their ids; every change into changes.csv
      [cyan]assetline diff old.csv.gz s3://bucket/new.jsonl --key group_id --key user_id[/cyan]
    """
    context: CliContext = ctx.obj
    with _trouble_reported(context), tempfile.TemporaryDirectory(prefix="assetline-diff-") as scratch:
        finder = FileFinder(context, stack, Path(scratch))
        feed_key = feed_named(feed).key if feed else ()
        with _whole_or_nothing(output, (old, new)) as out:
            files = finder.find(old), finder.find(new)
            for warning in _warnings(*files):
                context.complain(f"Warning: {warning}")
            summary = _compare(*files, key or feed_key or _key_of(*files), Path(scratch), out, context.out)
            _refuse_fields_apart(*files, summary)
        _print(context.out, *files, summary, output)
        raise typer.Exit(DIFFERENT if summary.differs else SAME)


@contextmanager
def _trouble_reported(context: CliContext) -> Iterator[None]:
    """End the command with one message and the exit status for trouble; raises `typer.Exit`."""
    with errors_reported(context):
        try:
            yield
        except typer.Exit:
            raise
        except KeyMissing as error:
            raise ComparisonFailed(f"{error} Name the key with --key.") from error
        except OSError as error:
            raise ComparisonFailed(
                f"{error}. Check that file, or the free space in {tempfile.gettempdir()}: TMPDIR sets another folder."
            ) from error
        except Exception as error:
            reported = report_of(error)
            if reported is None:
                raise
            raise ComparisonFailed(reported[0]) from error


@contextmanager
def _whole_or_nothing(output: Path | None, inputs: Sequence[str]) -> Iterator[BinaryIO]:
    """Open what becomes *output* once all went well; what was there before stays until then."""
    if output is None:
        with Path(os.devnull).open("wb") as nowhere:
            yield nowhere
        return
    if output.is_dir() or any(output.resolve() == Path(name).resolve() for name in inputs):
        raise CommandFailed(f"The changes cannot go to {str(output)!r}: name another file with --output.")
    unfinished = output.with_name(f".{output.name}.{secrets.token_hex(4)}")
    try:
        with unfinished.open("xb") as out:
            yield out
        unfinished.replace(output)
    finally:
        unfinished.unlink(missing_ok=True)


def _key_of(old: ExportFile, new: ExportFile) -> tuple[str, ...]:
    return new.manifest.keys or old.manifest.keys or DEFAULT_KEY


def _warnings(old: ExportFile, new: ExportFile) -> Iterator[str]:
    for file, kind in ((old, "added"), (new, "removed")):
        if not file.manifest.complete:
            yield f"{file.name} does not hold the whole feed: what it lacks shows as {kind}."
        elif file.manifest.modified_after is not None:
            yield f"{file.name} holds only what changed since a moment: what it lacks shows as {kind}."
    if old.manifest.formulas_neutralised != new.manifest.formulas_neutralised:
        yield "formulas were neutralised in one of the two only: their cells show as changed."
    feeds = {file.manifest.feed for file in (old, new)} - {None}
    if len(feeds) > 1:
        yield f"these are exports of two feeds, {old.manifest.feed} and {new.manifest.feed}."
    elif old.manifest.input != new.manifest.input:
        yield "the two exports were asked for different rows: their parameters differ."


def _refuse_fields_apart(old: ExportFile, new: ExportFile, summary: Summary) -> None:
    """Refuse a comparison in which each row has changed because custom fields are columns in one of the files only."""
    kinds = {file.format.removesuffix(".gz") for file in (old, new)}
    if len(kinds) > 1 and FIELDS in summary.columns_added + summary.columns_removed:
        raise CommandFailed(
            f"{old.name} and {new.name} cannot be compared: CSV has a column for each custom field, JSON lines have "
            "them in one text. Export both in the same format, or in one and its .gz."
        )


def _compare(  # noqa: PLR0913, PLR0917
    old: ExportFile, new: ExportFile, keys: Sequence[str], scratch: Path, out: BinaryIO, console: Console
) -> Summary:
    size = old.path.stat().st_size + new.path.stat().st_size
    with (
        byte_progress(console, "Comparing", wanted=size >= LARGE_BYTES) as bar,
        old.path.open("rb") as old_bytes,
        new.path.open("rb") as new_bytes,
    ):
        task = bar.add_task("Comparing", total=size)
        return write_changes(
            bar.wrap_file(old_bytes, task_id=task),
            bar.wrap_file(new_bytes, task_id=task),
            out,
            keys=keys,
            format_old=old.format,
            format_new=new.format,
            scratch=scratch,
            renamed=renamed_columns(old.manifest.columns or (), new.manifest.columns or ()),
        )


def _print(console: Console, old: ExportFile, new: ExportFile, summary: Summary, output: Path | None) -> None:
    say(console, f"Old: {old.name}, {count(summary.rows_old)} rows")
    say(console, f"New: {new.name}, {count(summary.rows_new)} rows")
    say(console, f"Key: {_listed(summary.keys)}")
    figures = f"Added: {count(summary.added)} | Changed: {count(summary.changed)} | Removed: {count(summary.removed)}"
    say(console, f"{figures} | Unchanged: {count(summary.unchanged)}")
    if summary.columns_added:
        say(console, f"Columns added: {_listed(summary.columns_added)}")
    if summary.columns_removed:
        say(console, f"Columns removed: {_listed(summary.columns_removed)}")
    for was, is_now in summary.columns_renamed:
        say(console, f"Column renamed: {_shown(was)} is now {_shown(is_now)}")
    _print_duplicates(console, summary)
    _print_preview(console, summary)
    if output is not None:
        say(console, f"Changes saved to: {output}")
    if not summary.differs:
        say(console, "No differences.", "green")


def _print_duplicates(console: Console, summary: Summary) -> None:
    if not summary.duplicates_old and not summary.duplicates_new:
        return
    say(console, f"Duplicates: {count(summary.duplicates_old)} in old, {count(summary.duplicates_new)} in new")
    for duplicate in summary.first_duplicates:
        rows = f"rows {count(duplicate.first_row)} and {count(duplicate.row)}"
        say(console, f"  {duplicate.file} {rows}: {_key_shown(summary.keys, duplicate.key)}", "yellow")


def _print_preview(console: Console, summary: Summary) -> None:
    for change in summary.first_changes:
        say(console, _change_shown(summary.keys, change), STYLES[change.change])
    shown = Counter(change.change for change in summary.first_changes)
    found: dict[Kind, int] = {"added": summary.added, "changed": summary.changed, "removed": summary.removed}
    more = [f"{count(found[kind] - shown[kind])} {kind}" for kind in found if found[kind] > shown[kind]]
    if more:
        say(console, f"… and more: {', '.join(more)}")


def _change_shown(keys: Sequence[str], change: Change) -> str:
    line = f"  {change.change:<8}{_key_shown(keys, change.key)}"
    return f"{line}: {_listed(change.changed_columns)}" if change.changed_columns else line


def _key_shown(keys: Sequence[str], key: Sequence[str]) -> str:
    return " ".join(f"{_shown(name)}={_shown(cell)}" for name, cell in zip(keys, key, strict=True))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(_shown(name) for name in names)


def _shown(cell: str) -> str:
    """Return *cell* short, and without what a terminal would obey."""
    short = cell if len(cell) <= SHOWN_CHARACTERS else f"{cell[:SHOWN_CHARACTERS]}…"
    return short if short.isprintable() else repr(short)
