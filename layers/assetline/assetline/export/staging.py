"""The tail between turns: bytes that are not yet a part wait in S3, under a name made of what they are."""

import zlib
from typing import TYPE_CHECKING

from assetline.errors import PartsMismatch, TailGone
from assetline.export.checkpoint import Tail

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Staging:
    """The place of one export's tails. They expire with the bucket's lifecycle; nobody deletes them."""

    def __init__(self, s3: "S3Client", bucket: str, export_id: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = f"staging/{export_id}"

    def keep(self, content: bytes, next_part: int) -> Tail | None:
        """Store the bytes that come before part *next_part* is sealed; none need no place.

        The key holds their checksum, so a turn that was thought dead and still writes never replaces another's tail.
        """
        if not content:
            return None
        crc32 = zlib.crc32(content)
        key = f"{self._prefix}/tail-{next_part:05}-{len(content)}-{crc32:08x}"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)
        return Tail(key=key, size=len(content), crc32=crc32)

    def fetch(self, tail: Tail | None) -> bytes:
        """Return the bytes of *tail*.

        Raises:
            TailGone: they have expired.
            PartsMismatch: they are not those that were stored.
        """
        if tail is None:
            return b""
        try:
            content = self._s3.get_object(Bucket=self._bucket, Key=tail.key)["Body"].read()
        except self._s3.exceptions.NoSuchKey as error:
            raise TailGone(
                f"The export's last bytes, s3://{self._bucket}/{tail.key}, have expired after 7 days. Start it anew."
            ) from error
        if (len(content), zlib.crc32(content)) != (tail.size, tail.crc32):
            raise PartsMismatch(f"s3://{self._bucket}/{tail.key} is not what was stored there. Start the export anew.")
        return content
