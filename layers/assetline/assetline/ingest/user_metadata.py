"""S3 user metadata as it was meant: S3 returns values that are not ASCII as encoded words (RFC 2047)."""

import re
from base64 import b64decode
from collections.abc import Mapping
from quopri import decodestring

# Words of UTF-8, which is the only one S3 writes, and what is between two of them is nothing.
_WORD = r"=\?utf-8\?[bq]\?[!->@-~]*\?="
_WORDS = re.compile(rf"{_WORD}(?:[ \t]*{_WORD})*", re.IGNORECASE)
_PARTS = re.compile(r"=\?utf-8\?([bq])\?([!->@-~]*)\?=", re.IGNORECASE)


def decoded_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return user metadata with its encoded words decoded; what is none of them stays as it is."""
    return {name: _WORDS.sub(_decoded, value) for name, value in metadata.items()}


def _decoded(words: re.Match[str]) -> str:
    """Return the text of words in a row. A character may begin in one and end in the next."""
    try:
        return b"".join(_bytes_of(*part.groups()) for part in _PARTS.finditer(words[0])).decode()
    except ValueError:
        return words[0]


def _bytes_of(encoding: str, text: str) -> bytes:
    if encoding.lower() == "q":
        return decodestring(text, header=True)
    return b64decode(text + "=" * (-len(text) % 4), validate=True)
