import zlib

from hypothesis import given
from hypothesis import strategies as st

from assetline.export.crc32_combine import combined


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_the_combined_crc_of_parts_is_that_of_the_complete_bytes(parts: list[bytes]) -> None:
    assert combined((zlib.crc32(part), len(part)) for part in parts) == zlib.crc32(b"".join(parts))


def test_parts_of_real_size_combine() -> None:
    parts = [bytes([n]) * (8 * 1024**2 + n) for n in range(3)]
    assert combined((zlib.crc32(part), len(part)) for part in parts) == zlib.crc32(b"".join(parts))


def test_parts_in_another_order_have_another_crc() -> None:
    a, b = (zlib.crc32(b"a"), 1), (zlib.crc32(b"b"), 1)
    assert combined([a, b]) != combined([b, a])
