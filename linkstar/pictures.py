"""Pictures drawn anew from uploaded ones: what comes out is plain pixels, with nothing else of what the file held."""

import re
from io import BytesIO
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

MEDIA_TYPE = "image/jpeg"  # of all that is drawn here
MOST_PIXELS = 50_000_000  # as many as phones take
MOST_WORK = 12 * MOST_PIXELS  # a progressive JPEG goes over its pixels again and again, for a few bytes each time
SLANT = 30  # degrees
HALF = 128  # of what covers fully


def preview(stream: IO[bytes], longest: int = 1200) -> bytes | None:
    """A JPEG with no side longer than that; None where the stream holds no picture that can be drawn.

    Reads a seekable stream. Of what moves the first frame is taken; HEIC is not drawn.
    """
    return _drawn(stream, longest, None)


def watermarked(stream: IO[bytes], words: str) -> bytes | None:
    """A JPEG of full size with the words all over it; None as for a preview, and then there is nothing to show.

    The font that comes with Pillow has ASCII and the middle dot. Of any other letter the number is written, such as
    \\u6797, so that the words still tell one person from another.
    """
    return _drawn(stream, None, re.sub("[^ -~·]", lambda letter: f"\\u{ord(letter[0]):04x}", words))


def _drawn(stream: IO[bytes], longest: int | None, words: str | None) -> bytes | None:
    from PIL import Image, ImageOps

    file = BytesIO()
    try:
        with Image.open(stream, formats=("JPEG", "PNG", "WEBP", "GIF")) as image:
            pixels = image.width * image.height
            if pixels > MOST_PIXELS or (image.format == "JPEG" and pixels * _scans(stream) > MOST_WORK):
                return None
            if longest:
                image.draft(None, (longest, longest))
            picture = image.convert("RGBA" if image.has_transparency_data else "RGB")
        if longest:
            picture.thumbnail((longest, longest))
        ImageOps.exif_transpose(picture, in_place=True)
        plain = Image.new("RGB", picture.size, "white")
        plain.paste(picture, mask=picture if picture.mode == "RGBA" else None)
        if words is not None:
            _mark(plain, words)
        plain.save(file, "JPEG", quality=85)
    except Exception:  # there is no telling what a broken file does to a decoder
        return None
    return file.getvalue()


def _scans(stream: IO[bytes]) -> int:
    stream.seek(0)
    count, last = 0, b""
    while chunk := stream.read(1 << 20):
        count += (last + chunk).count(b"\xff\xda")
        last = chunk[-1:]
    return count


def _mark(picture: "Image", words: str) -> None:
    """Lays slanted words over all of it, one time in the very middle."""
    tile = _tile(words, min(picture.size))
    for top in _starts(picture.height, tile.height, tile.height // 2):
        for left in _starts(picture.width, tile.width, tile.width):
            picture.paste(tile, (left, top), tile)


def _starts(length: int, size: int, step: int) -> range:
    return range((length - size) // 2 % step - size // step * step, length, step)


def _tile(words: str, shorter: int) -> "Image":
    """The words over half of the shorter side, half transparent, white with a dark edge: to be seen on any ground."""
    from PIL import Image, ImageDraw, ImageFont

    whole = 100 * shorter / ImageFont.load_default(100).getlength(words)
    size = max(12, min(0.6 * whole, shorter / 12))
    font = ImageFont.load_default(size)
    edge = max(1, round(size / 20))
    box = font.getbbox(words, stroke_width=edge)
    tile = Image.new("RGBA", (round(box[2] - box[0]) + 2 * edge, round(2.5 * size)), (0, 0, 0, 0))
    ImageDraw.Draw(tile).text(
        (tile.width / 2, tile.height / 2), words, (255, 255, 255, HALF), font, "mm",
        stroke_width=edge, stroke_fill=(0, 0, 0, HALF),
    )  # fmt: skip
    return tile.rotate(SLANT, Image.Resampling.BICUBIC, expand=True)
