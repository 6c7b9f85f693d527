"""Computes the CRC32 of an object from those of its parts, to verify it without reading the parts.

S3 stores the CRC32 of every part. Appending `n` bytes to a message multiplies the register of its CRC by x^(8n) modulo
the CRC's polynomial. So the CRC of `a + b` is `crc(a) * x^(8 * len(b)) + crc(b)` over GF(2).
"""

from collections.abc import Iterable

_POLYNOMIAL = 0xEDB88320  # IEEE 802.3, bit-reversed: bit 31 is x^0
_UNIT = 0x80000000
_X8 = 0x00800000


def combined(parts: Iterable[tuple[int, int]]) -> int:
    """Return the CRC32 of the joined parts, each given as `(crc32, size in bytes)`."""
    joined = 0
    for crc32, size in parts:
        joined = _times(joined, _power(_X8, size)) ^ crc32
    return joined


def _times(a: int, b: int) -> int:
    """Multiply two polynomials modulo the CRC's."""
    product = 0
    bit = _UNIT
    while bit:
        if a & bit:
            product ^= b
        b = (b >> 1) ^ (_POLYNOMIAL if b & 1 else 0)
        bit >>= 1
    return product


def _power(base: int, exponent: int) -> int:
    """Raise a polynomial to a power by squaring."""
    result = _UNIT
    while exponent:
        if exponent & 1:
            result = _times(result, base)
        base = _times(base, base)
        exponent >>= 1
    return result
