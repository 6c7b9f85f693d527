"""The type of a file, by its name and by its first bytes (docs/contracts/vi-api.md, section 6)."""

from collections.abc import Callable
from dataclasses import dataclass

from assetline.observability import logger
from assetline.vi.content import Content, Kind, content_of

HEAD_BYTES = 64 * 1024  # ours: how much of a file is looked at; what containers say of their streams mostly fits


@dataclass(frozen=True, slots=True)
class MediaType:
    """The type of a file as a request to Vi states it."""

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


def by_extension(filename: str) -> MediaType | None:
    """Return what a name says that a file is; None for a name that says nothing of the kind."""
    stem, dot, extension = filename.rpartition(".")
    return _BY_EXTENSION.get(extension.lower()) if stem and dot else None


def checked(filename: str, head: bytes, read_from: Callable[[int], bytes] = lambda _: b"") -> MediaType:
    """Return what to tell Vi of a file, whose first bytes *head* bear out what its name says.

    As with the official SDK, name and content have to agree on image or video, not on which of them. *read_from*
    returns `HEAD_BYTES` from a place on, or what there is; it is asked of a film whose index is not in its head.

    Raises:
        NotMedia: `UnsupportedType`, `EmptyObject` or `WrongContent`.
    """
    named = by_extension(filename)
    if named is None:
        raise NotMedia("UnsupportedType", "Its extension is of no image or video that Vi takes.")
    if not head:
        raise NotMedia("EmptyObject", "It has no bytes.")
    content = _content(head)
    if named.kind == "Video" and content.index_at is not None:
        content = _content(head, read_from(content.index_at))
    if named.kind not in content.kinds:
        raise NotMedia("WrongContent", f"Its name says {named.mime}, and its content is {content.words}.")
    return named


def _content(head: bytes, index: bytes = b"") -> Content:
    """Return what a file holds. A fault of ours in reading it must not keep its drop from ending with a reason."""
    try:
        return content_of(head, index)
    except Exception as fault:
        logger.exception("content_not_read")
        return Content(frozenset(), f"of a form that cannot be read ({type(fault).__name__})")
