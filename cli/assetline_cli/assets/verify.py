"""Compare the assets of a dataset with a folder or an S3 prefix."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal
from unicodedata import normalize

from assetline.assets.asset_file import AssetFile, id_of, named, names_with_id
from assetline.assets.file_names import Names
from assetline.assets.listing import Listing
from assetline.ingest.asset_names import asset_filename
from assetline_cli.assets.verify_targets import VerifyTarget, verify_target_at
from assetline_cli.context import CliContext
from assetline_cli.exit_codes import COMPLETE, FAILED
from assetline_cli.terminal.formatting import count, count_of
from assetline_cli.terminal.output import printable
from assetline_cli.terminal.tables import ListLayout, print_list
from assetline_cli.vi_client import open_vi_client

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from assetline.assets.selection import Selection


AT_ONCE = 32  # ours
SHOWN = 1000  # ours: differences that a terminal shows

type Kind = Literal["missing there", "missing in Vi", "size differs", "checksum differs", "no such asset"]

IN_WORDS: dict[Kind, str] = {
    "missing there": "missing there",
    "missing in Vi": "missing in Vi",
    "size differs": "of another size",
    "checksum differs": "with another checksum",
    "no such asset": "with an ID that no asset has",
}


@dataclass(frozen=True)
class Difference:
    """A file that differs or is not in both; *in_vi* and *there* are sizes or checksums in hexadecimal."""

    name: str
    kind: Kind
    asset_id: str = ""
    in_vi: str = ""
    there: str = ""


@dataclass
class Verification:
    """The result of a comparison; `unverified` are files of equal size without a checksum in Vi.

    `nameless` are records without an ID. `skipped` are files without an asset that `drops upload` skips.
    """

    equal: int = 0
    unverified: int = 0
    nameless: int = 0
    skipped: int = 0
    differences: list[Difference] = field(default_factory=list)


def _held(listing: Listing, verified: Verification, *, by_date: bool) -> Iterator[AssetFile]:
    names = Names()
    for page in listing.pages():
        verified.differences += [Difference("", "no such asset", asset_id) for asset_id in page.unknown]
        for record in page.records:
            verified.nameless += not id_of(record)
            file = named(record, names, by_date=by_date)
            if file is not None:
                yield file


def compare(held: Iterable[AssetFile], place: VerifyTarget, verified: Verification) -> None:
    """Add the differences between the files *held* by Vi and those in *place* to *verified*."""
    target = TargetFiles(place)
    files = list(held)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="verify") as threads:
        seen = list(zip(files, threads.map(target.beside, files), strict=True))
    # Equal files first: one of them may have the name of an asset that differs.
    for file, (name, difference) in sorted(seen, key=lambda pair: pair[1][1] is not None):
        if not target.take(name):
            verified.differences.append(_missing(file))
        elif difference is not None:
            verified.differences.append(difference)
        elif file.crc32c:
            verified.equal += 1
        else:
            verified.unverified += 1
    verified.differences += [Difference(name, "missing in Vi", there=str(size)) for name, size in target.left()]
    verified.skipped += target.skipped()
    verified.differences.sort(key=lambda difference: difference.name)


class TargetFiles:
    """The files of a place, found by the names that an asset may have."""

    def __init__(self, place: VerifyTarget) -> None:
        self._place = place
        self._sizes = place.sizes()
        self._spelled = {normalize("NFC", name): name for name in self._sizes}  # disks of macOS decompose accents
        self._dropped = {asset_filename(name): name for name in self._sizes if _is_utf8(name)}
        self._taken: set[str] = set()

    def take(self, name: str) -> bool:
        """Take a file for an asset, and return whether it was free: a file belongs to one asset."""
        free = name in self._sizes and name not in self._taken
        self._taken.add(name)
        return free

    def left(self) -> Iterator[tuple[str, int]]:
        """Yield the files that no asset took and that need an asset, with their sizes."""
        for name, size in self._sizes.items():
            if name not in self._taken and not self._place.may_lack_asset(name):
                yield name, size

    def skipped(self) -> int:
        """Return the number of files, hidden ones left out, that no asset took and that need none."""
        shown = (name for name in self._sizes if not name.rpartition("/")[2].startswith("."))
        return sum(name not in self._taken and self._place.may_lack_asset(name) for name in shown)

    def beside(self, file: AssetFile) -> tuple[str, Difference | None]:
        """Return the name of an asset's file, empty if it is missing, and their difference."""
        differing = []
        for name in dict.fromkeys(self._names(file)):
            difference = self._difference(file, name)
            if difference is None:
                return name, None
            differing.append((name, difference))
        return differing[0] if differing else ("", None)

    def _names(self, file: AssetFile) -> Iterator[str]:
        """Yield the names that a download may have given the asset, and the name of its drop."""
        if (name := self._spelled_there(file.name)) is not None:
            yield name
        for with_id in names_with_id(file):
            if (name := self._spelled_there(with_id)) is None:
                break
            yield name
        if file.filename in self._dropped:
            yield self._dropped[file.filename]

    def _spelled_there(self, name: str) -> str | None:
        """Return the name of a file in the spelling of the place."""
        return name if name in self._sizes else self._spelled.get(normalize("NFC", name))

    def _difference(self, file: AssetFile, name: str) -> Difference | None:
        size = self._sizes[name]
        if file.size is not None and file.size != size:
            return Difference(name, "size differs", file.asset_id, str(file.size), str(size))
        checksum = self._place.crc32c(name) if file.crc32c else None
        if checksum is None or checksum in file.crc32c:
            return None
        return Difference(name, "checksum differs", file.asset_id, _hex(file.crc32c[0]), _hex(checksum))


