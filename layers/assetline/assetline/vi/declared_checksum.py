"""The checksum of an asset in its record. Its notation is not documented (docs/contracts/vi-api.md, section 3.1)."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from assetline.vi.crc32c import signed

_HEX = re.compile(r"(0x)?(?P<digits>[0-9a-fA-F]{8})", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,10}", re.ASCII)
_BASE64 = re.compile(r"[A-Za-z0-9+/]{6}==", re.ASCII)


def declared_crc32c(hash_: Any, size: int | None = None) -> tuple[int, ...]:
    """Return the possible values of `metadata.hash` as signed CRC32Cs; empty if it holds none.

    The function parses decimal (signed or unsigned), hexadecimal and base64. Eight decimal digits may be decimal or
    hexadecimal. A plain zero of a file that is not empty counts as no checksum.
    """
    if not isinstance(hash_, Mapping) or not _is_crc32c(hash_.get("algorithm")):
        return ()
    contents = hash_.get("contents")
    if isinstance(contents, bool) or not isinstance(contents, str | int):
        return ()
    text = str(contents).strip()
    if text == "0" and size:
        return ()
    found = dict.fromkeys(_meanings(text))
    return tuple(found)


def _is_crc32c(algorithm: Any) -> bool:
    return isinstance(algorithm, str) and re.sub(r"[^a-z0-9]", "", algorithm.lower()) == "crc32c"


def _meanings(text: str) -> list[int]:
    meanings = []
    if _DECIMAL.fullmatch(text) and -(1 << 31) <= int(text) < 1 << 32:
        meanings.append(signed(int(text)))
    if found := _HEX.fullmatch(text):
        meanings.append(signed(int(found["digits"], 16)))
    if _BASE64.fullmatch(text):
        try:
            meanings.append(signed(int.from_bytes(base64.b64decode(text, validate=True))))
        except binascii.Error:
            return meanings
    return meanings
