"""
Large contents on their way in and out, between the reactor and threads.

Decides how much of a transfer is in memory at any moment, and that the reactor never waits for
the disk.  Must not know what the bytes are for, nor how they lie on disk (L{dfs.store.objects}).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from dfs.core.documents import Content
from dfs.core.history import content_of
from dfs.errors import Corrupt, DFSError, Unavailable
from dfs.store.groupcommit import disk_full, is_fatal, is_full, refusal
from dfs.store.interfaces import INLINE_BYTES, IIncoming, IReader
from dfs.store.objects import Scan, Spool

T = TypeVar("T")

#: Threads that read and write the files of one store.
THREADS = 4

#: Bytes of one upload that wait for the disk before its sender has to wait.
BACKLOG_BYTES = 1024 * 1024

#: Pieces of one download that are read ahead.
AHEAD_PIECES = 4

#: Up to this many bytes are hashed and measured at once; more of them in a thread.
QUICK_BYTES = 16 * 1024


class Threads:
    """Where files are read and written."""

    def __init__(self, call_from_thread: Callable[..., object]) -> None:
        self._call_from_thread = call_from_thread
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="store-files")
        self._closed = False

    def run(self, job: Callable[[], T]) -> Deferred[T]:
        """
        Call C{job} in a thread.

        @raise Unavailable: this is closed (Deferred failure).
        """
        if self._closed:
            return fail(Unavailable("the store is closed"))
        done: Deferred[T] = Deferred()

        def body() -> None:
            try:
                result = job()
            except BaseException:  # handed over, whatever it is
                self._call_from_thread(done.errback, Failure())
            else:
                self._call_from_thread(done.callback, result)

        self._executor.submit(body)
        return done

    def close(self) -> None:
        """Finish what was begun."""
        self._closed = True
        self._executor.shutdown()


@implementer(IReader)
@define(eq=False)
class Whole:
    """A content that was in memory, and verified, from the beginning."""

    _data: bytes

    def read(self) -> Deferred[bytes]:
        """Everything at once; then nothing."""
        data, self._data = self._data, b""
        return succeed(data)

    def close(self) -> None:
        """Forget it."""
        self._data = b""


@implementer(IReader)
@define(eq=False)
class FileReader:
    """
    A content that is read from its file, some pieces ahead of whoever wants them.

    @ivar _on_damage: called if its bytes are not what was stored.
    """

    _threads: Threads
    _scan: Scan
    _on_damage: Callable[[], None]
    _pieces: deque[bytes] = field(factory=deque, init=False)
    _reading: bool = field(default=False, init=False)
    _ended: bool = field(default=False, init=False)
    _closed: bool = field(default=False, init=False)
    _error: DFSError | None = field(default=None, init=False)
    _waiting: Deferred[bytes] | None = field(default=None, init=False)

    def read(self) -> Deferred[bytes]:
        """The next piece; see L{IReader.read}."""
        assert self._waiting is None, "one piece at a time"
        self._fetch()
        if self._pieces:
            return succeed(self._pieces.popleft())
        if self._error is not None:
            return fail(self._error)
        if self._ended:
            return succeed(b"")
        self._waiting = Deferred(self._cancelled)
        return self._waiting

    def close(self) -> None:
        """Read no more; see L{IReader.close}."""
        self._ended = self._closed = True
        self._pieces.clear()
        if not self._reading:
            self._scan.close()
        if self._waiting is not None:
            self._waiting.cancel()

    def _cancelled(self, _: Deferred[bytes]) -> None:
        self._waiting = None

    def _fetch(self) -> None:
        """Read ahead, unless there is enough already."""
        wanted = AHEAD_PIECES - len(self._pieces)
        if self._ended or self._reading or wanted * 2 < AHEAD_PIECES:
            return
        self._reading = True
        # At the start a single piece, so that it can be sent while the next are being read.
        wanted = wanted // 2 or 1
        self._threads.run(lambda: self._scan.read(wanted)).addCallbacks(self._fetched, self._failed)

    def _fetched(self, result: tuple[list[bytes], DFSError | None]) -> None:
        self._reading = False
        pieces, self._error = result
        if self._closed:
            self._scan.close()
            return
        self._pieces.extend(pieces)
        if not pieces or self._error is not None:
            self._ended = True
            self._scan.close()
        if isinstance(self._error, Corrupt):
            self._on_damage()
        self._answer()

    def _failed(self, failure: Failure) -> None:
        self._reading, self._ended = False, True
        self._error = Unavailable(f"reading failed: {failure.getErrorMessage()}")
        self._scan.close()
        self._answer()

    def _answer(self) -> None:
        """Somebody may wait for what came."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        if self._pieces:
            piece = self._pieces.popleft()
            self._fetch()
            waiting.callback(piece)
        elif self._error is not None:
            waiting.errback(self._error)
        else:
            waiting.callback(b"")


