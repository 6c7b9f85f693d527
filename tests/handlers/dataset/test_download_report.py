"""The CSV of a download: rendered as S3 takes it, whatever the number of files."""

import csv
import io
import tracemalloc
from collections.abc import Iterator

import boto3
from moto import mock_aws

from assetline.assets.asset_file import FileOutcome
from assetline.download.close_download import IN_PARTS
from assetline.download.report import BUFFER_BYTES, COLUMNS, DownloadCounts, files_csv

MESSAGE = 'Größe, "quoted"\nand more. ' * 8


def outcomes(number: int, rendered: list[int] | None = None) -> Iterator[FileOutcome]:
    for place in range(number):
        if rendered is not None:
            rendered.append(place)
        name = f"{place:07}.png"
        yield FileOutcome(
            asset_id=f"asset-{place}", filename=name, name=name, state="failed", bytes=0, reason="X", message=MESSAGE
        )


def test_a_line_is_rendered_when_it_is_read() -> None:
    rendered: list[int] = []
    file = files_csv(outcomes(1_000_000, rendered), "downloads/ds1/", DownloadCounts())
    file.read(2 * BUFFER_BYTES)
    assert 0 < len(rendered) < 2_000


def test_memory_does_not_grow_with_the_number_of_files() -> None:
    tally, size = DownloadCounts(), 0
    file = files_csv(outcomes(50_000), "", tally)
    tracemalloc.start()
    try:
        while part := file.read(1024**2):
            size += len(part)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (tally.counts["failed"], len(tally.failed_files)) == (50_000, 1_000)
    assert size > 10 * 1024**2
    assert peak < 5 * 1024**2


@mock_aws
def test_a_file_of_several_parts_arrives_completely() -> None:
    s3, tally = boto3.client("s3"), DownloadCounts()
    s3.create_bucket(Bucket="exports")
    s3.upload_fileobj(files_csv(outcomes(60_000), "p/", tally), "exports", "files.csv", Config=IN_PARTS)
    answer = s3.get_object(Bucket="exports", Key="files.csv")
    assert answer["ETag"].strip('"').endswith("-3")  # the number of parts
    header, *rows = csv.reader(io.StringIO(answer["Body"].read().decode(), newline=""))
    assert (tuple(header), len(rows)) == (COLUMNS, 60_000)
    assert rows[-1] == ["asset-59999", "0059999.png", "p/0059999.png", "failed", "", "", "X", MESSAGE]
