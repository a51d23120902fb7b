"""How much of a Matroska file is missing: FFmpeg takes one that was cut short for one that ends there."""

from pathlib import Path

_HEADER, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"  # RFC 9559; element identifiers


def missing_bytes(path: Path) -> int:
    """Bytes that the segment should have beyond the end of the file; 0 for other formats and for live recordings."""
    with path.open("rb") as file:
        start = file.read(4096)
    if not start.startswith(_HEADER):
        return 0
    length, body = _number(start, 4)
    segment = body + length
    if start[segment : segment + 4] != _SEGMENT:
        return 0
    length, body = _number(start, segment + 4)
    unknown = length == (1 << (7 * (body - segment - 4))) - 1
    return 0 if unknown else max(body + length - path.stat().st_size, 0)


def _number(data: bytes, at: int) -> tuple[int, int]:
    """The variable-length number at `at`, and where it ends: leading zero bits count the bytes that follow the first."""
    size = 9 - data[at].bit_length()
    return int.from_bytes(data[at : at + size], "big") & ((1 << (7 * size)) - 1), at + size
