"""The smallest files that open."""

from zlib import compress, crc32


def paper() -> bytes:
    """One white page as PDF."""
    parts = [b"%PDF-1.4\n"]
    places = []
    for number, body in enumerate(
        (
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
        ),
        1,
    ):
        places.append(sum(map(len, parts)))
        parts.append(b"%d 0 obj%sendobj\n" % (number, body))
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = sum(map(len, parts))
    parts.append(b"xref\n0 4\n0000000000 65535 f \n" + table)
    parts.append(b"trailer<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start)
    return b"".join(parts)


def picture() -> bytes:
    """Eight by eight grey points as PNG."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + kind + body + crc32(kind + body).to_bytes(4, "big")

    header = (8).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    rows = compress((b"\0" + b"\xb4" * 8) * 8)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
