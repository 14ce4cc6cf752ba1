"""
A whole cluster in memory, on one clock: real name server, real storage servers, real library.

Decides how parts are wired, stopped, killed and started again.  Must not replace any of them: only
the clock, the network, the disks and chance are not real.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, TypeVar

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from dfs.client.session import Session
from dfs.nm.journal import Disk, MemoryJournal
from dfs.nm.service import NameServer
from dfs.nm.service import Settings as NMSettings
from dfs.ss.service import Settings, StorageServer, Surroundings
from dfs.store.interfaces import Identity
from dfs.store.memory import MemoryDisk, MemoryStore
from dfs.wire.client import Connection
from dfs.wire.server import ServerFactory
from tests.simulation.machine import Machine
from tests.simulation.network import Network
from tests.simulation.stoppable import StoppableClock

T = TypeVar("T")

SECRET = b"the secret of a cluster in memory"
NAME_SERVER = "127.0.0.1:5000"

#: Seconds since the epoch when the clock shows 0.
START = 1_700_000_000.0

#: Seconds of the clock within which whatever is waited for must have happened.
PATIENCE = 120.0


def chance(who: str) -> Callable[[int], bytes]:
    """Bytes that never repeat, are different for everybody, and the same in every run."""
    drawn = 0

    def draw(count: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return hashlib.shake_128(f"{who} {drawn}".encode()).digest(count)

    return draw


@define(eq=False)
class Life:
    """
    What a crash of one server takes away.

    @ivar clock: its own.
    @ivar owner: its name to the network.
    @ivar dialled: the connections that it made.
    @ivar over: it has crashed: its disk does nothing more for it.
    """

    clock: StoppableClock
    owner: str
    dialled: list[Connection] = field(factory=list)
    over: bool = False


def _unless_over(life: Life, call: Callable[[], None]) -> None:
    if not life.over:
        call()


class Cluster:
    """
    Everything that there is.

    @ivar clock: everybody's time.
    @ivar network: between everybody.
    @ivar machine: runs scripts for the name server.
    @ivar nm: the name server that runs, if one does.
    @ivar servers: the storage servers that run, by name.
    @ivar disks: what a storage server's restart finds.
    @ivar journal: what a name server's restart finds.
    """

    def __init__(
        self,
        *names: str,
        settings: Settings | None = None,
        nm_settings: NMSettings | None = None,
        fsync: float | None = None,
        scripts: bool = False,
    ) -> None:
        """
        Start a name server and these storage servers, and wait until they know each other.

        @param fsync: seconds that a disk takes to make something durable; at once if None.
        @param scripts: the name server runs scripts.
        """
        self.clock = Clock()
        self._fsync = fsync
        self._lives: dict[str, Life] = {}
        self.network = Network(self.clock)
        self.settings = settings or Settings()
        self.nm_settings = nm_settings or NMSettings()
        self.machine = Machine(self.clock)
        if scripts:
            self.nm_settings = evolve(self.nm_settings, sandbox=self.machine.sandbox())
        self.journal = Disk(cluster_id=hashlib.sha256(b"cluster").hexdigest()[:32])
        self.disks: dict[str, MemoryDisk] = {}
        self.servers: dict[str, StorageServer] = {}
        self._addresses: dict[str, str] = {}
        self._sessions: list[Session] = []
        self.nm: NameServer | None = None
        self._starts = 0
        self.start_nm()
        for name in names:
            self.start(name)
        self.advance(2.0)

    # --------------------------------------------------------------------------------- time

    def wall(self) -> float:
        """Seconds since the epoch."""
        return START + self.clock.seconds()

    def advance(self, seconds: float) -> None:
        """Let time pass, event by event."""
        end = self.clock.seconds() + seconds
        while (calls := self.clock.getDelayedCalls()) and calls[0].getTime() <= end:
            self.clock.advance(max(0.0, calls[0].getTime() - self.clock.seconds()))
        self.clock.advance(max(0.0, end - self.clock.seconds()))

    def outcome(self, awaitable: Awaitable[T]) -> T | Failure:
        """What becomes of something, however long it takes within L{PATIENCE}."""
        results: list[Any] = []
        self._deferred(awaitable).addBoth(results.append)
        end = self.clock.seconds() + PATIENCE
        while not results and self.clock.seconds() < end:
            calls = self.clock.getDelayedCalls()
            assert calls, "it waits for something that never happens"
            self.clock.advance(max(0.0, calls[0].getTime() - self.clock.seconds()))
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
        if isinstance(awaitable, Deferred):
            return awaitable

        async def wait() -> T:
            return await awaitable

        return Deferred.fromCoroutine(wait())

    # ------------------------------------------------------------------------------ servers

    def start_nm(self) -> None:
        """Start the name server on what its journal holds."""
        self._starts += 1
        life = self._lives[""] = Life(StoppableClock(self.clock), "nm")
        self.nm = NameServer(
            life.clock,
            wall=self.wall,
            journal=MemoryJournal(self.journal, partial(self._durable, life)),
            dial=partial(self._dial, life),
            secret=SECRET,
            entropy=chance(f"nm {self._starts}"),
            settings=self.nm_settings,
        )
        self.nm.startService()
        self.network.listen(NAME_SERVER, self.nm.factory, "nm")

    def start(self, name: str) -> None:
        """Start a storage server on what its disk holds, at a new address."""
        self._starts += 1
        if name not in self.disks:
            store_id = hashlib.sha256(f"{name} {self._starts}".encode()).hexdigest()[:32]
            self.disks[name] = MemoryDisk(Identity(store_id, name, "", 0))
        life = self._lives[name] = Life(StoppableClock(self.clock), name)
        server = StorageServer(
            Surroundings(
                clock=life.clock,
                steady=self.clock.seconds,
                wall=self.wall,
                entropy=chance(f"{name} {self._starts}"),
                work=lambda function, *arguments: succeed(function(*arguments)),
                dial=partial(self._dial, life),
                name_servers=[NAME_SERVER],
                secret=SECRET,
            ),
            MemoryStore(self.disks[name], partial(self._durable, life)),
            self.settings,
        )
        server.address = address = f"127.0.0.1:{6000 + self._starts}"
        self.network.listen(address, ServerFactory(life.clock, server.reception), name)
        server.startService()
        self.servers[name] = server
        self._addresses[name] = address

    def stop(self, name: str) -> None:
        """Stop a storage server in good order."""
        server = self.servers.pop(name)
        self.network.silence(self._addresses[name])
        self.run(_done(server.stopService()))
        self.network.cut(self._addresses.pop(name))

    def stop_nm(self) -> None:
        """Stop the name server in good order."""
        assert self.nm is not None
        nm, self.nm = self.nm, None
        self.network.silence(NAME_SERVER)
        self.run(nm.stopService())
        self.network.cut(NAME_SERVER)

    def crash(self, name: str) -> None:
        """End a storage server as C{kill -9} does; what was not durable is lost."""
        server = self.servers.pop(name)
        self._crash(self._lives[name], self._addresses.pop(name), server.stopService)

    def crash_nm(self) -> None:
        """End the name server as C{kill -9} does; what was not durable is lost."""
        assert self.nm is not None
        nm, self.nm = self.nm, None
        self._crash(self._lives[""], NAME_SERVER, nm.stopService)

    def _crash(self, life: Life, address: str, stop: Callable[[], object]) -> None:
        life.over = True
        self.network.silence(address)
        self.network.cut(address)
        for connection in life.dialled:
            link: Any = connection.transport
            link.cut()
        self.advance(0.001)
        # Nobody hears it any more and its disk does nothing; its clocks have to stop all the same.
        stop()

    def freeze(self, name: str) -> None:
        """Stop a storage server (or C{nm}) as SIGSTOP does; its connections stay."""
        self._lives["" if name == "nm" else name].clock.stopped = True
        self.network.frozen.add(name)

    def thaw(self, name: str) -> None:
        """Let it go on: what was due is done, what came is read."""
        self.network.frozen.discard(name)
        self.network.opened()
        self._lives["" if name == "nm" else name].clock.go_on()

    def part(self, one: str, other: str = "nm") -> None:
        """Let nothing through between two servers; neither is told."""
        self.network.walls.add(frozenset((one, other)))

    def join(self, one: str, other: str = "nm") -> None:
        """Let everything through again."""
        self.network.walls.discard(frozenset((one, other)))
        self.network.opened()

    def deafen(self, one: str, to: str = "nm") -> None:
        """Let one server hear nothing of another, which hears it all the same."""
        self.network.one_way.add((to, one))

    def undeafen(self, one: str, to: str = "nm") -> None:
        """Let it hear again; what was said meanwhile comes through."""
        self.network.one_way.discard((to, one))
        self.network.opened()

    def slow(self, one: str, other: str = "nm", rate: float | None = None) -> None:
        """
        Let what one server sends another take its time.

        @param rate: bytes per second of each connection, each way; none: as fast as ever.
        """
        if rate is None:
            self.network.slow.pop(frozenset((one, other)), None)
        else:
            self.network.slow[frozenset((one, other))] = rate

    def _dial(self, life: Life, address: str) -> Deferred[Connection]:
        def made(connection: Connection) -> Connection:
            life.dialled = [one for one in life.dialled if not one.lost] + [connection]
            return connection

        return self.network.dial(address, life.owner).addCallback(made)

    def _durable(self, life: Life, call: Callable[[], None]) -> None:
        """Do something on a disk when its time comes, unless its server has crashed before."""
        if self._fsync is None:
            _unless_over(life, call)
        else:
            life.clock.callLater(self._fsync, _unless_over, life, call)

    # ------------------------------------------------------------------------------- people

    def session(self, user: str) -> Session:
        """The library, for one person."""
        session = Session(
            self.clock,
            self.wall,
            self.network.dial,
            [NAME_SERVER],
            user,
            random=lambda: 0.5,
        )
        self._sessions.append(session)
        return session

    def dial(self, name: str = "") -> Connection:
        """A bare connection to a storage server, or to the name server."""
        return self.run(self.network.dial(self._addresses[name] if name else NAME_SERVER))

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
