"""Files made of boxes: MP4, QuickTime, 3GP, HEIF, AVIF and JPEG 2000 (ISO/IEC 14496-12, 23008-12, 15444-1)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

# A box begins with four bytes of size and four of type. Two sizes have a special meaning.
_HEADER_BYTES = 8
_SIZE_FOLLOWS = 1  # in eight bytes, after the type
_TO_THE_END = 0
_ENDLESS = 1 << 64
_MOST_BOXES = 100  # ours: before the movie box; only a malicious file has more

# The first boxes of a file; `mdat` too, of any size. Any other box larger than 512 MiB is invalid.
_FIRST = {
    *(b"ftyp", b"styp", b"moov", b"moof", b"free", b"skip", b"wide", b"pnot", b"uuid", b"sidx", b"ssix", b"prft"),
    *(b"emsg", b"pdin", b"udta", b"meta", b"jP  "),
}
_LARGEST_FIRST = 0x20  # the highest byte of its size; letters have higher values
_FILM = {b"moov", b"moof"}

_HEIF = {
    *(b"mif1", b"mif2", b"mif3", b"msf1", b"miaf", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm"),
    *(b"hevs", b"avif", b"avis", b"avio", b"MA1A", b"MA1B", b"avci", b"avcs", b"jpeg", b"jpgs", b"vvic", b"vvis"),
    *(b"j2ki", b"j2is", b"1pic"),
}
_JPEG_2000 = {b"jp2 ", b"jpx ", b"jpm ", b"jph "}
_MOTION_JPEG_2000 = {b"mjp2", b"mj2s"}
_SOUND = {b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "}
_CANON_RAW = b"crx "
_BRANDS_SHOWN = 6

# Handlers of tracks without pictures. A track with any other handler may be a video: QuickTime has several.
_SOUND_HANDLER = b"soun"
_SHOWS_NOTHING = {_SOUND_HANDLER, b"text", b"sbtl", b"subt", b"meta", b"tmcd", b"clcp", b"hint", b"sdsm", b"odsm"}
_PICTURES_HANDLER = b"pict"
_LEAST_TRACK_BYTES = 256  # ours: the minimum of a track


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its type, the start of its content, and its end, which may exceed the bytes read."""

    type: bytes
    start: int
    stop: int


@dataclass
class IsoMedia:
    """The first boxes of a file.

    `brands` holds all brands, the major one first. `tracks` holds the handlers found. `stop` is the end of the last box
    found.
    """

    types: set[bytes] = field(default_factory=set)
    brands: list[bytes] = field(default_factory=list)
    tracks: list[bytes] = field(default_factory=list)
    all_tracks_seen: bool = False
    holds_pictures: bool = False
    stop: int = 0

    @property
    def in_words(self) -> str:
        """The family of the file, and its brands."""
        family = "HEIF or AVIF" if self.is_image else "MP4 or QuickTime"
        shown = [repr(brand.decode("latin-1")) for brand in self.brands[:_BRANDS_SHOWN]]
        shown += ["…"] if len(self.brands) > _BRANDS_SHOWN else []
        noun = "brand" if len(self.brands) == 1 else "brands"
        return ", ".join(
            ["JPEG 2000" if self.is_jpeg_2000 else family, *([f"{noun} {' '.join(shown)}"] if shown else [])]
        )

    @property
    def is_jpeg_2000(self) -> bool:
        """Whether the file is an image or a video in JPEG 2000."""
        return b"jP  " in self.types

    @property
    def is_image(self) -> bool:
        """Whether the file may be an image: any brand counts, not only the major one."""
        if self.is_jpeg_2000:
            return not _MOTION_JPEG_2000.intersection(self.brands) or bool(_JPEG_2000.intersection(self.brands))
        return self.holds_pictures or bool(_HEIF.intersection(self.brands))

    @property
    def is_video(self) -> bool:
        """Whether the file may be a video: neither its major brand nor its content is that of an image."""
        if not self.is_image or self.is_jpeg_2000:
            return not self.is_image
        has_film = bool(self.types & _FILM)
        return not _HEIF.intersection(self.brands[:1]) and (has_film or not self.holds_pictures)

    @property
    def index_at(self) -> int | None:
        """The offset where an unread index may begin; None if it was read or cannot be found."""
        return None if self.types & _FILM or self.stop >= _ENDLESS or not self.is_video else self.stop

    @property
    def refused_as(self) -> str | None:
        """A description of a file that is neither; None if it may be an image or a video."""
        if _CANON_RAW in self.brands:
            return "a camera's raw picture"
        only_sound = _SOUND_HANDLER in self.tracks and _SHOWS_NOTHING.issuperset(self.tracks)
        if only_sound and self.all_tracks_seen:
            return "audio only"
        if _SOUND.intersection(self.brands[:1]) and (only_sound or not self.tracks):
            return "audio only"
        return None


