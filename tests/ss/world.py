"""A storage server in a network in memory, with a name server that only listens and records."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import provider

from dfs.core.access import Right
from dfs.core.tickets import Ticket, key_from_secret, seal
from dfs.errors import DFSError, Unavailable
from dfs.ss.service import Settings, StorageServer, Surroundings
from dfs.store.interfaces import Identity
from dfs.store.memory import Later, MemoryDisk, MemoryStore, at_once
from dfs.wire.answers import Contents
from dfs.wire.client import Connection
from dfs.wire.exchange import Exchange
from dfs.wire.greeting import greet, greet_as_client
from dfs.wire.messages import (
    Beaten,
    Goodbye,
    Heartbeat,
    Mend,
    PutMetadata,
    Record,
    Registered,
    Request,
    SSRegister,
    WriteComplete,
)
from dfs.wire.reception import Handler, Reception
from dfs.wire.server import Limits, ServerFactory

T = TypeVar("T")
A = TypeVar("A", bound=Record)

SECRET = b"s" * 32
KEY = key_from_secret(SECRET)
SERVER = "127.0.0.1:5001"
NAME_SERVER = "127.0.0.1:5000"
CLUSTER = "c" * 32
DOCUMENT = "00000000000000d1"

#: Seconds since the epoch when the clock shows 0.
START = 1_700_000_000.0


def entropy(who: str) -> Callable[[int], bytes]:
    """Bytes that never repeat, are different for everybody, and the same in every run."""
    drawn = [0]

    def draw(count: int) -> bytes:
        drawn[0] += 1
        return hashlib.shake_128(f"{who} {drawn[0]}".encode()).digest(count)

    return draw


class Recorder:
    """
    A name server that believes everything.

    @ivar heard: the requests that came, in order.
    @ivar noted: what it says that it has.
    @ivar serve: what it says to heartbeats; C{says} has the rest.
    @ivar handlers: what it does with each request.
    @ivar answers: whether notes and heartbeats are answered.
    """

    def __init__(self, clock: Clock) -> None:
        self.heard: list[Request[Any]] = []
        self.noted = 0
        self.epoch = 1
        self.home = True
        self.serve = True
        self.says: dict[str, bool] = {}
        self.cluster = CLUSTER
        self.answers = True
        self.refusal: DFSError | None = None
        self._held: list[Deferred[None]] = []
        self.handlers: dict[type[Request[Any]], Handler] = {
            SSRegister: self._register,
            Heartbeat: self._beaten,
            WriteComplete: self._told,
            Goodbye: self._told,
            Mend: self._cannot_mend,
        }
        reception = Reception(
            role="nm",
            name="nm",
            secret=SECRET,
            entropy=entropy("nm"),
            handlers=dict.fromkeys(self.handlers, self._any),
            log_in=lambda peer, user: None,
        )
        self.factory = ServerFactory(clock, reception)

    def notes(self) -> list[WriteComplete]:
        """The notes that came."""
        return [one for one in self.heard if isinstance(one, WriteComplete)]

    def catch_up(self) -> None:
        """Answer what was not."""
        self.answers = True
        held, self._held = self._held, []
        for answer in held:
            answer.callback(None)

    def _any(self, request: Request[Any], exchange: Exchange) -> Any:
        return self.handlers[type(request)](request, exchange)

    def _register(self, request: SSRegister, exchange: Exchange) -> Registered:
        self.heard.append(request)
        if self.refusal is not None:
            raise self.refusal
        return Registered(self.cluster, self.epoch, self.noted, self.home, 5.0, 10.0)

    def _beaten(self, request: Heartbeat, exchange: Exchange) -> Beaten | Deferred[Beaten]:
        self.heard.append(request)
        answer = Beaten(self.epoch, self.serve, **self.says)
        if self.answers:
            return answer
        held: Deferred[None] = Deferred()
        self._held.append(held)
        return held.addCallback(lambda _: answer)

    def _cannot_mend(self, request: Mend, exchange: Exchange) -> None:
        raise Unavailable("nobody else is here")

    def _told(self, request: Request[Any], exchange: Exchange) -> Deferred[None] | None:
        self.heard.append(request)
        if self.answers:
            return None
        answer: Deferred[None] = Deferred()
        self._held.append(answer)
        return answer


class SlowDisk:
    """A disk that works when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []
        self.slow = False

    def later(self, call: Callable[[], None]) -> None:
        """What the store is given."""
        if self.slow:
            self.waiting.append(call)
        else:
            call()

    def work(self) -> None:
        """Finish what was begun."""
        self.slow = False
        waiting, self.waiting = self.waiting, []
        for call in waiting:
            call()


