import pytest

from assetline.vi import crc32c
from assetline.vi.media_types import EXTENSIONS, NotMedia, by_extension, checked
from local.sample_images import FORMATS, image

HEADS = {
    "mp4": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2",
    "mov": b"\x00\x00\x00\x14ftypqt  \x00\x00\x00\x00qt  ",
    "mkv": b"\x1a\x45\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x23\x42\x86\x81\x01\x42\x82\x88matroska",
    "avi": b"RIFF\x00\x00\x00\x00AVI LIST",
    "mpg": b"\x00\x00\x01\xba\x44\x00",
    "flv": b"FLV\x01\x05\x00\x00\x00\x09",
    "wmv": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
    "ogv": b"OggS\x00\x02",
    "rm": b".RMF\x00\x00\x00\x12",
}


# Rare files: a brand of its own, a film as cameras write it, a TIFF of more than 4 GiB.
RARE_HEADS = [
    ("dash.mp4", "Video", b"\x00\x00\x00\x1cftypiso5\x00\x00\x02\x00iso5iso6dash"),
    ("dash.m4v", "Video", b"\x00\x00\x00\x18ftypdash\x00\x00\x00\x00iso6dash"),
    ("phone.3gp", "Video", b"\x00\x00\x00\x14ftyp3gp4\x00\x00\x02\x003gp4"),
    ("moov.mov", "Video", b"\x00\x00\x02\x8amoov\x00\x00\x00lmvhd\x00\x00\x00\x00"),
    ("mdat.mov", "Video", b"\x7f\x3a\x21\x04mdat\x00\x00\x01\xb3"),
    ("wide.mov", "Video", b"\x00\x00\x00\x08wide\x00\x12\xd6\x87mdat"),
    ("pnot.mov", "Video", b"\x00\x00\x00\x14pnot\xc8\x1b\xff\x0f\x00\x00PICT\x00\x01"),
    ("little.tif", "Image", b"II\x2b\x00\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00"),
    ("big.tiff", "Image", b"MM\x00\x2b\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10"),
]


@pytest.mark.parametrize(("filename", "kind", "head"), RARE_HEADS)
def test_rare_and_legal_files_are_taken(filename: str, kind: str, head: bytes) -> None:
    assert checked(filename, head).kind == kind


@pytest.mark.parametrize("extension", FORMATS)
def test_every_image_format_of_the_guide_is_taken(extension: str) -> None:
    media = checked(f"picture.{extension.upper()}", image(extension))
    assert (media.kind, media.mime.partition("/")[0]) == ("Image", "image")


@pytest.mark.parametrize("extension", HEADS)
def test_videos_are_taken(extension: str) -> None:
    assert checked(f"film.{extension}", HEADS[extension]).kind == "Video"


@pytest.mark.parametrize(
    ("filename", "head", "reason"),
    [
        ("notes.txt", b"text", "UnsupportedType"),
        ("noextension", image("png"), "UnsupportedType"),
        (".png", image("png"), "UnsupportedType"),
        ("scan.pdf", b"%PDF-1.7", "UnsupportedType"),
        ("empty.png", b"", "EmptyObject"),
        ("text.png", b"this is text", "WrongContent"),
        ("film.png", HEADS["mp4"], "WrongContent"),
        ("picture.mp4", image("jpg"), "WrongContent"),
        ("text.mov", b"The wide world", "WrongContent"),
        ("song.mp4", b"\x00\x00\x00\x1cftypM4A \x00\x00\x02\x00M4A isom", "WrongContent"),
    ],
)
def test_a_file_of_another_type_is_refused_with_the_reason(filename: str, head: bytes, reason: str) -> None:
    with pytest.raises(NotMedia) as refused:
        checked(filename, head)
    assert refused.value.reason == reason


def test_the_type_is_that_of_the_name_as_the_sdk_has_it() -> None:
    assert checked("photo.jpg", image("png")).mime == "image/jpeg"
    assert {by_extension(f"a.{extension}") is None for extension in EXTENSIONS} == {False}


def test_the_checksum_is_signed_as_vi_takes_it() -> None:
    summed = crc32c.Crc32c()
    summed.update(b"1234")
    summed.update(b"56789")
    assert summed.signed == crc32c.of(b"123456789") == crc32c.signed(0xE3069283) == 0xE3069283 - 2**32
    assert crc32c.from_s3(crc32c.to_s3(summed.signed)) == summed.signed
