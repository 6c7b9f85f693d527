"""Buckets of S3 in memory. `test_account.py` compares the answers with those of moto."""

import base64
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import md5
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, unquote

from botocore.client import BaseClient
from botocore.response import StreamingBody

from tests.simulation.refusals import Answer, Request, refusal

MIN_PART_BYTES = 5 * 1024**2  # S3: every part but the last
MAX_KEYS = 1000  # S3: keys, uploads or parts of one answer
CHECKSUMS = ("ChecksumCRC32", "ChecksumCRC32C")


@dataclass
class StoredObject:
    """An object, or a part of an upload. `checksum` has the name and the base64 value; a part has no more than that."""

    body: bytes
    etag: str
    checksum: dict[str, str]
    metadata: dict[str, str] = field(default_factory=dict)
    content_type: str = ""
    tags: list[dict[str, str]] = field(default_factory=list)

    @property
    def quoted_etag(self) -> str:
        """The ETag as S3 sends it."""
        return f'"{self.etag}"'

    def described(self) -> Answer:
        """Return the headers of the object."""
        headers = {"ETag": self.quoted_etag, "ContentLength": len(self.body), "Metadata": dict(self.metadata)}
        return headers | ({"TagCount": len(self.tags)} if self.tags else {}) | {"ContentType": self.content_type}


@dataclass
class OpenUpload:
    """A multipart upload under way; `about` is the request that created it."""

    upload_id: str
    about: Request
    parts: dict[int, StoredObject] = field(default_factory=dict)


