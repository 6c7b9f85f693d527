"""Find the two files of a comparison, and read their manifests."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from boto3.exceptions import Boto3Error
from botocore.exceptions import ClientError
from pydantic import BaseModel, Field, ValidationError

from assetline.diff.formats import FORMATS, Format, format_of
from assetline.diff.renames import ManifestColumns
from assetline.export.export_names import feed_of, manifest_key, partial_manifest_key
from assetline.redaction import without_secrets
from assetline_cli.aws_errors import DENIED, code_of
from assetline_cli.errors import CommandFailed
from assetline_cli.stack import find_stack
from assetline_cli.terminal.progress_bar import byte_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client

    from assetline_cli.context import CliContext

S3_URI = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>.+)")
# S3 answers 403 instead of 404 to callers that may not list the bucket.
NOT_THERE = frozenset({"NoSuchKey", "404", *DENIED})


class RequestedRows(BaseModel, frozen=True):
    """The parts of an export's input that select rows."""

    params: dict[str, object] = Field(default_factory=dict)


class DiffManifest(ManifestColumns, frozen=True):
    """The parts of a manifest that the comparison uses; a file without a manifest has the defaults."""

    key: str | None = None
    feed: str | None = None
    keys: tuple[str, ...] = ()
    complete: bool = True
    modified_after: str | None = None
    formulas_neutralised: bool = False
    input: RequestedRows = RequestedRows()


@dataclass(frozen=True)
class ExportFile:
    """A file to compare, on this machine; *name* is the operator's name for it."""

    name: str
    path: Path
    format: Format
    manifest: DiffManifest


@dataclass(frozen=True)
class FileFinder:
    """Finds the files, and downloads those in S3 into *scratch*."""

    context: CliContext
    stack: str
    scratch: Path

    def find(self, name: str) -> ExportFile:
        """Return the file of *name*: a path, an S3 URI or an export ID.

        Raises:
            CommandFailed: the file does not exist, or could not be downloaded.
            FormatUnknown: exports have no such format.
        """
        if uri := S3_URI.fullmatch(name):
            return self._in_s3(name, uri["bucket"], uri["key"])
        path = Path(name)
        if path.is_file():
            return ExportFile(name, path, format_of(path.name), _manifest_beside(path))
        if feed := feed_of(name):
            return self._export(name, feed)
        raise CommandFailed(
            f"Invalid name {name!r}. Use the path of a file, s3://BUCKET/KEY, or an export ID such as "
            "assets_20261121_003012."
        )

    def _export(self, export_id: str, feed: str) -> ExportFile:
        bucket = find_stack(self.context.aws.cloudformation, self.stack).bucket
        for beside in (manifest_key(feed, export_id), partial_manifest_key(feed, export_id)):
            manifest = _manifest_in_s3(self.context.aws.s3, bucket, beside)
            if manifest is not None and manifest.key is not None:
                return self._downloaded(export_id, bucket, manifest.key, manifest)
        raise CommandFailed(
            f"Export {export_id!r} has no file in stack {self.stack!r}: s3://{bucket}/{manifest_key(feed, export_id)} "
            "does not exist, or you may not read it. List the exports with `assetline exports list`."
        )

    def _in_s3(self, name: str, bucket: str, key: str) -> ExportFile:
        format_of(key)  # fails before the first call of AWS
        manifest = _manifest_in_s3(self.context.aws.s3, bucket, f"{_stem(key)}.manifest.json")
        return self._downloaded(name, bucket, key, manifest or DiffManifest())

    def _downloaded(self, name: str, bucket: str, key: str, manifest: DiffManifest) -> ExportFile:
        number = sum(1 for _ in self.scratch.iterdir())  # OLD and NEW may have the same name in two buckets
        path = self.scratch / f"{number}-{PurePosixPath(key).name}"
        try:
            with self._bar(path.name) as advance:
                self.context.aws.s3.download_file(bucket, key, str(path), Callback=advance)
        except ClientError as error:
            if code_of(error) in NOT_THERE:
                raise CommandFailed(
                    f"s3://{bucket}/{key} does not exist, or you may not read it. Check the name and your permissions."
                ) from error
            raise
        except Boto3Error as error:
            raise CommandFailed(
                f"Cannot download s3://{bucket}/{key}: {without_secrets(str(error))}. Run the command again."
            ) from error
        return ExportFile(name, path, format_of(key), manifest)

    @contextmanager
    def _bar(self, name: str) -> Iterator[Callable[[int], None]]:
        with byte_progress(self.context.out, f"Downloading {name}") as progress:
            task = progress.add_task(name, total=None)
            yield lambda arrived: progress.advance(task, arrived)


def _stem(name: str) -> str:
    for format_ in FORMATS:
        name = name.removesuffix(f".{format_}")
    return name


def _manifest_beside(path: Path) -> DiffManifest:
    beside = path.with_name(f"{_stem(path.name)}.manifest.json")
    return _parsed(beside.read_bytes(), str(beside)) if beside.is_file() else DiffManifest()


def _manifest_in_s3(s3: S3Client, bucket: str, key: str) -> DiffManifest | None:
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if code_of(error) in NOT_THERE:
            return None
        raise
    return _parsed(body, f"s3://{bucket}/{key}")


def _parsed(body: bytes, where: str) -> DiffManifest:
    try:
        return DiffManifest.model_validate_json(body)
    except ValidationError as error:
        raise CommandFailed(
            f"This version of the command cannot read the manifest {where}. "
            "Use one version for the command and the stack."
        ) from error
