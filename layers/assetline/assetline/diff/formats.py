"""The formats of published files, and their lines."""

import gzip
import io
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, Literal, get_args

from assetline.diff.errors import FileMalformed, FormatUnknown

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

type Format = Literal["csv", "csv.gz", "jsonl", "jsonl.gz"]
FORMATS: tuple[Format, ...] = get_args(Format.__value__)

# ours: a row has a few kilobytes; a longer line is a file without line ends, or a quote that is never closed.
MAX_LINE_BYTES = 16 * 1024**2
READ_BYTES = 1024**2
UTF8_BOM = b"\xef\xbb\xbf"  # spreadsheets write it; it is not a part of the first column's name


def format_of(name: str) -> Format:
    """Return the format that the suffix of *name* implies; raises `FormatUnknown`."""
    for format_ in FORMATS:
        if name.lower().endswith(f".{format_}"):
            return format_
    raise FormatUnknown(
        f"The name {name!r} does not imply a format. Use a name that ends in "
        f"{', '.join(f'.{known}' for known in FORMATS)}."
    )


class Lines:
    """The decompressed lines of a published file, with their line ends; `number` is that of the last line yielded."""

    def __init__(self, stream: BinaryIO, format_: Format, side: str) -> None:
        self.number = 0
        self._side = side
        unpacked = gzip.GzipFile(fileobj=stream) if format_.endswith(".gz") else stream
        self._buffered = io.BufferedReader(_Raw(unpacked), READ_BYTES)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the lines, each at most `MAX_LINE_BYTES` long; raises `FileMalformed`."""
        line = self._next().removeprefix(UTF8_BOM)
        while line:
            self.number += 1
            if len(line) >= MAX_LINE_BYTES and not line.endswith(b"\n"):
                raise self.malformed(f"a line is longer than {MAX_LINE_BYTES // 1024**2} MiB")
            yield line
            line = self._next()

    def malformed(self, why: str, line: int | None = None) -> FileMalformed:
        """Return the error that the file cannot be read, with the reason *why*, at *line* or the current line."""
        return FileMalformed(f"The {self._side} file cannot be read at line {line or self.number or 1}: {why}.")

    def _next(self) -> bytes:
        try:
            return self._buffered.readline(MAX_LINE_BYTES)
        except EOFError:
            raise self.malformed("the gzip stream ends early; the file was cut short") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise self.malformed(f"it is not gzip ({error})") from error


class _Raw(io.RawIOBase):
    """A raw stream over any readable object, for `io.BufferedReader`; closing it leaves the object open."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        room = memoryview(buffer)
        piece = self._stream.read(len(room))
        room[: len(piece)] = piece
        return len(piece)