def read(head: bytes, index: bytes = b"") -> IsoMedia | None:
    """Return the boxes at the beginning of a file; None if it does not begin with a box.

    *index* are more of its bytes, from the end of a box on: many videos have their index at the end.
    """
    begin = head[4:8]
    if begin != b"mdat" and (begin not in _FIRST or head[0] >= _LARGEST_FIRST):
        return None
    found = IsoMedia()
    _read_boxes(head, found)
    _read_boxes(index, found)
    return found


def _read_boxes(piece: bytes, found: IsoMedia) -> None:
    for box in islice(_boxes(piece, 0, _ENDLESS), _MOST_BOXES):
        found.types.add(box.type)
        found.stop = box.stop
        if box.type in {b"ftyp", b"styp"}:
            found.brands = [*dict.fromkeys([*found.brands, *_brands(piece, box)])]
        elif box.type == b"moov":
            _read_tracks(piece, box, found)
        elif box.type == b"meta":
            found.holds_pictures |= _handler(piece, Box(box.type, box.start + 4, box.stop)) == _PICTURES_HANDLER


def _boxes(head: bytes, start: int, stop: int) -> Iterator[Box]:
    """Yield the boxes from *start* on whose headers are in *head*."""
    while start + _HEADER_BYTES <= min(stop, len(head)):
        size, content = int.from_bytes(head[start : start + 4]), start + _HEADER_BYTES
        type_ = head[start + 4 : content]
        if size == _SIZE_FOLLOWS:
            size, content = int.from_bytes(head[content : content + 8]), content + 8
        end = stop if size == _TO_THE_END else min(start + size, stop)
        if end < content:
            return
        yield Box(type_, content, end)
        start = end


def _brands(head: bytes, box: Box) -> list[bytes]:
    """Return the major brand and the compatible ones; a version is between them."""
    content = head[box.start : box.stop]
    brands = [content[:4], *(content[at : at + 4] for at in range(8, len(content), 4))]
    return [brand for brand in brands if len(brand) == 4 and any(brand)]


def _read_tracks(head: bytes, movie: Box, found: IsoMedia) -> None:
    seen_to = movie.start
    for box in _boxes(head, movie.start, movie.stop):
        seen_to = box.stop
        if box.type == b"trak":
            found.tracks.append(_media_handler(head, box) or b"")
    found.all_tracks_seen = movie.stop - seen_to < _LEAST_TRACK_BYTES


def _media_handler(head: bytes, track: Box) -> bytes | None:
    media = next((box for box in _boxes(head, track.start, track.stop) if box.type == b"mdia"), None)
    return None if media is None else _handler(head, media)


def _handler(head: bytes, parent: Box) -> bytes | None:
    """Return the handler of a box: for the media of a track, or the content of `meta`."""
    for box in _boxes(head, parent.start, parent.stop):
        if box.type == b"hdlr":
            return head[box.start + 8 : box.start + 12]
    return None
