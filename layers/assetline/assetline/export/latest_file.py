"""A stable address for the newest file: `exports/<feed>/latest.json`, and the file itself if the stack publishes it.

Both follow the item of `LatestExports`. A writer that was overtaken finds the newer export there, and publishes that
one again; so the last writer always leaves the newest export.
"""

from typing import TYPE_CHECKING

import orjson

from assetline.aws.join_objects import copy_object
from assetline.aws.s3_documents import Address, put_document
from assetline.export.checkpoint import Export
from assetline.export.export_names import latest_file_key, latest_key, manifest_beside
from assetline.export.file_formats import CONTENT_TYPES
from assetline.export.previous_export import Latest, LatestExports

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST_OVERTAKEN = 5  # ours: exports of one feed that end at the same moment


class LatestFile:
    """The newest file of the feed of *export*; *with_file* also publishes the file under `latest.<format>`."""

    def __init__(self, s3: "S3Client", latest: LatestExports, export: Export, *, with_file: bool) -> None:
        self._s3 = s3
        self._latest = latest
        self._export = export
        self._with_file = with_file

    @property
    def applies(self) -> bool:
        """Whether the export has all rows of the feed: no filter, and not only changes."""
        return self._export.modified_after is None and not self._export.request.series

    def publish(self, recorded: Latest | None) -> None:
        """Replace the document, and the file, by those of the newest export: *recorded* if it was just recorded.

        None: another export is newer. It is published again, since an earlier attempt of this one may have been killed
        after it had replaced the newer file.

        Raises:
            AwsUnavailable: a repeat publishes again.
        """
        latest = recorded or self._latest.of(self._export.request)
        for _ in range(MOST_OVERTAKEN):
            if latest is None:
                return
            self._put(latest)
            newest = self._latest.of(self._export.request)
            if newest is None or newest.whole_export_id == latest.whole_export_id:
                return
            latest = newest

    def _put(self, latest: Latest) -> None:
        feed, bucket = self._export.request.feed, self._export.bucket
        if latest.key is None or latest.format is None:
            return
        document = {
            "export_id": latest.whole_export_id,
            "feed": feed,
            "bucket": bucket,
            "key": latest.key,
            "manifest_key": manifest_beside(latest.key),
            "format": latest.format,
            "rows": latest.rows,
            "finished_at": latest.finished_at,
        }
        if self._with_file:
            target = Address(bucket=bucket, key=latest_file_key(feed, latest.format))
            copy_object(self._s3, Address(bucket=bucket, key=latest.key), target, _content_type(latest.format))
            document["latest_key"] = target.key
        body = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        put_document(self._s3, Address(bucket=bucket, key=latest_key(feed)), body)


def _content_type(format_: str) -> str:
    return {str(name): content_type for name, content_type in CONTENT_TYPES.items()}[format_]
