import zlib

import pytest

from assetline.errors import PartsMismatch
from assetline.export.checkpoint import Checkpoint
from assetline.export.sealed_parts import SealedPart, pack, prove, sources_of, unpack

CONTENTS = [b"first part", b"second part"]


def sealed(*contents: bytes) -> list[SealedPart]:
    return [SealedPart(len(content), zlib.crc32(content)) for content in contents]


def rendered(*contents: bytes) -> Checkpoint:
    complete = b"".join(contents)
    return Checkpoint(cursor=None, next_part=len(contents) + 1, bytes=len(complete), crc32=zlib.crc32(complete))


def test_parts_with_the_rendered_bytes_are_verified() -> None:
    prove(sealed(*CONTENTS), rendered(*CONTENTS))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (sealed(*CONTENTS)[:1], "in 2 parts"),
        ([], "in 2 parts"),
        (sealed(b"first part", b"second"), "16 bytes, but rendered 21"),
        (sealed(b"first part", b"SECOND part"), "not hold the bytes"),
        (sealed(*reversed(CONTENTS)), "not hold the bytes"),
    ],
)
def test_anything_else_is_not_published(parts: list[SealedPart], message: str) -> None:
    with pytest.raises(PartsMismatch, match=message):
        prove(parts, rendered(*CONTENTS))


def test_parts_are_packed_in_eight_bytes_each() -> None:
    parts = sealed(*CONTENTS)
    assert len(pack(parts)) == 16
    assert unpack(pack(parts)) == parts


def test_other_bytes_of_the_same_part_have_another_name() -> None:
    (item,), (other,) = (sources_of("assets_1", sealed(content)) for content in (b"first part", b"FIRST part"))
    assert item.key != other.key
