"""
A whole cluster in memory, on one clock: real name server, real storage servers, real library.

Decides how parts are wired, stopped, killed and started again.  Must not replace any of them: only
the clock, the network, the disks and chance are not real.

Note [The dead].  A process that was killed does nothing more: its clock stands still, nobody hears
it, its disk takes nothing.  What was being done in it is wound up there and then all the same, and
kept until everything ends: thrown away by the collector it would do so at any moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted
from twisted.python.failure import Failure

from dfs.client.session import Session
from dfs.nm.journal import Disk, MemoryJournal
from dfs.nm.service import NameServer
from dfs.nm.service import Settings as NMSettings
from dfs.sim.chance import drawn
from dfs.sim.clock import Clock, ProcessClock
from dfs.sim.disks import Device, Seconds, ThreadedStore, Threads
from dfs.sim.network import Network, Weather
from dfs.ss.service import Settings, StorageServer, Surroundings
from dfs.store.interfaces import Identity
from dfs.store.memory import MemoryDisk
from dfs.wire.client import Connection
from dfs.wire.server import ServerFactory

T = TypeVar("T")

SECRET = b"the secret of a cluster in memory"
NAME_SERVER = "127.0.0.1:5000"

#: How the name server is called where servers are.
NM = "nm"

#: Seconds since the epoch when the clock shows 0.
START = 1_700_000_000.0

#: Seconds of the clock within which whatever is waited for must have happened.
PATIENCE = 120.0

#: What is shown a server before it starts.
Built = Callable[[NameServer | StorageServer], None]


def _as_it_is(server: NameServer | StorageServer) -> None:
    """Nothing is changed about it."""


@define(eq=False)
class Conditions:
    """
    What a cluster runs on.

    @ivar fsync: seconds that a disk takes to make something durable.
    @ivar thread: seconds that a thread takes to begin, and again to be noticed.
    @ivar survives: whether what was being written when a process died is on the disk.
    @ivar lingers: whether what it had said, and was on its way, arrives all the same.
    @ivar built: is shown each server before it starts.
    """

    weather: Weather = field(factory=Weather)
    fsync: Seconds | None = None
    thread: Seconds | None = None
    survives: Callable[[], bool] = lambda: False
    lingers: Callable[[], bool] = lambda: False
    built: Built = _as_it_is


@define(eq=False)
class Life:
    """
    One process, from its start to its end.

    @ivar clock: its own.
    @ivar owner: its name to the network.
    @ivar server: what runs in it.
    @ivar stopping: it was asked to end in good order.
    """

    clock: ProcessClock
    owner: str
    address: str
    device: Device
    threads: Threads
    server: NameServer | StorageServer | None = None
    stopping: bool = False


class Cluster:
    """
    Everything that there is.

    @ivar clock: everybody's time.
    @ivar network: between everybody.
    @ivar nm: the name server that runs, if one does.
    @ivar servers: the storage servers that run, by name.
    @ivar disks: what a storage server's restart finds.
    @ivar journal: what a name server's restart finds.
    @ivar lives: the process of each server that runs, by name.
    @ivar rates: seconds of a server's clock in one of everybody's, if not one.
    @ivar offsets: seconds by which a server's date is wrong.
    @ivar burying: what is done, and said, now is done by a dead process; see Note [The dead].
    """

    def __init__(
        self,
        *names: str,
        settings: Settings | None = None,
        nm_settings: NMSettings | None = None,
        fsync: float | None = None,
        conditions: Conditions | None = None,
    ) -> None:
        """
        Start a name server and these storage servers, and wait until they know each other.

        @param fsync: seconds that a disk takes to make something durable; at once if None.
        """
        self.clock = Clock()
        self.conditions = conditions or Conditions()
        if fsync is not None:
            self.conditions.fsync = lambda: fsync
        self.network = Network(self.clock, weather=self.conditions.weather)
        self.settings = settings or Settings()
        self.nm_settings = nm_settings or NMSettings()
        self.journal = Disk(cluster_id=hashlib.sha256(b"cluster").hexdigest()[:32])
        self.disks: dict[str, MemoryDisk] = {}
        self.servers: dict[str, StorageServer] = {}
        self.lives: dict[str, Life] = {}
        self.rates: dict[str, float] = {}
        self.offsets: dict[str, float] = {}
        self.nm: NameServer | None = None
        self.burying = False
        self._dead: list[Life] = []
        self._sessions: list[Session] = []
        self._starts = 0
        if names:
            self.start_all(*names)

    # --------------------------------------------------------------------------------- time

    def wall(self, name: str = "") -> float:
        """Seconds since the epoch, as a server, or everybody else, believes."""
        return START + self.clock.seconds() + self.offsets.get(name, 0.0)

    def advance(self, seconds: float) -> None:
        """Let time pass, event by event."""
        self.clock.advance(seconds)

    def outcome(self, awaitable: Awaitable[T]) -> T | Failure:
        """What becomes of something, however long it takes within L{PATIENCE}."""
        results: list[Any] = []
        self._deferred(awaitable).addBoth(results.append)
        end = self.clock.seconds() + PATIENCE
        while not results and self.clock.step(end):
            pass
        assert results, f"nothing came of it within {PATIENCE:g} s"
        result: T | Failure = results[0]
        return result

    def run(self, awaitable: Awaitable[T]) -> T:
        """The result of something; raises what it fails with."""
        result = self.outcome(awaitable)
        if isinstance(result, Failure):
            result.raiseException()
        return result

    def refused(self, awaitable: Awaitable[Any], error: type[BaseException]) -> str:
        """The message with which something is refused."""
        result = self.outcome(awaitable)
        assert isinstance(result, Failure), f"not refused, but {result!r}"
        assert result.check(error), f"not {error.__name__}, but {result.value!r}"
        return result.getErrorMessage()

    @staticmethod
    def _deferred(awaitable: Awaitable[T]) -> Deferred[T]:
        async def wait() -> T:
            return await awaitable

        return Deferred.fromCoroutine(wait())

    # ------------------------------------------------------------------------------- starts

    def _begin(self, name: str, address: str) -> Life:
        """A process begins."""
        clock = ProcessClock(self.clock, name, self.rates.get(name, 1.0))
        conditions = self.conditions
        device, threads = Device(clock, conditions.fsync), Threads(clock, conditions.thread)
        life = self.lives[name] = Life(clock, name, address, device, threads)
        self.network.clocks[name] = clock
        self.network.dark.discard(name)
        return life

    def start_all(self, *names: str) -> None:
        """Start a name server and storage servers, and wait until they know each other."""
        self.start_nm()
        for name in names:
            self.start(name)
        self.advance(2.0)

    def start_nm(self) -> None:
        """Start the name server on what its journal holds."""
        self._starts += 1
        life = self._begin(NM, NAME_SERVER)
        life.server = self.nm = NameServer(
            life.clock,
            wall=partial(self.wall, NM),
            journal=MemoryJournal(self.journal, life.device.durable),
            dial=partial(self._dial, life),
            secret=SECRET,
            entropy=drawn(f"{NM} {self._starts}"),
            settings=self.nm_settings,
        )
        self.conditions.built(self.nm)
        self.nm.startService()
        self.network.listen(NAME_SERVER, self.nm.factory, NM)

    def start(self, name: str) -> None:
        """Start a storage server on what its disk holds, at a new address."""
        self._starts += 1
        if name not in self.disks:
            self.exchange(name)
        life = self._begin(name, f"127.0.0.1:{6000 + self._starts}")
        store = ThreadedStore(self.disks[name], life.device.durable, threads=life.threads)
        server = StorageServer(
            Surroundings(
                clock=life.clock,
                steady=life.clock.seconds,
                wall=partial(self.wall, name),
                entropy=drawn(f"{name} {self._starts}"),
                work=life.threads.run,
                dial=partial(self._dial, life),
                name_servers=[NAME_SERVER],
                secret=SECRET,
            ),
            store,
            self.settings,
        )
        server.address = life.address
        store.when_fatal = server.store_failed
        server.when_failed = partial(self.clock.callLater, 0.0, self._failed, life)
        life.server = self.servers[name] = server
        self.conditions.built(server)
        self.network.listen(life.address, ServerFactory(life.clock, server.reception), name)
        server.startService()

    def exchange(self, name: str, disk: MemoryDisk | None = None) -> None:
        """Give a storage server that does not run a disk; a new and empty one if None."""
        number = self._starts + (name in self.disks)
        store_id = hashlib.sha256(f"{name} {number}".encode()).hexdigest()[:32]
        self.disks[name] = disk or MemoryDisk(Identity(store_id, name, "", 0))

    def _failed(self, life: Life) -> None:
        """A storage server whose disk has failed ends."""
        if self.lives.get(life.owner) is life:
            self.kill(life.owner)

    def running(self, name: str) -> bool:
        """Whether a server has a process."""
        return name in self.lives

    def begin(self, name: str) -> None:
        """Start a server, or the name server, unless it runs."""
        if name == NM and self.nm is None:
            self.start_nm()
        elif name != NM and name not in self.servers:
            self.start(name)

    # --------------------------------------------------------------------------------- ends

    def stopping(self, name: str) -> Deferred[None]:
        """Stop a server, or the name server, in good order; it may be killed meanwhile."""
        return Deferred.fromCoroutine(self._stop(name))

    async def _stop(self, name: str) -> None:
        life = self.lives[name]
        server = life.server
        assert server is not None
        life.stopping = True
        if name == NM:
            self.nm = None
        else:
            del self.servers[name]
        self.network.silence(life.address)
        await _done(server.stopService())
        if not life.clock.dead:  # killed meanwhile
            self.network.cut(life.address)
            self._end(life)

    def stop(self, name: str) -> None:
        """Stop a storage server in good order."""
        self.run(self.stopping(name))

    def stop_nm(self) -> None:
        """Stop the name server in good order."""
        self.run(self.stopping(NM))

    def kill(self, name: str) -> None:
        """End a server, or the name server, as C{kill -9} does; its memory is lost."""
        life = self.lives[name]
        if name == NM:
            self.nm = None
        else:
            self.servers.pop(name, None)
        self.network.deserted(life.address)
        protocols = self.network.kill(name, lingers=self.conditions.lingers())
        self.network.frozen.discard(name)
        life.clock.dead = True
        self.burying = True
        try:
            life.device.crash(self.conditions.survives())
            for protocol in protocols:
                protocol.connectionLost(Failure(ConnectionAborted()))
            if life.server is not None and not life.stopping:
                life.server.stopService()
        finally:
            self.burying = False
        self._end(life)

    def _end(self, life: Life) -> None:
        """See Note [The dead]."""
        life.clock.dead = True
        if self.lives.get(life.owner) is life:
            del self.lives[life.owner]
        self._dead.append(life)

    def crash(self, name: str) -> None:
        """Kill a storage server, and wait until that could be noticed."""
        self.kill(name)
        self.advance(0.001)

    def crash_nm(self) -> None:
        """Kill the name server, and wait until that could be noticed."""
        self.crash(NM)

    # -------------------------------------------------------------------------------- faults

    def freeze(self, name: str) -> None:
        """Stop a storage server (or C{nm}) as SIGSTOP does; its connections stay."""
        self.lives[name].clock.stopped = True
        self.network.frozen.add(name)

    def thaw(self, name: str) -> None:
        """Let it go on: what was due is done, what came is read."""
        self.network.frozen.discard(name)
        self.lives[name].clock.go_on()
        self.network.opened()

    def part(self, one: str, other: str = NM) -> None:
        """Let nothing through between two servers; neither is told."""
        self.network.walls.add(frozenset((one, other)))

    def join(self, one: str, other: str = NM) -> None:
        """Let everything through again."""
        self.network.walls.discard(frozenset((one, other)))
        self.network.opened()

    def deafen(self, one: str, to: str = NM) -> None:
        """Let one server hear nothing of another, which hears it all the same."""
        self.network.one_way.add((to, one))

    def undeafen(self, one: str, to: str = NM) -> None:
        """Let it hear again; what was said meanwhile comes through."""
        self.network.one_way.discard((to, one))
        self.network.opened()

    def slow(self, one: str, other: str = NM, rate: float | None = None) -> None:
        """
        Let what one server sends another take its time.

        @param rate: bytes per second of each connection, each way; none: as fast as ever.
        """
        if rate is None:
            self.network.slow.pop(frozenset((one, other)), None)
        else:
            self.network.slow[frozenset((one, other))] = rate

    def _dial(self, life: Life, address: str) -> Deferred[Connection]:
        if life.clock.dead:
            return Deferred()
        return self.network.dial(address, life.owner, life.clock)

    # ------------------------------------------------------------------------------- people

    def session(
        self, user: str, owner: str = "", random: Callable[[], float] = lambda: 0.5
    ) -> Session:
        """
        The library, for one person.

        @param owner: of the machine on which it runs, to the network.
        """
        dial = partial(self.network.dial, owner=owner)
        entropy = drawn(f"session {len(self._sessions)}")
        session = Session(
            self.clock, self.wall, dial, [NAME_SERVER], user, random=random, entropy=entropy
        )
        self._sessions.append(session)
        return session

    def dial(self, name: str = "") -> Connection:
        """A bare connection to a storage server, or to the name server."""
        return self.run(self.network.dial(self.lives[name].address if name else NAME_SERVER))

    def calm(self) -> None:
        """Network and threads are as they should be from now on; disks always were."""
        self.conditions.weather.jitter = 0.0
        for life in self.lives.values():
            life.threads.hurry()
        self.conditions.thread = None

    def abandon(self) -> None:
        """Nothing more is wanted of all this."""
        for name in sorted(self.lives):
            self.kill(name)
        self.burying = True

    def close(self) -> None:
        """End everything; nothing may be left that waits."""
        for session in self._sessions:
            session.close()
        for name in sorted(self.servers):
            self.stop(name)
        if self.nm is not None:
            self.stop_nm()
        self.advance(1.0)
        left = self.clock.getDelayedCalls()
        assert not left, f"still waiting after the end: {left}"


class _done:
    """Await what C{stopService} returns, a Deferred or None."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def __await__(self) -> Generator[Any, Any, None]:
        if isinstance(self._result, Deferred):
            yield from self._result.__await__()
