"""What one connection may ask of a server."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import NotFound
from dfs.wire.messages import (
    Create,
    Record,
    Stop,
    Stream,
    View,
)
from dfs.wire.refusals import MOST
from dfs.wire.server import Exchange, Limits
from tests.wire.talking import House, Later
from tests.wire.test_server import created


class LimitTests(SynchronousTestCase):
    """Every line, queue and wait has an end."""

    def test_unanswered(self) -> None:
        """At most so many requests of one connection are worked on; then the next one's turn."""
        later = Later()
        visitor = House({View: later}, Limits(unanswered=3)).user()
        visitor.say(*(f"#{number}|VIEW" for number in range(5)))
        self.assertEqual(len(later.asked), 3)
        later.answer(1)
        self.assertEqual(visitor.turn(), ["#1|OK"])
        self.assertEqual(len(later.asked), 4)
        later.answer(0)
        self.assertEqual(visitor.turn(), ["#0|OK"])
        for number in (2, 3, 4):
            later.answer(number)
        self.assertEqual(len(visitor.heard()), 3)

    def test_reading_stops(self) -> None:
        """Who sends on and on while nothing is answered is not read; later he is again."""
        later = Later()
        visitor = House({View: later, Create: created}, Limits(unanswered=1)).user()
        visitor.say("VIEW")
        for _ in range(100):
            visitor.say("CREATE|" + "x" * 1000)
        self.assertEqual(visitor.wire.producerState, "paused")
        later.answer(0)
        self.assertEqual(len(visitor.turn()), 101)
        self.assertEqual(visitor.wire.producerState, "producing")

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
        heard = visitor.turn()
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

    def observed(self) -> list[LogEvent]:
        """What is logged from now on."""
        events: list[LogEvent] = []
        observe = cast(ILogObserver, events.append)
        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        return events

    def test_logged(self) -> None:
        """A line that names something endless is no endless line in the log."""
        visitor = House(limits=Limits(line=10**6)).user()
        events = self.observed()
        visitor.say("CREATE|" + "x" * 10**5)
        [event] = events
        self.assertEqual(event["document"], "x" * 1024)

    def test_flood_of_refusals(self) -> None:
        """A flood of refusals is in the log in part, with the number of what was left out."""
        events = self.observed()

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
