import csv
import gzip
import io
import json
import tracemalloc
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assetline.diff import formats, records
from assetline.diff.diff_files import write_changes
from assetline.diff.errors import FileMalformed, FormatUnknown, KeyColumnMissing
from assetline.diff.formats import FORMATS, Format, format_of
from assetline.diff.parts import LIMITS, DiffLimits
from assetline.diff.summary import EXAMPLES, Change, Duplicate, Summary

type Rows = list[dict[str, str]]

# Two parts of one row each, dealt again and again; every entry goes to disk.
TINY = DiffLimits(budget_bytes=1, parts=2, block_bytes=1)


def written(rows: Rows, columns: Sequence[str], format_: Format) -> bytes:
    """Return *rows* as a file of *format_*; a JSON object leaves out what is empty, as a feed may."""
    if format_.startswith("csv"):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerows([columns, *([row.get(name, "") for name in columns] for row in rows)])
        body = text.getvalue().encode()
    else:
        required = ({name: row.get(name, "") for name in columns} for row in rows)
        body = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in required)
    return gzip.compress(body) if format_.endswith(".gz") else body


def changes_of(
    old: bytes,
    new: bytes,
    scratch: Path,
    *,
    keys: Sequence[str] = ("id",),
    formats: tuple[Format, Format] = ("csv", "csv"),
    limits: DiffLimits = LIMITS,
) -> tuple[Summary, list[list[str]]]:
    """Return the summary and the lines of the changes, the header first."""
    out = io.BytesIO()
    summary = write_changes(
        io.BytesIO(old),
        io.BytesIO(new),
        out,
        keys=keys,
        format_old=formats[0],
        format_new=formats[1],
        scratch=scratch,
        limits=limits,
    )
    return summary, list(csv.reader(io.StringIO(out.getvalue().decode(), newline="")))


def expected(old: Rows, new: Rows, keys: Sequence[str], values: Sequence[str]) -> list[list[str]]:
    """Return the changes the plain way: everything in memory, a list of rows for each key."""
    waiting: dict[tuple[str, ...], list[tuple[int, dict[str, str]]]] = defaultdict(list)
    for number, row in enumerate(old):
        waiting[tuple(row[key] for key in keys)].append((number, row))
    lines = []
    for row in new:
        key = [row[name] for name in keys]
        cells = [row.get(name, "") for name in values]
        if not waiting[tuple(key)]:
            lines.append(["added", *key, "", *cells])
            continue
        _, earlier = waiting[tuple(key)].pop(0)
        changed = [name for name in values if row.get(name, "") != earlier.get(name, "")]
        if changed:
            lines.append(["changed", *key, json.dumps(changed), *cells])
    for _, row in sorted((rest for same in waiting.values() for rest in same), key=lambda pair: pair[0]):
        lines.append(["removed", *(row[name] for name in keys), "", *(row.get(name, "") for name in values)])
    return lines


CELLS = st.sampled_from(
    ["", "a", "b", 'say "hi"', "x,y", "two\r\nlines", "two\nlines", "ポンプ", " ", "\ufeff", "null"]
)
OTHERS = ("name", "site", "extra")


@st.composite
def files(draw: st.DrawFn) -> tuple[Rows, list[str]]:
    columns = ["id", "user", *draw(st.lists(st.sampled_from(OTHERS), unique=True))]
    row = st.fixed_dictionaries(
        {"id": st.sampled_from("123"), "user": st.sampled_from(["", "u", "2"])} | dict.fromkeys(columns[2:], CELLS)
    )
    return draw(st.lists(row, max_size=12)), draw(st.permutations(columns))


