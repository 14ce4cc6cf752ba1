"""
A network in memory, on a clock: ordered bytes with latency and back-pressure between addresses.

Decides when bytes arrive, in which pieces, and when a connection ends.  Must not know what the
bytes mean, nor what a process is but by the name of its owner.  The real factories and protocols
run on it unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionAborted, ConnectionRefusedError
from twisted.internet.interfaces import IProtocol, IReactorTime
from twisted.internet.protocol import Factory

from dfs.sim.chance import Random
from dfs.sim.clock import ProcessClock
from dfs.sim.links import Link
from dfs.wire.client import Connection

#: Of what is written at once, the most pieces that it may arrive in.
_PIECES = 4


@define(eq=False)
class Weather:
    """
    How a network is.

    @ivar latency: seconds from writing to arriving.
    @ivar jitter: seconds that it may take longer.
    @ivar cut: how often what is written arrives in pieces, from 0 to 1.
    @ivar join: how often it arrives with what was written next.
    @ivar random: decides; without it none of these matters but the latency.
    """

    latency: float = 0.0001
    jitter: float = 0.0
    cut: float = 0.0
    join: float = 0.0
    random: Random | None = None

    def delay(self) -> float:
        """Seconds to the other end, this time."""
        if self.random is None or not self.jitter:
            return self.latency
        return self.latency + self.random.random() ** 3 * self.jitter

    def pieces(self, data: bytes) -> list[bytes]:
        """In which pieces something arrives."""
        random = self.random
        if random is None or len(data) < 2 or random.random() >= self.cut:
            return [data]
        places = {random.randrange(1, len(data)) for _ in range(random.randrange(1, _PIECES))}
        ends = [0, *sorted(places), len(data)]
        return [data[start:end] for start, end in pairwise(ends)]

    def joins(self) -> bool:
        """Whether something waits for what comes after it."""
        return self.random is not None and self.random.random() < self.join


def _unwatched(link: Link, data: bytes) -> None:
    """Nobody looks."""


def _unmarked(owner: str) -> object:
    """Nobody asks."""
    return None


class Network:
    """
    Addresses that listen, and connections between them.

    @ivar weather: how fast and in which pieces.
    @ivar links: every open end.
    @ivar owners: whose end an address is.
    @ivar walls: pairs of owners between whom nothing gets through, and nobody is told.
    @ivar one_way: the same, but only what the first one says does not get to the second one.
    @ivar slow: bytes per second between two owners, each way of each connection, if not at once.
    @ivar lag: seconds that everything takes longer between two owners.
    @ivar frozen: owners who take nothing in.
    @ivar dark: owners whose machine is without power: nothing is taken, refused or answered.
    @ivar held: single ends that nothing gets to now.
    @ivar arrived: called with each end at which something arrives, before it is read.
    @ivar mark: asked for what is to be noted with bytes that an owner writes now.
    @ivar heard: what was noted with those that are being read now, if any are.
    @ivar clocks: those of the processes that can be stopped, by owner.
    """

    def __init__(
        self, clock: IReactorTime, latency: float = 0.0001, weather: Weather | None = None
    ) -> None:
        """
        @param latency: seconds from writing to arriving, if nothing else is known of the weather.
        """
        self._clock = clock
        self.weather = weather or Weather(latency)
        self._listening: dict[str, Factory] = {}
        self._ports = 40_000
        self.links: set[Link] = set()
        self.owners: dict[str, str] = {}
        self.walls: set[frozenset[str]] = set()
        self.one_way: set[tuple[str, str]] = set()
        self.slow: dict[frozenset[str], float] = {}
        self.lag: dict[frozenset[str], float] = {}
        self.frozen: set[str] = set()
        self.dark: set[str] = set()
        self.held: set[Link] = set()
        self.arrived: Callable[[Link, bytes], None] = _unwatched
        self.mark: Callable[[str], object] = _unmarked
        self.heard: object = None
        self.clocks: dict[str, ProcessClock] = {}

    def hold(self, address: str) -> None:
        """Let nothing more arrive at C{host:port} on the connections that there are."""
        self.held |= {link for link in self.links if link.host == address}

    def release(self) -> None:
        """Let it arrive, late."""
        self.held.clear()
        self.opened()

    def seconds(self) -> float:
        """Its time."""
        return self._clock.seconds()

    def parted(self, sender: str, receiver: str) -> bool:
        """Nothing gets from one owner to another."""
        if not self.walls and not self.one_way:
            return False
        walled = frozenset((sender, receiver)) in self.walls
        return walled or (sender, receiver) in self.one_way

    def ends(self, owner: str | None = None) -> list[Link]:
        """Every open end, or those of one owner, in an order that is the same in every run."""
        found = [one for one in self.links if owner is None or one.owner == owner]
        return sorted(found, key=lambda one: (one.host, one.peer))

    def opened(self) -> None:
        """A wall is gone: what waited behind it comes through."""
        for link in self.ends():
            if link.waits:
                self.later(link.come_through)
            self.later(link.room)

    def later(self, call: Any, *arguments: Any) -> None:
        """Do something when the bytes written now arrive: equal times keep their order."""
        self._clock.callLater(self.weather.latency, call, *arguments)

    def later_at(self, owner: str, call: Any, *arguments: Any) -> None:
        """Do something in a process, when it runs."""
        clock: IReactorTime = self.clocks.get(owner, self._clock)
        clock.callLater(self.weather.latency, call, *arguments)

    def at(self, when: float, call: Any, *arguments: Any) -> None:
        """Do something at a time."""
        self._clock.callLater(max(0.0, when - self._clock.seconds()), call, *arguments)

    # ------------------------------------------------------------------------ connections

    def listen(self, address: str, factory: Factory, owner: str = "") -> None:
        """Let C{host:port} be answered."""
        assert address not in self._listening
        self.owners[address] = owner
        factory.doStart()
        self._listening[address] = factory

    def silence(self, address: str) -> None:
        """Nobody listens at C{host:port} any more; connections stay."""
        self._listening.pop(address).doStop()

    def deserted(self, address: str) -> None:
        """Whoever listened at C{host:port} is dead."""
        self._listening.pop(address, None)

    def dial(
        self, address: str, owner: str = "", clock: IReactorTime | None = None
    ) -> Deferred[Connection]:
        """
        A L{Connection} to C{host:port}; fails if nobody listens.

        @param clock: of the process that dials, if not everybody's.
        """
        there = self.owners.get(address, "")
        unheard = self.parted(owner, there) or self.parted(there, owner)
        if unheard or there in self.dark or owner in self.dark:
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
        client = Connection(clock or self._clock)
        self.links |= {near, far}
        dialled: Deferred[Connection] = Deferred()

        def connected() -> None:
            if dialled.called:
                return
            if near.closed:
                dialled.errback(ConnectionAborted())
                return
            near.protocol = client
            self._accept(far, server)
            client.makeConnection(near)
            dialled.callback(client)

        self.later_at(owner, connected)
        return dialled

    def _accept(self, end: Link, server: Any) -> None:
        """Somebody has connected; a process that is stopped finds that out later."""

        def accept() -> None:
            if not end.closed:
                end.protocol = server
                server.makeConnection(end)

        clock = self.clocks.get(end.owner)
        if clock is not None and clock.stopped:
            clock.callLater(0.0, accept)
        else:
            accept()

    def cut(self, address: str) -> None:
        """Break every connection of C{host:port}."""
        for link in self.ends():
            if link.host == address:
                link.cut()

    def kill(self, owner: str, *, lingers: bool = False) -> list[IProtocol]:
        """
        A process is gone; the other ends are told, unless its machine has no power.

        @param lingers: what it said before, and is on its way, arrives all the same.
        @return: what was connected in it.
        """
        ends = self.ends(owner)
        protocols = [link.protocol for link in ends if link.protocol is not None]
        for link in ends:
            link.die(tell=owner not in self.dark, lingers=lingers)
        return protocols


__all__ = ["Link", "Network", "Weather"]
