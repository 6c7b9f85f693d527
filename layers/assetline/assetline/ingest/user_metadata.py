"""Decodes S3 user metadata: S3 returns values that are not ASCII as encoded words (RFC 2047)."""

import re
from base64 import b64decode
from collections.abc import Mapping
from quopri import decodestring

# Words in UTF-8, the only encoding that S3 writes; blanks between two words are ignored.
_WORD = r"=\?utf-8\?[bq]\?[!->@-~]*\?="
_WORDS = re.compile(rf"{_WORD}(?:[ \t]*{_WORD})*", re.IGNORECASE)
_PARTS = re.compile(r"=\?utf-8\?([bq])\?([!->@-~]*)\?=", re.IGNORECASE)


def decoded_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    """Return user metadata with its encoded words decoded; other text is unchanged."""
    return {name: _WORDS.sub(_decoded, value) for name, value in metadata.items()}


def _decoded(words: re.Match[str]) -> str:
    """Return the text of consecutive words. A character may begin in one and end in the next."""
    try:
        return b"".join(_bytes_of(*part.groups()) for part in _PARTS.finditer(words[0])).decode()
    except ValueError:
        return words[0]


def _bytes_of(encoding: str, text: str) -> bytes:
    if encoding.lower() == "q":
        return decodestring(text, header=True)
    return b64decode(text + "=" * (-len(text) % 4), validate=True)