@pytest.mark.parametrize("limits", [LIMITS, TINY, DiffLimits(budget_bytes=1500, parts=3, block_bytes=100)])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(old=files(), new=files(), both=st.tuples(st.sampled_from(FORMATS), st.sampled_from(FORMATS)))
def test_the_changes_are_those_found_the_plain_way(
    tmp_path: Path,
    limits: DiffLimits,
    old: tuple[Rows, list[str]],
    new: tuple[Rows, list[str]],
    both: tuple[Format, Format],
) -> None:
    bodies = written(*old, both[0]), written(*new, both[1])
    keys = ("id", "user")
    found, known = (
        [] if format_.startswith("jsonl") and not rows else columns
        for (rows, columns), format_ in zip((old, new), both, strict=True)
    )
    values = [name for name in dict.fromkeys((*known, *found)) if name not in keys]
    summary, lines = changes_of(*bodies, tmp_path, keys=keys, formats=both, limits=limits)
    assert lines == [["change", *keys, "changed_columns", *values], *expected(old[0], new[0], keys, values)]
    kinds = [line[0] for line in lines[1:]]
    assert (summary.added, summary.changed, summary.removed) == tuple(map(kinds.count, ("added", "changed", "removed")))
    assert (summary.rows_old, summary.rows_new) == (len(old[0]), len(new[0]))
    assert summary.unchanged == len(new[0]) - summary.added - summary.changed
    for rows, count in ((old[0], summary.duplicates_old), (new[0], summary.duplicates_new)):
        assert count == len(rows) - len({(row["id"], row["user"]) for row in rows})
    assert list(summary.columns_added) == [name for name in known if name not in found]
    assert list(summary.columns_removed) == [name for name in found if name not in known]
    assert list(tmp_path.iterdir()) == []


class TestSummary:
    def test_a_row_that_moved_is_no_change(self, tmp_path: Path) -> None:
        summary, lines = changes_of(b"id,name\r\n1,a\r\n2,b\r\n", b"id,name\r\n2,b\r\n1,a\r\n", tmp_path)
        assert (len(lines), summary.unchanged, summary.differs) == (1, 2, False)

    def test_another_way_to_quote_is_no_change(self, tmp_path: Path) -> None:
        summary, _ = changes_of(b'id,name\r\n1,"a"', b"\xef\xbb\xbfid,name\n\n1,a\n\n", tmp_path)
        assert summary.unchanged == 1
        assert not summary.differs

    def test_a_new_column_is_reported_and_changes_only_rows_that_use_it(self, tmp_path: Path) -> None:
        summary, lines = changes_of(b"id,name\r\n1,a\r\n2,b\r\n", b"site,name,id\r\n,a,1\r\nX,b,2\r\n", tmp_path)
        assert lines == [["change", "id", "changed_columns", "site", "name"], ["changed", "2", '["site"]', "X", "b"]]
        assert summary.columns_added == ("site",)
        assert summary.differs

    def test_a_column_alone_is_a_difference(self, tmp_path: Path) -> None:
        summary, lines = changes_of(b"id,name\r\n1,\r\n", b"id\r\n1\r\n", tmp_path)
        assert (summary.columns_removed, summary.differs, len(lines)) == (("name",), True, 1)

    def test_a_removed_row_is_shown_completely(self, tmp_path: Path) -> None:
        _, lines = changes_of(b"id,gone,name\r\n1,x,a\r\n", b"id,name\r\n", tmp_path)
        assert lines == [["change", "id", "changed_columns", "name", "gone"], ["removed", "1", "", "a", "x"]]

    def test_columns_with_reserved_names_are_distinguished(self, tmp_path: Path) -> None:
        _, lines = changes_of(b"id,change,change_\r\n", b"id,changed_columns\r\n", tmp_path)
        assert lines == [["change__", "id", "changed_columns_", "changed_columns", "change", "change_"]]

    def test_duplicates_are_named_wherever_they_are(self, tmp_path: Path) -> None:
        middle = "".join(f"{n},x\r\n" for n in range(100, 3000))
        summary, lines = changes_of(
            b"id,name\r\n7,a\r\n", f"id,name\r\n7,a\r\n{middle}7,a\r\n8,\r\n7,b\r\n".encode(), tmp_path, limits=TINY
        )
        assert summary.duplicates_new == 2
        assert summary.first_duplicates == (
            Duplicate(file="new", key=("7",), row=2902, first_row=1),
            Duplicate(file="new", key=("7",), row=2904, first_row=1),
        )
        assert [line[:2] for line in lines[-3:]] == [["added", "7"], ["added", "8"], ["added", "7"]]

    @pytest.mark.parametrize("limits", [LIMITS, TINY])
    def test_a_duplicate_is_reported_with_the_first_row_of_its_key(self, tmp_path: Path, limits: DiffLimits) -> None:
        body = b"id\r\n8\r\n7\r\n7\r\n7\r\n"
        summary, _ = changes_of(body, body, tmp_path, limits=limits)
        places = [(found.file, found.first_row, found.row) for found in summary.first_duplicates]
        assert places == [("old", 2, 3), ("old", 2, 4), ("new", 2, 3), ("new", 2, 4)]

    @pytest.mark.parametrize("limits", [LIMITS, TINY])
    def test_the_first_few_of_each_kind_are_kept(self, tmp_path: Path, limits: DiffLimits) -> None:
        old = "id,name\r\n" + "".join(f"{n},a\r\n{n},a\r\n" for n in range(20))
        new = "id,name\r\n" + "".join(f"{n},b\r\n" for n in range(10, 30))
        summary, _ = changes_of(old.encode(), new.encode(), tmp_path, limits=limits)
        assert summary.first_changes == (
            *(Change(change="added", key=(f"{n}",)) for n in range(20, 25)),
            *(Change(change="changed", key=(f"{n}",), changed_columns=("name",)) for n in range(10, 15)),
            *(Change(change="removed", key=(f"{n}",)) for n in (0, 0, 1, 1, 2)),
        )
        assert [found.row for found in summary.first_duplicates] == [2, 4, 6, 8, 10]
        assert len(summary.first_duplicates) == EXAMPLES

    def test_keys_of_several_columns_do_not_run_together(self, tmp_path: Path) -> None:
        summary, _ = changes_of(b"a,b\r\nx1,y\r\n", b"a,b\r\nx,1y\r\n", tmp_path, keys=("a", "b"))
        assert (summary.added, summary.removed) == (1, 1)

    def test_json_is_compared_as_a_csv_would_hold_it(self, tmp_path: Path) -> None:
        csv_ = b'id,on,tags,none\r\n1,true,"[1,{""a"":""\xc3\xa9""}]",\r\n'
        jsonl = b'{"id": 1, "on": true, "tags": [1, {"a": "\xc3\xa9"}], "none": null}'
        summary, _ = changes_of(csv_, jsonl, tmp_path, formats=("csv", "jsonl"))
        assert (summary.unchanged, summary.differs) == (1, False)

    def test_half_a_surrogate_pair_is_written_as_json_names_it(self, tmp_path: Path) -> None:
        _, lines = changes_of(b"", b'{"id": "\\ud800"}', tmp_path, formats=("jsonl", "jsonl"))
        assert lines[1] == ["added", "\\ud800", ""]


