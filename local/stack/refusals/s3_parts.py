"""S3 refuses to complete a multipart upload from a list of parts that is wrong.

The rules are those of CompleteMultipartUpload and CompletedPart in the S3 API reference. An upload with a checksum
algorithm needs the part numbers 1, 2, 3 …; a composite checksum needs the checksum of every part in the request.
S3 names a missing checksum `InvalidRequest`, and a wrong one `InvalidPart`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element

from .patching import Function, attribute, wrap

S3 = "ministack.services.s3"
SMALLEST_PART_BYTES = 5 * 1024**2  # S3: every part but the last
FULL_OBJECT = "FULL_OBJECT"
# S3's default type where the request names none; the other algorithms are composite.
FULL_OBJECT_BY_DEFAULT = frozenset({"CRC64NVME"})
NOT_FOUND = (
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified "
    "entity tag may not match the part's entity tag."
)


@dataclass(frozen=True)
class Part:
    """A part, as the request names it or as S3 stores it; *checksums* by algorithm."""

    number: int
    etag: str
    checksums: Mapping[str, str]
    size: int = 0


@dataclass(frozen=True)
class Refusal:
    """An error of S3, with status 400."""

    code: str
    message: str


def refusal(
    named: Sequence[Part], stored: Mapping[int, Part], algorithm: str | None, *, composite: bool = True
) -> Refusal | None:
    """Return the reason why S3 refuses to complete the *stored* parts with the *named* ones, or None."""
    numbers = [part.number for part in named]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        return Refusal("InvalidPartOrder", "The list of parts was not in ascending order.")
    if algorithm and numbers != list(range(1, len(numbers) + 1)):
        return Refusal("InvalidPartOrder", "The part numbers of an upload with a checksum must be 1, 2, 3 and so on.")
    if algorithm and composite:
        missing = next((part.number for part in named if algorithm not in part.checksums), None)
        if missing is not None:
            return Refusal("InvalidRequest", _missing_checksum(algorithm, missing))
    if any(not _is_stored(part, stored) for part in named):
        return Refusal("InvalidPart", NOT_FOUND)
    if any(stored[number].size < SMALLEST_PART_BYTES for number in numbers[:-1]):
        return Refusal("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
    return None


def named_parts(request: Element) -> list[Part] | None:
    """Return the parts that a CompleteMultipartUpload names, in its order; None if one lacks a proper number."""
    elements = [element for element in request.iter() if _local(element) == "Part"]
    fields = [{_local(child): (child.text or "").strip() for child in element} for element in elements]
    try:
        return [Part(int(part["PartNumber"]), part.get("ETag", ""), _checksums(part)) for part in fields]
    except (KeyError, ValueError):
        return None


def teach() -> None:
    """Make MiniStack's S3 check the list of parts before it completes an upload."""
    wrap(S3, "_create_multipart_upload", _remembering_the_type)
    wrap(S3, "_complete_multipart_upload", _checking_the_parts)


def _remembering_the_type(create: Function) -> Function:
    """Keep the checksum type with the upload: MiniStack does not store it."""
    uploads, parse = attribute(S3, "_multipart_uploads"), attribute(S3, "fromstring")

    def create_multipart_upload(bucket: str, key: str, headers: Mapping[str, str]) -> Any:
        status, answered, content = create(bucket, key, headers)
        algorithm = answered.get("x-amz-checksum-algorithm")
        if status == HTTPStatus.OK and algorithm:
            default = FULL_OBJECT if algorithm in FULL_OBJECT_BY_DEFAULT else "COMPOSITE"
            answered["x-amz-checksum-type"] = kind = headers.get("x-amz-checksum-type", default)
            upload_id = next(element.text for element in parse(content).iter() if _local(element) == "UploadId")
            uploads[upload_id]["checksum_type"] = kind
        return status, answered, content

    return create_multipart_upload


def _checking_the_parts(complete: Function) -> Function:
    uploads, parse = attribute(S3, "_multipart_uploads"), attribute(S3, "fromstring")
    error, parameter = attribute(S3, "_error"), attribute(S3, "_qp")

    def complete_multipart_upload(bucket: str, key: str, body: bytes, query: Any, *others: Any) -> Any:
        upload_id = parameter(query, "uploadId")
        if upload_id in uploads and (refused := _refusal_of(uploads[upload_id], _parsed(parse, body))):
            return error(refused.code, refused.message, 400, f"/{bucket}/{key}")
        return complete(bucket, key, body, query, *others)

    return complete_multipart_upload


def _parsed(parse: Function, body: bytes) -> list[Part] | None:
    try:
        return named_parts(parse(body))
    except SyntaxError:  # no XML: MiniStack refuses it
        return None


def _refusal_of(upload: Mapping[str, Any], named: list[Part] | None) -> Refusal | None:
    if named is None:
        return None
    stored = {
        number: Part(number, part["etag"], part.get("checksums") or {}, part["size"])
        for number, part in upload["parts"].items()
    }
    composite = upload.get("checksum_type") != FULL_OBJECT
    return refusal(named, stored, upload.get("checksum_algorithm"), composite=composite)


def _is_stored(part: Part, stored: Mapping[int, Part]) -> bool:
    found = stored.get(part.number)
    return (
        found is not None
        and found.etag.strip('"') == part.etag.strip('"')
        and all(found.checksums.get(algorithm) == value for algorithm, value in part.checksums.items())
    )


def _missing_checksum(algorithm: str, number: int) -> str:
    return (
        f"The upload was created using a {algorithm.lower()} checksum. The complete request must include the checksum "
        f"for each part. It was missing for part {number} in the request."
    )


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _checksums(fields: Mapping[str, str]) -> dict[str, str]:
    prefix = "Checksum"
    return {name.removeprefix(prefix).upper(): text for name, text in fields.items() if name.startswith(prefix)}
