"""
Large copies on their way from one storage server to another, through this name server.

Decides that they take connections of their own, so that small questions do not wait behind them,
that no more is held in memory than both ends force on us, and when a transfer that does not move is
given up.  Must not know which document is copied, nor why.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from dfs.errors import Corrupt, Unavailable
from dfs.wire.answers import Contents
from dfs.wire.client import Connection
from dfs.wire.messages import Applied, GetFileContent, PutFileContent
from dfs.wire.parts import header

#: Seconds without a byte after which a transfer is given up, and for the answer at its end.
STILL_SECONDS = 30.0

#: Connects to a storage server and makes sure that it is the right one.
Reach = Callable[[], Deferred[Connection]]


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
    _contents: Contents | None = field(default=None, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)

    async def run(
        self, request: PutFileContent, first: bytes, wanted: Iterable[tuple[str, int]]
    ) -> Applied:
        """
        Push a copy, with contents that are fetched while it is pushed.

        @param first: what stands before the contents.
        @param wanted: SHA-256 (hex) and size of each.
        @raise DFSError: either side refused or went away; nothing was changed.
        """
        try:
            source = await self._connect(self._reach_source)
            target = await self._connect(self._reach_target)
            self._moved()
            pieces = self._pieces(request, source, first, wanted)

            async def piece() -> bytes:
                self._moved()
                data = await anext(pieces, b"")
                self.size += len(data)
                return data

            return await target.send(request, piece, STILL_SECONDS)
        finally:
            self.close()

    async def _connect(self, reach: Reach) -> Connection:
        connection = await reach()
        self._connections.append(connection)
        return connection

    async def _pieces(
        self,
        request: PutFileContent,
        source: Connection,
        first: bytes,
        wanted: Iterable[tuple[str, int]],
    ) -> AsyncIterator[bytes]:
        yield first
        for sha256, size in wanted:
            yield header(bytes.fromhex(sha256), size)
            asked = GetFileContent(request.id, request.epoch, sha256)
            self._contents = contents = source.ask_content(asked, STILL_SECONDS)
            while data := await contents.read():
                yield data
            if contents.size != size:
                raise Corrupt(f"{contents.size} bytes came of a content of {size}")

    def _moved(self) -> None:
        """Something moves: begin to wait anew."""
        if self._timer is None:
            self._timer = self._clock.callLater(STILL_SECONDS, self._still)
        else:
            self._timer.reset(STILL_SECONDS)

    def _still(self) -> None:
        self._timer = None
        if self._contents is not None:
            self._contents.fail(Unavailable(f"nothing came for {STILL_SECONDS:g} s"))
        for connection in self._connections:
            connection.close(abort=True)

    def close(self) -> None:
        """Let go of everything."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        for connection in self._connections:
            connection.close(abort=True)
