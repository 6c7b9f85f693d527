"""The files that the drop bucket already has with the same bytes."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from typing import TYPE_CHECKING

from assetline.ingest.drop import drop_id
from assetline.vi.crc32c import Crc32c

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mypy_boto3_s3 import S3Client

    from assetline.ingest.drop import Drop
    from assetline_cli.drops.local_files import LocalFile
    from assetline_cli.drops.table import DropsTable

THREADS = 8  # ours
PIECE = 1024**2
DROPS_PER_READ = 100  # DynamoDB: items of one BatchGetItem

type StoredObject = tuple[int, str]


def existing_keys(
    s3: S3Client, bucket: str, drops: DropsTable, dataset_id: str, files: Iterable[LocalFile]
) -> set[str]:
    """Return the keys of *files* whose objects have the same bytes.

    An object of the same size is compared by its ETag, if that is an MD5, and otherwise by the CRC32C in the ledger. A
    file that cannot be read or compared counts as different.
    """
    stored = dict(_listed(s3, bucket, f"{dataset_id}/"))
    candidates = [file for file in files if stored.get(file.key, (None, ""))[0] == file.size]
    ids = {file.key: drop_id(bucket, file.key, stored[file.key][1]) for file in candidates}
    ledger = _drops(drops, ids.values())
    with ThreadPoolExecutor(THREADS) as threads:
        equal = threads.map(lambda file: _is_equal(file, stored[file.key][1], ledger.get(ids[file.key])), candidates)
        return {file.key for file, same in zip(candidates, equal, strict=True) if same}


def _listed(s3: S3Client, bucket: str, prefix: str) -> Iterator[tuple[str, StoredObject]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            yield item["Key"], (item["Size"], item["ETag"].strip('"'))


def _drops(drops: DropsTable, ids: Iterable[str]) -> Mapping[str, Drop]:
    return {id_: drop for few in batched(ids, DROPS_PER_READ, strict=False) for id_, drop in drops.get(few).items()}


def _is_equal(file: LocalFile, etag: str, drop: Drop | None) -> bool:
    md5, crc32c = hashlib.md5(usedforsecurity=False), Crc32c()
    try:
        with file.path.open("rb") as body:
            while piece := body.read(PIECE):
                md5.update(piece)
                crc32c.update(piece)
    except OSError:
        return False
    if md5.hexdigest() == etag:
        return True
    return drop is not None and drop.crc32c is not None and drop.crc32c == crc32c.signed
