"""
A document word by word, in time.

Decides the pace of STREAM, and that nobody who has gone or stopped reading costs anything.  Must
not know who may read.  It is the only place of this server that sets timers of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReactorTime

from dfs.core.documents import Content
from dfs.core.sentences import WordStream
from dfs.errors import Busy, Invalid, Unavailable
from dfs.ss.contents import pieces_of
from dfs.store.interfaces import INLINE_BYTES, IReader
from dfs.wire.exchange import Exchange, Peer
from dfs.wire.messages import Stop, Stream

#: The longest time between two words, in seconds.
MAX_DELAY = 60.0

#: Streams of one connection, and of the whole server.
PER_CONNECTION = 64
ON_SERVER = 1_024

#: Of large contents, each of which holds a file, and pieces in memory, for as long as it takes.
#: They are counted apart from READs: these end soon, and never wait for somebody's slow stream.
LARGE_PER_CONNECTION = 4
LARGE_ON_SERVER = 128

#: Words after which others get their turn, when there is no delay.
BREATH = 256

#: Bytes that are cut into words at a time: each word is an object, and waits for those before it.
CUT = 1_024


def check(request: Stream) -> None:
    """
    Whether a STREAM asks for something possible.

    @raise Invalid: it does not.
    """
    if not 0 <= request.delay <= MAX_DELAY:
        raise Invalid(f"delay is 0 to {MAX_DELAY:g} seconds, not {request.delay:g}")
    if request.start < 0:
        raise Invalid("start is the number of a word, 0 for the first")


async def words_of(reader: IReader) -> AsyncIterator[list[bytes]]:
    """The parts of a text as L{WordStream} cuts them, those of some bytes at a time."""
    words = WordStream()
    async for piece in pieces_of(reader):
        for start in range(0, len(piece), CUT):
            yield words.feed(piece[start : start + CUT])
    yield words.finish()


@define(eq=False)
class Places:
    """
    How many streams of a kind there are.

    @ivar kind: what they are of, for whoever is refused.
    @ivar per_connection: how many one connection may have.
    @ivar on_server: how many all may have.
    """

    kind: str
    per_connection: int
    on_server: int
    count: int = field(default=0, init=False)
    _by_peer: dict[int, int] = field(factory=dict, init=False)

    @contextmanager
    def taken(self, number: int) -> Iterator[None]:
        """
        Have one of them while something is done.

        @param number: of the connection.
        @raise Busy: there are too many.
        """
        mine = self._by_peer.get(number, 0)
        if self.count >= self.on_server or mine >= self.per_connection:
            raise Busy(f"too many {self.kind} are being streamed; try again when one has ended")
        self._by_peer[number] = mine + 1
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1
            self._by_peer[number] -= 1
            if not self._by_peer[number]:
                del self._by_peer[number]


@define(eq=False)
class Streams:
    """
    All that is being streamed.

    Word n is the part with number n, counted from 0, that L{WordStream} yields for the whole
    content: a word with the white space behind it, the first one also with what stands before it;
    a word of more than 64 KiB counts once for each 64 KiB.  Each one is a C{DATA} block of its
    own, so that who counts blocks knows where to go on.

    @ivar every: all of them.
    @ivar large: those of large contents.
    """

    _clock: IReactorTime
    every: Places = field(
        factory=lambda: Places("documents", PER_CONNECTION, ON_SERVER), init=False
    )
    large: Places = field(
        factory=lambda: Places("large documents", LARGE_PER_CONNECTION, LARGE_ON_SERVER),
        init=False,
    )
    _pauses: dict[int, set[Deferred[None]]] = field(factory=dict, init=False)

    def __len__(self) -> int:
        return self.every.count

    async def stream(
        self, request: Stream, content: Content, reader: IReader, exchange: Exchange
    ) -> Stop:
        """
        Send a content word by word.

        @param reader: of the content; closed at the end.
        @return: what was sent, from the word C{start} on.
        @raise Busy: too many are being streamed.
        @raise Corrupt: the bytes are damaged; what was sent is void.
        """
        number = exchange.peer.number
        large = self.large.taken(number) if content.size > INLINE_BYTES else nullcontext()
        try:
            with self.every.taken(number), large:
                self._listen_to(exchange.peer)
                return await self._send(request, reader, exchange)
        finally:
            reader.close()

    def stop(self) -> None:
        """End all streams."""
        for number in list(self._pauses):
            self._wake(number, Unavailable("the server stops; read on when it is back"))

    async def _send(self, request: Stream, reader: IReader, exchange: Exchange) -> Stop:
        number = sent = size = 0
        digest = hashlib.sha256()
        async for parts in words_of(reader):
            fresh = parts[max(0, request.start - number) :]
            breaths = number // BREATH
            number += len(parts)
            if not fresh and number // BREATH > breaths:
                await self._pause(exchange, 0)
            for part in fresh:
                sent += 1
                if size and request.delay:
                    await self._pause(exchange, request.delay)
                elif sent % BREATH == 0:
                    await self._pause(exchange, 0)
                exchange.data(part)
                digest.update(part)
                size += len(part)
                room = exchange.room()
                if room is not None:
                    await room
        return Stop(size, digest.hexdigest())

    async def _pause(self, exchange: Exchange, seconds: float) -> None:
        """
        Let some time pass, unless the reader goes away.

        @raise ConnectionLost: it did.
        """
        if exchange.lost:
            raise ConnectionLost()
        over: Deferred[None] = Deferred()
        pauses = self._pauses[exchange.peer.number]
        call = self._clock.callLater(seconds, over.callback, None)
        pauses.add(over)
        try:
            await over
        finally:
            pauses.discard(over)
            if call.active():
                call.cancel()

    def _listen_to(self, peer: Peer) -> None:
        """Hear of it when it goes."""
        if peer.number not in self._pauses:
            self._pauses[peer.number] = set()
            peer.when_lost(lambda: self._lost(peer.number))

    def _lost(self, number: int) -> None:
        self._wake(number, ConnectionLost())
        self._pauses.pop(number, None)

    def _wake(self, number: int, why: Exception) -> None:
        for over in list(self._pauses.get(number, ())):
            over.errback(why)
