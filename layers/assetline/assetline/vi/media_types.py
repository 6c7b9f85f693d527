"""What a file is, by its name and by its first bytes (contract sheet, section 6)."""

from dataclasses import dataclass
from typing import Literal

import filetype

HEAD_BYTES = 8192  # how much of a file is looked at, as the official SDK does

type Kind = Literal["Image", "Video"]


@dataclass(frozen=True, slots=True)
class MediaType:
    """What Vi is told that a file is."""

    mime: str
    kind: Kind


class NotMedia(Exception):  # noqa: N818
    """A file that Vi would not take; `reason` is a code, the message says it in words."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


_IMAGES = {
    "image/avif": "avif",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/heif": "heif",
    "image/png": "png",
    "image/webp": "webp",
    "image/jpeg": "jpeg jpg jfif",
    "image/tiff": "tiff tif",
    "image/jp2": "jp2 j2k",
}
_VIDEOS = {
    "video/mp4": "mp4 f4v",
    "video/quicktime": "mov movie qt",
    "video/3gpp": "3gp 3gpp",
    "video/x-msvideo": "avi",
    "video/x-flv": "flv",
    "video/x-m4v": "m4v",
    "video/matroska": "mkv",
    "video/webm": "webm",
    "video/mpeg": "mpg mpeg",
    "video/x-ms-asf": "asf wmv",
    "video/ogg": "ogg ogv",
    "application/vnd.rn-realmedia": "rm rmv",
}
_KINDS: tuple[tuple[Kind, dict[str, str]], ...] = (("Image", _IMAGES), ("Video", _VIDEOS))
_BY_EXTENSION = {
    extension: MediaType(mime, kind)
    for kind, types in _KINDS
    for mime, extensions in types.items()
    for extension in extensions.split()
}
EXTENSIONS = frozenset(_BY_EXTENSION)

# What the library does not tell apart, or calls otherwise.
_CODESTREAM = b"\xff\x4f\xff\x51"  # a raw JPEG 2000 codestream
_REALMEDIA = b".RMF"
_OGG = b"OggS"
_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"}
_BIG_TIFF = (b"II\x2b\x00\x08\x00\x00\x00", b"MM\x00\x2b\x00\x08\x00\x00")
_ATOMS = {b"moov", b"wide", b"free", b"skip", b"pnot"}  # a QuickTime film need not begin with `ftyp`


def by_extension(filename: str) -> MediaType | None:
    """Return what a name says that a file is; None for a name that says nothing of the kind."""
    stem, dot, extension = filename.rpartition(".")
    return _BY_EXTENSION.get(extension.lower()) if stem and dot else None


def checked(filename: str, head: bytes) -> MediaType:
    """Return what to tell Vi of a file, whose first bytes *head* bear out what its name says.

    As with the official SDK, name and content have to agree on image or video, not on which of them.

    Raises:
        NotMedia: `UnsupportedType`, `EmptyObject` or `WrongContent`.
    """
    named = by_extension(filename)
    if named is None:
        raise NotMedia("UnsupportedType", "Its extension is of no image or video that Vi takes.")
    if not head:
        raise NotMedia("EmptyObject", "It has no bytes.")
    kind = _kind_of(head)
    if kind is None:
        raise NotMedia("WrongContent", f"Its name says {named.mime}, and its content is no image or video.")
    if kind != named.kind:
        raise NotMedia("WrongContent", f"Its name says {named.mime}, and its content is {_WORDS[kind]}.")
    return named


_WORDS: dict[Kind, str] = {"Image": "an image", "Video": "a video"}


def _kind_of(head: bytes) -> Kind | None:
    if head.startswith(_CODESTREAM) or (head[4:8] == b"ftyp" and head[8:12] in _BRANDS):
        return "Image"
    if head.startswith((_REALMEDIA, _OGG)):
        return "Video"
    guessed = filetype.guess_mime(head)
    if guessed is None:
        return _kind_unguessed(head)
    return {"image": "Image", "video": "Video"}.get(guessed.partition("/")[0])  # type: ignore[return-value] # Literals


def _kind_unguessed(head: bytes) -> Kind | None:
    if head.startswith(_BIG_TIFF):
        return "Image"
    box = head[4:8]
    # Of a short box the length begins with no letter, as a text would: "The wide", say.
    if box in {b"ftyp", b"mdat"} or (box in _ATOMS and head[0] < ord(" ")):
        return "Video"
    return None
