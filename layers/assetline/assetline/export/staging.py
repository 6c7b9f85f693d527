"""Objects staged in S3 between turns, under names derived from their content."""

import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from assetline.aws.s3_documents import Address, object_at
from assetline.errors import PartsMismatch, StagedGone
from assetline.export.checkpoint import Staged
from assetline.export.export_names import staging_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def content_name(name: str, size: int, crc32: int) -> str:
    """Return the name of *size* bytes with that checksum: other bytes get another name."""
    return f"{name}-{size}-{crc32:08x}"


class ExportStaging:
    """The staged objects of one export. The bucket's lifecycle expires them; no code deletes them."""

    def __init__(self, s3: "S3Client", bucket: str, export_id: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._export_id = export_id
        self._ahead: tuple[Staged, Future[bytes]] | None = None

    def keep(self, name: str, content: bytes) -> Staged | None:
        """Store bytes; return None for empty ones.

        The key contains their checksum, so that a turn presumed dead never replaces the object of another turn.
        """
        if not content:
            return None
        crc32 = zlib.crc32(content)
        key = staging_key(self._export_id, content_name(name, len(content), crc32))
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content, ChecksumAlgorithm="CRC32")
        return Staged(key=key, size=len(content), crc32=crc32)

    def fetch_ahead(self, staged: Staged | None) -> None:
        """Start to read stored bytes that `fetch` will probably return next."""
        if staged is None:
            return
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="staging")
        self._ahead = staged, thread.submit(self._read, staged)
        thread.shutdown(wait=False)

    def fetch(self, staged: Staged | None) -> bytes:
        """Return the stored bytes.

        Raises:
            StagedGone: they have expired.
            PartsMismatch: they are not the bytes that were stored.
        """
        if staged is None:
            return b""
        ahead, self._ahead = self._ahead, None  # a turn need not hold these bytes to its end
        if ahead is not None and ahead[0] == staged:
            return ahead[1].result()
        return self._read(staged)

    def _read(self, staged: Staged) -> bytes:
        content = object_at(self._s3, Address(bucket=self._bucket, key=staged.key))
        if content is None:
            raise StagedGone(
                f"The staged object s3://{self._bucket}/{staged.key} of the export no longer exists. Staged "
                "objects expire after 7 days. Start a new export."
            )
        if (len(content), zlib.crc32(content)) != (staged.size, staged.crc32):
            raise PartsMismatch(
                f"s3://{self._bucket}/{staged.key} does not hold the bytes that were stored there. Start a new export."
            )
        return content
