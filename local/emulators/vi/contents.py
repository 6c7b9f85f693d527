"""The type of an uploaded file in the emulated Vi: an image, a video or a text. It accepts unknown types."""

import codecs
from typing import Literal

from local.emulators.vi.store import StoredContent

type Seen = Literal["image", "video", "text"]

HEAD_BYTES = 8192
_IMAGES = (
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"GIF8",
    b"II*\x00",
    b"MM\x00*",
    b"RIFF....WEBP",
    b"\xff\x4f\xff\x51",
    b"\0\0\0\x0cjP",
)
_VIDEOS = (b"\x1a\x45\xdf\xa3", b"FLV\x01", b"\x30\x26\xb2\x75", b"\0\0\1\xba", b"OggS", b".RMF", b"RIFF....AVI ")
_IMAGE_BRANDS = (b"mif1", b"msf1", b"heic", b"heix", b"hevc", b"hevx", b"avif", b"avis")
_REALMEDIA = "application/vnd.rn-realmedia"


def contradicts(content: StoredContent, mime: str) -> bool:
    """Return whether the content of a file contradicts its MIME type."""
    named = "video" if mime == _REALMEDIA else mime.partition("/")[0]
    seen = _seen(content.head(HEAD_BYTES))
    return seen is not None and seen != named


def _seen(head: bytes) -> Seen | None:
    if head[4:8] == b"ftyp":
        return "image" if head[8:12] in _IMAGE_BRANDS else "video"
    if head[:4] == b"RIFF":
        head = b"RIFF...." + head[8:]
    if head.startswith(_IMAGES):
        return "image"
    if head.startswith(_VIDEOS):
        return "video"
    return "text" if _is_text(head) else None


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return bool(text) and all(char.isprintable() or char.isspace() for char in text)
