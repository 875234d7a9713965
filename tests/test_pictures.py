import io
import time
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageFont

from linkstar import pictures

CREATOR = "creator1@example.com · 2026-10-13"
ORIENTATION, GPS, MAKE, ARTIST = 0x0112, 0x8825, 0x010F, 0x013B


def picture(size: tuple[int, int] = (400, 300), mode: str = "RGB", color: Any = "teal") -> Image.Image:
    return Image.new(mode, size, color)


def file(image: Image.Image, kind: str = "PNG", **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return file


def drawn(content: bytes | None) -> Image.Image:
    assert content is not None
    image = Image.open(io.BytesIO(content))
    assert Image.MIME[image.format or ""] == pictures.MEDIA_TYPE
    assert image.mode == "RGB"
    return image


def alike(one: Any, other: Any) -> bool:
    return all(abs(mine - others) < 12 for mine, others in zip(one, other, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_preview_is_small_and_looks_the_same(kind: str) -> None:
    image = picture((3000, 2000))
    image.paste("orange", (0, 0, 1500, 2000))
    preview = drawn(pictures.preview(file(image, kind)))
    assert preview.size == (1200, 800)
    assert alike(preview.getpixel((100, 400)), (255, 165, 0)) and alike(preview.getpixel((1100, 400)), (0, 128, 128))
    assert drawn(pictures.preview(file(image, kind), longest=90)).size == (90, 60)


def test_a_small_picture_is_not_made_larger() -> None:
    assert drawn(pictures.preview(file(picture((40, 30))))).size == (40, 30)


def test_what_is_transparent_lies_on_white() -> None:
    glass = picture(mode="RGBA", color=(255, 0, 0, 0))
    flat = glass.convert("P")
    flat.info["transparency"] = flat.getpixel((0, 0))
    for content in (file(glass), file(glass, "WEBP"), file(picture(mode="LA", color=(0, 0))), file(flat, "GIF")):
        assert alike(drawn(pictures.preview(content)).getpixel((9, 9)), (255, 255, 255))


def test_of_what_moves_the_first_frame_is_seen() -> None:
    content = file(picture(color="red"), "GIF", save_all=True, append_images=[picture(color="blue")])
    assert alike(drawn(pictures.preview(content)).getpixel((9, 9)), (254, 0, 0))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_where_and_by_whom_it_was_taken_is_gone(kind: str) -> None:
    """A creator's home is in the photos of her phone."""
    exif = Image.Exif()
    exif[MAKE], exif[ARTIST] = "PhoneMaker", "Ava Chen"
    exif.get_ifd(GPS).update({1: "N", 2: (34.0, 3.0, 8.0), 3: "W", 4: (118.0, 14.0, 37.0)})
    content = file(picture(), kind, exif=exif, xmp=b"<x:xmpmeta>Ava Chen</x:xmpmeta>", comment="Ava Chen at home")
    if kind != "PNG":
        assert b"PhoneMaker" in content.getvalue() and b"Ava Chen" in content.getvalue()
    assert Image.open(content).getexif().get_ifd(GPS)
    for made in (pictures.preview(content), pictures.watermarked(content, CREATOR)):
        image = drawn(made)
        assert not image.getexif() and not {"exif", "xmp", "comment", "icc_profile"} & set(image.info)
        assert made is not None and b"PhoneMaker" not in made and b"Ava Chen" not in made


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stands_upright_however_the_phone_was_held(orientation: int) -> None:
    upright = picture((200, 100), color="white")
    upright.paste("red", (0, 0, 50, 50))
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = file(upright if turn is None else upright.transpose(turn), "JPEG", exif=exif, quality=95)
    for made in (pictures.preview(content), pictures.watermarked(content, "A")):
        assert drawn(made).size == (200, 100)
    preview = drawn(pictures.preview(content, longest=100))
    assert preview.size == (100, 50)
    assert alike(preview.getpixel((8, 8)), (254, 0, 0)) and alike(preview.getpixel((90, 40)), (255, 255, 255))


# hostile


def progressive(scans: int) -> bytes:
    """A JPEG that goes over all its pixels once more for 75 bytes each."""
    content = file(picture((6000, 6000), "L", 128), "JPEG", progressive=True).getvalue()
    return content[:-2] + content[content.rindex(b"\xff\xda") : -2] * scans + content[-2:]


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    bombs = [
        file(picture((20_000, 20_000), "L", 128)).getvalue(),
        file(picture((60_000, 1_000), "1", 0), "GIF").getvalue(),
        file(picture((9_000, 6_000), "L", 128), "JPEG").getvalue(),
        progressive(3_000),
    ]
    for bomb in bombs:
        assert len(bomb) < 1_000_000
        begin = time.process_time()
        assert pictures.preview(io.BytesIO(bomb)) is None
        assert pictures.watermarked(io.BytesIO(bomb), CREATOR) is None
        assert time.process_time() - begin < 0.5


def test_the_largest_photo_of_a_phone_is_no_bomb() -> None:
    content = file(picture((8160, 6120)), "JPEG", progressive=True)
    begin = time.process_time()
    assert drawn(pictures.preview(content)).size == (1200, 900)
    assert time.process_time() - begin < 2


def test_scans_are_counted_wherever_the_file_is_cut_for_reading() -> None:
    content = file(picture(), "JPEG", progressive=True).getvalue()
    assert pictures._scans(io.BytesIO(content)) == 10
    for before in range((1 << 20) - 3, (1 << 20) + 1):
        assert pictures._scans(io.BytesIO(bytes(before) + b"\xff\xda" + bytes(9))) == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_broken_picture_is_none(kind: str) -> None:
    content = file(Image.effect_noise((300, 200), 90), kind).getvalue()
    for end in (0, 1, 9, 30, 100, len(content) // 2):
        assert pictures.preview(io.BytesIO(content[:end])) is None
        assert pictures.watermarked(io.BytesIO(content[:end]), CREATOR) is None


def test_what_is_no_picture_is_none() -> None:
    heic = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(90)
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    other = file(picture(), "TIFF").getvalue(), file(picture(), "BMP").getvalue()
    for content in (
        heic,
        postscript,
        *other,
        b"",
        b"<svg onload='alert(1)'/>",
        b"%PDF-1.7",
        b"\xff\xd8\xff" + bytes(9),
    ):
        assert pictures.preview(io.BytesIO(content)) is None


def test_a_picture_that_is_a_program_too_comes_out_as_a_picture_only() -> None:
    program = b"*/=1;alert(document.cookie)//"
    gif = file(picture((0x2A2F, 1)), "GIF").getvalue()  # its width is written /*
    polyglot = gif[:-1] + b"\x21\xfe" + bytes([len(program)]) + program + b"\x00" + gif[-1:]
    tail = file(picture(), "JPEG").getvalue() + b"<script>alert(1)</script>"
    for content in (polyglot, tail):
        for made in (pictures.preview(io.BytesIO(content)), pictures.watermarked(io.BytesIO(content), CREATOR)):
            assert made is not None and made.startswith(b"\xff\xd8\xff")
            assert b"alert(" not in made and b"<script" not in made


# watermarks


@pytest.mark.parametrize("color", ["white", "black", "gray", "red"])
@pytest.mark.parametrize("size", [(1600, 1200), (900, 1600), (300, 200), (4000, 400)])
def test_the_words_lie_over_every_corner_on_any_ground_and_hide_little(size: tuple[int, int], color: str) -> None:
    plain = picture(size, color=color)
    marked = drawn(pictures.watermarked(file(plain), CREATOR))
    assert marked.size == size
    difference = ImageChops.difference(plain, marked).convert("L").point(lambda value: 255 * (value > 40))
    width, height = size[0] / 3, size[1] / 3
    for row in range(3):
        for column in range(3):
            part = difference.crop(
                tuple(map(int, (column * width, row * height, (column + 1) * width, (row + 1) * height)))
            )
            assert part.getbbox(), f"part {row}, {column} could be cut out"
    share = sum(difference.histogram()[255:]) / (size[0] * size[1])
    assert 0.005 < share < 0.25
    assert max(ImageChops.difference(plain, marked).convert("L").getextrema()) < 200  # one sees through


@pytest.mark.parametrize("size", [(1, 1), (20, 20), (3000, 2), (2, 3000)])
def test_even_a_scrap_is_drawn(size: tuple[int, int]) -> None:
    assert drawn(pictures.watermarked(file(picture(size)), CREATOR)).size == size


def test_without_words_nothing_is_shown() -> None:
    assert pictures.watermarked(file(picture()), "") is None


def test_letters_that_the_font_lacks_are_written_as_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    measure = ImageFont.FreeTypeFont.getbbox

    def note(self: Any, text: str, *arguments: Any, **options: Any) -> Any:
        written.append(text)
        return measure(self, text, *arguments, **options)

    monkeypatch.setattr(ImageFont.FreeTypeFont, "getbbox", note)
    assert pictures.watermarked(file(picture()), "林晓雨 · a@b.c\n")
    assert written[0] == r"\u6797\u6653\u96e8 · a@b.c\u000a"
