"""
How a copy of a document travels: its record, then contents, as parts of one stream.

Decides the layout of a part: SHA-256 (32 bytes) and length (8 bytes, little endian) of what
follows, then that.  The first part is the record, as the store writes it; whoever passes it on need
not know what is in it.  Must not know what a record says.
"""

from __future__ import annotations

import hashlib
from struct import Struct

from dfs.errors import Invalid

_HEADER = Struct("<32sQ")

#: Bytes in front of each part.
HEADER_BYTES = _HEADER.size


def header(sha256: bytes, size: int) -> bytes:
    """What stands in front of a part."""
    return _HEADER.pack(sha256, size)


def part(data: bytes) -> bytes:
    """A part that is in memory, with its header."""
    return header(hashlib.sha256(data).digest(), len(data)) + data


def read_header(data: bytes, at: int = 0) -> tuple[bytes, int]:
    """
    The hash and the length of the part whose header begins there.

    @raise Invalid: it is cut off.
    """
    if len(data) - at < HEADER_BYTES:
        raise Invalid("a part of a copy is cut off")
    return _HEADER.unpack_from(data, at)
