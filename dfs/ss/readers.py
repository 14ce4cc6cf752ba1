"""
Large texts on their way to those who read them.

Decides how many are open at once: each holds a file, and a piece in memory, as long as nobody takes
what is sent.  Must not know whose text it is.

Note [In turn]
==============
What one connection asks for comes through that connection, so a few at once are as quick as all of
them.  The others wait: a connection has only so many requests that are not answered yet.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import DeferredSemaphore
from twisted.internet.error import ConnectionLost

from dfs.core.documents import Content
from dfs.errors import Busy
from dfs.ss.contents import send
from dfs.store.interfaces import IReader
from dfs.wire.exchange import Exchange
from dfs.wire.messages import Stop

#: Texts that are open for one connection, and in all.
PER_CONNECTION = 4
ON_SERVER = 512

#: Opens a text.
Open = Callable[[], tuple[Content, IReader]]


@define(eq=False)
class Line:
    """
    Those of one connection.

    @ivar asked: how many are being sent, or wait.
    """

    turns: DeferredSemaphore = field(factory=lambda: DeferredSemaphore(PER_CONNECTION), init=False)
    asked: int = field(default=0, init=False)


@define(eq=False)
class Readers:
    """
    All of them.

    @ivar limit: how many may be open.
    """

    limit: int = ON_SERVER
    _lines: dict[int, Line] = field(factory=dict, init=False)
    _count: int = field(default=0, init=False)

    def __len__(self) -> int:
        return self._count

    async def send(self, open_text: Open, exchange: Exchange) -> Stop:
        """
        Send a text when it is its turn, see Note [In turn].

        @param open_text: called then.
        @raise Busy: too many are open for others.
        @raise Corrupt: the bytes are damaged; what was sent is void.
        @raise ConnectionLost: nobody waits any more.
        """
        number = exchange.peer.number
        line = self._lines.setdefault(number, Line())
        line.asked += 1
        try:
            async with line.turns:
                if exchange.lost:
                    raise ConnectionLost()
                return await self._send(open_text, exchange)
        finally:
            line.asked -= 1
            if not line.asked:
                del self._lines[number]

    async def _send(self, open_text: Open, exchange: Exchange) -> Stop:
        if self._count >= self.limit:
            raise Busy(f"{self._count} large texts are being read here; try again in a moment")
        content, reader = open_text()
        self._count += 1
        try:
            return await send(reader, content, exchange)
        finally:
            self._count -= 1
