"""gzip without compression: bytes that follow from the content alone.

What a compressor makes of a content depends on the library and its version, and Python's gzip headers have differed
between versions. Where bytes are hashed and compared between machines, neither may count. Source: RFC 1951 §3.2.4 and
RFC 1952.
"""

import struct
import zlib

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"  # deflate, no name, no time, made by no system in particular
_BLOCK = 0xFFFF


def stored_gzip(data: bytes) -> bytes:
    """The data as a gzip file of stored blocks."""
    parts = [_HEADER]
    for start in range(0, len(data) or 1, _BLOCK):
        block = data[start : start + _BLOCK]
        last = start + _BLOCK >= len(data)
        parts += [struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF), block]
    parts.append(struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF))
    return b"".join(parts)
