"""
Content as blocks: C{DATA|<bytes>}, the bytes, and C{STOP|<bytes>|<sha256>} at the end.

Decides how content of unknown length is written.  Must not know where it goes.
"""

from __future__ import annotations

import hashlib


class Sending:
    """One content on its way out."""

    def __init__(self) -> None:
        self._sha = hashlib.sha256()
        self._size = 0

    def block(self, piece: bytes) -> bytes:
        """One block."""
        self._sha.update(piece)
        self._size += len(piece)
        return b"DATA|%d\n%s\n" % (len(piece), piece)

    def stop(self) -> bytes:
        """The line after the last block."""
        return f"STOP|{self._size}|{self._sha.hexdigest()}\n".encode()

    @staticmethod
    def void() -> bytes:
        """An end that no content can have: what was sent is to be thrown away."""
        return b"STOP|0|void\n"
