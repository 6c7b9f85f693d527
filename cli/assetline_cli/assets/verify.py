"""The command `assets verify`: what Vi holds and what is in a folder or in S3, compared both ways."""

from __future__ import annotations

import json as to_json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assetline.dataset.files import AssetFile, named
from assetline.dataset.listing import Listing
from assetline.dataset.names import Names
from assetline_cli.assets.options import ByDate, Dataset
from assetline_cli.assets.places import Place, place_at
from assetline_cli.assets.selecting import ASKED, NAMED, WHERE, Meant, selecting
from assetline_cli.desk import COMPLETE, FAILED, Desk
from assetline_cli.figures import count, count_of
from assetline_cli.one_message import one_message
from assetline_cli.options import AsJson, StackName
from assetline_cli.screen import pass_on, printable
from assetline_cli.stack import DEFAULT_STACK
from assetline_cli.vi import vi_of

if TYPE_CHECKING:
    from collections.abc import Iterator


AT_ONCE = 32  # ours
SHOWN = 1000  # ours: a terminal is no file

type Kind = Literal["missing there", "missing in Vi", "size differs", "checksum differs"]

IN_WORDS: dict[Kind, str] = {
    "missing there": "missing there",
    "missing in Vi": "missing in Vi",
    "size differs": "of another size",
    "checksum differs": "with another checksum",
}

Where = Annotated[
    str,
    typer.Argument(
        metavar="DIR|S3_PREFIX", help="A folder, or s3://BUCKET/PREFIX, as it was downloaded to.", show_default=False
    ),
]


@dataclass(frozen=True)
class Difference:
    """A file that is not in both, or not the same; *in_vi* and *there* are sizes or checksums in hexadecimal."""

    name: str
    kind: Kind
    asset_id: str = ""
    in_vi: str = ""
    there: str = ""


@dataclass
class Verified:
    """What came of comparing; `unproven` are files of equal size of which Vi says no checksum."""

    equal: int = 0
    unproven: int = 0
    differences: list[Difference] = field(default_factory=list)


@selecting(**ASKED, **NAMED, **WHERE)
def verify(  # noqa: PLR0913 - typer: one argument an option
    ctx: typer.Context,
    *,
    dataset: Dataset,
    where: Where,
    meant: Meant,
    by_date: ByDate = False,
    json: AsJson = False,
    stack: StackName = DEFAULT_STACK,
) -> None:
    """Compare what a Vi dataset holds with a folder or a prefix in S3: names, sizes and checksums.

    Both ways: what is missing there, and what is there and not in Vi. Names are
    those that a download gives; what was downloaded with --by-date is compared
    with --by-date. Hidden files in a folder do not count. Each difference is a
    line; in a pipe its columns are set apart by tabs: what, name, asset id, in
    Vi, there. Exit status: 0 no difference, 1 any, or it could not be compared.

    [bold]Examples[/bold]

      [cyan]assetline assets verify ds1 photos[/cyan]
      [cyan]assetline assets verify ds1 s3://BUCKET/downloads/ds1/[/cyan]
      [cyan]assetline assets verify ds1 photos --mime 'image/*' --json[/cyan]
    """
    desk: Desk = ctx.obj
    with one_message(desk), vi_of(desk, stack) as client:
        place = place_at(where, desk.aws.s3_of_many)
        listing = Listing(client, meant.of(dataset), contents=False)
        listing.admit()
        verified = compare(_held(listing, by_date=by_date), place)
        _tell(desk, verified, dataset, where, json=json)
        raise typer.Exit(FAILED if verified.differences else COMPLETE)


def _held(listing: Listing, *, by_date: bool) -> Iterator[AssetFile]:
    names = Names()
    for page in listing.pages():
        found = (named(record, names, by_date=by_date) for record in page.records)
        yield from (file for file in found if file is not None)


def compare(held: Iterator[AssetFile], place: Place) -> Verified:
    """Return how what Vi *held* and what is in *place* differ, by name."""
    sizes, verified = place.sizes(), Verified()
    alike: list[AssetFile] = []
    for file in held:
        there = sizes.pop(file.name, None)
        if there is None:
            verified.differences.append(Difference(file.name, "missing there", file.asset_id, _bytes(file.size)))
        elif file.size is not None and file.size != there:
            verified.differences.append(
                Difference(file.name, "size differs", file.asset_id, _bytes(file.size), _bytes(there))
            )
        elif file.crc32c:
            alike.append(file)
        else:
            verified.unproven += 1
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="verify") as threads:
        for file, checksum in zip(alike, threads.map(place.crc32c, [file.name for file in alike]), strict=True):
            if checksum in file.crc32c:
                verified.equal += 1
            else:
                told = (_hex(file.crc32c[0]), _hex(checksum))
                verified.differences.append(Difference(file.name, "checksum differs", file.asset_id, *told))
    verified.differences += [Difference(name, "missing in Vi", there=_bytes(size)) for name, size in sizes.items()]
    verified.differences.sort(key=lambda one: one.name)
    return verified


def _bytes(size: int | None) -> str:
    return "" if size is None else str(size)


def _hex(checksum: int) -> str:
    return f"{checksum & 0xFFFFFFFF:08x}"


def _tell(desk: Desk, verified: Verified, dataset: str, where: str, *, json: bool) -> None:
    for one in verified.differences if json or not desk.out.is_terminal else verified.differences[:SHOWN]:
        if json:
            pass_on(desk.out, to_json.dumps(asdict(one), ensure_ascii=False))
        elif desk.out.is_terminal:
            desk.say(f"{one.kind:<16}  {printable(one.name)}{_compared(one)}")
        else:
            pass_on(desk.out, "\t".join(map(printable, (one.kind, one.name, one.asset_id, one.in_vi, one.there))))
    tell = desk.say if desk.out.is_terminal and not json else desk.complain
    if len(verified.differences) > SHOWN and desk.out.is_terminal and not json:
        tell(f"… and {count(len(verified.differences) - SHOWN)} more.")
    tell(_summed_up(verified, dataset, where))


def _compared(one: Difference) -> str:
    if one.kind == "checksum differs":
        return f"  (CRC32C {one.in_vi} in Vi, {one.there} there)"
    return f"  ({one.in_vi} bytes in Vi, {one.there} there)" if one.kind == "size differs" else ""


def _summed_up(verified: Verified, dataset: str, where: str) -> str:
    kinds = Counter(one.kind for one in verified.differences)
    are = "is" if verified.equal == 1 else "are"
    told = [f"{count_of(verified.equal, 'file')} of {dataset} {are} equal in {printable(where)}"]
    if verified.unproven:
        told.append(f"{count(verified.unproven)} are equal in size, and Vi says no checksum of theirs")
    told += [f"{count(number)} {IN_WORDS[kind]}" for kind, number in kinds.items()]
    return f"{'; '.join(told)}."
