"""
A whole name server on a clock, with storage servers that do as a test says, over a real wire.

Decides how a test gets there in few words.  Must not know what a test is about.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.pairs import BACKUP
from dfs.errors import DFSError
from dfs.nm.journal import Disk, MemoryJournal
from dfs.nm.service import NameServer, Settings
from dfs.sim.network import Network
from dfs.wire.client import Connection
from dfs.wire.greeting import greet, greet_as_client
from dfs.wire.messages import (
    DeleteFile,
    GetContent,
    GetFileContent,
    Goodbye,
    Heard,
    Heartbeat,
    Put,
    PutContent,
    PutFileContent,
    PutFolders,
    PutMetadata,
    Record,
    Registered,
    Renote,
    Request,
    SSRegister,
    WriteComplete,
)
from dfs.wire.reception import Handler, Reception
from dfs.wire.server import Exchange, ServerFactory
from tests.nm.shelf import Shelf

T = TypeVar("T")
A = TypeVar("A", bound=Record)

SECRET = b"s" * 32
NM = "127.0.0.1:5000"

#: Seconds since the epoch when a rig's clock stands at 0.
EPOCH = 1_700_000_000.0

#: How a scripted storage server answers an order: nothing is C{OK}.
Script = Callable[[Any], "Deferred[None] | None"]


@define(eq=False)
class Storage:
    """
    The scripted end of a storage server.

    @ivar orders: what the name server ordered, in order.
    @ivar script: called with each order; what it raises or returns is the answer.
    @ivar folders: what it was told of folders, in order.
    @ivar shelf: what it has, for those who copy.
    @ivar link: its connection to the name server, if it has one.
    """

    rig: Rig
    name: str
    address: str
    store_id: str
    orders: list[Request[Any]] = field(factory=list)
    script: Script = lambda order: None
    folders: list[tuple[PutFolders, bytes]] = field(factory=list)
    shelf: Shelf = field(init=False)
    link: Connection | None = None
    seq: int = 0
    factory: ServerFactory = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.shelf = Shelf(home=not self.name.endswith(BACKUP))
        reception = Reception(
            role="ss",
            name=self.name,
            secret=SECRET,
            entropy=self.rig.entropy,
            handlers=self.handlers(),
            log_in=lambda peer, user: None,
        )
        self.factory = ServerFactory(self.rig.clock, reception)
        self.rig.network.listen(self.address, self.factory)
        self.rig.doors.append(self.factory)

    def handlers(self) -> dict[type[Request[Any]], Handler]:
        """Which method answers what."""
        return {
            PutMetadata: self._order,
            DeleteFile: self._order,
            PutFolders: self._put_folders,
            GetFileContent: self.shelf.get,
            PutFileContent: self.shelf.put,
            GetContent: self.shelf.get_content,
            PutContent: self.shelf.put_content,
            Renote: self.shelf.renote,
            Put: self.shelf.put_text,
        }

    def _order(self, order: Request[Any], exchange: Exchange) -> Deferred[None] | None:
        assert exchange.peer.role == "nm"
        self.orders.append(order)
        return self.script(order)

    def _put_folders(self, order: PutFolders, exchange: Exchange) -> None:
        assert exchange.body is not None
        self.folders.append((order, exchange.body))

    def connect(self) -> Connection:
        """Dial and prove."""
        connection = self.rig.get(self.rig.network.dial(NM))
        self.rig.wait_for(
            greet(
                connection,
                role="ss",
                name=self.name,
                peer_role="nm",
                secret=SECRET,
                entropy=self.rig.entropy,
            )
        )
        self.link = connection
        return connection

    def registration(self, **changes: Any) -> SSRegister:
        """What it says at its registration."""
        said: dict[str, Any] = {
            "address": self.address,
            "store_id": self.store_id,
            "cluster_id": "",
            "epoch": 1,
            "last_seq": self.seq,
            "documents": 0,
            "size": 0,
            "folders": 0,
            **changes,
        }
        return SSRegister(**said)

    def register(self, **changes: Any) -> Registered:
        """Connect, and say that it is there."""
        return self.rig.get(self.connect().ask(self.registration(**changes)))

    def ask(self, request: Request[A]) -> A:
        """Say something to the name server."""
        assert self.link is not None
        return self.rig.get(self.link.ask(request))

    def say(self, request: Request[Any]) -> None:
        """Say something to the name server, and do not wait for an answer."""
        assert self.link is not None
        self.link.ask(request).addErrback(lambda failure: None)

    def beat(self) -> None:
        """Say that it lives."""
        self.ask(Heartbeat(1, 0, 0))

    def note(self, document_id: str, version: str = "1.0", **changes: Any) -> Heard:
        """Say what a document is like now."""
        return self.ask(self.noted(document_id, version, **changes))

    def noted(self, document_id: str, version: str = "1.0", **changes: Any) -> WriteComplete:
        """The note that says what a document is like now."""
        self.seq += 1
        said: dict[str, Any] = {
            "seq": self.seq,
            "id": document_id,
            "version": version,
            "epoch": 1,
            "sha256": "ab" * 32,
            "size": 10,
            "words": 2,
            "characters": 9,
            "sentences": 1,
            "is_text": True,
            "modified": EPOCH + 5,
            "modified_by": "bob",
            "metadata_number": 1,
            "checkpoints": 0,
            "conflicts": 0,
            "deleted": False,
            **changes,
        }
        return WriteComplete(**said)

    def goodbye(self) -> None:
        """Say that it stops."""
        self.ask(Goodbye("the test says so"))

    def vanish(self) -> None:
        """Be gone: nobody listens, every connection breaks."""
        self.rig.network.silence(self.address)
        self.rig.network.cut(self.address)
        if self.link is not None:
            self.link.close(abort=True)


class Rig(SynchronousTestCase):
    """
    A test with a name server that runs.

    @ivar calendar: seconds since the epoch when the clock stood at 0.
    @ivar held: commits of the journal that wait for L{release}, while L{holding}.
    """

    def setUp(self) -> None:
        """Start it on an empty disk."""
        self.clock = Clock()
        self.network = Network(self.clock)
        self.calendar = EPOCH
        self.chance = random.Random(5)
        self.disk = Disk("c" * 32)
        self.holding = False
        self.held: list[Callable[[], None]] = []
        self.storages: dict[str, Storage] = {}
        self.doors: list[ServerFactory] = []
        self.settings = Settings()
        self.start()
        self.addCleanup(self.finish)

    def finish(self) -> None:
        """Stop it; afterwards nothing ticks."""
        self.release()
        self.stop()
        for link in list(self.network.links):
            link.cut()
        self.clock.advance(60)
        for door in self.doors:
            if door.numPorts:
                door.doStop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def start(self) -> None:
        """Start the name server."""
        self.journal = MemoryJournal(self.disk, self._later)
        self.nm = NameServer(
            self.clock,
            wall=lambda: self.calendar + self.clock.seconds(),
            journal=self.journal,
            dial=self.network.dial,
            secret=SECRET,
            entropy=self.entropy,
            settings=self.settings,
        )
        self.nm.startService()
        self.network.listen(NM, self.nm.factory)

    def stop(self) -> None:
        """Stop the name server as an operator does."""
        self.network.silence(NM)
        self.network.cut(NM)
        self.get(self.nm.stopService())

    def restart(self) -> None:
        """Stop and start it; everybody has lost their connection."""
        self.stop()
        self.start()

    def entropy(self, count: int) -> bytes:
        """The same bytes in each run."""
        return self.chance.randbytes(count)

    def _later(self, done: Callable[[], None]) -> None:
        if self.holding:
            self.held.append(done)
        else:
            done()

    def release(self) -> None:
        """Let the journal go on, with what it is told meanwhile behind what it was told before."""
        while self.held:
            self.held.pop(0)()
        self.holding = False
        self.wait(0.01)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        end = self.clock.seconds() + seconds
        while (left := end - self.clock.seconds()) > 1e-9:
            calls = [call.getTime() for call in self.clock.getDelayedCalls()]
            step = min([left, *(max(0.0, at - self.clock.seconds()) for at in calls)])
            self.clock.advance(max(step, 1e-6))

    def get(self, deferred: Deferred[T], seconds: float = 30.0) -> T:
        """What a Deferred fires with, in time; its failure is raised."""
        results: list[T | Failure] = []
        deferred.addBoth(results.append)
        end = self.clock.seconds() + seconds
        while not results:
            self.assertLess(self.clock.seconds(), end, "no answer")
            self.wait(0.0005)
        [result] = results
        if isinstance(result, Failure):
            result.raiseException()
        return result

    def wait_for(self, coroutine: Coroutine[Deferred[Any], Any, T]) -> T:
        """What a coroutine returns."""
        return self.get(Deferred.fromCoroutine(coroutine))

    def person(self, user: str) -> Connection:
        """Somebody connects and says who they are."""
        connection = self.get(self.network.dial(NM))
        self.wait_for(greet_as_client(connection, user))
        return connection

    def ask(self, who: Connection, request: Request[A]) -> A:
        """What somebody is answered."""
        return self.get(who.ask(request))

    def items(self, who: Connection, request: Request[Any]) -> list[Any]:
        """The list that somebody is answered."""
        return self.wait_for(self._items(who, request))

    async def _items(self, who: Connection, request: Request[Any]) -> list[Any]:
        asked = who.ask_items(request)
        items: list[Any] = []
        while some := await asked.read():
            items += some
        return items

    def refused(
        self, error: type[DFSError], who: Connection, request: Request[Any], pattern: str = ""
    ) -> None:
        """Somebody is refused, for this reason."""
        with self.assertRaisesRegex(error, pattern):
            self.ask(who, request)

    def storage(self, name: str = "ss1", port: int = 5001) -> Storage:
        """A storage server that has not registered yet."""
        storage = Storage(self, name, f"127.0.0.1:{port}", name.ljust(32, "0")[:32])
        self.storages[name] = storage
        return storage

    def registered(self, name: str = "ss1", port: int = 5001) -> Storage:
        """A storage server that serves."""
        storage = self.storage(name, port)
        storage.register()
        return storage

    def states(self) -> dict[str, str]:
        """How each storage server is."""
        return {name: server.state.value for name, server in self.nm.fleet.servers.items()}
