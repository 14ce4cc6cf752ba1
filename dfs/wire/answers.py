"""
What comes back for one question: one record, a list, or content.

Decides when an answer is complete and right, and when its reader is too slow.  Must not know about
connections or tags.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall

from dfs.errors import Corrupt, DFSError, Internal, Unavailable
from dfs.wire.codec import read_record
from dfs.wire.messages import Record, Stop

A = TypeVar("A", bound=Record)

#: Bytes of content, or list entries times 100, that may wait before the other side is held.
_WAITING = 1024 * 1024

#: What one list entry is taken to weigh in bytes.
_ITEM_WEIGHT = 100


def _nothing() -> None:
    pass


class Answering:
    """
    A question without its end.

    @ivar timer: ends the waiting.
    @ivar forget: set by the connection: the answer is not wanted any more.
    """

    def __init__(self) -> None:
        self.timer: IDelayedCall | None = None
        self.forget: Callable[[], None] = _nothing

    def item(self, fields: list[str]) -> None:
        """A list entry came."""

    def piece(self, data: bytes) -> None:
        """Content came."""

    def end(self, fields: list[str]) -> None:
        """The good end came."""

    def fail(self, error: DFSError) -> None:
        """It will not be answered."""


class Single(Answering, Generic[A]):
    """
    One record.

    @ivar result: fires with it.
    """

    def __init__(self, record: type[Record]) -> None:
        super().__init__()
        self._record = record
        self.result: Deferred[A] = Deferred(lambda _: self.forget())

    def end(self, fields: list[str]) -> None:
        try:
            record: Any = read_record(self._record, fields)
        except DFSError as error:
            self.result.errback(Internal(f"the answer makes no sense: {error}"))
        else:
            self.result.callback(record)

    def fail(self, error: DFSError) -> None:
        self.result.errback(error)


class _Flow(Answering):
    """
    Something that comes bit by bit and is read bit by bit.

    @ivar most: bytes that may wait to be read before the other side is held.
    """

    def __init__(self, hold: Callable[[], None], release: Callable[[], None]) -> None:
        """
        @param hold: let the other side wait; called at most once before C{release}.
        @param release: let it go on.
        """
        super().__init__()
        self._hold = hold
        self._release = release
        self.most = _WAITING
        self._held = False
        self._waiting = 0
        self._over = False
        self._error: DFSError | None = None

    def _weigh(self, weight: int) -> None:
        self._waiting += weight
        if not self._held and self._waiting >= self.most:
            self._held = True
            self._hold()
        elif self._held and self._waiting < self.most // 2:
            self._held = False
            self._release()

    def close(self) -> None:
        """Read no more; harmless when called twice.  Whoever is reading is told."""
        if not self._over or self._waiting:
            self._error = self._error or Unavailable("this answer is not read any more")
        if not self._over:
            self._over = True
            self.forget()
        self._drop()
        self._weigh(-self._waiting)

    def _drop(self) -> None:
        """Drop what came and was not read; end the waiting of who reads."""


class Items(_Flow):
    """A list."""

    def __init__(
        self, record: type[Record], hold: Callable[[], None], release: Callable[[], None]
    ) -> None:
        super().__init__(hold, release)
        self._record = record
        self._batch: list[Any] = []
        self._reader: Deferred[list[Any]] | None = None

    def read(self) -> Deferred[list[Any]]:
        """
        The entries that have come, at least one; none at the end.

        @return: fails with the L{DFSError} that ended the list early.
        """
        assert self._reader is None, "one batch at a time"
        if self._batch:
            return succeed(self._take())
        if self._error is not None:
            return fail(self._error)
        if self._over:
            return succeed([])
        self._reader = Deferred(lambda _: self.close())
        return self._reader

    def _drop(self) -> None:
        self._batch.clear()
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()

    def _take(self) -> list[Any]:
        batch, self._batch = self._batch, []
        self._weigh(-len(batch) * _ITEM_WEIGHT)
        return batch

    def _tell(self) -> None:
        reader, self._reader = self._reader, None
        if reader is None:
            return
        if self._batch or self._error is None:
            reader.callback(self._take())
        else:
            reader.errback(self._error)

    def item(self, fields: list[str]) -> None:
        try:
            self._batch.append(read_record(self._record, fields))
        except DFSError as error:
            self.forget()
            self.fail(Internal(f"a list entry makes no sense: {error}"))
            return
        self._weigh(_ITEM_WEIGHT)
        self._tell()

    def end(self, fields: list[str]) -> None:
        self._over = True
        self._tell()

    def fail(self, error: DFSError) -> None:
        self._over = True
        self._error = error
        self._tell()


class Contents(_Flow):
    """
    Content, verified.

    @ivar size: bytes that came so far.
    @ivar stop: what was said at its good end.
    """

    def __init__(
        self,
        hold: Callable[[], None],
        release: Callable[[], None],
        record: type[Record] = Stop,
        *,
        verified: bool = True,
    ) -> None:
        super().__init__(hold, release)
        self.size = 0
        self.stop: Stop | None = None
        self._record = record
        self._verified = verified
        self._sha = hashlib.sha256()
        self._pieces: deque[bytes] = deque()
        self._reader: Deferred[bytes] | None = None

    def read(self) -> Deferred[bytes]:
        """
        The next piece; empty at the end, when all of it came and is what it should be.

        @return: fails with L{Corrupt} if it is not, or with the L{DFSError} that ended it: what
            came before is void then.
        """
        assert self._reader is None, "one piece at a time"
        if self._pieces:
            piece = self._pieces.popleft()
            self._weigh(-len(piece))
            return succeed(piece)
        if self._error is not None:
            return fail(self._error)
        if self._over:
            return succeed(b"")
        self._reader = Deferred(lambda _: self.close())
        return self._reader

    def _drop(self) -> None:
        self._pieces.clear()
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.cancel()

    def piece(self, data: bytes) -> None:
        self.size += len(data)
        if self._verified:
            self._sha.update(data)
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reader.callback(data)
        elif not self._over:
            self._pieces.append(data)
            self._weigh(len(data))

    def end(self, fields: list[str]) -> None:
        try:
            stop: Any = read_record(self._record, fields)
        except DFSError as error:
            self.fail(Internal(f"the answer makes no sense: {error}"))
            return
        wrong = self._verified and stop.sha256 != self._sha.hexdigest()
        if stop.size != self.size or wrong:
            self.fail(Corrupt("the content was damaged on its way; read it again"))
            return
        self.stop = stop
        self._over = True
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reader.callback(b"")

    def fail(self, error: DFSError) -> None:
        self._over = True
        self._error = error
        # What came before is void: the reader need not go through it first.
        self._pieces.clear()
        self._weigh(-self._waiting)
        if self._reader is not None:
            reader, self._reader = self._reader, None
            reader.errback(error)
