"""
Disks in memory that take their time, and threads that end when they like.

Decides when what is written is durable and what a crash leaves of it.  Must not know what is
written; L{dfs.store.memory} and L{dfs.nm.journal} keep it.

Note [What a crash leaves].  The real stores write in groups, one transaction each.  So of what was
not answered yet either the whole group under way is on the disk or nothing of it, and nothing of
what waited behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, execute, maybeDeferred
from zope.interface import implementer

from dfs.core.documents import Content
from dfs.core.measure import Measure
from dfs.sim.clock import ProcessClock
from dfs.store.interfaces import INLINE_BYTES, IIncoming, IReader
from dfs.store.memory import MemoryStore

T = TypeVar("T")

#: Seconds that something takes, drawn anew each time; None: no time at all.
Seconds = Callable[[], float]


@define(eq=False)
class Device:
    """
    The disk of one process, as long as that lives.

    @ivar slow: how often longer than usual everything takes.
    """

    _clock: ProcessClock
    _seconds: Seconds | None = None
    slow: float = 1.0
    _group: list[Callable[[], None]] = field(factory=list, init=False)
    _waiting: list[Callable[[], None]] = field(factory=list, init=False)

    def durable(self, call: Callable[[], None]) -> None:
        """Do something when it is on the disk."""
        if self._clock.dead:
            return
        if self._seconds is None:
            call()
            return
        self._waiting.append(call)
        if not self._group:
            self._begin(self._seconds)

    def _begin(self, seconds: Seconds) -> None:
        self._group, self._waiting = self._waiting, []
        self._clock.callLater(self.slow * seconds(), self._done, seconds)

    def _done(self, seconds: Seconds) -> None:
        group = self._group
        for call in group:
            call()
        self._group = []
        if self._waiting:
            self._begin(seconds)

    def crash(self, survives: bool) -> None:
        """
        The process is dead.

        @param survives: see Note [What a crash leaves].
        """
        group, self._group, self._waiting = self._group, [], []
        if survives:
            for call in group:
                call()


@define(eq=False)
class Threads:
    """The threads of one process."""

    _clock: ProcessClock
    _seconds: Seconds | None = None

    def hurry(self) -> None:
        """They take no time any more."""
        self._seconds = None

    def run(self, function: Callable[..., T], *arguments: Any) -> Deferred[T]:
        """Do something that blocks; it is done at some moment, and known at a later one."""
        if self._seconds is None:
            return execute(function, *arguments)
        known: Deferred[T] = Deferred()
        self._clock.callLater(self._seconds(), self._do, known, function, arguments)
        return known

    def _do(
        self, known: Deferred[T], function: Callable[..., T], arguments: tuple[Any, ...]
    ) -> None:
        done: Deferred[T] = maybeDeferred(function, *arguments)
        seconds = self._seconds() if self._seconds is not None else 0.0

        def tell(outcome: Any) -> None:
            # A process that dies meanwhile leaves no failure behind that nobody hears of.
            self._clock.callLater(seconds, known.callback, outcome)

        done.addBoth(tell)


@implementer(IReader)
@define(eq=False)
class _Reader:
    """A content that is read by threads."""

    _reader: IReader
    _threads: Threads

    def read(self) -> Deferred[bytes]:
        """See L{IReader.read}."""
        return self._threads.run(self._reader.read).addCallback(_flat)

    def close(self) -> None:
        """See L{IReader.close}."""
        self._reader.close()


@implementer(IIncoming)
@define(eq=False)
class _Incoming:
    """A content that is written by threads."""

    _incoming: IIncoming
    _threads: Threads

    @property
    def size(self) -> int:
        """See L{IIncoming}."""
        size: int = self._incoming.size
        return size

    def write(self, piece: bytes) -> Deferred[None] | None:
        """See L{IIncoming.write}."""
        return self._threads.run(self._incoming.write, piece).addCallback(_flat)

    def finish(self) -> Deferred[Content]:
        """See L{IIncoming.finish}."""
        return self._threads.run(self._incoming.finish).addCallback(_flat)

    def release(self) -> None:
        """See L{IIncoming.release}."""
        self._incoming.release()


def _flat(result: Any) -> Any:
    """A Deferred that is the result of another one takes its place."""
    return result


@define(eq=False)
class ThreadedStore(MemoryStore):
    """A store whose large contents are moved by threads."""

    threads: Threads | None = field(default=None, kw_only=True)

    def reader(self, content: Content) -> IReader:
        """See L{dfs.store.interfaces.IStore.reader}."""
        reader = super().reader(content)
        if self.threads is None or content.size <= INLINE_BYTES:
            return reader
        return _Reader(reader, self.threads)

    def receive(self, size: int | None, known: Measure | None = None) -> IIncoming:
        """See L{dfs.store.interfaces.IStore.receive}."""
        incoming = super().receive(size, known)
        if self.threads is None or (size is not None and size <= INLINE_BYTES):
            return incoming
        return _Incoming(incoming, self.threads)
