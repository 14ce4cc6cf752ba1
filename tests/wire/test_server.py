"""The answering side: order, limits, back-pressure, ends."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import NotFound
from dfs.wire.messages import (
    Create,
    Created,
    Done,
    Me,
    Record,
    Request,
    Status,
    StatusLine,
    Stop,
    Stream,
    View,
)
from dfs.wire.reception import Handler
from dfs.wire.refusals import MOST
from dfs.wire.server import Exchange, Limits
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
        heard = self.visitor.heard()
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
        self.assertEqual(self.visitor.heard(), ["OK", "OK"])
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
        self.assertEqual(visitor.heard(), ["#1|OK|alice", "#2|OK|a", f"OK|{long}"])


class LimitTests(SynchronousTestCase):
    """Every line, queue and wait has an end."""

    def test_unanswered(self) -> None:
        """At most so many requests of one connection are worked on; then the next one's turn."""
        later = Later()
        visitor = House({View: later}, Limits(unanswered=3)).user()
        visitor.say(*(f"#{number}|VIEW" for number in range(5)))
        self.assertEqual(len(later.asked), 3)
        later.answer(1)
        self.assertEqual(len(later.asked), 4)
        for number in (0, 2, 3, 4):
            later.answer(number)
        self.assertEqual(len(visitor.heard()), 5)

    def test_reading_stops(self) -> None:
        """Who sends on and on while nothing is answered is not read; later he is again."""
        later = Later()
        visitor = House({View: later, Create: created}, Limits(unanswered=1)).user()
        visitor.say("VIEW")
        for _ in range(100):
            visitor.say("CREATE|" + "x" * 1000)
        self.assertEqual(visitor.wire.producerState, "paused")
        later.answer(0)
        self.assertEqual(visitor.wire.producerState, "producing")
        self.assertEqual(len(visitor.heard()), 101)

    def test_long_lines(self) -> None:
        """A line over the limit is refused, nothing behind it is executed (H46)."""
        for start, limit in (([], 1024), (["LOGIN|a"], 16 * 1024)):
            for cut in (1, 700, 10**6):
                done: list[Any] = []
                house = House({Create: lambda request, _, done=done: done.append(request)})  # type: ignore[misc]
                visitor = house.visitor()
                visitor.say(*start)
                data = b"CREATE|" + b"x" * limit + b"\nCREATE|hidden\n"
                heard = []
                for at in range(0, len(data), cut):
                    heard += visitor.send(data[at : at + cut])
                self.assertEqual(len(heard), 1)
                self.assertTrue(heard[0].startswith("ERROR|TOO_LARGE|"), heard)
                self.assertFalse(visitor.wire.open)
                self.assertEqual(done, [])

    def test_long_lines_in_turn(self) -> None:
        """The refusal of an over-long line comes after the answers before it."""
        later = Later()
        visitor = House({View: later, Create: created}).user()
        self.assertEqual(visitor.say("VIEW", "x" * 20000, "CREATE|hidden"), [])
        self.assertEqual(visitor.say("CREATE|hidden"), [])
        later.answer(0)
        heard = visitor.heard()
        self.assertEqual((heard[0], len(heard)), ("OK", 2))
        self.assertFalse(visitor.wire.open)

    def test_hopeless_length(self) -> None:
        """Behind content of a length that nobody understands nothing is executed."""
        done: list[Any] = []
        visitor = House({Create: lambda request, _: done.append(request)}).user()
        heard = visitor.say("#1|PUT|t|bytes=99999999999999999999", "CREATE|hidden")
        self.assertEqual(len(heard), 1)
        self.assertTrue(heard[0].startswith("#1|ERROR|INVALID|"))
        self.assertFalse(visitor.wire.open)
        self.assertEqual(done, [])

    def note(self, done: list[Any], request: Any, exchange: Exchange) -> None:
        """Remember what was asked."""
        done.append(request)

    def test_browser(self) -> None:
        """A page in somebody's browser can ask nothing: behind its first line nothing is read."""
        for first in (b"POST / HTTP/1.1", b"POST /a|b HTTP/1.1\r", b"GET /?x=\xff HTTP/1.0"):
            done: list[Any] = []
            visitor = House({Create: partial(self.note, done)}).visitor()
            heard = visitor.send(first + b"\nHost: me\n\nLOGIN|alice\nCREATE|a\n")
            self.assertEqual((len(heard), done, visitor.wire.open), (1, [], False), first)

    def test_connections(self) -> None:
        """One connection too many is told so and closed; later there is room again."""
        house = House(limits=Limits(connections=2))
        first, _ = house.user("a"), house.user("b")
        third = house.visitor()
        self.assertTrue(third.heard()[0].startswith("ERROR|BUSY|"))
        self.assertFalse(third.wire.open)
        third.leave()
        first.leave()
        house.user("c")

    def test_one_address(self) -> None:
        """One address may not have all connections; when one ends, there is room for another."""
        house = House(limits=Limits(of_address=2))
        first, second = house.user("a"), house.user("b")
        third = house.visitor()
        self.assertRegex(third.heard()[0], "^ERROR.BUSY.2 connections from 192.168.1.1 are open")
        self.assertFalse(third.wire.open)
        third.leave()
        first.leave()
        house.user("c")
        self.assertTrue(second.wire.open)

    def test_flood_of_refusals(self) -> None:
        """A flood of refusals is in the log in part, with the number of what was left out."""
        events: list[LogEvent] = []
        observe = cast(ILogObserver, events.append)
        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

        def gone(request: Create, exchange: Exchange) -> Record:
            raise NotFound("gone")

        house = House({Create: gone})
        house.factory.doStart()
        self.addCleanup(house.factory.doStop)
        visitor = house.user()
        events.clear()
        for _ in range(MOST):
            visitor.say("NONSENSE", "CREATE|a")
        self.assertEqual(len(events), MOST)
        events.clear()
        house.clock.advance(5)
        [said] = events
        self.assertEqual((said["log_event"], said["count"]), ("refusals_left_out", MOST))
        visitor.say("CREATE|a")
        house.clock.advance(5)
        self.assertEqual([event["log_event"] for event in events[1:]], ["request"])

    def test_strangers(self) -> None:
        """Who does not say who he is has to go after a while; a person who did never has to."""
        house = House(limits=Limits(login_seconds=10))
        house.factory.doStart()
        stranger, known = house.visitor(), house.user()
        house.clock.pump([5, 5])
        self.assertTrue(stranger.wire.open)
        house.clock.pump([5] * 1000)
        self.assertTrue(stranger.heard()[0].startswith("ERROR|UNAUTHENTICATED|"))
        self.assertFalse(stranger.wire.open)
        self.assertTrue(known.wire.open)
        house.factory.doStop()
        self.assertEqual(house.clock.getDelayedCalls(), [])

    def test_half_a_line_is_no_greeting(self) -> None:
        """Sending half a line again and again does not make a stranger welcome (H50)."""
        house = House(limits=Limits(login_seconds=10))
        house.factory.doStart()
        visitor = house.visitor()
        for _ in range(4):
            visitor.send(b"LOG")
            house.clock.advance(5)
        self.assertFalse(visitor.wire.open)
        house.factory.doStop()

    def test_too_many_strangers(self) -> None:
        """The oldest strangers have to go first."""
        house = House(limits=Limits(strangers=2))
        house.factory.doStart()
        strangers = []
        for _ in range(4):
            strangers.append(house.visitor())
            house.clock.advance(0.1)
        known = house.user()
        house.clock.advance(5)
        self.assertEqual([one.wire.open for one in strangers], [False, False, True, True])
        self.assertTrue(known.wire.open)
        house.factory.doStop()

    def test_stranger_in_mid_answer(self) -> None:
        """A stranger who is being answered (he had a ticket) is not cut off."""
        later = Later()
        house = House({Stream: later}, Limits(login_seconds=10))
        house.factory.doStart()
        visitor = house.visitor()
        visitor.say("STREAM|t")
        house.clock.pump([5] * 5)
        self.assertTrue(visitor.wire.open)
        later.answer(0, Stop(0, ""))
        house.clock.advance(5)
        self.assertEqual(len(visitor.heard()), 2)
        self.assertFalse(visitor.wire.open)
        house.factory.doStop()