@dataclass
class Buckets:
    """The objects of each bucket, by their key, and the uploads under way, in the order of their creation."""

    objects: dict[str, dict[str, StoredObject]] = field(default_factory=dict)
    uploads: dict[str, OpenUpload] = field(default_factory=dict)
    min_part_bytes: int = MIN_PART_BYTES
    upload_count: int = 0

    def empty(self) -> None:
        """Delete every object and every upload; the buckets stay."""
        for bucket in self.objects.values():
            bucket.clear()
        self.uploads.clear()

    # ---- objects

    def create_bucket(self, _: BaseClient, request: Request) -> Answer:
        """Create a bucket."""
        self.objects.setdefault(request["Bucket"], {})
        return {}

    def put_object(self, client: BaseClient, request: Request) -> Answer:
        """Put an object where `IfNoneMatch` and `IfMatch` allow it."""
        self._check_write(client, "PutObject", request)
        stored = _stored(_body(request), request)
        stored.metadata = dict(request.get("Metadata", {}))
        stored.content_type = request.get("ContentType", "")
        stored.tags = [{"Key": name, "Value": value} for name, value in parse_qsl(request.get("Tagging", ""))]
        self.objects[request["Bucket"]][request["Key"]] = stored
        return {"ETag": stored.quoted_etag}

    def get_object(self, client: BaseClient, request: Request) -> Answer:
        """Return an object, if its ETag matches."""
        stored = self._found(client, "GetObject", request, "NoSuchKey")
        if request.get("IfMatch", stored.quoted_etag).strip('"') != stored.etag:
            raise refusal(client, "GetObject", "PreconditionFailed")
        body = _ranged(stored.body, request.get("Range"))
        return stored.described() | {
            "Body": StreamingBody(io.BytesIO(body), len(body)),
            "ContentLength": len(body),
        }

    def head_object(self, client: BaseClient, request: Request) -> Answer:
        """Return the headers of an object, with its checksum where the request enables that."""
        stored = self._found(client, "HeadObject", request, "404")
        if request.get("IfMatch", stored.quoted_etag).strip('"') != stored.etag:
            raise refusal(client, "HeadObject", "412")
        return stored.described() | (stored.checksum if request.get("ChecksumMode") == "ENABLED" else {})

    def copy_object(self, client: BaseClient, request: Request) -> Answer:
        """Copy an object with its metadata and tags, or with the metadata of the request."""
        source = self._source(client, "CopyObject", request)
        copy = StoredObject(source.body, source.etag, source.checksum, dict(source.metadata), source.content_type)
        copy.tags = [*source.tags]
        if request.get("MetadataDirective") == "REPLACE":
            copy.metadata, copy.content_type = dict(request.get("Metadata", {})), request.get("ContentType", "")
        copy.etag = md5(copy.body, usedforsecurity=False).hexdigest()  # S3: a copy is one part
        self.objects[request["Bucket"]][request["Key"]] = copy
        return {"CopyObjectResult": {"ETag": copy.quoted_etag}}

    def delete_object(self, _: BaseClient, request: Request) -> Answer:
        """Delete an object; an absent one is no error."""
        self.objects[request["Bucket"]].pop(request["Key"], None)
        return {}

    def delete_objects(self, _: BaseClient, request: Request) -> Answer:
        """Delete objects; an absent one is no error."""
        keys = [each["Key"] for each in request["Delete"]["Objects"]]
        for key in keys:
            self.objects[request["Bucket"]].pop(key, None)
        return {} if request["Delete"].get("Quiet") else {"Deleted": [{"Key": key} for key in keys]}

    def list_objects_v2(self, _: BaseClient, request: Request) -> Answer:
        """Return the objects below a prefix, in order."""
        bucket = self.objects[request["Bucket"]]
        after = str(request.get("ContinuationToken") or request.get("StartAfter") or "")
        keys = sorted(key for key in bucket if key.startswith(request.get("Prefix", "")) and key > after)
        page = keys[: request.get("MaxKeys", MAX_KEYS)]
        listed = [{"Key": key, "Size": len(bucket[key].body), "ETag": bucket[key].quoted_etag} for key in page]
        more = {"NextContinuationToken": page[-1]} if len(keys) > len(page) else {}
        return {"IsTruncated": bool(more), "KeyCount": len(page)} | ({"Contents": listed} if listed else {}) | more

    def get_object_tagging(self, client: BaseClient, request: Request) -> Answer:
        """Return the tags of an object."""
        return {"TagSet": [dict(tag) for tag in self._found(client, "GetObjectTagging", request, "NoSuchKey").tags]}

    def put_object_tagging(self, client: BaseClient, request: Request) -> Answer:
        """Replace the tags of an object."""
        tags = [dict(tag) for tag in request["Tagging"]["TagSet"]]
        self._found(client, "PutObjectTagging", request, "NoSuchKey").tags = tags
        return {}

    # ---- multipart uploads

    def create_multipart_upload(self, _: BaseClient, request: Request) -> Answer:
        """Begin an upload."""
        self.upload_count += 1
        upload = OpenUpload(f"upload-{self.upload_count:06}", dict(request))
        self.uploads[upload.upload_id] = upload
        return {"UploadId": upload.upload_id, "Bucket": request["Bucket"], "Key": request["Key"]}

    def upload_part(self, client: BaseClient, request: Request) -> Answer:
        """Store a part; one of the same number is replaced."""
        upload = self._upload(client, "UploadPart", request)
        part = upload.parts[request["PartNumber"]] = _stored(_body(request), request)
        return {"ETag": part.quoted_etag}

    def upload_part_copy(self, client: BaseClient, request: Request) -> Answer:
        """Store an object, or a range of it, as a part."""
        source = self._source(client, "UploadPartCopy", request)
        upload = self._upload(client, "UploadPartCopy", request)
        part = _stored(_ranged(source.body, request.get("CopySourceRange")), {})
        upload.parts[request["PartNumber"]] = part
        return {"CopyPartResult": {"ETag": part.quoted_etag}}

    def complete_multipart_upload(self, client: BaseClient, request: Request) -> Answer:
        """Create the object of the parts that are named, or none: every part is checked first."""
        operation = "CompleteMultipartUpload"
        upload = self._upload(client, operation, request)
        named = request.get("MultipartUpload", {}).get("Parts", [])
        if code := self._wrong_parts(upload, named):
            raise refusal(client, operation, code)
        self._check_write(client, operation, request)
        parts = [upload.parts[part["PartNumber"]] for part in named]
        body = b"".join(part.body for part in parts)
        digests = b"".join(bytes.fromhex(part.etag) for part in parts)
        etag = f"{md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
        stored = StoredObject(body, etag, self._checksum(client, upload, request, parts))
        stored.metadata = dict(upload.about.get("Metadata", {}))
        stored.content_type = upload.about.get("ContentType", "")
        self.objects[request["Bucket"]][request["Key"]] = stored
        del self.uploads[upload.upload_id]
        return {"ETag": stored.quoted_etag, "Bucket": request["Bucket"], "Key": request["Key"]}

    def abort_multipart_upload(self, client: BaseClient, request: Request) -> Answer:
        """End an upload; its parts are deleted."""
        del self.uploads[self._upload(client, "AbortMultipartUpload", request).upload_id]
        return {}

    def list_multipart_uploads(self, _: BaseClient, request: Request) -> Answer:
        """Return the uploads under way below a prefix, in the order of their keys and then of their creation."""
        listed = [
            {"Key": upload.about["Key"], "UploadId": upload.upload_id}
            for upload in self.uploads.values()
            if upload.about["Bucket"] == request["Bucket"] and upload.about["Key"].startswith(request.get("Prefix", ""))
        ]
        listed.sort(key=lambda upload: str(upload["Key"]))
        return {"Uploads": listed[: request.get("MaxUploads", MAX_KEYS)]} if listed else {}

    def list_parts(self, client: BaseClient, request: Request) -> Answer:
        """Return the parts that an upload has, in order."""
        parts = sorted(self._upload(client, "ListParts", request).parts.items())
        listed = [
            {"PartNumber": number, "Size": len(part.body), "ETag": part.quoted_etag}
            for number, part in parts
            if number > request.get("PartNumberMarker", 0)
        ]
        page = listed[: request.get("MaxParts", MAX_KEYS)]
        return {"IsTruncated": len(page) < len(listed)} | ({"Parts": page} if page else {})

    def _wrong_parts(self, upload: OpenUpload, named: list[dict[str, Any]]) -> str | None:
        """Return the code that S3 refuses the parts with."""
        numbers = [part["PartNumber"] for part in named]
        if not numbers:
            return "MalformedXML"
        # S3: consecutive from 1 where the upload has checksums; boto3 gives one to every upload.
        if numbers != [*range(1, len(numbers) + 1)]:
            return "InvalidPartOrder"
        for part in named:
            stored = upload.parts.get(part["PartNumber"])
            if stored is None or part.get("ETag", stored.quoted_etag).strip('"') != stored.etag:
                return "InvalidPart"
            if any(part[name] != value for name, value in stored.checksum.items() if name in part):
                return "InvalidPart"
        if any(len(upload.parts[number].body) < self.min_part_bytes for number, _ in pairwise(numbers)):
            return "EntityTooSmall"
        return None

    def _checksum(
        self, client: BaseClient, upload: OpenUpload, request: Request, parts: list[StoredObject]
    ) -> dict[str, str]:
        """Return the checksum of the complete object; S3 marks one of the parts' checksums by their count."""
        if upload.about.get("ChecksumType") == "FULL_OBJECT":
            declared = {name: request[name] for name in CHECKSUMS if name in request}
            if declared.get("ChecksumCRC32", crc32_of(body := b"".join(part.body for part in parts))) != crc32_of(body):
                raise refusal(client, "CompleteMultipartUpload", "BadDigest")
            return declared or {"ChecksumCRC32": crc32_of(body)}
        digests = b"".join(base64.b64decode(value) for part in parts for value in part.checksum.values())
        return {"ChecksumCRC32": f"{crc32_of(digests)}-{len(parts)}"}

    # ---- what the operations share

    def _found(self, client: BaseClient, operation: str, request: Request, code: str) -> StoredObject:
        stored = self.objects[request["Bucket"]].get(request["Key"])
        if stored is None:
            raise refusal(client, operation, code)
        return stored

    def _source(self, client: BaseClient, operation: str, request: Request) -> StoredObject:
        source = request["CopySource"]
        if isinstance(source, str):
            bucket, _, key = unquote(source).lstrip("/").partition("/")
            source = {"Bucket": bucket, "Key": key}
        stored = self._found(client, operation, source, "NoSuchKey")
        if request.get("CopySourceIfMatch", stored.quoted_etag).strip('"') != stored.etag:
            raise refusal(client, operation, "PreconditionFailed")
        return stored

    def _upload(self, client: BaseClient, operation: str, request: Request) -> OpenUpload:
        upload = self.uploads.get(request["UploadId"])
        if upload is None or (upload.about["Bucket"], upload.about["Key"]) != (request["Bucket"], request["Key"]):
            raise refusal(client, operation, "NoSuchUpload")
        return upload

    def _check_write(self, client: BaseClient, operation: str, request: Request) -> None:
        stored = self.objects[request["Bucket"]].get(request["Key"])
        if request.get("IfNoneMatch") == "*" and stored is not None:
            raise refusal(client, operation, "PreconditionFailed")
        if "IfMatch" in request:
            if stored is None:
                raise refusal(client, operation, "NoSuchKey")
            if request["IfMatch"].strip('"') != stored.etag:
                raise refusal(client, operation, "PreconditionFailed")


