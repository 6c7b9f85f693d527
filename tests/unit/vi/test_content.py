"""The content of a file is judged by its head: all brands count, audio alone is not a video, and no input raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assetline.vi.content import content_of
from assetline.vi.media_types import EXTENSIONS, HEAD_BYTES, NotMedia, checked
from local.sample_images import FORMATS, image
from tests.unit.vi import containers as made
from tests.unit.vi.containers import SOUND, VIDEO, box, ftyp, moov, pictures

THEORA, VORBIS, OPUS = b"\x80theora\x03\x02\x01" + bytes(32), b"\x01vorbis" + bytes(23), b"OpusHead\x01\x02" + bytes(9)
SKELETON = b"fishead\x00" + bytes(56)
JP2_SIGNATURE = box(b"jP  ", b"\r\n\x87\n")
H264, AAC, AC3, PRIVATE, TELETEXT = 0x1B, 0x0F, 0x81, 0x06, 0x05

IMAGES = {
    **{f"heif_{brand}": pictures(brand.encode(), b"mif1", b"heic") for brand in ("heic", "heix", "mif1", "msf1")},
    **{f"heif_{brand}": pictures(brand.encode(), b"msf1", b"heic") for brand in ("hevc", "hevx", "hevm", "hevs")},
    "avif_by_a_lesser_brand": pictures(b"isom", b"iso8", b"avif"),
    "heif_by_what_it_holds": pictures(b"abcd"),
    "heif_behind_another_box": box(b"free", bytes(16)) + pictures(b"mif1"),
    **{f"jp2_{brand}": JP2_SIGNATURE + ftyp(f"{brand} ".encode(), b"jp2 ") for brand in ("jp2", "jpx", "jph")},
    "jp2_without_brands": JP2_SIGNATURE + box(b"jp2h", bytes(40)),
    "tiff_of_8_bytes": b"II\x2a\x00\x08\x00\x00\x00",
    "bmp_of_os2": b"BM" + bytes(12) + b"\x0c\0\0\0" + bytes(40),
    "gif_87": b"GIF87a\x01\x00\x01\x00\x80\x00\x00",
}
FILMS = {
    "mp4": made.mp4(VIDEO, SOUND),
    "mp4_with_its_index_behind": made.mp4(SOUND, VIDEO, index_first=False),
    "mp4_in_segments": box(b"styp", b"msdh", bytes(4)) + box(b"sidx", bytes(40)) + box(b"moof", bytes(40)),
    "mp4_behind_uuid": box(b"uuid", bytes(100)) + made.mp4(VIDEO),
    "mp4_with_a_picture_brand": ftyp(b"mp42", b"mif1") + moov(b"soun", b"vide"),
    "m4a_with_a_film": ftyp(b"M4A ", b"mp42") + moov(b"soun", b"vide"),
    "quicktime_of_another_handler": moov(b"soun", b"MPEG"),
    "motion_jpeg_2000": JP2_SIGNATURE + ftyp(b"mjp2") + moov(b"vide"),
    "a_large_box": (1).to_bytes(4) + b"mdat" + (1 << 40).to_bytes(8) + bytes(50),
    "ogg": made.ogg(THEORA, VORBIS),
    "ogg_with_an_index": made.ogg(SKELETON, VORBIS, THEORA),
    "ogg_of_an_unknown_codec": made.ogg(b"BBCD\x00" + bytes(20), VORBIS),
    "matroska": made.matroska(1, 2),
    "matroska_with_nothing_seen": made.matroska(1, 2)[:60],
    "asf": made.asf(SOUND, VIDEO),
    "realmedia": made.realmedia(SOUND, VIDEO),
    "flv": made.flv(VIDEO, SOUND),
    "flv_that_claims_sound": made.flv(VIDEO, SOUND, claims=4),
    "avi": made.avi(VIDEO, SOUND),
    "mpeg_program": made.mpeg_program(VIDEO, SOUND),
    "mpeg_program_without_a_header": b"\0\0\1\xba" + bytes(40),
    "mpeg_transport": made.mpeg_transport(H264, AAC),
    "mpeg_transport_with_times": made.mpeg_transport(H264, stride=192),
    "mpeg_transport_cut": made.mpeg_transport(H264, AAC, cut=77),
    "mpeg_transport_private": made.mpeg_transport(PRIVATE, AAC),
    "mpeg_transport_without_a_map": (b"\x47\x01\x01\x10" + bytes(184)) * 6,
}
SOUNDS = {
    "mp4": made.mp4(SOUND),
    "mp4_in_pieces": ftyp(b"iso6", b"mp41") + box(b"moov", box(b"mvhd", bytes(100)), moov(b"soun")[116:]),
    "m4a": ftyp(b"M4A ", b"mp42", b"isom") + box(b"mdat", bytes(99)),
    "quicktime_with_subtitles": moov(b"soun", b"text"),
    "ogg_vorbis": made.ogg(VORBIS),
    "ogg_opus": made.ogg(OPUS),
    "ogg_flac": made.ogg(b"\x7fFLAC\x01\x00" + bytes(40)),
    "ogg_speex_with_an_index": made.ogg(SKELETON, b"Speex   1.2" + bytes(60)),
    "matroska": made.matroska(2, 17),
    "webm": made.matroska(2, doc_type=b"webm"),
    "asf": made.asf(SOUND),
    "realmedia": made.realmedia(SOUND),
    "flv": made.flv(SOUND),
    "avi": made.avi(SOUND),
    "wav": b"RIFF\0\0\1\0WAVEfmt " + bytes(40),
    "mpeg_program": made.mpeg_program(SOUND),
    "mpeg_transport": made.mpeg_transport(AAC, AC3, TELETEXT),
    "mp3": b"ID3\x04\0\0\0\0\0\0",
}
OTHERS = {
    "Photoshop": b"8BPS\0\1" + bytes(20),
    "ICO": b"\0\0\1\0\1\0\x10\x10" + bytes(20),
    "XCF": b"gimp xcf v011\0" + bytes(20),
    "DWG": b"AC1032" + bytes(20),
    "JPEG XR": b"II\xbc\1" + bytes(20),
    "JPEG XL": b"\0\0\0\x0cJXL \r\n\x87\n",
    "raw picture": b"II\x2a\0\x10\0\0\0CR\2\0" + bytes(20),
    "raw picture (MP4 or QuickTime, brands 'crx ' 'isom')": ftyp(b"crx ", b"isom") + moov(b"vide"),
    "PDF": b"%PDF-1.7\n%\xe2\xe3",
    "EBML": made.matroska(1, doc_type=b"other"),
    "50 2a 4d 18": b"\x50\x2a\x4d\x18\0\0\0\0" * (HEAD_BYTES // 8),
    "text": b"this is text",
}
TEXTS = ["BMW builds cars", "GIF89a is a format", "The wide world", "G" * 2000, "RIFF12  AVI LIST", "1 & ftypisom"]

ODD_TEXTS = ["BM Größe".encode("latin-1"), b"GIF89a of DOS\r\n\x1a"]


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_taken_for_an_image_alone(name: str) -> None:
    assert content_of(IMAGES[name]).kinds == {"Image"}


@pytest.mark.parametrize("name", FILMS)
def test_a_film_is_taken_for_a_video(name: str) -> None:
    assert "Video" in content_of(FILMS[name]).kinds


@pytest.mark.parametrize("name", SOUNDS)
def test_sound_alone_is_neither(name: str) -> None:
    content = content_of(SOUNDS[name])
    assert not content.kinds
    assert content.words.startswith("audio only")


@pytest.mark.parametrize("words", OTHERS)
def test_the_error_of_another_file_names_its_type(words: str) -> None:
    content = content_of(OTHERS[words])
    assert not content.kinds
    assert words in content.words or words == "EBML"


@pytest.mark.parametrize("text", [*(text.encode() for text in TEXTS), "Größe".encode(), *ODD_TEXTS])
def test_text_that_begins_as_a_file_does_is_text(text: bytes) -> None:
    assert content_of(text).words == "text"


@pytest.mark.parametrize("begin", [b"BM", b"II\x2a\x00", b"MM\x00\x2a"])
def test_a_header_that_leads_nowhere_is_no_image(begin: bytes) -> None:
    assert not content_of(begin + bytes(60)).kinds


def test_a_film_whose_index_is_not_in_its_head_needs_a_second_look() -> None:
    for streams, kinds in (((SOUND,), frozenset()), ((SOUND, VIDEO), {"Video"})):
        file = made.mp4(*streams, index_first=False)
        index_at = len(file) - len(moov(*[b"soun"] * len(streams)))
        first = content_of(file[:100])
        assert first.kinds == {"Video"}
        assert first.index_at == index_at
        assert content_of(file[:100], file[index_at:]).kinds == kinds
    assert content_of(made.mp4(VIDEO)).index_at is None


def test_an_index_longer_than_what_is_seen_of_it_shows_its_tracks() -> None:
    sound = box(b"trak", box(b"mdia", made.handler(b"soun"), box(b"minf", bytes(9000))))
    file = ftyp(b"isom") + box(b"moov", sound, box(b"udta", bytes(90)))
    assert not content_of(file[:400]).kinds
    longer = ftyp(b"isom") + box(b"moov", sound, made.moov(b"vide")[8:])
    assert content_of(longer[:400]).kinds == {"Video"}


HEADS = [*IMAGES.values(), *FILMS.values(), *SOUNDS.values(), *OTHERS.values(), *map(image, FORMATS)]
DAMAGED = st.builds(
    lambda head, at, junk, tail: head[: at % (len(head) + 1)] + junk + head[at % (len(head) + 1) + len(junk) :] + tail,
    st.sampled_from(HEADS),
    st.integers(0, 400),
    st.binary(max_size=9),
    st.binary(max_size=40),
)


@given(st.one_of(st.binary(min_size=1), DAMAGED), st.one_of(st.just(b""), st.binary(), DAMAGED))
def test_a_file_of_any_content_has_a_printable_name(head: bytes, index: bytes) -> None:
    content = content_of(head, index)
    assert content.words.isprintable()
    assert content.index_at is None or content.index_at > 0


@given(st.one_of(st.binary(), DAMAGED), st.sampled_from(sorted(EXTENSIONS)))
def test_a_file_of_any_content_is_taken_or_refused_with_a_reason(head: bytes, extension: str) -> None:
    assert outcome(f"a.{extension}", head) in {"Image", "Video", "WrongContent", "EmptyObject"}


def outcome(name: str, head: bytes) -> str:
    try:
        return checked(name, head, lambda start: head[start:]).kind
    except NotMedia as refusal:
        return refusal.reason


def test_a_fault_in_the_reading_ends_as_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def deep(*_: bytes) -> None:
        raise RecursionError

    monkeypatch.setattr("assetline.vi.media_types.content_of", deep)
    with pytest.raises(NotMedia, match=r"cannot be read \(RecursionError\)") as refused:
        checked("a.png", image("png"))
    assert refused.value.reason == "WrongContent"
