"""The content of a file by its first bytes: an image, a video, or a description of something else."""

from codecs import getincrementaldecoder
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from assetline.vi import iso_media, streams
from assetline.vi.streams import Streams

type Kind = Literal["Image", "Video"]

_IMAGE: frozenset[Kind] = frozenset({"Image"})
_VIDEO: frozenset[Kind] = frozenset({"Video"})
_NEITHER: frozenset[Kind] = frozenset()


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file: the possible `kinds` (none, one or both), and a description in `words`.

    `index_at` is the offset of a second read that would distinguish a video from audio; None if it is not needed.
    """

    kinds: frozenset[Kind]
    words: str
    index_at: int | None = None


_IMAGES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II\x2a\x00": "TIFF",
    b"MM\x00\x2a": "TIFF",
    b"II\x2b\x00\x08\x00\x00\x00": "BigTIFF",
    b"MM\x00\x2b\x00\x08\x00\x00": "BigTIFF",
    b"\xff\x4f\xff\x51": "JPEG 2000 codestream",
}
_CONTAINERS: dict[bytes, tuple[str, Callable[[bytes], Streams | None]]] = {
    b"OggS\x00": ("Ogg", streams.in_ogg),
    b".RMF\x00": ("RealMedia", streams.in_realmedia),
    b"FLV\x01": ("Flash Video", streams.in_flv),
    b"\x1a\x45\xdf\xa3": ("Matroska or WebM", streams.in_matroska),
    bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"): ("ASF or Windows Media", streams.in_asf),
    **{b"\x00\x00\x01" + bytes([code]): ("MPEG", streams.in_mpeg_program) for code in range(0xB0, 0xC0)},
}

# Common formats that Vi does not accept under any of its extensions.
_OTHERS = {
    b"8BPS": "a Photoshop picture (PSD)",
    b"\x00\x00\x01\x00": "an icon (ICO)",
    b"\x00\x00\x02\x00": "a cursor (CUR)",
    b"gimp xcf": "a GIMP picture (XCF)",
    b"AC10": "an AutoCAD drawing (DWG)",
    b"II\xbc": "a JPEG XR picture",
    b"\xff\x0a": "a JPEG XL picture",
    b"\x00\x00\x00\x0cJXL ": "a JPEG XL picture",
    b"v/1\x01": "an OpenEXR picture",
    b"IIU\x00": "a camera's raw picture",
    b"IIRO": "a camera's raw picture",
    b"IIRS": "a camera's raw picture",
    b"FUJIFILM": "a camera's raw picture",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an Office document",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"\x28\xb5\x2f\xfd": "a Zstandard archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"ID3": "audio only (MP3)",
    b"\xff\xfb": "audio only (MP3)",
    b"fLaC": "audio only (FLAC)",
}
_PICTURE_OF_A_CANON = b"CR"  # in a TIFF, after its header
_TIFF_HEADER_BYTES = 8
_DIB_HEADER_BYTES = range(12, 125)  # of a BMP: 12 is OS/2's, 124 is version 5
_TEXT = bytes({*b"\b\t\n\v\f\r\x1b", *range(0x20, 0x7F), *range(0x80, 0x100)})
_BYTES_SHOWN = 4


def content_of(head: bytes, index: bytes = b"") -> Content:
    """Return the content of a file that begins with *head*. Any bytes have a description.

    *index* are the bytes of the file from `index_at` of a first call on.
    """
    # Text may begin like a file: "GIF89a …", "The wide …", or one letter repeated like the packets of a stream.
    if _is_text(head):
        return Content(_NEITHER, "a PDF document" if head.startswith(b"%PDF") else "text")
    image = _image_format(head)
    if image is not None:
        return Content(_IMAGE, f"an image ({image})")
    for begin, (container, streams_in) in _CONTAINERS.items():
        if head.startswith(begin):
            return _of_streams(container, streams_in(head))
    return _riff(head) or _iso_media(head, index) or _transport_stream(head) or _other(head)


def _image_format(head: bytes) -> str | None:
    if head.startswith(b"BM"):
        return "BMP" if int.from_bytes(head[14:18], "little") in _DIB_HEADER_BYTES else None
    if head.startswith(b"RIFF") and head[8:14] == b"WEBPVP":
        return "WebP"
    found = next((name for begin, name in _IMAGES.items() if head.startswith(begin)), None)
    return None if found == "TIFF" and not _is_tiff(head) else found


def _is_tiff(head: bytes) -> bool:
    """Return whether the first directory of a TIFF is behind its header, and it is not a Canon raw file."""
    directory_at = int.from_bytes(head[4:8], "little" if head.startswith(b"II") else "big")
    return directory_at >= _TIFF_HEADER_BYTES and head[8:10] != _PICTURE_OF_A_CANON


def _of_streams(container: str, seen: Streams | None) -> Content:
    if seen is None:
        return Content(_NEITHER, f"not a video, although it begins like {container}")
    if seen.is_sound_alone:
        return Content(_NEITHER, f"audio only ({container})")
    return Content(_VIDEO, f"a video ({container})")


def _riff(head: bytes) -> Content | None:
    if not head.startswith(b"RIFF"):
        return None
    if head[8:12] == b"AVI ":
        return _of_streams("AVI", streams.in_avi(head))
    return Content(_NEITHER, "audio only (WAV)") if head[8:12] == b"WAVE" else None


def _iso_media(head: bytes, index: bytes) -> Content | None:
    found = iso_media.read(head, index)
    if found is None:
        return None
    if found.refused_as is not None:
        return Content(_NEITHER, f"{found.refused_as} ({found.in_words})")
    kinds: frozenset[Kind] = (_IMAGE if found.is_image else _NEITHER) | (_VIDEO if found.is_video else _NEITHER)
    return Content(kinds, f"{'an image' if kinds == _IMAGE else 'a video'} ({found.in_words})", found.index_at)


def _transport_stream(head: bytes) -> Content | None:
    seen = streams.in_mpeg_transport(head)
    return None if seen is None else _of_streams("MPEG transport stream", seen)


def _other(head: bytes) -> Content:
    if head[8:10] == _PICTURE_OF_A_CANON and head[:2] in {b"II", b"MM"}:
        return Content(_NEITHER, "a camera's raw picture")
    if head[128:132] == b"DICM":
        return Content(_NEITHER, "a DICOM picture")
    for begin, words in _OTHERS.items():
        if head.startswith(begin):
            return Content(_NEITHER, words)
    return Content(_NEITHER, f"neither an image nor a video: it begins with the bytes {head[:_BYTES_SHOWN].hex(' ')}")


def _is_text(head: bytes) -> bool:
    """Return whether *head* is ASCII or UTF-8 without the control characters that images and videos have."""
    text = head.rstrip(b"\x1a")  # DOS ends text files with it
    if not text or text.translate(None, _TEXT):
        return False
    try:
        getincrementaldecoder("utf-8")().decode(text)  # the last character may be cut off
    except UnicodeDecodeError:
        return head[:1].isascii()  # text of another encoding
    return True
