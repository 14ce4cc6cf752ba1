"""The asking and the answering side, wired to each other."""

from __future__ import annotations

import hashlib
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.test import iosim
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import Busy, NotFound, TooLarge, Unauthenticated, Unavailable
from dfs.wire.client import Connection
from dfs.wire.greeting import greet, greet_as_client
from dfs.wire.messages import (
    Beaten,
    Committed,
    Create,
    Created,
    Done,
    Heartbeat,
    Put,
    Read,
    Record,
    Request,
    Status,
    StatusLine,
    Stop,
    WhoAmI,
)
from dfs.wire.server import Exchange, Limits
from tests.wire.talking import SECRET, House, Later, counted

BIG = bytes(range(256)) * 20000


async def put(request: Put, exchange: Exchange) -> Record:
    """Read all, say its hash."""
    if request.ticket == "bad":
        raise TooLarge("not that")
    sha = hashlib.sha256(exchange.body or b"")
    size = len(exchange.body or b"")
    if exchange.content is not None:
        while piece := await exchange.content.read():
            sha.update(piece)
            size += len(piece)
    return Committed(sha.hexdigest(), size, 0, 0)


async def read(request: Read, exchange: Exchange) -> Record:
    """A large content."""
    for at in range(0, len(BIG), 100000):
        exchange.data(BIG[at : at + 100000])
        room = exchange.room()
        if room is not None:
            await room
    return Stop(len(BIG), hashlib.sha256(BIG).hexdigest())


def status(request: Status, exchange: Exchange) -> Record:
    """Many lines."""
    for number in range(1000):
        exchange.item(StatusLine(str(number), "a|b,c%\n"))
    return Done()


class BothCase(SynchronousTestCase):
    """One server, one client, a pump between them."""

    def setUp(self) -> None:
        self.later = Later()
        handlers: dict[type[Request[Any]], Any] = {
            Put: put,
            Read: read,
            Status: status,
            Create: self.later,
            Heartbeat: lambda request, exchange: Beaten(1, serve=True),
        }
        self.house = House(handlers)
        self.connect()

    def connect(self) -> None:
        """A fresh connection."""
        server = self.house.factory.buildProtocol(None)
        self.client = Connection(self.house.clock)
        self.pump = iosim.connect(
            server,
            iosim.makeFakeServer(server),
            self.client,
            iosim.makeFakeClient(self.client),
            greet=False,
        )
        self.pump.flush()

    def result(self, deferred: Deferred[Any]) -> Any:
        """What it comes to when both sides have said all."""
        self.pump.flush()
        return self.successResultOf(deferred)

    def login(self) -> None:
        """Greet as a person's program."""
        greeting = Deferred.fromCoroutine(greet_as_client(self.client, "alice"))
        self.assertEqual(self.result(greeting).name, "nm1")


class BothTests(BothCase):
    """What one side writes the other side reads."""

    def test_ask(self) -> None:
        """Questions, lists and content come through together."""
        self.login()
        me = self.client.ask(WhoAmI())
        items = self.client.ask_items(Status())
        contents = self.client.ask_content(Read("t"))
        created = self.client.ask(Create("/a"))
        self.assertEqual(self.result(me).user, "alice")
        self.assertEqual(len(self.successResultOf(items.read())), 1000)
        data = b""
        while piece := self.result(contents.read()):
            data += piece
        self.assertEqual(data, BIG)
        self.later.answer(0, Created("id"))
        self.assertEqual(self.result(created), Created("id"))

    def test_upload(self) -> None:
        """Content of any length arrives as it was, with a known length or without."""
        self.login()
        digest = hashlib.sha256(BIG).hexdigest()
        body = self.client.ask(Put("t"), BIG)
        pieces = [*(BIG[at : at + 70000] for at in range(0, len(BIG), 70000)), b""]
        sent = self.client.send(Put("t"), lambda: succeed(pieces.pop(0)))
        nothing = self.client.ask(Put("t"), b"")
        for one in (body, sent):
            committed = self.result(one)
            self.assertEqual((committed.version, committed.size), (digest, len(BIG)))
        self.assertEqual(self.result(nothing).size, 0)

    def test_refused_upload(self) -> None:
        """An upload that is refused early ends early, and both sides stay in step."""
        self.login()
        pulled = 0

        def pull() -> bytes:
            nonlocal pulled
            pulled += 1
            if pulled % 5 == 0:
                self.pump.flush()
            return b"x" * 1000 if pulled < 1000 else b""

        self.client.pauseProducing()
        asked = self.client.send(Put("bad"), pull)
        self.pump.flush()
        self.client.resumeProducing()
        self.pump.flush()
        self.failureResultOf(asked, TooLarge)
        self.assertLess(pulled, 10)
        self.assertEqual(self.result(self.client.ask(WhoAmI())).user, "alice")
        self.failureResultOf(self.flushed(self.client.ask(Put("bad"), BIG)), TooLarge)
        self.assertEqual(self.result(self.client.ask(WhoAmI())).user, "alice")

    def flushed(self, deferred: Deferred[Any]) -> Deferred[Any]:
        """The same, after both sides have said all."""
        self.pump.flush()
        return deferred

    def test_servers(self) -> None:
        """Two servers with the same secret trust each other; with different ones neither does."""

        def greeting(secret: bytes, peer_role: str = "nm") -> Deferred[Any]:
            return self.flushed(
                Deferred.fromCoroutine(
                    greet(
                        self.client,
                        role="ss",
                        name="ss1",
                        peer_role=peer_role,
                        secret=secret,
                        entropy=lambda size: bytes(reversed(counted()(size))),
                    )
                )
            )

        self.failureResultOf(greeting(b"other"), Unauthenticated)
        self.failureResultOf(self.flushed(self.client.ask(Heartbeat(1, 2, 3))), Unauthenticated)
        self.connect()
        self.failureResultOf(greeting(SECRET, "ss"), Unauthenticated)
        self.connect()
        self.successResultOf(greeting(SECRET))
        self.assertEqual(self.result(self.client.ask(Heartbeat(1, 2, 3))), Beaten(1, serve=True))

    def test_closed_by_the_server(self) -> None:
        """When the server ends a connection, all questions on it fail."""
        self.login()
        asked = self.client.ask(Create("/a"))
        self.pump.flush()
        self.later.asked[0][1].peer.close()
        self.failureResultOf(self.flushed(asked), Unavailable)
        self.assertTrue(self.client.lost)

    def test_closed_by_the_client(self) -> None:
        """When the client ends a connection, the server's handlers learn it."""
        self.login()
        asked = self.client.ask(Create("/a"))
        self.pump.flush()
        self.client.close()
        self.failureResultOf(self.flushed(asked), Unavailable)
        self.assertTrue(self.later.asked[0][1].lost)
        self.later.asked[0][2].errback(NotFound("x"))

    def test_refused_connection(self) -> None:
        """Who comes when the server is full hears it as the answer to what he asks."""
        full = House(limits=Limits(connections=0))
        server = full.factory.buildProtocol(None)
        client = Connection(full.clock)
        pump = iosim.connect(
            server, iosim.makeFakeServer(server), client, iosim.makeFakeClient(client), greet=False
        )
        asked = client.ask(WhoAmI())
        pump.flush()
        self.failureResultOf(asked, Busy)
        self.assertTrue(client.lost)
