"""
Content that follows a request, as the answering side reads it.

Decides where content ends and whether it is what its sender says.  Must not know what it is for.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from twisted.internet.defer import Deferred, fail, succeed

from dfs.errors import Corrupt, DFSError, Invalid, TooLarge, Unavailable
from dfs.wire.codec import UNKNOWN_LENGTH, decode_answer, read_number
from dfs.wire.framing import Framer

if TYPE_CHECKING:
    from hashlib import _Hash

#: Content up to this many bytes, announced with its length, comes with its request as a whole.
SMALL_BYTES = 64 * 1024

#: Bytes that may wait to be read before the sender is slowed down.
_WAITING_BYTES = 1024 * 1024

#: Bytes of one DATA block.
MAX_BLOCK = 1024 * 1024

#: Smaller pieces are joined while they wait, because each is an object.
_SMALL_PIECE = 4 * 1024

_DAMAGED = "the content was damaged on its way; send it again"


class Upload:
    """
    One content on its way in.

    @ivar size: how long it will be; None if its sender did not know.
    @ivar complete: its last byte has been taken off the connection.
    """

    def __init__(self, framer: Framer, length: int, resume: Callable[[], None]) -> None:
        """
        @param length: bytes, or L{UNKNOWN_LENGTH} for blocks.
        @param resume: called when the reader has made room.
        """
        self.size = None if length == UNKNOWN_LENGTH else length
        self.complete = length == 0
        self._framer = framer
        self._resume = resume
        self._blocks = length == UNKNOWN_LENGTH
        self._left = 0 if self._blocks else length
        self._received = 0
        self._sha: _Hash | None = hashlib.sha256() if self._blocks else None
        self._claimed: str | None = None
        self._pieces: deque[bytes | bytearray] = deque()
        self._waiting_bytes = 0
        self._reader: Deferred[bytes] | None = None
        self._error: DFSError | None = None
        self._discard = False

    # ---------------------------------------------------------------------- the reading side

    def read(self) -> Deferred[bytes]:
        """
        The next piece; empty at the end, when all of it has come and is what it should be.

        @raise Invalid: it is not what was announced (Deferred failure).
        @raise Corrupt: it does not have its hash (Deferred failure).
        @raise Unavailable: the sender has gone (Deferred failure).
        """
        assert self._reader is None, "one piece at a time"
        if self._pieces:
            piece = bytes(self._pieces.popleft())
            full = self._waiting_bytes >= _WAITING_BYTES
            self._waiting_bytes -= len(piece)
            if full and self._waiting_bytes < _WAITING_BYTES:
                self._resume()
            return succeed(piece)
        if self._error is not None:
            return fail(self._error)
        if self.complete:
            return succeed(b"")
        self._reader = Deferred(self._not_now)
        return self._reader

    def leave_hash(self) -> None:
        """
        Make no hash here: who reads makes one anyway, and asks L{confirm} with it.

        What is read is not verified before that.
        """
        self._sha = None

    def confirm(self, sha256: str) -> None:
        """
        Compare what was read with what its sender says, if they say anything.

        @param sha256: of all that was read, hex.
        @raise Corrupt: it is something else.
        """
        if self._claimed is not None and self._claimed != sha256:
            raise Corrupt(_DAMAGED)

    def discard(self) -> None:
        """Nobody reads any more: what still comes is skipped, and is not taken for the whole."""
        if self.complete and not self._pieces:
            return
        self._discard = True
        self._pieces.clear()
        self._waiting_bytes = 0
        self._error = Unavailable("this content is not read any more")

    def _not_now(self, reader: Deferred[bytes]) -> None:
        """Whoever waits for a piece gave up; the piece is kept for the next who asks."""
        self._reader = None

    # ------------------------------------------------------------------ the connection's side

    def advance(self) -> bool:
        """
        Take what has arrived.

        @return: False if nothing can be taken before more arrives or the reader makes room.
        @raise DFSError: what arrives cannot be followed any more; the connection must end.
        """
        if self.complete:
            return True
        if self._waiting_bytes >= _WAITING_BYTES:
            return False
        if self._blocks and not self._framer.raw:
            return self._block()
        if not self._blocks:
            self._framer.raw = self._left
        piece = self._framer.take()
        if not piece:
            return False
        if not self._blocks:
            self._left -= len(piece)
            self._framer.raw = 0
        self._take(piece)
        if not self._blocks and not self._left:
            self._finish(None)
        return True

    def cut(self) -> None:
        """The connection is gone."""
        if not self.complete:
            self._finish(Unavailable("the content was cut off; nothing was changed"))

    def _block(self) -> bool:
        """Read the line before a block, or the one that ends them."""
        try:
            raw = self._framer.line()
            if raw is None:
                return False
            if not raw:
                return True  # the line feed after a block
            answer = decode_answer(raw)
            size = read_number(answer.fields) if answer.word == "DATA" else 0
        except DFSError as error:
            self._give_up(error)
        if answer.word == "DATA":
            if size > MAX_BLOCK:
                self._give_up(TooLarge(f"a DATA block may have {MAX_BLOCK} bytes"))
            self._framer.raw = size
        elif answer.word == "STOP" and len(answer.fields) == 2:
            self._stop(*answer.fields)
        else:
            self._give_up(Invalid("content is blocks after DATA lines; a STOP line ends it"))
        return True

    def _stop(self, size: str, sha256: str) -> None:
        if size != str(self._received):
            self._finish(Invalid(f"{self._received} bytes came, STOP says {size[:20]}"))
        elif self._sha is not None and sha256 != self._sha.hexdigest():
            self._finish(Corrupt(_DAMAGED))
        else:
            self._claimed = sha256
            self._finish(None)

    def _give_up(self, error: DFSError) -> NoReturn:
        """Where the content ends cannot be known any more."""
        self._finish(error)
        raise error

    def _take(self, piece: bytes) -> None:
        self._received += len(piece)
        if self._discard:
            return
        if self._sha is not None:
            self._sha.update(piece)
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reader.callback(piece)
        else:
            self._keep(piece)
            self._waiting_bytes += len(piece)

    def _keep(self, piece: bytes) -> None:
        last = self._pieces[-1] if self._pieces else b""
        if isinstance(last, bytearray) and len(last) < _SMALL_PIECE:
            last += piece
        else:
            self._pieces.append(piece if len(piece) >= _SMALL_PIECE else bytearray(piece))

    def _finish(self, error: DFSError | None) -> None:
        self.complete = True
        self._error = error = self._error or error
        if self._reader is not None:
            reader, self._reader = self._reader, None
            if error is None:
                reader.callback(b"")
            else:
                reader.errback(error)
