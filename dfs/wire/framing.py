"""
Bytes to lines and runs of raw bytes.

Decides where a line ends and how many raw bytes there still are.  Must not know what a line means;
whoever reads lines says how many raw bytes follow one.
"""

from __future__ import annotations

from dfs.errors import TooLarge


class Framer:
    """
    A buffer that is read as lines and counted runs of bytes.

    @ivar max_line: bytes a line may have, without its end.
    @ivar raw: bytes of the present run that were not taken yet.
    """

    __slots__ = ("_at", "_buffer", "_scanned", "max_line", "raw")

    def __init__(self, max_line: int) -> None:
        self.max_line = max_line
        self.raw = 0
        self._buffer = b""
        self._at = 0
        # How far the buffer is known to hold no line end: a slow line is not searched again.
        self._scanned = 0

    def __len__(self) -> int:
        return len(self._buffer) - self._at

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        if self._at == len(self._buffer):
            self._buffer = data
            self._scanned = 0
        else:
            self._buffer = self._buffer[self._at :] + data
            self._scanned = max(0, self._scanned - self._at)
        self._at = 0

    def line(self) -> bytes | None:
        """
        The next line without its end; None if it is not complete.

        @raise TooLarge: it is too long; nothing after it can be trusted.
        """
        if not self._buffer:
            return None
        end = self._buffer.find(b"\n", max(self._at, self._scanned))
        if end < 0:
            self._scanned = len(self._buffer)
            # One byte more may be the CR of a line at the limit.
            if len(self) > self.max_line + 1:
                raise TooLarge(f"a line may have {self.max_line} bytes here")
            return None
        found = self._buffer[self._at : end]
        self._at = end + 1
        self._tidy()
        if found[-1:] == b"\r":
            found = found[:-1]
        if len(found) > self.max_line:
            raise TooLarge(f"a line may have {self.max_line} bytes here")
        return found

    def take(self) -> bytes:
        """What has arrived of the present run of raw bytes."""
        if self._at == 0 and len(self._buffer) <= self.raw:
            found = self._buffer
            self._buffer = b""
            self._scanned = 0
        else:
            found = self._buffer[self._at : self._at + self.raw]
            self._at += len(found)
            self._tidy()
        self.raw -= len(found)
        return found

    def take_whole(self) -> bytes | None:
        """The present run of raw bytes once all of it has arrived, else None."""
        return self.take() if len(self) >= self.raw else None

    def _tidy(self) -> None:
        """Let go of what was read: an idle connection holds no old bytes."""
        if self._at == len(self._buffer):
            self._buffer = b""
            self._at = 0
            self._scanned = 0