class PressureTests(SynchronousTestCase):
    """Nobody is sent more than he takes."""

    def setUp(self) -> None:
        self.house = House({Create: created, View: self.flood}, Limits(stall_seconds=60))
        self.house.factory.doStart()
        self.addCleanup(self.house.factory.doStop)
        self.visitor = self.house.user()
        self.sent = 0

    async def flood(self, request: View, exchange: Exchange) -> Record:
        """Content without end."""
        while self.sent < 10:
            exchange.data(b"x" * 10)
            self.sent += 1
            room = exchange.room()
            if room is not None:
                await room
        return Done()

    def test_paused(self) -> None:
        """While the peer takes nothing, nothing more is written and nothing more is read."""
        self.visitor.server.pauseProducing()
        self.assertEqual(self.visitor.say("VIEW", "CREATE|a"), [])
        self.visitor.server.resumeProducing()
        self.assertEqual(len(self.visitor.heard()), 22)

    def test_gives_way(self) -> None:
        """Who asks for what takes long gives way to others after a few milliseconds."""
        clock = Clock()
        house = House({Create: self.slowly(clock)}, clock=clock)
        visitor = house.user()
        self.assertEqual(len(visitor.say(*["CREATE|a"] * 20)), 3)
        # Whoever has called meanwhile is first.
        others: list[str] = []
        clock.callLater(0, lambda: others.extend(visitor.heard()))
        clock.advance(0)
        self.assertEqual((len(others), len(visitor.heard())), (3, 14))

    def slowly(self, clock: Clock) -> Handler:
        """A handler that takes 2 ms."""

        def handle(request: Create, exchange: Exchange) -> Created:
            clock.rightNow += 0.002
            return Created(request.path)

        return handle

    def test_paused_in_between(self) -> None:
        """A handler that asks for room goes on when there is room."""
        wire = self.visitor.wire
        write = wire.write

        def full(data: bytes) -> None:
            write(data)
            self.visitor.server.pauseProducing()

        wire.write = full  # type: ignore[method-assign]
        self.visitor.say("VIEW")
        self.assertEqual(self.sent, 1)
        self.visitor.server.resumeProducing()
        self.assertEqual(self.sent, 2)
        self.visitor.leave()
        self.assertEqual(self.sent, 2)

    def test_gathering_is_bounded(self) -> None:
        """Many requests in one piece do not pile up answers before the transport may say stop."""
        wire = self.visitor.wire
        write = wire.write

        def full(data: bytes) -> None:
            write(data)
            if len(data) > 64 * 1024:
                self.visitor.server.pauseProducing()

        wire.write = full  # type: ignore[method-assign]
        data = (b"CREATE|" + b"x" * 1000 + b"\n") * 200
        heard = self.visitor.send(data)
        self.assertLess(len(heard), 80)
        for _ in range(3):
            self.visitor.server.resumeProducing()
            heard += self.visitor.heard()
        self.assertEqual(len(heard), 200)

    def test_stalled(self) -> None:
        """Who takes nothing for too long is dropped; who takes something in between is not."""
        self.visitor.server.pauseProducing()
        self.house.clock.pump([5] * 12)
        self.visitor.server.resumeProducing()
        self.visitor.server.pauseProducing()
        self.house.clock.pump([5] * 12)
        self.assertTrue(self.visitor.wire.open)
        self.house.clock.advance(5)
        self.assertTrue(self.visitor.wire.aborted)

    def test_stalled_at_the_end(self) -> None:
        """Who is refused and does not take even that is dropped too, once."""
        self.visitor.say("QUIT")
        self.house.clock.pump([5] * 14)
        self.assertTrue(self.visitor.wire.aborted)
        stranger = self.house.visitor()
        self.house.clock.pump([5] * 50)
        self.assertEqual(len(stranger.heard()), 1)
        self.assertTrue(stranger.wire.aborted)

    def test_no_room_after_the_end(self) -> None:
        """Who still writes when the connection is ending learns it."""
        later = Later()
        visitor = House({View: later}).user()
        visitor.say("#1|VIEW", "QUIT")
        exchange = later.asked[0][1]
        visitor.heard()
        exchange.data(b"x")
        room = exchange.room()
        assert room is not None
        self.failureResultOf(room, ConnectionLost)
        self.assertEqual(visitor.heard(), [])
        later.answer(0)


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
