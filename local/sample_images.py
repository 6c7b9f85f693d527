"""Small images of every format that Vi accepts, and files that are not images: for the demo and for tests."""

import io
from collections.abc import Iterator

from PIL import Image, ImageDraw

PALETTE = ["#2f6f4f", "#c8553d", "#588b8b", "#f28f3b", "#3c3c3c", "#8e6c88"]
_ENCODED = {
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "jfif": "JPEG",
    "png": "PNG",
    "tiff": "TIFF",
    "tif": "TIFF",
    "bmp": "BMP",
    "webp": "WEBP",
    "avif": "AVIF",
    "jp2": "JPEG2000",
    "j2k": "JPEG2000",
    "gif": "GIF",
}
# Pillow does not write these; the product reads only the head of one.
_HEADS = {
    "heic": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1",
    "heif": b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heif",
}
FORMATS = (*_ENCODED, *_HEADS)


def image(extension: str, number: int = 0, size: tuple[int, int] = (64, 48)) -> bytes:
    """Return an image of the format of *extension*; the same *number* is the same image."""
    if extension in _HEADS:
        return _HEADS[extension] + number.to_bytes(4) * 16
    picture = Image.new("RGB", size, PALETTE[number % len(PALETTE)])
    draw = ImageDraw.Draw(picture)
    for line in range(number % 7 + 1):
        draw.line((line * 9, 0, number % size[0], size[1]), fill=PALETTE[(number + line + 1) % len(PALETTE)])
    draw.point((number % size[0], number // size[0] % size[1]), fill="white")
    content = io.BytesIO()
    options = {"no_jp2": True} if extension == "j2k" else {}
    picture.save(content, _ENCODED[extension], **options)
    return content.getvalue()


def folder() -> Iterator[tuple[str, bytes]]:
    """Yield the files of a realistic folder, by path: every format, equal names, and some invalid files."""
    for number, extension in enumerate(FORMATS):
        yield f"formats/picture.{extension}", image(extension, number)
    for number in range(6):
        yield f"monday/img_{number}.jpg", image("jpg", number)
        yield f"tuesday/img_{number}.jpg", image("jpg", number + 6)
    yield "Größe & 50%+ (1).png", image("png", 20)
    yield "bad/text.png", b"this is text, whatever its name says\n"
    yield "bad/empty.jpg", b""
    yield "bad/notes.txt", b"no image at all\n"
