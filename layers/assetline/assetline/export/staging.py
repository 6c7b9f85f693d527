"""Objects that wait in S3 between turns, under names made of their content."""

import zlib
from typing import TYPE_CHECKING

from assetline.aws.s3_documents import Address, object_at
from assetline.errors import PartsMismatch, StagedGone
from assetline.export.checkpoint import Staged
from assetline.export.export_names import staging_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def content_name(name: str, size: int, crc32: int) -> str:
    """Return the name of *size* bytes of that checksum: other bytes have another one."""
    return f"{name}-{size}-{crc32:08x}"


class ExportStaging:
    """The place of one export's bytes between turns. They expire with the bucket's lifecycle; nobody deletes them."""

    def __init__(self, s3: "S3Client", bucket: str, export_id: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._export_id = export_id

    def keep(self, name: str, content: bytes) -> Staged | None:
        """Store bytes; none need no place.

        The key holds their checksum, so a turn that was thought dead and still writes never replaces another's.
        """
        if not content:
            return None
        crc32 = zlib.crc32(content)
        key = staging_key(self._export_id, content_name(name, len(content), crc32))
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content, ChecksumAlgorithm="CRC32")
        return Staged(key=key, size=len(content), crc32=crc32)

    def fetch(self, staged: Staged | None) -> bytes:
        """Return the bytes that were kept.

        Raises:
            StagedGone: they have expired.
            PartsMismatch: they are not those that were stored.
        """
        if staged is None:
            return b""
        content = object_at(self._s3, Address(bucket=self._bucket, key=staged.key))
        if content is None:
            raise StagedGone(
                f"s3://{self._bucket}/{staged.key}, which the export keeps between turns, is gone. Staged "
                "objects expire after 7 days. Start a new export."
            )
        if (len(content), zlib.crc32(content)) != (staged.size, staged.crc32):
            raise PartsMismatch(
                f"s3://{self._bucket}/{staged.key} is not what was stored there. Start the export anew."
            )
        return content
