"""Find secrets and signatures in text, in the spellings that programs write them in."""

import base64
import gzip
import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from urllib.parse import quote, quote_plus

type Document = tuple[str, bytes]  # a place, and what was written there

# A parameter of a signed URL: of AWS, Google, Azure or CloudFront, or of the emulated Vi. The = may be encoded.
SIGNATURE = re.compile(
    rb"(?:(?<![\w-])|(?<=%3f)|(?<=%26)|(?<=u0026))(?:x-amz-signature|x-amz-security-token|x-goog-signature|signature|sig)"
    rb"(?:=|%(?:25)*3d|\\+u003d|&#61;|&#x3d;|\\*\"\s*:\s*\\*\"|'\s*:\s*')([\w%+/-]{16,})",
    re.IGNORECASE,
)
_GZIP = b"\x1f\x8b"
_SHORTEST_PART = 16  # characters of base64 that identify a secret


def leaks(documents: Iterable[Document], secrets: Mapping[str, str]) -> list[str]:
    """Return a line for each secret and each signature in *documents*: its place and its name, never its value."""
    patterns = {name: _spellings(secret) for name, secret in secrets.items()}
    found = []
    for place, content in documents:
        for text in _unpacked(content):
            found += [f"{place}: {name}" for name, spellings in patterns.items() if any(s in text for s in spellings)]
            if SIGNATURE.search(text):
                found.append(f"{place}: signature")
    return found


def signatures(documents: Iterable[Document]) -> set[str]:
    """Return the values of all signatures in *documents*."""
    return {
        match[1].decode()
        for _, content in documents
        for text in _unpacked(content)
        for match in SIGNATURE.finditer(text)
    }


def _unpacked(content: bytes) -> list[bytes]:
    """Return the content; of a gzip file, also the bytes that it holds."""
    return [content, gzip.decompress(content)] if content.startswith(_GZIP) else [content]


def _spellings(secret: str) -> set[bytes]:
    """Return the secret as plain text, in URLs, JSON, HTML and base64, at any offset of the encoded text."""
    texts = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], escape(secret)}
    return {text.encode() for text in texts} | {part for part in map(_encoded_at, [secret] * 3, range(3)) if part}


def _encoded_at(secret: str, offset: int) -> bytes:
    """Return what base64 makes of a secret that has *offset* bytes (modulo 3) before it: the certain characters."""
    encoded = base64.b64encode(b"\0" * offset + secret.encode())
    certain = encoded[(0, 2, 3)[offset] : len(encoded) - 4]
    return certain if len(certain) >= _SHORTEST_PART else b""
