"""
A document word by word, in time.

Decides the pace of STREAM, and that nobody who has gone or stopped reading costs anything.  Must
not know who may read.  It is the only place of this server that sets timers of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReactorTime

from dfs.core.sentences import WordStream
from dfs.errors import Busy, Invalid, Unavailable
from dfs.ss.contents import pieces_of
from dfs.store.interfaces import IReader
from dfs.wire.exchange import Exchange, Peer
from dfs.wire.messages import Stop, Stream

#: The longest time between two words, in seconds.
MAX_DELAY = 60.0

#: Streams of one connection, and of the whole server; each holds a content open.
PER_CONNECTION = 64
ON_SERVER = 1_024

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
class Streams:
    """
    All that is being streamed.

    Word n is the part with number n, counted from 0, that L{WordStream} yields for the whole
    content: a word with the white space behind it, the first one also with what stands before it;
    a word of more than 64 KiB counts once for each 64 KiB.  Each one is a C{DATA} block of its
    own, so that who counts blocks knows where to go on.
    """

    _clock: IReactorTime
    _pauses: dict[int, set[Deferred[None]]] = field(factory=dict, init=False)
    _count: int = field(default=0, init=False)
    _by_peer: dict[int, int] = field(factory=dict, init=False)

    def __len__(self) -> int:
        return self._count

    async def stream(self, request: Stream, reader: IReader, exchange: Exchange) -> Stop:
        """
        Send a content word by word.

        @param reader: of the content; closed at the end.
        @return: what was sent, from the word C{start} on.
        @raise Corrupt: the bytes are damaged; what was sent is void.
        """
        try:
            self._enter(exchange.peer)
            try:
                return await self._send(request, reader, exchange)
            finally:
                self._leave(exchange.peer)
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

    def _enter(self, peer: Peer) -> None:
        mine = self._by_peer.get(peer.number, 0)
        if self._count >= ON_SERVER or mine >= PER_CONNECTION:
            raise Busy("too many documents are being streamed; try again when one has ended")
        if peer.number not in self._pauses:
            self._pauses[peer.number] = set()
            peer.when_lost(lambda: self._lost(peer.number))
        self._by_peer[peer.number] = mine + 1
        self._count += 1

    def _leave(self, peer: Peer) -> None:
        self._count -= 1
        self._by_peer[peer.number] -= 1
        if not self._by_peer[peer.number]:
            del self._by_peer[peer.number]

    def _lost(self, number: int) -> None:
        self._wake(number, ConnectionLost())
        self._pauses.pop(number, None)

    def _wake(self, number: int, why: Exception) -> None:
        for over in list(self._pauses.get(number, ())):
            over.errback(why)
