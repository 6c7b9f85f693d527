"""Show the details of an asset, and wait until Vi has processed it."""

from __future__ import annotations

from json import dumps
from typing import TYPE_CHECKING, Any

from assetline.assets.asset_rows import flat
from assetline.vi.assets import Assets
from assetline_cli.assets.wait import DONE, ProcessingWaiter
from assetline_cli.terminal.formatting import iso_time
from assetline_cli.terminal.output import print_json, printable
from assetline_cli.vi_client import dataset_known, open_vi_client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assetline_cli.context import CliContext


def _readable(record: dict[str, object]) -> dict[str, object]:
    """Return a record whose expiry is in ISO 8601."""
    contents = record.get("contents")
    asset = contents.get("asset") if isinstance(contents, dict) else None
    if not isinstance(asset, dict):
        return record
    return record | {"contents": {"asset": asset | {"expiry": iso_time(asset.get("expiry"))}}}


def print_details(context: CliContext, record: dict[str, Any]) -> None:
    """Print the fields of an asset, one per line, with the column names of an export."""
    texts = {name: _text(value) for name, value in flat(record).items()}
    width = max((len(name) for name, text in texts.items() if text), default=0)
    for name, text in texts.items():
        if text:
            context.print_line(f"{name:<{width}}  {text}")


def _text(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return ""
    return printable(value if isinstance(value, str) else dumps(value, ensure_ascii=False))


def wait_for_asset(  # noqa: PLR0913 - each is an option of the command
    context: CliContext, stack: str, dataset: str, asset: str, *, statuses: Sequence[str] | None, seconds: float
) -> None:
    """Wait until the upload status of an asset is one of *statuses*, by default those of a processed asset.

    Raises:
        CommandFailed: Vi could not process it, or not in time.
    """
    done = tuple(status.casefold() for status in statuses or DONE)
    with (
        open_vi_client(context, stack) as client,
        dataset_known(client, dataset),
        open_vi_client(context, stack, patient=False) as impatient,  # the waiter has pauses of its own
    ):
        waiter = ProcessingWaiter(Assets(impatient, dataset), context.clock, done, seconds)
        waiter.processed(asset, lambda status: context.print_message(f"The upload status of {asset} is {status}."))


def show_asset(  # noqa: PLR0913 - each is an option of the command
    context: CliContext, stack: str, dataset: str, asset: str, *, url: bool, json: bool
) -> None:
    """Print the details of an asset."""
    with open_vi_client(context, stack) as client, dataset_known(client, dataset):
        record = Assets(client, dataset).get(asset, contents=url)
    if json:
        print_json(context.out, record)
    else:
        print_details(context, _readable(record) if url else record)
