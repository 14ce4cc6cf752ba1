"""
A checksum beside each row, so that what a bad disk did to it is noticed when it is read.

Decides what is covered by one and how it is made; SQLite has none of its own.  Must not know what
the rows mean.

Note [What is covered].  A document's row has two: one of its position and everything but its
history, because that is read alone, and one of its history.  Folders and the identity have one
each.  Contents need none: they have their hash, and how often they are referred to is kept twice
(L{dfs.store.schema}).  Who read what last has none, because nothing depends on it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

from dfs.errors import Corrupt


def checksum(row: Sequence[Any]) -> int:
    """Of values as SQLite gives them back: whole numbers, floats, text and bytes."""
    # C{repr} tells 1 from 1.0, from "1" and from b"1", and floats to the last bit.
    return zlib.crc32(repr(tuple(row)).encode())


def verified(row: Sequence[Any], expected: object, what: str) -> Sequence[Any]:
    """
    The same row.

    @param expected: the checksum that is beside it.
    @param what: it is, for the message.
    @raise Corrupt: they do not fit together.
    """
    if checksum(row) != expected:
        raise Corrupt(f"{what} is damaged in the database of this server")
    return row
