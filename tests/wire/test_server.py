"""The answering side of a connection: order, tags, peers."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import NotFound
from dfs.wire.messages import (
    Create,
    Created,
    Me,
    Record,
    Request,
    Status,
    StatusLine,
    Stream,
    View,
)
from dfs.wire.server import Exchange
from tests.wire.talking import House, Later, Wire


def created(request: Create, exchange: Exchange) -> Record:
    """Answers CREATE at once."""
    return Created(request.path)


class OrderTests(SynchronousTestCase):
    """Each request has one end, and untagged ones end in their order."""

    def setUp(self) -> None:
        self.later = Later()
        self.house = House({View: self.later, Create: created})
        self.visitor = self.house.user()

    def test_untagged(self) -> None:
        """An untagged request waits until those before it are answered."""
        self.assertEqual(self.visitor.say("VIEW", "CREATE|a", "NONSENSE", "CREATE|b"), [])
        self.assertEqual(len(self.later.asked), 1)
        self.later.answer(0)
        heard = self.visitor.turn()
        self.assertEqual([heard[0], heard[1], heard[3]], ["OK", "OK|a", "OK|b"])
        self.assertTrue(heard[2].startswith("ERROR|UNSUPPORTED|"))

    def test_tagged(self) -> None:
        """Tagged requests are worked on at once and answered as they get done."""
        self.assertEqual(self.visitor.say("#1|VIEW", "#2|VIEW", "#3|CREATE|a"), ["#3|OK|a"])
        self.later.answer(1)
        self.assertEqual(self.visitor.heard(), ["#2|OK"])
        self.later.answer(0)
        self.assertEqual(self.visitor.heard(), ["#1|OK"])

    def test_tagged_overtakes(self) -> None:
        """A tagged request does not wait for an untagged one before it."""
        self.assertEqual(self.visitor.say("VIEW", "#1|CREATE|a"), ["#1|OK|a"])

    def test_pieces(self) -> None:
        """It makes no difference how a conversation is cut, nor how lines end."""
        data = b"CREATE|a\r\n\r\n  \n#t|CREATE|b\nCREATE|c\r\n"
        heard = []
        for at in range(len(data)):
            heard += self.visitor.send(data[at : at + 1])
        self.assertEqual(heard, ["OK|a", "#t|OK|b", "OK|c"])

    def test_defects(self) -> None:
        """A handler that breaks is logged and answered INTERNAL; the connection goes on."""

        def broken(request: View, exchange: Exchange) -> Record:
            raise KeyError("secret detail")

        async def broken_later(request: Create, exchange: Exchange) -> Record:
            raise KeyError("secret detail")

        def nonsense(request: Status, exchange: Exchange) -> Any:
            return "no record"

        def unwritable(request: Stream, exchange: Exchange) -> Record:
            return Me("\udc80")

        handlers: dict[type[Request[Any]], Any] = {
            View: broken,
            Create: broken_later,
            Status: nonsense,
            Stream: unwritable,
        }
        visitor = House(handlers).user()
        for line in ("VIEW", "CREATE|a", "STATUS", "STREAM|t"):
            heard = visitor.say(line, "WHOAMI")
            self.assertTrue(heard[0].startswith("ERROR|INTERNAL|"), heard)
            self.assertNotIn("secret", heard[0])
            self.assertEqual(heard[1:], ["OK|alice"])
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 2)
        self.assertEqual(len(self.flushLoggedErrors(UnicodeEncodeError)), 1)
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    def test_refusals(self) -> None:
        """A refusal is an answer, given at once or later, also after list entries."""

        async def some(request: Status, exchange: Exchange) -> Record:
            exchange.item(StatusLine("a|b", "c\nd"))
            raise NotFound("gone")

        visitor = House({Status: some}).user()
        self.assertEqual(
            visitor.say("#1|STATUS"), ["#1|ITEM|a%7Cb|c%0Ad", "#1|ERROR|NOT_FOUND|gone"]
        )

    def test_quit(self) -> None:
        """QUIT is answered, nothing behind it is executed, and the connection ends."""
        self.assertEqual(self.visitor.say("QUIT", "CREATE|a"), ["OK"])
        self.assertFalse(self.visitor.wire.open)
        self.assertEqual(self.visitor.say("CREATE|a"), [])

    def test_quit_in_its_turn(self) -> None:
        """QUIT waits for the answers before it."""
        self.assertEqual(self.visitor.say("VIEW", "QUIT"), [])
        self.assertTrue(self.visitor.wire.open)
        self.later.answer(0)
        self.assertEqual(self.visitor.turn(), ["OK", "OK"])
        self.assertFalse(self.visitor.wire.open)

    def test_answers_after_the_end(self) -> None:
        """What is answered when the peer has gone is dropped without a word."""
        self.visitor.say("#1|VIEW", "#2|VIEW", "#3|VIEW")
        self.visitor.leave()
        self.later.answer(0)
        self.later.asked[1][2].errback(ConnectionLost())
        self.later.asked[2][2].errback(NotFound("x"))
        self.assertEqual(self.visitor.heard(), [])
        self.assertTrue(self.later.asked[0][1].lost)

    def test_greeting_decides(self) -> None:
        """What a stranger sends behind his LOGIN waits until it is decided, tagged or not."""
        written: Deferred[None] = Deferred()
        house = House({Create: created}, log_in=lambda peer, user: written)
        visitor = house.visitor()
        long = "x" * 5000
        self.assertEqual(visitor.say("#1|LOGIN|alice", "#2|CREATE|a", f"CREATE|{long}"), [])
        written.callback(None)
        self.assertEqual(visitor.turn(), ["#1|OK|alice", "#2|OK|a", f"OK|{long}"])


class PeerTests(SynchronousTestCase):
    """What handlers are told about a connection."""

    def test_lost(self) -> None:
        """Everybody who asked is told once that the peer is gone, even if one of them breaks."""
        visitor = House().visitor()
        told: list[int] = []

        def broken() -> None:
            raise KeyError

        visitor.peer.when_lost(lambda: told.append(1))
        visitor.peer.when_lost(broken)
        visitor.peer.when_lost(lambda: told.append(2))
        visitor.leave()
        self.assertEqual(told, [1, 2])
        visitor.peer.when_lost(lambda: told.append(3))
        self.assertEqual(told, [1, 2, 3])
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_close(self) -> None:
        """A handler may end the connection; what was written is sent."""

        def bye(request: View, exchange: Exchange) -> None:
            exchange.peer.close()

        visitor = House({View: bye, Create: created}).user()
        self.assertEqual(visitor.say("CREATE|a", "VIEW", "CREATE|b"), ["OK|a"])
        self.assertFalse(visitor.wire.open)

    def test_numbers(self) -> None:
        """Each connection has a number of its own."""
        house = House()
        self.assertNotEqual(house.visitor().peer.number, house.visitor().peer.number)
        self.assertEqual(house.visitor().peer.address, "192.168.1.1:54321")
        self.assertIsInstance(house.visitor().wire, Wire)
