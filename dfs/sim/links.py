"""
One end of a connection in memory.

Decides the order of what arrives and how a connection ends.  Must not know who talks to whom.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.interfaces import IProtocol, ITransport
from twisted.python.failure import Failure
from zope.interface import implementer

if TYPE_CHECKING:
    from dfs.sim.network import Network

#: Bytes on their way before a producer is asked to pause, as Twisted's own TCP transport does.
_HIGH_WATER = 64 * 1024


@frozen
class Piece:
    """
    Bytes on their way.

    @ivar mark: what the network noted when they were written.
    """

    data: bytes
    mark: object


@implementer(ITransport)
class Link:
    """
    One end of a connection; C{other} is the other end.

    @ivar host: C{host:port} of this end; C{peer} of the other one.
    @ivar waits: what waits behind a wall; None: the end.
    @ivar vanished: its process died without anybody being told.
    @ivar lost: its process died, and what was on its way with it.
    """

    def __init__(self, network: Network, host: str, peer: str) -> None:
        self._network = network
        self.host = host
        self.peer = peer
        self.other: Link
        self.protocol: IProtocol | None = None
        self.waits: list[Piece | None] = []
        self.vanished = False
        self.lost = False
        self._arrived: deque[Piece] = deque()  # delivered, but the protocol does not read now
        self._in_flight = 0
        self._pieces = 0  # on their way to the other end
        self._joined = b""  # arrived, and handed on with what comes next
        self._producer: Any = None
        self._producer_paused = False
        self._reading = True
        self._ending: Exception | None = None  # what the protocol will be told
        self._free = 0.0  # when a slow line has carried what was written so far
        self.closed = False
        self.disconnecting = False

    @property
    def owner(self) -> str:
        """Whose end it is."""
        return self._network.owners.get(self.host, "")

    # ------------------------------------------------------------------ what protocols call

    def write(self, data: bytes) -> None:
        if self.closed or not data:
            return
        self._in_flight += len(data)
        mark = self._network.mark(self.owner)
        for piece in self._network.weather.pieces(bytes(data)):
            self._pieces += 1
            self._carry(len(piece), self.other.receive, Piece(piece, mark))
        full = self._producer is not None and self._in_flight > _HIGH_WATER
        if full and not self._producer_paused:
            self._producer_paused = True
            self._producer.pauseProducing()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        self.disconnecting = True
        if self._producer is None:
            self._close(ConnectionDone())

    def abortConnection(self) -> None:
        self._close(ConnectionAborted())

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        self._producer = producer

    def unregisterProducer(self) -> None:
        self._producer = None
        if self.disconnecting:
            self._close(ConnectionDone())

    def pauseProducing(self) -> None:
        self._reading = False

    def resumeProducing(self) -> None:
        self._reading = True
        self._network.later_at(self.owner, self._drain)

    def getPeer(self) -> IPv4Address:
        return _address(self.peer)

    def getHost(self) -> IPv4Address:
        return _address(self.host)

    # ------------------------------------------------------------------------------ sending

    def _carry(self, size: int, call: Any, *arguments: Any) -> None:
        """Do something at the other end when so many bytes more have got there, in order."""
        network = self._network
        now = network.seconds()
        between = frozenset((self.owner, self.other.owner))
        rate = network.slow.get(between)
        late = network.weather.delay() + network.lag.get(between, 0.0)
        ready = now + late + (size / rate if rate else 0.0)
        if rate:
            ready = max(ready, self._free + size / rate)
        self._free = max(self._free, ready)
        network.at(self._free, call, *arguments)

    def _close(self, reason: Exception) -> None:
        if self.closed:
            return
        self.closed = True
        self._network.later_at(self.owner, self._end, reason)
        self._carry(0, self.other.peer_closed)

    # ---------------------------------------------------------------------------- receiving

    def come_through(self) -> None:
        """What waited behind a wall arrives now, in order, unless there still is one."""
        while self.waits and not self._walled:
            piece, self.waits = self.waits[0], self.waits[1:]
            if piece is None:
                self.peer_closed()
            elif not self.closed:
                self._take(piece)

    def peer_closed(self) -> None:
        """The other end was closed, and everything before that has arrived."""
        if self.closed:
            return
        if self._walled or self.waits:
            self.waits.append(None)
            return
        if self._arrived:
            self._ending = ConnectionDone()
            return
        self.closed = True
        self._end(ConnectionDone())

    def _end(self, reason: Exception) -> None:
        self._network.links.discard(self)
        if self.protocol is not None:
            self.protocol.connectionLost(Failure(reason))

    @property
    def _walled(self) -> bool:
        """Nothing gets here now."""
        network = self._network
        mine = self.owner
        if mine in network.frozen or mine in network.dark or self in network.held:
            return True
        return network.parted(self.other.owner, mine)

    def receive(self, piece: Piece) -> None:
        """Something arrives."""
        self.other._pieces -= 1
        if self.other.lost:
            return
        if self.closed:
            if self.vanished and self.owner not in self._network.dark:
                self.other.broken()  # its machine is there again, and knows nothing of it
            return
        if self._walled or self.waits:
            self.waits.append(piece)
            return
        self._take(piece)

    def _take(self, piece: Piece) -> None:
        if self.other._pieces and not self.waits and self._network.weather.joins():
            self._joined += piece.data
            return
        data, self._joined = self._joined + piece.data, b""
        self._arrived.append(evolve(piece, data=data))
        self._drain()

    def _drain(self) -> None:
        while self._arrived and self._reading and not self.closed:
            piece = self._arrived.popleft()
            self.other.delivered(len(piece.data))
            self._network.arrived(self, piece.data)
            if self.closed:
                return  # whoever looked on has ended it
            assert self.protocol is not None
            self._network.heard = piece.mark
            self.protocol.dataReceived(piece.data)
            self._network.heard = None
        if self._ending is not None and not self._arrived and not self.closed:
            self.closed = True
            self._end(self._ending)

    def delivered(self, size: int) -> None:
        """The other end has taken so much."""
        self._in_flight -= size
        self.room()

    def room(self) -> None:
        """Let the producer go on if there is room, unless its process is stopped."""
        stopped = self.owner in self._network.frozen
        if self._producer_paused and self._in_flight <= _HIGH_WATER and not stopped:
            self._producer_paused = False
            if self._producer is not None:
                self._producer.resumeProducing()

    # ------------------------------------------------------------------------------- faults

    def cut(self) -> None:
        """The connection breaks at both ends, with an error."""
        for end in (self, self.other):
            end.broken()

    def broken(self) -> None:
        """This end breaks, with an error."""
        if not self.closed:
            self.closed = True
            self._network.later_at(self.owner, self._end, ConnectionAborted())

    def die(self, *, tell: bool, lingers: bool) -> None:
        """
        The process of this end is gone.

        @param tell: the system closes what it had open.
        @param lingers: what is on its way arrives.
        """
        if not lingers:
            self.other.waits.clear()
            self.lost = True
        self._network.links.discard(self)
        self.protocol = None
        if self.closed:
            return
        self.closed = True
        self.vanished = not tell
        if tell:
            self._carry(0, self.other.peer_closed)


def _address(text: str) -> IPv4Address:
    host, _, port = text.rpartition(":")
    return IPv4Address("TCP", host, int(port))