class TestWhatCannotBeCompared:
    @pytest.mark.parametrize(
        ("body", "format_", "words"),
        [
            (b"", "csv", "line 1: there is no header"),
            (b"id,a,a\r\n", "csv", "line 1: two columns are called 'a'"),
            (b"id,name\r\n1,a\r\n2\r\n", "csv", "line 3: it has 1 cells, the header 2"),
            (b'id,name\r\n"1\r\n",a\r\n"\r\n",b,c\r\n', "csv", "line 4: it has 3 cells, the header 2"),
            (b'id,name\r\n1,a\r\n2,"b\r\n3,c\r\n', "csv", "line 3: the row is not CSV"),
            (b'id,name\r\n1,"a"b\r\n', "csv", "line 2: the row is not CSV"),
            (b"id,name\r\n1,\xff\r\n", "csv", "line 2: it is not UTF-8"),
            (b'{"id": 1}\n{"id": 2', "jsonl", "line 2: it is not JSON"),
            (b'{"id": NaN}\n', "jsonl", "line 1: it is not JSON"),
            (b'{"id": "\xff"}\n', "jsonl", "line 1: it is not UTF-8"),
            (b'{"id": 1}\n\n[1]\n', "jsonl", "line 3: it is not a JSON object"),
            (b'{"id": ' + b"[" * 100_000, "jsonl", "line 1: it is not JSON"),
            (b"id\r\n1\r\n", "csv.gz", "line 1: it is not gzip"),
            (gzip.compress(b"id\r\n1\r\n", mtime=0)[:-4], "csv.gz", "line 1: the gzip stream ends early"),
        ],
    )
    @pytest.mark.parametrize("side", ["old", "new"])
    def test_an_error_names_file_and_line_and_nothing_is_written(
        self, tmp_path: Path, body: bytes, format_: Format, words: str, side: str
    ) -> None:
        fine = b"id,name\r\n1,a\r\n"
        both: tuple[Format, Format] = (format_, "csv") if side == "old" else ("csv", format_)
        bodies = (body, fine) if side == "old" else (fine, body)
        out = io.BytesIO()
        with pytest.raises(FileMalformed, match=f"^The {side} file cannot be read at {words}"):
            write_changes(
                io.BytesIO(bodies[0]),
                io.BytesIO(bodies[1]),
                out,
                keys=["id"],
                format_old=both[0],
                format_new=both[1],
                scratch=tmp_path,
            )
        assert out.getvalue() == b""
        assert list(tmp_path.iterdir()) == []

    def test_a_line_without_end_is_not_read_into_memory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(formats, "MAX_LINE_BYTES", 1024**2)
        with pytest.raises(FileMalformed, match="line 1: a line is longer than 1 MiB"):
            changes_of(b"x" * 1024**2 * 3, b"", tmp_path)

    def test_a_quote_without_end_is_not_read_into_memory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(records, "MAX_LINE_BYTES", 10_000)
        with pytest.raises(FileMalformed, match=r"line 2: the row is not CSV \(field larger than field limit"):
            changes_of(b'id\r\n"' + b"x\r\n" * 100_000, b"", tmp_path)

    def test_a_cell_may_be_larger_than_python_takes_by_itself(self, tmp_path: Path) -> None:
        summary, _ = changes_of(b"id\r\n" + b"x" * 200_000, b"id\r\n", tmp_path)
        assert summary.removed == 1

    def test_names_of_columns_without_end_are_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(records, "MAX_COLUMNS", 3)
        lines = b"".join(b'{"id": 1, "n%d": 1}\n' % n for n in range(9))
        with pytest.raises(FileMalformed, match="line 3: there are more than 3 column names"):
            changes_of(lines, b"", tmp_path, formats=("jsonl", "jsonl"))

    def test_a_missing_key_is_reported_with_the_existing_columns(self, tmp_path: Path) -> None:
        with pytest.raises(KeyColumnMissing, match=r"The new file has no column 'id' .* it has: code, name"):
            changes_of(b"id\r\n", b"code,name\r\n", tmp_path)
        with pytest.raises(KeyColumnMissing, match=r"The old file, line 2, has no 'id' .* it has: code"):
            changes_of(b'{"id": 1}\n{"code": 1}\n', b"", tmp_path, formats=("jsonl", "jsonl"))
        with pytest.raises(KeyColumnMissing, match="at least one column"):
            changes_of(b"id\r\n", b"id\r\n", tmp_path, keys=())

    def test_a_name_without_a_format_is_refused(self) -> None:
        assert [format_of(f"a.partial.{known}") for known in FORMATS] == list(FORMATS)
        with pytest.raises(FormatUnknown, match=r"'a.xlsx' does not imply a format. .* \.csv, \.csv\.gz, \.jsonl"):
            format_of("a.xlsx")