def _is_utf8(name: str) -> bool:
    """Return whether a file of this name can be uploaded."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _missing(file: AssetFile) -> Difference:
    return Difference(file.name, "missing there", file.asset_id, _bytes(file.size))


def _bytes(size: int | None) -> str:
    return "" if size is None else str(size)


def _hex(checksum: int) -> str:
    return f"{checksum & 0xFFFFFFFF:08x}"


def _cells(difference: Difference) -> tuple[str, ...]:
    return difference.kind, difference.name, difference.asset_id, difference.in_vi, difference.there


def _line(difference: Difference) -> str:
    return f"{difference.kind:<16}  {printable(difference.name or difference.asset_id)}{_compared(difference)}"


LAYOUT = ListLayout[Difference](
    cells=_cells,
    plain_cells=_cells,
    as_json=asdict,
    line=_line,
)


def _print_verification(context: CliContext, verified: Verification, dataset: str, where: str, *, json: bool) -> None:
    short = context.out.is_terminal and not json
    print_list(context.out, verified.differences[: SHOWN if short else None], LAYOUT, json=json)
    print_line = context.print_line if short else context.print_message
    if len(verified.differences) > SHOWN and short:
        print_line(f"… and {count(len(verified.differences) - SHOWN)} more.")
    print_line(_summary(verified, dataset, where))


def _compared(difference: Difference) -> str:
    if difference.kind == "checksum differs":
        return f"  (CRC32C {difference.in_vi} in Vi, {difference.there} there)"
    return f"  ({difference.in_vi} bytes in Vi, {difference.there} there)" if difference.kind == "size differs" else ""


def _summary(verified: Verification, dataset: str, where: str) -> str:
    kinds = Counter(difference.kind for difference in verified.differences)
    are = "is" if verified.equal == 1 else "are"
    parts = [f"{count_of(verified.equal, 'file')} of {dataset} {are} equal in {printable(where)}"]
    if verified.unverified:
        parts.append(f"{count(verified.unverified)} are equal in size, and have no checksum in Vi")
    parts += [f"{count(number)} {IN_WORDS[kind]}" for kind, number in kinds.items()]
    if verified.skipped:
        parts.append(f"{count_of(verified.skipped, 'file')} that `assetline drops upload` skips")
    if verified.nameless:
        parts.append(f"{count(verified.nameless)} without an ID, which cannot be compared")
    return f"{'; '.join(parts)}."


def verify_assets(  # noqa: PLR0913 - each is an option of the command
    context: CliContext, stack: str, selected: Selection, where: str, *, by_date: bool, json: bool
) -> int:
    """Print the differences between the selected assets and the files at *where*; return the exit status."""
    with open_vi_client(context, stack) as client:
        target = verify_target_at(where, context.aws.s3_of_many)
        listing = Listing(client, selected, contents=False)
        listing.admit()
        verified = Verification()
        compare(_held(listing, verified, by_date=by_date), target, verified)
    _print_verification(context, verified, selected.dataset_id, where, json=json)
    return FAILED if verified.differences or verified.nameless else COMPLETE
