"""
A network in memory, on a clock: ordered bytes with latency and back-pressure between addresses.

Decides when bytes arrive and when a connection ends.  Must not know what the bytes mean.  The real
factories and protocols run on it unchanged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionRefusedError
from twisted.internet.interfaces import IProtocol, ITransport
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from dfs.wire.client import Connection

#: Bytes on their way before a producer is asked to pause, as Twisted's own TCP transport does.
_HIGH_WATER = 64 * 1024


@implementer(ITransport)
class Link:
    """One end of a connection; C{other} is the other end."""

    def __init__(self, network: Network, host: str, peer: str) -> None:
        self._network = network
        self._host = host
        self._peer = peer
        self.other: Link
        self.protocol: IProtocol | None = None
        self._arrived: deque[bytes] = deque()  # delivered, but the protocol does not read now
        self._late: list[bytes | None] = []  # behind a wall; None: the end
        self._in_flight = 0
        self._producer: Any = None
        self._producer_paused = False
        self._reading = True
        self._ending: Exception | None = None  # what the protocol will be told
        self._free = 0.0  # when a slow line has carried what was written so far
        self.closed = False
        self.disconnecting = False

    # ------------------------------------------------------------------ what protocols call

    def write(self, data: bytes) -> None:
        if self.closed or not data:
            return
        self._in_flight += len(data)
        self._carry(len(data), self.other._receive, bytes(data))
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
        self._network.later(self._drain)

    def getPeer(self) -> IPv4Address:
        return _address(self._peer)

    def getHost(self) -> IPv4Address:
        return _address(self._host)

    # ------------------------------------------------------------------- what the network calls

    def _carry(self, size: int, call: Any, *arguments: Any) -> None:
        """Do something at the other end when so many bytes more have got there."""
        now = self._network.seconds()
        rate = self._network.slow.get(self._owners)
        self._free = max(now, self._free) + (size / rate if rate else 0.0)
        self._network.later(call, *arguments, after=self._free - now)

    @property
    def _owners(self) -> frozenset[str]:
        """Between whom it is."""
        return frozenset(self._network.owners.get(one, "") for one in (self._host, self._peer))

    def _close(self, reason: Exception) -> None:
        if self.closed:
            return
        self.closed = True
        self._network.later(self._end, reason)
        self._carry(0, self.other._peer_closed)

    def come_through(self) -> None:
        """What waited behind a wall arrives now, in order, unless there still is one."""
        while self._late and not self._walled:
            data, self._late = self._late[0], self._late[1:]
            if data is None:
                self._peer_closed()
            elif not self.closed:
                self._arrived.append(data)
                self._drain()

    def _peer_closed(self) -> None:
        if self.closed:
            return
        if self._walled or self._late:
            self._late.append(None)
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
        mine, others = (self._network.owners.get(one, "") for one in (self._host, self._peer))
        stopped = mine in self._network.frozen or self in self._network.held
        return stopped or self._network.parted(others, mine)

    def _receive(self, data: bytes) -> None:
        if self.closed:
            return
        if self._walled or self._late:
            self._late.append(data)
            return
        self._arrived.append(data)
        self._drain()

    def _drain(self) -> None:
        while self._arrived and self._reading and not self.closed:
            data = self._arrived.popleft()
            self.other._delivered(len(data))
            assert self.protocol is not None
            self.protocol.dataReceived(data)
        if self._ending is not None and not self._arrived and not self.closed:
            self.closed = True
            self._end(self._ending)

    def _delivered(self, size: int) -> None:
        self._in_flight -= size
        self.room()

    def room(self) -> None:
        """Let the producer go on if there is room, unless its process is stopped."""
        stopped = self._network.owners.get(self._host, "") in self._network.frozen
        if self._producer_paused and self._in_flight <= _HIGH_WATER and not stopped:
            self._producer_paused = False
            if self._producer is not None:
                self._producer.resumeProducing()

    def cut(self) -> None:
        """The connection breaks at both ends, with an error."""
        for end in (self, self.other):
            if not end.closed:
                end.closed = True
                self._network.later(end._end, ConnectionAborted())


class Network:
    """
    Addresses that listen, and connections between them.

    @ivar links: every open end.
    @ivar owners: whose end an address is.
    @ivar walls: pairs of owners between whom nothing gets through, and nobody is told.
    @ivar one_way: the same, but only what the first one says does not get to the second one.
    @ivar slow: bytes per second between two owners, each way of each connection, if not at once.
    @ivar frozen: owners who take nothing in.
    @ivar held: single ends that nothing gets to now.
    """

    def __init__(self, clock: Clock, latency: float = 0.0001) -> None:
        """
        @param latency: seconds from writing to arriving.
        """
        self._clock = clock
        self._latency = latency
        self._listening: dict[str, Factory] = {}
        self._ports = 40_000
        self.links: set[Link] = set()
        self.owners: dict[str, str] = {}
        self.walls: set[frozenset[str]] = set()
        self.one_way: set[tuple[str, str]] = set()
        self.slow: dict[frozenset[str], float] = {}
        self.frozen: set[str] = set()
        self.held: set[Link] = set()

    def hold(self, address: str) -> None:
        """Let nothing more arrive at C{host:port} on the connections that there are."""
        self.held |= {link for link in self.links if link._host == address}

    def release(self) -> None:
        """Let it arrive, late."""
        self.held.clear()
        self.opened()

    def seconds(self) -> float:
        """Its time."""
        return self._clock.seconds()

    def parted(self, sender: str, receiver: str) -> bool:
        """Nothing gets from one owner to another."""
        walled = frozenset((sender, receiver)) in self.walls
        return walled or (sender, receiver) in self.one_way

    def opened(self) -> None:
        """A wall is gone: what waited behind it comes through."""
        for link in sorted(self.links, key=lambda link: (link._host, link._peer)):
            if link._late:
                self.later(link.come_through)
            self.later(link.room)

    def later(self, call: Any, *arguments: Any, after: float = 0.0) -> None:
        """Do something when the bytes written now arrive: equal times keep their order."""
        self._clock.callLater(after + self._latency, call, *arguments)

    def listen(self, address: str, factory: Factory, owner: str = "") -> None:
        """Let C{host:port} be answered."""
        assert address not in self._listening
        self.owners[address] = owner
        factory.doStart()
        self._listening[address] = factory

    def silence(self, address: str) -> None:
        """Nobody listens at C{host:port} any more; connections stay."""
        self._listening.pop(address).doStop()

    def dial(self, address: str, owner: str = "") -> Deferred[Connection]:
        """A L{Connection} to C{host:port}; fails if nobody listens."""
        there = self.owners.get(address, "")
        if self.parted(owner, there) or self.parted(there, owner):
            return Deferred()  # whoever dials waits until they are tired
        factory = self._listening.get(address)
        if factory is None:
            return fail(ConnectionRefusedError())
        self._ports += 1
        here = f"127.0.0.1:{self._ports}"
        self.owners[here] = owner
        near, far = Link(self, here, address), Link(self, address, here)
        near.other, far.other = far, near
        server: Any = factory.buildProtocol(near.getHost())
        client = Connection(self._clock)
        self.links |= {near, far}
        dialled: Deferred[Connection] = Deferred()

        def connected() -> None:
            if dialled.called:
                return
            if near.closed:
                dialled.errback(ConnectionAborted())
                return
            near.protocol, far.protocol = client, server
            server.makeConnection(far)
            client.makeConnection(near)
            dialled.callback(client)

        self.later(connected)
        return dialled

    def cut(self, address: str) -> None:
        """Break every connection of C{host:port}."""
        for link in sorted(self.links, key=lambda link: (link._host, link._peer)):
            if link._host == address:
                link.cut()


def _address(text: str) -> IPv4Address:
    host, _, port = text.rpartition(":")
    return IPv4Address("TCP", host, int(port))
