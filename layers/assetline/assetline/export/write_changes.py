"""Write Changes: writes the rows added, changed and removed since the last complete export."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from botocore.exceptions import ClientError
from pydantic import BaseModel

from assetline.aws.s3_documents import Address, is_absent, object_at
from assetline.diff.diff_files import write_changes
from assetline.diff.formats import format_of
from assetline.diff.renames import FileColumn, ManifestColumns, renamed_columns
from assetline.export.checkpoint import Export
from assetline.export.export_names import changes_key, manifest_beside
from assetline.observability import logger
from assetline.safetyculture.catalogue import feed_named

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client


class Changes(BaseModel, frozen=True):
    """The changes in the execution's output; `changes_key` is None without a previous file."""

    changes_key: str | None
    added: int = 0
    changed: int = 0
    removed: int = 0


def export_changes(export: Export, s3: "S3Client") -> Changes:
    """Compare the file of a complete *export* with the previous one of its kind; a repeat writes the same.

    Raises:
        FileMalformed, KeyColumnMissing: one of the files is not as it was exported.
    """
    previous_key = None if export.previous is None else export.previous.file_like(export.request.format)
    if previous_key is None:
        return Changes(changes_key=None)
    key = changes_key(export.request.feed, export.export_id)
    with tempfile.TemporaryDirectory() as scratch, tempfile.TemporaryFile(dir=scratch) as out:
        try:
            old = s3.get_object(Bucket=export.bucket, Key=previous_key)["Body"]
        except ClientError as error:
            if not is_absent(error):
                raise
            logger.warning("no_file_to_compare_with", key=previous_key)
            return Changes(changes_key=None)
        summary = write_changes(
            cast("BinaryIO", old),
            cast("BinaryIO", _LazyObject(s3, export.bucket, export.key)),
            cast("BinaryIO", out),
            keys=feed_named(export.request.feed).key,
            format_old=format_of(previous_key),
            format_new=format_of(export.key),
            scratch=Path(scratch),
            renamed=_renamed(s3, export, previous_key),
        )
        out.seek(0)
        s3.upload_fileobj(out, export.bucket, key, ExtraArgs={"ContentType": "text/csv; charset=utf-8"})
    return Changes(changes_key=key, added=summary.added, changed=summary.changed, removed=summary.removed)


def _renamed(s3: "S3Client", export: Export, previous_key: str) -> dict[str, str]:
    old, new = (_columns(s3, export, key) for key in (manifest_beside(previous_key), export.manifest_key))
    return renamed_columns(old, new)


def _columns(s3: "S3Client", export: Export, key: str) -> tuple[FileColumn, ...]:
    """Return the columns in a manifest; none if it does not exist."""
    body = object_at(s3, Address(bucket=export.bucket, key=key))
    return () if body is None else ManifestColumns.model_validate_json(body).columns or ()


class _LazyObject:
    """An object requested at the first read: the previous file may take minutes, and S3 closes idle connections."""

    def __init__(self, s3: "S3Client", bucket: str, key: str) -> None:
        self._s3, self._bucket, self._key = s3, bucket, key
        self._body: StreamingBody | None = None

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        if self._body is None:
            self._body = self._s3.get_object(Bucket=self._bucket, Key=self._key)["Body"]
        return self._body.read(None if size < 0 else size)
