"""The files of a folder or of an S3 prefix, with sizes and checksums, to compare with the assets in Vi."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import ClientError

from assetline.vi.crc32c import Crc32c, from_s3
from assetline_cli.aws_errors import code_of
from assetline_cli.drops.local_files import is_skipped_in_folder
from assetline_cli.errors import CommandFailed
from assetline_cli.filesystem import PART

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

PIECE = 1024**2
S3 = "s3://"


class VerifyTarget(Protocol):
    """The files to compare with; threads share it."""

    def sizes(self) -> dict[str, int]:
        """Return the size in bytes of each file, by name; raises `CommandFailed`."""

    def crc32c(self, name: str) -> int:
        """Return the signed CRC32C of a file; raises `CommandFailed`."""

    def may_lack_asset(self, name: str) -> bool:
        """Return whether a file may have no asset in Vi."""


def verify_target_at(where: str, s3: S3Client) -> VerifyTarget:
    """Return the place *where*: s3://BUCKET/PREFIX, or a folder."""
    if not where.startswith(S3):
        return FolderTarget(Path(where))
    bucket, _, prefix = where.removeprefix(S3).partition("/")
    return PrefixTarget(s3, bucket, prefix if prefix.endswith("/") or not prefix else f"{prefix}/")


@dataclass(frozen=True)
class FolderTarget:
    """A folder and everything below it, except hidden folders; files that `drops upload` skips need no asset."""

    path: Path

    def sizes(self) -> dict[str, int]:
        """Return the size of each file, by its path below the folder; raises `CommandFailed`."""
        if not self.path.is_dir():
            raise CommandFailed(f"Folder {str(self.path)!r} does not exist. Name a folder with downloaded files.")
        return dict(self._files())

    def crc32c(self, name: str) -> int:
        """Return the signed CRC32C of a file; raises `CommandFailed`."""
        try:
            with (self.path / name).open("rb") as file:
                return _crc32c(iter(lambda: file.read(PIECE), b""))
        except OSError as error:
            raise CommandFailed(
                f"Cannot read {str(self.path / name)!r} ({error.strerror}). Make it readable, and run the "
                "command again."
            ) from None

    def may_lack_asset(self, name: str) -> bool:
        """Return whether `assetline drops upload` skips the file: hidden, a system file, or no image or video."""
        return is_skipped_in_folder(name)

    def _files(self) -> Iterator[tuple[str, int]]:
        for folder, below, names in os.walk(self.path):
            below[:] = [name for name in below if not name.startswith(".")]
            for name in names:
                path = Path(folder) / name
                if not PART.fullmatch(name) and path.is_file():
                    yield path.relative_to(self.path).as_posix(), path.stat().st_size


@dataclass(frozen=True)
class PrefixTarget:
    """A prefix of a bucket, ending with a slash, or a complete bucket."""

    s3: S3Client
    bucket: str
    prefix: str

    def sizes(self) -> dict[str, int]:
        """Return the size of each object, by its key below the prefix; raises `CommandFailed`."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix)
        try:
            listed = [item for page in pages for item in page.get("Contents", [])]
        except ClientError as error:
            if code_of(error) == "NoSuchBucket":
                raise CommandFailed(f"Bucket {self.bucket!r} does not exist. Check the name.") from None
            raise
        # A console marks folders with empty objects whose keys end with a slash.
        return {item["Key"].removeprefix(self.prefix): item["Size"] for item in listed if not item["Key"].endswith("/")}

    def crc32c(self, name: str) -> int:
        """Return the signed CRC32C of an object: the stored one, or else that of its bytes."""
        key = f"{self.prefix}{name}"
        stored = self.s3.head_object(Bucket=self.bucket, Key=key, ChecksumMode="ENABLED").get("ChecksumCRC32C", "")
        if stored and "-" not in stored:  # with a hyphen it is a checksum of the checksums of parts
            return from_s3(stored)
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"]
        return _crc32c(body.iter_chunks(PIECE))

    def may_lack_asset(self, name: str) -> bool:
        """Return False: every object needs an asset."""
        del name
        return False


def _crc32c(pieces: Iterator[bytes]) -> int:
    checksum = Crc32c()
    for piece in pieces:
        checksum.update(piece)
    return checksum.signed
