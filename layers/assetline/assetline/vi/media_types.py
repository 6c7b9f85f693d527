"""The type of a file, by its name and its first bytes (docs/contracts/vi-api.md, section 6)."""

from collections.abc import Callable
from dataclasses import dataclass

from assetline.observability import logger
from assetline.vi.content import Content, Kind, content_of

HEAD_BYTES = 64 * 1024  # ours: bytes read of a file; the stream lists of most containers fit


@dataclass(frozen=True, slots=True)
class MediaType:
    """The type of a file in a request to Vi."""

    mime: str
    kind: Kind


class NotMedia(Exception):  # noqa: N818
    """Vi does not accept the file; `reason` is a code, the message describes it."""

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
    """Return the type that the extension of a name implies, None for an unknown extension."""
    stem, dot, extension = filename.rpartition(".")
    return _BY_EXTENSION.get(extension.lower()) if stem and dot else None


def checked(filename: str, head: bytes, read_from: Callable[[int], bytes] = lambda _: b"") -> MediaType:
    """Return the type of a file whose first bytes *head* confirm the extension of its name.

    As in the official SDK, name and content must agree on image or video, not on the format. *read_from* returns
    `HEAD_BYTES` from an offset, or the rest of the file. It is called for a video whose index is not in its head.

    Raises:
        NotMedia: `UnsupportedType`, `EmptyObject` or `WrongContent`.
    """
    named = by_extension(filename)
    if named is None:
        raise NotMedia("UnsupportedType", "Vi does not accept this extension. Convert the file.")
    if not head:
        raise NotMedia("EmptyObject", "The file is empty.")
    content = _content(head)
    if named.kind == "Video" and content.index_at is not None:
        content = _content(head, read_from(content.index_at))
    if named.kind not in content.kinds:
        raise NotMedia("WrongContent", f"The extension implies {named.mime}, but the content is {content.words}.")
    return named


def _content(head: bytes, index: bytes = b"") -> Content:
    """Return the content of a file. A bug in the parser must not keep its drop from being settled."""
    try:
        return content_of(head, index)
    except Exception as fault:
        logger.exception("content_not_read")
        return Content(frozenset(), f"in a form that cannot be read ({type(fault).__name__})")
