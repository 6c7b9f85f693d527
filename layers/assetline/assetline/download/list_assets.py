"""List Assets: turns some pages of a selection into slices of files to download, each file under its name."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from assetline.assets.asset_file import AssetFile, id_of, named
from assetline.assets.listing import Listing
from assetline.aws.s3_documents import Address
from assetline.budget import Budget
from assetline.download.request import DownloadRef, DownloadRequest, download_ref, download_requested
from assetline.download.staging import (
    SLICE_BYTES,
    SLICE_FILES,
    TURN_SLICES,
    Destination,
    DownloadSlice,
    DownloadStaging,
    ListingTurn,
)
from assetline.observability import logger
from assetline.slices import in_slices
from assetline.vi.client import ViClient

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class ListAssetsInput(BaseModel, frozen=True):
    """One turn of List Assets, counted from 1; `cursor` is the place to resume from."""

    execution_arn: str
    started_at: datetime
    input: Any
    turn: int
    cursor: str | None


class ListAssetsResult(BaseModel, frozen=True):
    """The output of List Assets: the addresses of its slices, and the cursor of the next turn, None after the last."""

    download: DownloadRef
    slices: list[Address]
    cursor: str | None


def list_assets(
    listing_input: ListAssetsInput, client: ViClient, s3: "S3Client", bucket: str, budget: Budget
) -> ListAssetsResult:
    """List pages of a selection until the turn has its slices or *budget* is spent; a repeat lists them again.

    Raises:
        InvalidInput: the input is not valid.
        DatasetUnknown, KeyRefused and similar errors of Vi.
        RepeatedCursor: the list would never end.
    """
    request = download_requested(listing_input.input, bucket)
    ref = download_ref(request, listing_input.execution_arn, listing_input.started_at, bucket)
    logger.append_keys(download_id=ref.download_id, turn=listing_input.turn)
    listing, staging = Listing(client, request), DownloadStaging(s3, ref)
    if listing_input.turn == 1:
        listing.admit()
    names = staging.names_before(listing_input.turn)
    slices: list[tuple[AssetFile, ...]] = []
    unknown: list[str] = []
    excluded = nameless = 0
    cursor = listing_input.cursor
    for page in listing.pages(listing_input.cursor):
        records = [record for record in page.records if id_of(record)]
        nameless += len(page.records) - len(records)
        found = [named(record, names, by_date=request.by_date) for record in records]
        files = [file for file in found if file is not None]
        slices += in_slices(files, lambda file: file.size or 0, SLICE_FILES, SLICE_BYTES)
        unknown += page.unknown
        excluded += page.excluded
        cursor = page.next_cursor
        if len(slices) >= TURN_SLICES or budget.spent():
            break
    turn = ListingTurn(
        slices=len(slices),
        files=sum(map(len, slices)),
        excluded=excluded,
        nameless=nameless,
        unknown=tuple(unknown),
        next_cursor=cursor,
    )
    addresses = staging.keep_turn(listing_input.turn, _documents(slices, request, ref, listing_input.turn), names, turn)
    logger.info("assets_listed", files=turn.files, slices=turn.slices, excluded=excluded)
    return ListAssetsResult(download=ref, slices=addresses, cursor=cursor)


def _documents(
    slices: list[tuple[AssetFile, ...]], request: DownloadRequest, ref: DownloadRef, turn: int
) -> list[DownloadSlice]:
    bucket, prefix = request.place(ref.bucket)
    destination = Destination(bucket=bucket, prefix=prefix)
    return [
        DownloadSlice(
            download=ref,
            destination=destination,
            overwrite=request.overwrite,
            turn=turn,
            number=number,
            files=files,
        )
        for number, files in enumerate(slices, 1)
    ]
