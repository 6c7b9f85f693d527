"""CRC32C (Castagnoli) in Vi's notation: the big-endian digest, read as a signed integer.

Source: docs/contracts/vi-api.md, section 6.
"""

import base64
import binascii

import google_crc32c


class Crc32c:
    """The checksum of bytes that arrive in pieces."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, piece: bytes) -> None:
        """Add a piece."""
        self._value = google_crc32c.extend(self._value, piece)

    @property
    def signed(self) -> int:
        """The checksum of the pieces so far, from -2**31 to 2**31 - 1."""
        return signed(self._value)


def signed(value: int) -> int:
    """Return a signed or unsigned 32-bit value as a signed number."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


def of(content: bytes) -> int:
    """Return the signed checksum of *content*."""
    return signed(google_crc32c.value(content))


def from_s3(text: str) -> int:
    """Return the signed value of S3's `ChecksumCRC32C`: the digest in base64."""
    return signed(int.from_bytes(base64.b64decode(text)))


def from_google(text: str) -> int | None:
    """Return the signed value in `x-goog-hash`, such as `crc32c=n03x6A==,md5=…`; None without a CRC32C."""
    for entry in text.split(","):
        name, _, value = entry.strip().partition("=")
        if name == "crc32c":
            try:
                digest = base64.b64decode(value, validate=True)
            except binascii.Error:
                return None
            return signed(int.from_bytes(digest)) if len(digest) == 4 else None
    return None


def to_s3(value: int) -> str:
    """Return a checksum in S3's notation."""
    return base64.b64encode((value & 0xFFFFFFFF).to_bytes(4)).decode()