class Endless(io.RawIOBase):
    """A CSV of *rows* rows that is made as it is read; every *every*th row has another name."""

    def __init__(self, rows: int, every: int, id_of: Any) -> None:
        self._lines = self._made(rows, every, id_of)

    def _made(self, rows: int, every: int, id_of: Any) -> Iterator[bytes]:
        yield b"id,name,text\r\n"
        for n in range(rows):
            yield b"%d,%s,%s\r\n" % (id_of(n), b"other" if n % every == 0 else b"same", b"t" * 200)

    def read(self, size: int = -1) -> bytes:
        pieces, length = [], 0
        while length < size - 300 and (line := next(self._lines, b"")):
            pieces.append(line)
            length += len(line)
        return b"".join(pieces)


def peak_of(rows: int, scratch: Path, id_of: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return the most memory a comparison of twice *rows* rows, half of them changed, takes."""
    monkeypatch.setattr(formats, "READ_BYTES", 5_000)
    with (scratch / "out").open("wb") as out:
        tracemalloc.start()
        write_changes(
            cast(BinaryIO, Endless(rows, 1, id_of)),
            cast(BinaryIO, Endless(rows, 2, id_of)),
            out,
            keys=["id"],
            format_old="csv",
            format_new="csv",
            scratch=scratch,
            limits=DiffLimits(budget_bytes=100_000, parts=4, block_bytes=4_000),
        )
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak


@pytest.mark.parametrize("id_of", [int, lambda _: 7], ids=["a key a row", "one key for all"])
def test_memory_does_not_grow_with_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, id_of: Any) -> None:
    few, many = (peak_of(rows, tmp_path, id_of, monkeypatch) for rows in (2_000, 10_000))
    assert many < few * 1.25
    assert many < 600_000