def crc32_of(body: bytes) -> str:
    """Return the CRC32 of bytes, as S3 writes it."""
    return base64.b64encode(zlib.crc32(body).to_bytes(4)).decode()


def _stored(body: bytes, request: Request) -> StoredObject:
    checksum = {name: request[name] for name in CHECKSUMS if name in request}
    etag = md5(body, usedforsecurity=False).hexdigest()
    return StoredObject(body, etag, checksum or {"ChecksumCRC32": crc32_of(body)})  # boto3 adds a CRC32 to any body


def _body(request: Request) -> bytes:
    body = request.get("Body", b"")
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    content: bytes = body.encode() if isinstance(body, str) else body.read()
    return content


def _ranged(body: bytes, range_: str | None) -> bytes:
    if range_ is None:
        return body
    start, _, end = range_.removeprefix("bytes=").partition("-")
    return body[int(start) : int(end) + 1]


OPERATIONS: dict[str, Callable[[Buckets, BaseClient, Request], Answer]] = {
    "CreateBucket": Buckets.create_bucket,
    "PutObject": Buckets.put_object,
    "GetObject": Buckets.get_object,
    "HeadObject": Buckets.head_object,
    "CopyObject": Buckets.copy_object,
    "DeleteObject": Buckets.delete_object,
    "DeleteObjects": Buckets.delete_objects,
    "ListObjectsV2": Buckets.list_objects_v2,
    "GetObjectTagging": Buckets.get_object_tagging,
    "PutObjectTagging": Buckets.put_object_tagging,
    "CreateMultipartUpload": Buckets.create_multipart_upload,
    "UploadPart": Buckets.upload_part,
    "UploadPartCopy": Buckets.upload_part_copy,
    "CompleteMultipartUpload": Buckets.complete_multipart_upload,
    "AbortMultipartUpload": Buckets.abort_multipart_upload,
    "ListMultipartUploads": Buckets.list_multipart_uploads,
    "ListParts": Buckets.list_parts,
}