class World:
    """
    One storage server, C{ss1}, and whoever calls it.

    @ivar slept: seconds for which the server's process stood still, and noticed nothing.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        later: Later = at_once,
        name_server: bool = True,
        work: Callable[..., Deferred[Any]] = maybeDeferred,
        limits: Limits | None = None,
    ) -> None:
        # Imported here, because the network belongs to other tests too.
        from dfs.sim.network import Network

        self.clock = Clock()
        self.network = Network(self.clock)
        self.slept = 0.0
        self.nm = Recorder(self.clock)
        if name_server:
            self.network.listen(NAME_SERVER, self.nm.factory)
        self.disk = MemoryDisk(Identity("a" * 32, "ss1", "", 0))
        self.settings = settings or Settings()
        self.later = later
        self.work = work
        self.limits = limits
        self.server: StorageServer
        self.factory: ServerFactory
        self.start()

    def wall(self) -> float:
        """Seconds since the epoch."""
        return START + self.clock.seconds()

    def start(self) -> None:
        """Start the server on its disk."""
        self.store = MemoryStore(
            self.disk, self.later, on_fatal=lambda failure: self.server.store_failed(failure)
        )
        surroundings = Surroundings(
            clock=self.clock,
            steady=lambda: self.clock.seconds() + self.slept,
            wall=self.wall,
            entropy=entropy("ss1"),
            work=self.work,
            dial=self.network.dial,
            name_servers=[NAME_SERVER],
            secret=SECRET,
        )
        self.server = StorageServer(surroundings, self.store, self.settings)
        self.server.address = SERVER
        self.factory = ServerFactory(self.clock, self.server.reception, self.limits)
        self.network.listen(SERVER, self.factory)
        self.server.startService()
        self.pass_time(0.1)

    def stop(self) -> None:
        """Stop the server in good order."""
        stopping = self.server.stopService()
        self.network.silence(SERVER)
        self.result(stopping)
        self.network.cut(SERVER)
        self.pass_time(0.1)

    def pass_time(self, seconds: float) -> None:
        """Let things happen, each at its time."""
        end = self.clock.seconds() + seconds
        while (calls := self.clock.getDelayedCalls()) and min(
            call.getTime() for call in calls
        ) <= end:
            first = min(call.getTime() for call in calls)
            self.clock.advance(max(0.0, first - self.clock.seconds()))
        self.clock.advance(max(0.0, end - self.clock.seconds()))

    def outcome(
        self, awaited: Deferred[T] | Coroutine[Any, Any, T], patience: float = 5.0
    ) -> T | Failure:
        """Let time pass until something has ended; how it ended."""
        results: list[Any] = []
        deferred: Deferred[Any] = (
            awaited if isinstance(awaited, Deferred) else Deferred.fromCoroutine(awaited)
        )
        deferred.addBoth(results.append)
        end = self.clock.seconds() + patience
        while not results:
            assert self.clock.seconds() < end, "it did not end"
            self.pass_time(0.001)
        return results[0]  # type: ignore[no-any-return]

    def result(self, awaited: Deferred[T] | Coroutine[Any, Any, T], patience: float = 5.0) -> T:
        """
        Let time pass until something has ended.

        @raise Exception: it failed.
        """
        outcome = self.outcome(awaited, patience)
        if isinstance(outcome, Failure):
            outcome.raiseException()
        return outcome

    def call(self, user: str = "alice") -> Connection:
        """A new connection of somebody to the server."""
        connection = self.result(self.network.dial(SERVER))
        self.result(greet_as_client(connection, user))
        return connection

    def call_as_nm(self) -> Connection:
        """A new connection of the name server."""
        connection = self.result(self.network.dial(SERVER))
        self.result(
            greet(
                connection,
                role="nm",
                name="nm",
                peer_role="ss",
                secret=SECRET,
                entropy=entropy("caller"),
            )
        )
        return connection

    def order(self, request: Request[A]) -> A:
        """Something that the name server asks."""
        connection = self.call_as_nm()
        answer = self.result(connection.ask(request))
        connection.close()
        return answer

    def create(
        self, document: str = DOCUMENT, grants: tuple[str, ...] = (), number: int = 1
    ) -> None:
        """A new document C{a.txt} of alice."""
        self.order(metadata(document, grants, number, create=True))

    def ticket(
        self,
        user: str = "alice",
        right: Right = Right.WRITE,
        document: str = DOCUMENT,
        *,
        number: int = 1,
        epoch: int = 1,
        seconds: float = 60.0,
    ) -> str:
        """A ticket as the name server makes them."""
        expires = int(self.wall() + seconds)
        return seal(KEY, Ticket(document, user, right, epoch, number, expires))


def metadata(
    document: str, grants: tuple[str, ...], number: int, *, create: bool = False, name: str = ""
) -> PutMetadata:
    """What the name server pushes about alice's document."""
    return PutMetadata(
        id=document,
        epoch=1,
        folder=f"{0:016x}",
        name=name or "a.txt",
        owner="alice",
        grants=grants,
        created=START,
        number=number,
        named=1,
        create=create,
    )


