"""How long one connection may keep the others waiting, and how slowly it may read."""

from __future__ import annotations

from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from dfs.wire.messages import Create, Created, Done, Put, Record, Request, View
from dfs.wire.sending import Sending
from dfs.wire.server import Exchange
from dfs.wire.upload import SMALL_BYTES
from tests.wire.talking import House, Visitor

#: As many tiny requests as a connection can have sent at one go.
CROWD = [f"CREATE|{number}" for number in range(5000)]


class TurnTests(SynchronousTestCase):
    """Whoever sends much at once does not keep the others waiting."""

    def setUp(self) -> None:
        self.made: list[str] = []
        handlers: dict[type[Request[Any]], Any] = {Create: self.create, Put: self.put}
        self.house = House(handlers)
        self.clock = self.house.clock
        self.busy = self.house.user("busy")
        self.other = self.house.user("other")

    def create(self, request: Create, exchange: Exchange) -> Record:
        """Answers CREATE at once."""
        self.made.append(request.path)
        return Created(request.path)

    async def put(self, request: Put, exchange: Exchange) -> Record:
        """Reads all that comes."""
        assert exchange.content is not None
        while piece := await exchange.content.read():
            self.made.append(piece.decode())
        return Done()

    def others(self) -> int:
        """How often somebody else is answered before nothing is left to do."""
        turns = 0

        def turn() -> None:
            nonlocal turns
            turns += 1
            self.assertEqual(self.other.say("WHOAMI"), ["OK|other"])
            if self.clock.getDelayedCalls():
                self.clock.callLater(0, turn)

        self.clock.callLater(0, turn)
        self.clock.advance(0)
        return turns

    def test_turns(self) -> None:
        """Of very many requests a few are answered at a time; all are, in their order."""
        heard = self.busy.say(*CROWD)
        self.assertLessEqual(len(heard), 200)
        self.assertGreater(self.others(), 20)
        heard += self.busy.heard()
        self.assertEqual(heard, [f"OK|{number}" for number in range(len(CROWD))])

    def test_blank_lines(self) -> None:
        """Lines that ask nothing take turns too."""
        self.assertEqual(self.busy.send(b"\n" * 20000 + b"WHOAMI\n"), [])
        self.assertGreater(self.others(), 5)
        self.assertEqual(self.busy.heard(), ["OK|busy"])

    def test_tiny_blocks(self) -> None:
        """Content in tiny blocks takes turns too, and comes whole."""
        sending = Sending()
        body = b"".join(sending.block(b"%d," % number) for number in range(5000))
        heard = self.busy.send(b"PUT|t|bytes=*\n" + body + sending.stop() + b"WHOAMI\n")
        self.assertEqual(heard, [])
        self.assertLess(len(self.made), 1000)
        self.assertGreater(self.others(), 5)
        self.assertEqual(self.busy.heard(), ["OK", "OK|busy"])
        self.assertEqual("".join(self.made), "".join(f"{number}," for number in range(5000)))

    def test_more_comes(self) -> None:
        """More of the same takes no second turn, and is not read without end meanwhile."""
        heard = self.busy.say(*CROWD)
        before = len(self.made)
        data = b"CREATE|more\n" * (SMALL_BYTES // 12)
        self.busy.server.dataReceived(data)
        self.assertEqual(self.busy.wire.producerState, "paused")
        self.assertEqual(len(self.made), before)
        self.others()
        self.assertEqual(self.busy.wire.producerState, "producing")
        heard += self.busy.heard()
        self.assertEqual(heard[: len(CROWD)], [f"OK|{number}" for number in range(len(CROWD))])
        self.assertEqual(heard[len(CROWD) :], ["OK|more"] * (SMALL_BYTES // 12))

    def test_not_taken(self) -> None:
        """While the answers are not taken no turn comes; the rest is answered afterwards."""
        heard = self.busy.say(*CROWD)
        self.busy.server.pauseProducing()
        self.assertLessEqual(self.others(), 1)
        self.assertEqual(self.busy.heard(), [])
        self.busy.server.resumeProducing()
        self.others()
        self.assertEqual(len(heard + self.busy.heard()), len(CROWD))

    def test_gone(self) -> None:
        """What is left of somebody who has gone, or was sent away, is not executed."""
        for end in (Visitor.leave, lambda visitor: visitor.server.close()):
            visitor = self.house.user()
            visitor.say(*CROWD)
            before = len(self.made)
            end(visitor)
            self.others()
            self.assertEqual(len(self.made), before)
            self.assertEqual(self.clock.getDelayedCalls(), [])


class Narrow(FileDescriptor):
    """Twisted's own buffering, in front of somebody who takes little at a time."""

    room = 0
    aborted = False

    def writeSomeData(self, data: bytes) -> int:
        """Take what there is room for."""
        count = min(self.room, len(data))
        self.room -= count
        return count

    def take(self, count: int) -> None:
        """The other side takes so many bytes."""
        self.room = count
        self.doWrite()

    def getPeer(self) -> IPv4Address:
        """Somebody."""
        return IPv4Address("TCP", "127.0.0.1", 1)

    def abortConnection(self) -> None:
        """End now."""
        self.aborted = True


class SlowTests(SynchronousTestCase):
    """Somebody who takes the answers slowly."""

    def setUp(self) -> None:
        self.house = House({View: self.flood})
        self.clock = self.house.clock
        self.house.factory.doStart()
        self.addCleanup(self.house.factory.doStop)
        self.wire = Narrow(MemoryReactorClock())
        self.wire.connected = True
        self.server = self.house.factory.buildProtocol(None)
        self.server.makeConnection(self.wire)
        self.server.dataReceived(b"LOGIN|alice\n")
        self.wire.take(100)
        self.server.dataReceived(b"VIEW\n")

    async def flood(self, request: View, exchange: Exchange) -> Record:
        """More than a transport takes at once."""
        exchange.data(b"x" * 300_000)
        room = exchange.room()
        if room is not None:
            await room
        return Done()

    def test_steady(self) -> None:
        """Who takes a little again and again may take all the time; the answer comes whole."""
        for _ in range(30):
            self.wire.take(10_000)
            self.clock.pump([5] * 11)
            self.assertFalse(self.wire.aborted)
        self.wire.take(10_000)
        self.clock.pump([5] * 100)
        self.assertFalse(self.wire.aborted)

    def test_stops(self) -> None:
        """Who takes some and then no more is dropped, soon after the patience is over."""
        for _ in range(3):
            self.wire.take(10_000)
            self.clock.pump([5] * 11)
        self.clock.pump([5])
        self.assertFalse(self.wire.aborted)
        self.clock.pump([5] * 3)
        self.assertTrue(self.wire.aborted)

    def test_never(self) -> None:
        """That more is written to somebody does not count as taking."""
        for _ in range(11):
            self.server.write(b"more\n")
            self.clock.pump([5])
        self.assertFalse(self.wire.aborted)
        self.clock.pump([5] * 3)
        self.assertTrue(self.wire.aborted)
