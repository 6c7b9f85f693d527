"""Heads of files as the containers of videos are written, of the streams that a test names."""

import struct

VIDEO, SOUND = "video", "sound"


def box(type_: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + type_ + body


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    return box(b"ftyp", major, bytes(4), *compatible)


def handler(of: bytes) -> bytes:
    return box(b"hdlr", bytes(8), of, bytes(12))


def moov(*handlers: bytes) -> bytes:
    tracks = [
        box(b"trak", box(b"tkhd", bytes(84)), box(b"mdia", box(b"mdhd", bytes(24)), handler(h))) for h in handlers
    ]
    return box(b"moov", box(b"mvhd", bytes(100)), *tracks, box(b"udta", bytes(90)))


def pictures(*brands: bytes) -> bytes:
    return ftyp(*brands) + box(b"meta", bytes(4), handler(b"pict")) + box(b"mdat", bytes(64))


def mp4(*streams: str, index_first: bool = True) -> bytes:
    index = moov(*(b"vide" if stream == VIDEO else b"soun" for stream in streams))
    data = box(b"mdat", bytes(300))
    return ftyp(b"isom", b"iso2", b"mp41") + (index + data if index_first else data + index)


def ogg(*firsts: bytes) -> bytes:
    pages = [b"OggS\x00\x02" + bytes(20) + bytes([1, len(first)]) + first for first in firsts]
    return b"".join(pages) + b"OggS\x00\x00" + bytes(100)


def ebml(id_: str, *content: bytes) -> bytes:
    body = b"".join(content)
    return bytes.fromhex(id_) + struct.pack(">Q", len(body) | 1 << 56) + body


def matroska(*types: int, doc_type: bytes = b"matroska") -> bytes:
    entries = [ebml("ae", ebml("d7", b"\x01"), ebml("83", bytes([type_]))) for type_ in types]
    segment = ebml("18538067", ebml("1549a966", bytes(40)), ebml("1654ae6b", *entries), ebml("1f43b675", bytes(99)))
    return ebml("1a45dfa3", ebml("4286", b"\x01"), ebml("4282", doc_type)) + segment


def asf(*streams: str) -> bytes:
    kinds = {VIDEO: "c0ef19bc4d5bcf11a8fd00805f5c442b", SOUND: "409e69f84d5bcf11a8fd00805f5c442b"}
    properties = [bytes.fromhex("9107dcb7b7a9cf118ee600c00c205365" + kinds[stream]) for stream in streams]
    body = b"".join(item[:16] + struct.pack("<Q", 24 + len(item[16:])) + item[16:] for item in properties)
    begin = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
    return begin + struct.pack("<QI", 30 + len(body), len(streams)) + b"\x01\x02" + body + bytes(100)


def realmedia(*streams: str) -> bytes:
    def chunk(id_: bytes, body: bytes) -> bytes:
        return id_ + struct.pack(">I", 8 + len(body)) + body

    mimes = {VIDEO: b"video/x-pn-realvideo", SOUND: b"audio/x-pn-realaudio"}
    described = b"".join(chunk(b"MDPR", bytes(40) + mimes[stream]) for stream in streams)
    return chunk(b".RMF", bytes(10)) + chunk(b"PROP", bytes(42)) + described + chunk(b"DATA", bytes(100))


def flv(*streams: str, claims: int | None = None) -> bytes:
    flags = sum({VIDEO: 1, SOUND: 4}[stream] for stream in streams) if claims is None else claims
    tags = [bytes([{VIDEO: 9, SOUND: 8}[stream]]) + b"\x00\x00\x20" + bytes(7 + 32 + 4) for stream in streams]
    return b"FLV\x01" + bytes([flags]) + b"\x00\x00\x00\x09" + bytes(4) + b"".join(tags)


def avi(*streams: str) -> bytes:
    kinds = {VIDEO: b"vids", SOUND: b"auds"}
    headers = [b"LIST" + struct.pack("<I", 68) + b"strlstrh\x38\0\0\0" + kinds[s] + bytes(52) for s in streams]
    hdrl = b"hdrlavih\x38\0\0\0" + bytes(56) + b"".join(headers)
    return b"RIFF\0\0\1\0AVI LIST" + struct.pack("<I", len(hdrl)) + hdrl + b"LIST" + bytes(100)


def mpeg_program(*streams: str) -> bytes:
    bounds = bytes([streams.count(SOUND) << 2, 0x20 | streams.count(VIDEO)])
    return b"\0\0\1\xba" + bytes(8) + b"\0\0\1\xbb\0\x09\x80\x08\x13" + bounds + b"\xff\xc0\xc0\x20" + bytes(100)


def mpeg_transport(*types: int, stride: int = 188, cut: int = 0) -> bytes:
    def packet(pid: int, table: bytes) -> bytes:
        section = table[:1] + struct.pack(">H", 0xB000 | len(table) - 3 + 4) + table[3:] + bytes(4)
        return (b"\x47" + struct.pack(">H", 0x4000 | pid) + b"\x10\0" + section).ljust(188, b"\xff")

    programs = b"\x00\0\0\0\1\xc1\0\0" + struct.pack(">HH", 1, 0xE100)
    streams = b"".join(struct.pack(">BHH", type_, 0xE101, 0xF000) for type_ in types)
    packets = [packet(0, programs), packet(0x100, b"\x02\0\0\0\1\xc1\0\0\xe1\0\xf0\0" + streams)]
    packets += [b"\x47\x01\x01\x10" + bytes(184)] * 6
    return b"".join(bytes(stride - 188) + item for item in packets)[cut:]