class WorldTests(SynchronousTestCase):
    """
    Tests with one server, one document, and alice's connection.

    @ivar settings: of the server.
    """

    settings = Settings()

    def setUp(self) -> None:
        self.world = World(self.settings)
        self.addCleanup(self.end)
        self.world.create()
        self.alice = self.world.call()

    def end(self) -> None:
        """Stop, and show that nothing goes on."""
        self.world.stop()
        self.world.network.silence(NAME_SERVER)
        self.world.network.cut(NAME_SERVER)
        self.world.pass_time(0.1)
        self.assertEqual(self.world.clock.getDelayedCalls(), [])

    def ask(self, request: Request[A], body: bytes | None = None) -> A:
        """What alice is answered."""
        return self.world.result(self.alice.ask(request, body))

    def refused(
        self,
        error: type[DFSError],
        request: Request[Any],
        body: bytes | None = None,
        by: Connection | None = None,
    ) -> str:
        """Why alice, or somebody else, is refused."""
        outcome = self.world.outcome((by or self.alice).ask(request, body))
        assert isinstance(outcome, Failure), outcome
        outcome.trap(error)
        return outcome.getErrorMessage()

    def events(self) -> list[str]:
        """What is logged from now on, by name."""
        names: list[str] = []

        @provider(ILogObserver)
        def observe(event: LogEvent) -> None:
            names.append(str(event.get("log_event", "")))

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        return names

    def content(self, contents: Contents) -> bytes:
        """All of a content that is asked for."""

        async def gather() -> bytes:
            pieces = []
            while piece := await contents.read():
                pieces.append(piece)
            return b"".join(pieces)

        return self.world.result(gather(), 600.0)

    def put(self, text: bytes) -> None:
        """Give the document a text."""
        from dfs.wire.messages import Put

        pieces = [text[at : at + 60_000] for at in range(0, len(text), 60_000)]
        if len(pieces) <= 1:
            self.ask(Put(self.world.ticket()), text)
        else:
            pieces.reverse()
            source = lambda: pieces.pop() if pieces else b""  # noqa: E731
            self.world.result(self.alice.send(Put(self.world.ticket()), source), 60.0)

    def text(self) -> bytes:
        """What the document now holds."""
        from dfs.wire.messages import Read

        return self.content(self.world.call().ask_content(Read(self.world.ticket())))


class SlowTests(WorldTests):
    """
    The same with a disk that can be made to wait.

    @ivar disk: that disk.
    """

    def setUp(self) -> None:
        self.disk = SlowDisk()
        self.world = World(self.settings, later=self.disk.later)
        self.addCleanup(self.end)
        self.world.create()
        self.alice = self.world.call()
