"""The streams that video containers declare in their first bytes; some containers hold audio only."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams that a container declares: video, audio, and whether the list is complete."""

    video: bool
    sound: bool
    complete: bool = True

    @property
    def is_sound_alone(self) -> bool:
        """Whether the container certainly has no video."""
        return self.complete and self.sound and not self.video


_UNKNOWN = Streams(video=True, sound=False)


# Ogg (RFC 3533): the first pages are the first of each stream, and begin with the signature of its codec.
_OGG_PAGE_BYTES = 27
_OGG_FIRST = 2
_OGG_SOUND = (*(b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"fLaC", b"Speex   ", b"CELT    ", b"PCM     ", b"\x01audio"),)
_OGG_BESIDE = (b"fishead\x00", b"\x80kate\x00", b"CMML\x00")  # an index, subtitles


def in_ogg(head: bytes) -> Streams:
    """Return the streams of an Ogg file."""
    at, firsts = 0, []
    while head.startswith(b"OggS", at) and len(head) > at + _OGG_PAGE_BYTES and head[at + 5] & _OGG_FIRST:
        lengths = head[at + _OGG_PAGE_BYTES : at + _OGG_PAGE_BYTES + head[at + 26]]
        at += _OGG_PAGE_BYTES + len(lengths)
        firsts.append(head[at : at + 8])
        at += sum(lengths)
    sound = [first.startswith(_OGG_SOUND) for first in firsts]
    beside = [first.startswith(_OGG_BESIDE) for first in firsts]
    return Streams(video=not all(map(max, sound, beside)), sound=any(sound))


# Matroska and WebM (RFC 8794, RFC 9559): elements of an id and a size, each of variable length.
_DOC_TYPE = 0x4282
_SEGMENT = 0x18538067
_TRACKS = 0x1654AE6B
_TRACK_ENTRY = 0xAE
_TRACK_TYPE = 0x83
_MATROSKA_SOUND = 2
_MATROSKA_BESIDE = {17, 18, 32, 33}  # subtitles, buttons, control, metadata
_LONGEST_ID = 4
_ENDLESS = 1 << 62


def in_matroska(head: bytes) -> Streams | None:
    """Return the streams of a Matroska file, None for an EBML document of another type."""
    top = list(_elements(head, 0, _ENDLESS))
    if not top:
        return None
    doc_type = next((head[start:stop] for id_, start, stop in _elements(head, *top[0][1:]) if id_ == _DOC_TYPE), b"")
    if doc_type.rstrip(b"\x00") not in {b"matroska", b"webm"}:
        return None
    for id_, start, stop in top[1:]:
        if id_ == _SEGMENT:
            tracks = next((element for element in _elements(head, start, stop) if element[0] == _TRACKS), None)
            return _UNKNOWN if tracks is None else _matroska_tracks(head, *tracks[1:])
    return _UNKNOWN


def _matroska_tracks(head: bytes, start: int, stop: int) -> Streams:
    types: list[int | None] = []
    seen_to = start
    for id_, begin, end in _elements(head, start, stop):
        seen_to = end
        if id_ == _TRACK_ENTRY:
            types.append(next((head[at] for id_, at, _ in _elements(head, begin, end) if id_ == _TRACK_TYPE), None))
    seen = [type_ for type_ in types if type_ not in _MATROSKA_BESIDE]
    return Streams(
        video=any(type_ != _MATROSKA_SOUND for type_ in seen), sound=_MATROSKA_SOUND in seen, complete=seen_to >= stop
    )


