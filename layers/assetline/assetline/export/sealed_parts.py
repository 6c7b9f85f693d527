"""The parts of an export: pieces of its bytes, each an object below `staging/` that is named by its content.

A turn presumed dead, or an execution that has lost the export, may write at any time. Unless it writes the same bytes,
it uses other names. So it never replaces a part of a checkpoint.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from assetline.aws.join_objects import JoinSource
from assetline.errors import PartsMismatch
from assetline.export import crc32_combine
from assetline.export.checkpoint import Checkpoint
from assetline.export.export_names import staging_key
from assetline.export.staging import ExportStaging, content_name

MIN_PART_BYTES = 5 * 1024**2  # S3: the minimum of all parts but the last
_PART_BYTES = 8 * 1024**2  # ours: two of them are in memory at a time
_PARTS_OF_ONE_SIZE = 2000  # ours: later parts double, up to 32 MiB: 10,000 parts hold 242 GiB
_PACKED = struct.Struct(">II")


class SealedPart(NamedTuple):
    """A part in S3: the values needed to find and verify it."""

    size: int
    crc32: int


def part_bytes(number: int) -> int:
    """Return the size at which part *number* is sealed. It grows, so that 10,000 parts hold any feed."""
    return _PART_BYTES << min((number - 1) // _PARTS_OF_ONE_SIZE, 2)


def keep_part(staging: ExportStaging, number: int, body: bytes) -> None:
    """Store part *number*."""
    staging.keep(_name(number), body)


def sources_of(export_id: str, parts: Sequence[SealedPart]) -> list[JoinSource]:
    """Return the sources of the parts, in their order."""
    return [
        JoinSource(staging_key(export_id, content_name(_name(number), part.size, part.crc32)), part.size, part.crc32)
        for number, part in enumerate(parts, 1)
    ]


def prove(parts: Sequence[SealedPart], checkpoint: Checkpoint) -> None:
    """Raise `PartsMismatch` unless *parts* match *checkpoint* in number, sizes and CRC32."""
    stored = sum(part.size for part in parts)
    if (len(parts), stored) != (checkpoint.next_part - 1, checkpoint.bytes):
        raise PartsMismatch(
            f"The export has {len(parts)} parts of {stored} bytes, but rendered {checkpoint.bytes} bytes in "
            f"{checkpoint.next_part - 1} parts. Nothing was published. Start a new export."
        )
    if crc32_combine.combined((part.crc32, part.size) for part in parts) != checkpoint.crc32:
        raise PartsMismatch(
            "The parts do not hold the bytes that were rendered. Nothing was published. Start a new export."
        )


def pack(parts: Sequence[SealedPart]) -> bytes:
    """Return the parts serialised in eight bytes each."""
    return b"".join(_PACKED.pack(*part) for part in parts)


def unpack(packed: bytes) -> list[SealedPart]:
    """Return the parts serialised by `pack`."""
    return [SealedPart(*fields) for fields in _PACKED.iter_unpack(packed)]


def _name(number: int) -> str:
    return f"part-{number:05}"
