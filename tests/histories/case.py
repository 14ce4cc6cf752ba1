"""
What the histories begin with: a cluster in memory, and people.

Decides who is there.  Must not know what happens to them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dfs.client.session import Session
from dfs.sim.cluster import Cluster
from dfs.ss.service import Settings
from dfs.wire.records import ViewLine

T = TypeVar("T")


class Line(Protocol):
    """
    A bare connection, on which anything can be said.

    @ivar heard: what came back.
    @ivar lost: the connection is gone.
    """

    def __init__(self) -> None:
        self.heard = b""
        self.lost = False

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Remember that."""
        self.lost = True

    def write(self, data: bytes) -> None:
        """Say something."""
        assert self.transport is not None
        self.transport.write(data)

    def hang_up(self) -> None:
        """End it, without a word."""
        transport: Any = self.transport
        transport.abortConnection()


class HistoryCase(SynchronousTestCase):
    """
    One healthy pair; alice and bob have logged in.

    @cvar settings: what the storage servers are started with.
    """

    settings: Settings | None = None

    def setUp(self) -> None:
        self.cluster = Cluster("ss1", "ss1_backup", settings=self.settings)
        self.addCleanup(self.cluster.close)
        self.alice, self.bob = self.person("alice"), self.person("bob")

    def person(self, name: str) -> Session:
        """Somebody who has logged in."""
        session = self.cluster.session(name)
        self.assertEqual(self.get(session.whoami()), name)
        return session

    def line(self, server: str = "") -> Line:
        """A bare connection to a storage server, or to the name server."""
        line = Line()
        transport: Any = self.cluster.dial(server).transport
        transport.protocol = line
        line.makeConnection(transport)
        return line

    def say(self, line: Line, data: bytes) -> bytes:
        """What comes back for this within a second."""
        before = len(line.heard)
        line.write(data)
        self.cluster.advance(1.0)
        return line.heard[before:]

    def get(self, awaitable: Awaitable[T]) -> T:
        """The result of something."""
        return self.cluster.run(awaitable)

    def refused(self, awaitable: Awaitable[Any], error: type[BaseException]) -> str:
        """The message with which something is refused."""
        return self.cluster.refused(awaitable, error)

    def together(self, *doing: Coroutine[Any, Any, T]) -> list[T]:
        """What several people get who do something at the same time."""
        return self.get(gatherResults([Deferred.fromCoroutine(one) for one in doing]))

    def text(self, path: str) -> bytes:
        """What alice reads there."""
        return self.get(self.alice.read(path))

    def shown(self, path: str) -> ViewLine:
        """How the name server shows a document."""
        [line] = [line for line in self.get(self.alice.view(all=True)) if line.path == path]
        return line

    def restart(self, name: str = "ss1") -> None:
        """Stop a storage server and start it on what its disk holds, at another address."""
        self.cluster.stop(name)
        self.cluster.advance(1.0)
        self.cluster.start(name)
        self.cluster.advance(3.0)

    def restart_nm(self) -> None:
        """Stop the name server and start it on what its journal holds."""
        self.cluster.stop_nm()
        self.cluster.advance(1.0)
        self.cluster.start_nm()
        self.cluster.advance(20.0)
