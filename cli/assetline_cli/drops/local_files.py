"""Find the files to upload below the paths given, with their keys."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assetline.ingest.system_files import is_system_file
from assetline_cli.errors import CommandFailed
from assetline_cli.terminal.formatting import count_of
from assetline_cli.terminal.output import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LONGEST_KEY = 1024  # S3, in bytes
EXTENSIONS_SHOWN = 5  # ours

# Ours: common companions of images. Anything else is uploaded, and rejected with a reason:
# an image of a kind that Vi does not accept must not be missing without a message.
_BESIDE_MEDIA = """
    txt md rst rtf csv tsv json jsonl ndjson geojson xml xsd yaml yml toml ini cfg conf properties log
    html htm css js mjs py ipynb pyc sh bat ps1 c h cpp java go rs r m sql
    pdf doc docx xls xlsx ppt pptx odt ods odp pages numbers key
    zip tar gz tgz bz2 xz zst 7z rar iso dmg
    mp3 wav flac m4a aac wma mid srt vtt
    db sqlite sqlite3 parquet feather npy npz pkl pickle h5 hdf5 mat pt pth onnx pb tflite safetensors tfrecord
    names labels cache lock lnk url tmp bak part crdownload exe dll so dylib bin msi apk
    md5 sha1 sha256 crc sig asc
"""
NOT_MEDIA = frozenset(_BESIDE_MEDIA.split())


@dataclass(frozen=True)
class LocalFile:
    """A file to drop; `size` is in bytes."""

    path: Path
    key: str
    size: int

    @property
    def shown(self) -> str:
        """The printable path."""
        return printable(str(self.path))


@dataclass(frozen=True)
class UndroppedFile:
    """A file that was not uploaded, and the reason."""

    path: Path
    reason: str
    message: str

    @property
    def shown(self) -> str:
        """The printable path."""
        return printable(str(self.path))


@dataclass
class FoundFiles:
    """The files below the paths given: those to upload, those without a valid key, and the numbers of skipped ones."""

    files: dict[str, LocalFile] = field(default_factory=dict)
    unfit: list[UndroppedFile] = field(default_factory=list)
    hidden: int = 0
    linked_folders: int = 0
    special: int = 0
    system: int = 0
    not_media: Counter[str] = field(default_factory=Counter)

    @property
    def bytes(self) -> int:
        """The size of all files to drop."""
        return sum(file.size for file in self.files.values())

    def skipped_lines(self) -> Iterator[str]:
        """Yield a message for each kind of skipped files."""
        if self.hidden:
            yield f"Skipped {self.hidden:,} hidden files or folders, whose names start with a dot."
        if self.system:
            yield f"Skipped {count_of(self.system, 'file')} of an operating system, such as Thumbs.db."
        if self.not_media:
            kinds = [f".{extension}" for extension, _ in self.not_media.most_common(EXTENSIONS_SHOWN)]
            kinds += ["…"] if len(self.not_media) > EXTENSIONS_SHOWN else []
            number = self.not_media.total()
            noun = "file that is not an image or video" if number == 1 else "files that are not images or videos"
            yield f"Skipped {number:,} {noun} ({', '.join(kinds)}). Name a file to upload it anyway."
        if self.linked_folders:
            yield (f"Skipped {count_of(self.linked_folders, 'linked folder')}. Name a folder to upload its files.")
        if self.special:
            yield f"Skipped {count_of(self.special, 'special file')}, such as pipes."


def is_skipped_in_folder(name: str) -> bool:
    """Return whether `find_files` skips a file below a folder by its name."""
    base = name.rpartition("/")[2]
    extension = base.rpartition(".")[2].lower() if "." in base else ""
    return base.startswith(".") or is_system_file(name) or extension in NOT_MEDIA


def find_files(paths: Iterable[Path], dataset_id: str) -> FoundFiles:
    """Return the files to drop into a dataset: those named, and those below the folders named.

    The key of a file is its path below the folder that was named, or its name, below the dataset's id.

    Raises:
        CommandFailed: two of them would have one key.
        CommandFailed: a folder cannot be read.
    """
    found = FoundFiles()
    for path in paths:
        if path.is_dir():
            for file in _walk(path, found):
                _add(found, file, f"{dataset_id}/{file.relative_to(path).as_posix()}")
        elif is_system_file(path.absolute().name):  # the stack ignores it, so its drop would never end
            found.system += 1
        else:
            _add(found, path, f"{dataset_id}/{path.absolute().name}")
    return found


def _walk(folder: Path, found: FoundFiles) -> Iterator[Path]:
    """Yield the files below *folder*, in order, and count those that are skipped."""
    for here, folders, files in folder.walk(on_error=_raise_unreadable):
        visible = sorted(name for name in folders if not name.startswith("."))
        found.hidden += len(folders) - len(visible)
        folders[:] = [name for name in visible if not is_system_file(f"{name}/x")]
        found.system += len(visible) - len(folders)
        for name in sorted(files):
            path = here / name
            if name.startswith("."):
                found.hidden += 1
            elif is_system_file(name):
                found.system += 1
            elif path.is_dir():  # a link may lead back to its own folder
                found.linked_folders += 1
            elif path.exists() and not path.is_file():  # such as a pipe: reading it may never end
                found.special += 1
            elif path.suffix[1:].lower() in NOT_MEDIA:
                found.not_media[path.suffix[1:].lower()] += 1
            else:
                yield path


def _raise_unreadable(error: OSError) -> None:
    raise CommandFailed(
        f"Cannot read folder {str(error.filename)!r} ({error.strerror}). Nothing was uploaded. Make "
        "it readable, or name other folders."
    ) from error


def _add(found: FoundFiles, path: Path, key: str) -> None:
    try:
        length = len(key.encode())
        size = path.stat().st_size
    except UnicodeEncodeError:
        found.unfit.append(UndroppedFile(path, "BadName", "The name is not UTF-8. Rename the file."))
        return
    except OSError as error:
        found.unfit.append(UndroppedFile(path, "Unreadable", f"{error.strerror}."))
        return
    if length > LONGEST_KEY:
        message = (
            f"The key would have {length:,} bytes, and the limit of S3 is {LONGEST_KEY:,}. Name a folder further down."
        )
        found.unfit.append(UndroppedFile(path, "NameTooLong", message))
        return
    earlier = found.files.get(key)
    if earlier and earlier.path.resolve() != path.resolve():
        raise CommandFailed(
            f"{earlier.shown!r} and {printable(str(path))!r} have the same key, {key!r}. Upload them "
            "one after the other, or name the folder above them."
        )
    found.files[key] = LocalFile(path, key, size)