@implementer(IIncoming)
@define(eq=False)
class Incoming:
    """
    A content that is being received.

    Up to L{INLINE_BYTES} it stays in memory; above it goes to a file, written in threads, one
    job at a time.

    @ivar size: bytes received so far.
    @ivar content: what it is, once it is finished.
    @ivar data: all of its bytes, if they are few and it is finished.
    @ivar pins: commits under way that may need it.
    """

    _threads: Threads
    _new_spool: Callable[[], Spool]
    _on_disk_failure: Callable[[Failure], None]
    _on_known: Callable[[Incoming], None]
    _on_gone: Callable[[Incoming], None]
    size: int = field(default=0, init=False)
    content: Content | None = field(default=None, init=False)
    data: bytes | None = field(default=None, init=False)
    pins: int = field(default=0, init=False)
    _spool: Spool | None = field(default=None, init=False)
    _pieces: list[bytes] = field(factory=list, init=False)
    _backlog: int = field(default=0, init=False)
    _busy: bool = field(default=False, init=False)
    _waiting: list[Deferred[None]] = field(factory=list, init=False)
    _finishing: Deferred[Content] | None = field(default=None, init=False)
    _failure: Failure | None = field(default=None, init=False)
    _released: bool = field(default=False, init=False)
    _gone: bool = field(default=False, init=False)

    @property
    def path(self) -> str | None:
        """The file that it is in, if it is in one."""
        return None if self._spool is None else self._spool.path

    def write(self, piece: bytes) -> Deferred[None] | None:
        """Add bytes; see L{IIncoming.write}."""
        assert self._finishing is None, "it is being finished"
        assert self.content is None, "it was finished"
        if self._failure is not None:
            return fail(self._failure)
        if self._released or not piece:
            return None
        self.size += len(piece)
        self._pieces.append(piece)
        self._backlog += len(piece)
        if self._spool is None:
            if self.size <= INLINE_BYTES:
                return None
            self._spool = self._new_spool()
        self._work()
        if self._backlog < BACKLOG_BYTES:
            return None
        room: Deferred[None] = Deferred()
        self._waiting.append(room)
        return room

    def finish(self) -> Deferred[Content]:
        """All bytes are here; see L{IIncoming.finish}."""
        if self._failure is not None:
            return fail(self._failure)
        if self._spool is not None:
            done = self._finishing = Deferred()
            self._work()
            return done
        data = b"".join(self._pieces)
        self._pieces.clear()
        if len(data) <= QUICK_BYTES:
            return succeed(self._known(content_of(data), data))
        return self._threads.run(lambda: content_of(data)).addCallback(self._known, data)

    def release(self) -> None:
        """Forget it; see L{IIncoming.release}."""
        if not self._released:
            self._released = True
            self._discard()

    def unpin(self) -> None:
        """A commit that may have needed it was answered."""
        self.pins -= 1
        self._discard()

    def _known(self, content: Content, data: bytes | None) -> Content:
        self.content, self.data = content, data
        if not self._gone:
            self._on_known(self)
        return content

    def _discard(self) -> None:
        """Remove the bytes as soon as nobody can need them."""
        if not self._released or self.pins or self._busy or self._gone:
            return
        self._gone = True
        self._pieces.clear()
        self._on_gone(self)
        finishing, self._finishing = self._finishing, None
        if finishing is not None:
            finishing.errback(Unavailable("it was given up before all of it was here"))
        spool = self._spool
        if spool is not None:
            self._threads.run(spool.discard).addErrback(self._on_disk_failure)

    def _work(self) -> None:
        """Give a thread what there is to do, unless one is at it."""
        spool = self._spool
        if self._busy or spool is None or self._failure is not None:
            return
        if self._pieces and not self._released:
            pieces, self._pieces = self._pieces, []
            self._busy = True
            written = sum(map(len, pieces))
            job = self._threads.run(lambda: spool.write(pieces))
            job.addCallback(self._written, written).addErrback(self._failed)
        elif self._finishing is not None and not self._released:
            self._busy = True
            self._threads.run(spool.seal).addCallback(self._sealed).addErrback(self._failed)

    def _written(self, _: None, size: int) -> None:
        self._busy = False
        self._backlog -= size
        self._discard()
        self._work()
        if self._backlog <= BACKLOG_BYTES // 2 or self._released:
            self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for room in waiting:
            room.callback(None)

    def _sealed(self, content: Content) -> None:
        self._busy = False
        finishing, self._finishing = self._finishing, None
        assert finishing is not None
        self._known(content, None)
        self._discard()
        finishing.callback(content)

    def _failed(self, failure: Failure) -> None:
        """The disk is full or broken: whoever waits is told, and whoever comes next."""
        self._busy = False
        error = failure.value
        assert error is not None, "it has not been cleaned"
        if is_fatal(error):
            self._on_disk_failure(failure)
        if is_full(error):
            failure = Failure(disk_full(error))
        elif not isinstance(error, DFSError):
            failure = Failure(refusal(error))
        self._failure = failure
        self._pieces.clear()
        finishing, self._finishing = self._finishing, None
        waiting, self._waiting = self._waiting, []
        self._discard()
        for room in waiting:
            room.errback(failure)
        if finishing is not None:
            finishing.errback(failure)