def _elements(head: bytes, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Yield id, start and end of the content of each element from *start* on that is in *head*."""
    while start < min(stop, len(head)):
        id_bytes = 9 - head[start].bit_length()
        size_at = start + id_bytes
        if id_bytes > _LONGEST_ID or size_at >= len(head) or not head[size_at]:
            return
        size_bytes = 9 - head[size_at].bit_length()
        content = size_at + size_bytes
        size = int.from_bytes(head[size_at:content]) & ((1 << 7 * size_bytes) - 1)
        endless = size == (1 << 7 * size_bytes) - 1
        if content >= len(head):
            return
        end = stop if endless else min(content + size, stop)
        yield int.from_bytes(head[start:size_at]), content, end
        start = end


# ASF: its header is an object that contains others, which declare the kind of each stream.
_ASF_SOUND = bytes.fromhex("409e69f84d5bcf11a8fd00805f5c442b")
_ASF_VIDEO = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")


def in_asf(head: bytes) -> Streams:
    """Return the streams of an ASF file (WMV, WMA)."""
    stop = int.from_bytes(head[16:24], "little")
    return Streams(_ASF_VIDEO in head[:stop], _ASF_SOUND in head[:stop], complete=24 < stop <= len(head))


def in_realmedia(head: bytes) -> Streams:
    """Return the streams of a RealMedia file: a chunk for each has its MIME type; the data follows."""
    at, described, complete = 0, [], False
    while at + 8 <= len(head) and not complete:
        size = int.from_bytes(head[at + 4 : at + 8])
        complete = head.startswith(b"DATA", at)
        if head.startswith(b"MDPR", at):
            described.append(head[at : at + size])
        at += max(size, 8)
    return Streams(
        any(b"video/" in mime_type for mime_type in described),
        any(b"audio/" in mime_type for mime_type in described),
        complete=complete,
    )


_FLV_HEADER_BYTES = 9
_FLV_TAG_BYTES = 15  # including the size of the tag, which follows it
_FLV_VIDEO = 9


def in_flv(head: bytes) -> Streams:
    """Return the streams of a Flash Video: those that its header declares or its tags contain."""
    flags = head[4] if len(head) > 4 else 1
    at, types = _FLV_HEADER_BYTES + 4, set()
    while at + 4 <= len(head):
        types.add(head[at] & 0x1F)
        at += _FLV_TAG_BYTES + int.from_bytes(head[at + 1 : at + 4])
    return Streams(video=bool(flags & 1) or _FLV_VIDEO in types, sound=bool(flags & 4))


def in_avi(head: bytes) -> Streams:
    """Return the streams of an AVI: its first list has a header for each."""
    stop = 20 + int.from_bytes(head[16:20], "little")
    headers = head[20:stop].split(b"strh")[1:]
    types = {header[4:8] for header in headers}
    return Streams(
        bool(types - {b"auds", b"mids", b"txts"}),
        b"auds" in types,
        complete=head[20:24] == b"hdrl" and stop <= len(head),
    )


_SYSTEM_HEADER = b"\x00\x00\x01\xbb"
_FIRST_VIDEO = b"\x00\x00\x01\xe0"


def in_mpeg_program(head: bytes) -> Streams:
    """Return the streams of an MPEG program stream: its system header counts them. Without one, they are unknown."""
    at = head.find(_SYSTEM_HEADER)
    header = head[at + 4 : at + 12]
    if at < 0 or len(header) < 8:
        return _UNKNOWN
    return Streams(video=bool(header[6] & 0x1F) or _FIRST_VIDEO in head, sound=bool(header[5] >> 2))


# MPEG transport stream (ISO/IEC 13818-1): packets of 188 bytes, some with a timestamp before or a checksum after them.
_STRIDES = (188, 192, 204)
_SYNC = 0x47
_SYNCS = 5  # ours: in a row; with four, one file in seven million would match by chance
_MAPS_OF_PROGRAMS = 0
_MAP_TABLE = 2
_TS_SOUND = {0x03, 0x04, 0x0F, 0x11, 0x1C, 0x81, 0x82, 0x83, 0x84, 0x85, 0x87}
_TS_BESIDE = {0x05, 0x0B, 0x0C, 0x0D, 0x15, 0x86}  # data; 0x06 is private, and may be a video


def in_mpeg_transport(head: bytes) -> Streams | None:
    """Return the streams of an MPEG transport stream, None for another file."""
    for stride in _STRIDES:
        for first in range(stride):
            syncs = head[first : first + _SYNCS * stride : stride]
            if len(syncs) == _SYNCS and syncs.count(_SYNC) == _SYNCS:
                return _programs([head[at : at + 188] for at in range(first, len(head), stride)])
    return None


def _programs(packets: list[bytes]) -> Streams:
    """Return the streams in the maps of all programs; a map longer than a packet is skipped."""
    maps: dict[int, set[int] | None] = {}
    for packet in packets:
        pid, section = _section(packet)
        if pid == _MAPS_OF_PROGRAMS and section is not None and section[:1] == b"\x00":
            maps |= {pid: None for pid in _program_pids(section) if pid not in maps}
        elif pid in maps and section is not None and section[:1] == bytes([_MAP_TABLE]):
            maps[pid] = _stream_types(section)
    types = {type_ for found in maps.values() for type_ in found or ()} - _TS_BESIDE
    complete = bool(maps) and None not in maps.values()
    return Streams(bool(types - _TS_SOUND), bool(types & _TS_SOUND), complete=complete)


def _section(packet: bytes) -> tuple[int, bytes | None]:
    """Return the id of a packet, and the table that is completely in it."""
    if len(packet) < 188 or not packet[1] & 0x40 or not packet[3] & 0x10:
        return -1, None
    pid = int.from_bytes(packet[1:3]) & 0x1FFF
    payload = packet[5 + packet[4] :] if packet[3] & 0x20 else packet[4:]
    section = payload[1 + payload[0] :] if payload else b""
    length = 3 + (int.from_bytes(section[1:3]) & 0xFFF)
    return pid, section[: length - 4] if 7 < length <= len(section) else None


def _program_pids(section: bytes) -> list[int]:
    entries = [section[at : at + 4] for at in range(8, len(section) - 3, 4)]
    return [int.from_bytes(entry[2:]) & 0x1FFF for entry in entries if any(entry[:2])]


def _stream_types(section: bytes) -> set[int]:
    at, types = 12 + (int.from_bytes(section[10:12]) & 0xFFF), set()
    while at + 5 <= len(section):
        types.add(section[at])
        at += 5 + (int.from_bytes(section[at + 3 : at + 5]) & 0xFFF)
    return types
