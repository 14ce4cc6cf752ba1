"""
Large contents on their way from one storage server to another, through this name server.

Decides that they take connections of their own, so that small questions do not wait behind them,
that no more is held in memory than both ends force on us, and when a transfer that does not move is
given up.  Must not know which document is copied, nor why.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from dfs.errors import Busy, Unavailable
from dfs.wire.client import Connection
from dfs.wire.messages import Record, Request

A = TypeVar("A", bound=Record)

#: Seconds without a byte after which a transfer is given up, and for the answer at its end.
STILL_SECONDS = 30.0

#: Bytes that may wait to be passed on before the source is held; one read of it comes on top.
MOST_WAITING = 64 * 1024

#: Connects to a storage server and makes sure that it is the right one.
Reach = Callable[[], Deferred[Connection]]

#: What is to be pushed, read from a connection to the source.
Flow = Callable[[Connection], AsyncIterator[bytes]]


class CutOff(Unavailable):
    """A transfer did not come to its end: that says nothing about others."""


@define(eq=False)
class Relay:
    """
    One transfer.

    @ivar size: bytes that were passed on.
    """

    _clock: IReactorTime
    _reach_source: Reach
    _reach_target: Reach
    size: int = field(default=0, init=False)
    _connections: list[Connection] = field(factory=list, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)

    async def run(self, request: Request[A], flow: Flow) -> A:
        """
        Push what is fetched while it is pushed.

        @raise Unavailable: either side cannot be reached.
        @raise CutOff: either side went away, or nothing moved any more; nothing was changed.
        @raise DFSError: either side refused; nothing was changed.
        """
        try:
            source = await self._connect(self._reach_source)
            target = await self._connect(self._reach_target)
            pieces = flow(source)

            async def piece() -> bytes:
                self._moved()
                data = await anext(pieces, b"")
                self.size += len(data)
                return data

            self._moved()
            try:
                return await target.send(request, piece, STILL_SECONDS)
            except (Busy, Unavailable) as error:
                raise CutOff(str(error)) from error
        finally:
            self._close()

    async def _connect(self, reach: Reach) -> Connection:
        connection = await reach()
        self._connections.append(connection)
        return connection

    def _moved(self) -> None:
        """Something moves: begin to wait anew."""
        if self._timer is None:
            self._timer = self._clock.callLater(STILL_SECONDS, self._still)
        else:
            self._timer.reset(STILL_SECONDS)

    def _still(self) -> None:
        self._timer = None
        self._close()

    def _close(self) -> None:
        """Let go of everything; whoever waits is told that the connection is lost."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        for connection in self._connections:
            connection.close(abort=True)


async def content_from(
    source: Connection, asked: Request[A], *, verified: bool = True
) -> AsyncIterator[bytes]:
    """
    One content, as it comes.

    @param verified: compare its hash here; whoever gets it may do so anyway.
    @raise DFSError: it does not come whole; what came is void.
    """
    contents = source.ask_content(asked, STILL_SECONDS, verified=verified)
    contents.most = MOST_WAITING
    while data := await contents.read():
        yield data
