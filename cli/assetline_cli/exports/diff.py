"""Compare two exports of a feed by key."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import typer

from assetline.diff.diff_files import write_changes
from assetline.diff.errors import KeyColumnMissing
from assetline.diff.renames import renamed_columns
from assetline.safetyculture.catalogue import feed_named
from assetline.table.columns import FIELDS
from assetline_cli.error_reporting import errors_reported, report_of
from assetline_cli.errors import CommandFailed, ComparisonFailed
from assetline_cli.exit_codes import DIFFERENT, SAME
from assetline_cli.exports.diff_inputs import ExportFile, FileFinder
from assetline_cli.exports.download import LARGE_BYTES
from assetline_cli.terminal.formatting import count
from assetline_cli.terminal.output import print_line
from assetline_cli.terminal.progress_bar import byte_progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from assetline.diff.summary import Change, Kind, Summary
    from assetline_cli.context import CliContext

DEFAULT_KEY = ("id",)
SHOWN_CHARACTERS = 60  # of a cell in the preview
STYLES = {"added": "green", "changed": "yellow", "removed": "red"}


@contextmanager
def _trouble_reported(context: CliContext) -> Iterator[None]:
    """End the command with one message and the exit status for trouble; raises `typer.Exit`."""
    with errors_reported(context):
        try:
            yield
        except typer.Exit:
            raise
        except KeyColumnMissing as error:
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
def _output_file(output: Path | None, inputs: Sequence[str]) -> Iterator[BinaryIO]:
    """Open a temporary file, which replaces *output* after the comparison succeeds."""
    if output is None:
        with Path(os.devnull).open("wb") as nowhere:
            yield nowhere
        return
    if output.is_dir() or any(output.resolve() == Path(name).resolve() for name in inputs):
        raise CommandFailed(f"Cannot write the changes to {str(output)!r}. Name another file with --output.")
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
            yield f"{file.name} is not complete: its missing rows show as {kind}."
        elif file.manifest.modified_after is not None:
            yield (f"{file.name} has only changed rows: its missing rows show as {kind}.")
    if old.manifest.formulas_neutralised != new.manifest.formulas_neutralised:
        yield "only one of the files has neutralised formulas: their cells show as changed."
    feeds = {file.manifest.feed for file in (old, new)} - {None}
    if len(feeds) > 1:
        yield f"the files are exports of two feeds, {old.manifest.feed} and {new.manifest.feed}."
    elif old.manifest.input != new.manifest.input:
        yield "the exports have different parameters, so they may have different rows."


def _refuse_fields_apart(old: ExportFile, new: ExportFile, summary: Summary) -> None:
    """Refuse a comparison in which each row has changed because custom fields are columns in one of the files only."""
    kinds = {file.format.removesuffix(".gz") for file in (old, new)}
    if len(kinds) > 1 and FIELDS in summary.columns_added + summary.columns_removed:
        raise CommandFailed(
            f"Cannot compare {old.name} and {new.name}: CSV has a column for each custom field, JSON "
            "lines have one text for all. Export both in the same format, compressed or not."
        )


def _compare(  # noqa: PLR0913, PLR0917
    old: ExportFile, new: ExportFile, keys: Sequence[str], scratch: Path, out: BinaryIO, console: Console
) -> Summary:
    size = old.path.stat().st_size + new.path.stat().st_size
    with (
        byte_progress(console, "Comparing", enabled=size >= LARGE_BYTES) as bar,
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
    print_line(console, f"Old: {old.name}, {count(summary.rows_old)} rows")
    print_line(console, f"New: {new.name}, {count(summary.rows_new)} rows")
    print_line(console, f"Key: {_listed(summary.keys)}")
    figures = f"Added: {count(summary.added)} | Changed: {count(summary.changed)} | Removed: {count(summary.removed)}"
    print_line(console, f"{figures} | Unchanged: {count(summary.unchanged)}")
    if summary.columns_added:
        print_line(console, f"Columns added: {_listed(summary.columns_added)}")
    if summary.columns_removed:
        print_line(console, f"Columns removed: {_listed(summary.columns_removed)}")
    for was, is_now in summary.columns_renamed:
        print_line(console, f"Column renamed: {_shown(was)} is now {_shown(is_now)}")
    _print_duplicates(console, summary)
    _print_preview(console, summary)
    if output is not None:
        print_line(console, f"Changes saved to: {output}")
    if not summary.differs:
        print_line(console, "No differences.", "green")


def _print_duplicates(console: Console, summary: Summary) -> None:
    if not summary.duplicates_old and not summary.duplicates_new:
        return
    print_line(console, f"Duplicates: {count(summary.duplicates_old)} in old, {count(summary.duplicates_new)} in new")
    for duplicate in summary.first_duplicates:
        rows = f"rows {count(duplicate.first_row)} and {count(duplicate.row)}"
        print_line(console, f"  {duplicate.file} {rows}: {_key_shown(summary.keys, duplicate.key)}", "yellow")


def _print_preview(console: Console, summary: Summary) -> None:
    for change in summary.first_changes:
        print_line(console, _change_shown(summary.keys, change), STYLES[change.change])
    shown = Counter(change.change for change in summary.first_changes)
    found: dict[Kind, int] = {"added": summary.added, "changed": summary.changed, "removed": summary.removed}
    more = [f"{count(found[kind] - shown[kind])} {kind}" for kind in found if found[kind] > shown[kind]]
    if more:
        print_line(console, f"… and more: {', '.join(more)}")


def _change_shown(keys: Sequence[str], change: Change) -> str:
    line = f"  {change.change:<8}{_key_shown(keys, change.key)}"
    return f"{line}: {_listed(change.changed_columns)}" if change.changed_columns else line


def _key_shown(keys: Sequence[str], key: Sequence[str]) -> str:
    return " ".join(f"{_shown(name)}={_shown(cell)}" for name, cell in zip(keys, key, strict=True))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(_shown(name) for name in names)


def _shown(cell: str) -> str:
    """Return *cell* shortened, with control characters escaped."""
    short = cell if len(cell) <= SHOWN_CHARACTERS else f"{cell[:SHOWN_CHARACTERS]}…"
    return short if short.isprintable() else repr(short)


def compare_exports(  # noqa: PLR0913 - each is an option of the command
    context: CliContext,
    stack: str,
    names: tuple[str, str],
    *,
    keys: Sequence[str] | None,
    feed: str | None,
    output: Path | None,
) -> int:
    """Compare the older and the newer file of *names*, and return the exit status of diff."""
    with _trouble_reported(context), tempfile.TemporaryDirectory(prefix="assetline-diff-") as scratch:
        finder = FileFinder(context, stack, Path(scratch))
        feed_key = feed_named(feed).key if feed else ()
        with _output_file(output, names) as out:
            files = finder.find(names[0]), finder.find(names[1])
            for warning in _warnings(*files):
                context.print_message(f"Warning: {warning}")
            summary = _compare(*files, keys or feed_key or _key_of(*files), Path(scratch), out, context.out)
            _refuse_fields_apart(*files, summary)
        _print(context.out, *files, summary, output)
    return DIFFERENT if summary.differs else SAME
