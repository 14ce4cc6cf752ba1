"""
The name server's connection to one storage server.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import Busy, Locked, Unavailable
from dfs.nm.storage import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    OUTSTANDING,
    REACH_SECONDS,
    NoAnswer,
    StorageLink,
)
from dfs.wire.messages import DeleteFile, Done

ORDER = DeleteFile("0" * 16, 1, "alice")


class Wire:
    """A greeted connection that a test holds the other end of."""

    def __init__(self) -> None:
        self.asked: list[Deferred[Any]] = []
        self.lost = False
        self.closed = False
        self._waiting: list[Deferred[None]] = []

    def ask(
        self, request: object, body: bytes | None = None, timeout: float | None = None
    ) -> Deferred[Any]:
        """Remember a question."""
        answer: Deferred[Any] = Deferred(lambda given_up: None)
        self.asked.append(answer)
        return answer

    def when_lost(self) -> Deferred[None]:
        """Fires at L{lose}."""
        waiting: Deferred[None] = Deferred(lambda given_up: None)
        self._waiting.append(waiting)
        return waiting

    def lose(self) -> None:
        """The connection breaks."""
        self.lost = True
        for waiting in self._waiting:
            waiting.callback(None)

    def close(self, *, abort: bool = False) -> None:
        """It is not wanted any more."""
        self.closed = True


class StorageLinkTests(SynchronousTestCase):
    """
    One connection, made again when it is lost.
    """

    def setUp(self) -> None:
        """A link that is aimed nowhere."""
        self.clock = Clock()
        self.reached: list[tuple[str, Deferred[Any]]] = []
        self.ready: list[str] = []
        self.link = StorageLink("ss1", self.clock, self.reach, self.ready.append)

    def tearDown(self) -> None:
        """A stopped link leaves nothing on the clock."""
        self.link.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def reach(self, name: str, address: str) -> Deferred[Any]:
        """Remember an attempt."""
        attempt: Deferred[Any] = Deferred()
        self.reached.append((address, attempt))
        return attempt

    def connected(self) -> Wire:
        """Let the newest attempt succeed."""
        wire = Wire()
        self.reached[-1][1].callback(wire)
        return wire

    def ask(self, seconds: float = 5.0) -> Deferred[Done]:
        """Ask something."""
        return Deferred.fromCoroutine(self.link.ask(ORDER, seconds))

    def test_asked(self) -> None:
        """A question goes out, and its answer comes back."""
        self.link.aim("h:1")
        wire = self.connected()
        answer = self.ask(3.0)
        wire.asked[0].callback(Done())
        self.assertEqual(self.successResultOf(answer), Done())
        self.assertEqual(self.ready, ["ss1"])

    def test_refused(self) -> None:
        """What the other side refuses is refused."""
        self.link.aim("h:1")
        wire = self.connected()
        answer = self.ask()
        wire.asked[0].errback(Locked("bob"))
        self.failureResultOf(answer, Locked)

    def test_no_answer(self) -> None:
        """H31: who does not answer in time is given up, and the connection with it."""
        self.link.aim("h:1")
        wire = self.connected()
        answer = self.ask(3.0)
        self.clock.advance(2.9)
        self.assertNoResult(answer)
        self.clock.advance(0.1)
        self.failureResultOf(answer, NoAnswer)
        self.assertTrue(wire.closed)

    def test_lost_before_the_answer(self) -> None:
        """When the connection breaks it is not known what was done; a refusal is known."""
        self.link.aim("h:1")
        wire = self.connected()
        full, lost = self.ask(), self.ask()
        wire.asked[0].errback(Unavailable("the disk is full"))
        self.assertNotIsInstance(self.failureResultOf(full).value, NoAnswer)
        wire.lose()
        wire.asked[1].errback(Unavailable("the connection is gone"))
        self.failureResultOf(lost, NoAnswer)

    def test_while_connecting(self) -> None:
        """A question waits while the connection is being made."""
        self.link.aim("h:1")
        answer = self.ask()
        self.assertNoResult(answer)
        self.connected().asked[0].callback(Done())
        self.successResultOf(answer)

    def test_nowhere(self) -> None:
        """A link that is aimed nowhere refuses at once."""
        self.failureResultOf(self.ask(), Unavailable)

    def test_not_reached(self) -> None:
        """When the server cannot be reached nobody waits for it, and it is tried again."""
        self.link.aim("h:1")
        answer = self.ask()
        self.reached[0][1].errback(ConnectionRefusedError())
        self.assertIn("h:1", str(self.failureResultOf(answer, Unavailable).value))
        self.failureResultOf(self.ask(), Unavailable)
        self.clock.advance(FIRST_PAUSE)
        self.assertEqual(len(self.reached), 2)
        answer = self.ask()
        self.connected().asked[0].callback(Done())
        self.successResultOf(answer)

    def test_frozen_while_connecting(self) -> None:
        """An attempt that hangs ends."""
        self.link.aim("h:1")
        answer = self.ask()
        self.clock.advance(REACH_SECONDS)
        self.failureResultOf(answer, Unavailable)

    def test_pauses(self) -> None:
        """The pauses between attempts grow up to a limit, and begin anew after a success."""
        self.link.aim("h:1")
        pauses = []
        for _ in range(10):
            self.reached[-1][1].errback(ConnectionRefusedError())
            [call] = self.clock.getDelayedCalls()
            pauses.append(call.getTime() - self.clock.seconds())
            self.clock.advance(pauses[-1])
        self.assertEqual([round(p, 6) for p in pauses[:3]], [0.1, 0.2, 0.4])
        self.assertAlmostEqual(pauses[-1], LONGEST_PAUSE)
        self.connected().lose()
        self.reached[-1][1].errback(ConnectionRefusedError())
        self.clock.advance(FIRST_PAUSE)
        self.assertEqual(len(self.reached), 13)

    def test_lost(self) -> None:
        """A lost connection is made again at once."""
        self.link.aim("h:1")
        self.connected().lose()
        self.assertFalse(self.link.connected)
        self.connected()
        self.assertTrue(self.link.connected)
        self.assertEqual(self.ready, ["ss1", "ss1"])

    def test_same_address(self) -> None:
        """A connection that is there is kept when the address is the same."""
        self.link.aim("h:1")
        wire = self.connected()
        self.link.aim("h:1")
        self.assertEqual((len(self.reached), wire.closed), (1, False))

    def test_other_address(self) -> None:
        """Aimed elsewhere, a link lets go of what it had."""
        self.link.aim("h:1")
        wire = self.connected()
        self.link.aim("h:2")
        self.assertTrue(wire.closed)
        self.assertEqual(self.reached[-1][0], "h:2")

    def test_aimed_while_pausing(self) -> None:
        """Aimed again, a link does not wait for its pause to end."""
        self.link.aim("h:1")
        self.reached[0][1].errback(ConnectionRefusedError())
        self.link.aim("h:1")
        self.assertEqual(len(self.reached), 2)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_stopped(self) -> None:
        """A stopped link lets go, refuses, and tries nothing."""
        self.link.aim("h:1")
        answer = self.ask()
        self.link.stop()
        self.failureResultOf(answer, Unavailable)
        self.failureResultOf(self.ask(), Unavailable)
        self.clock.advance(60)
        self.assertEqual(len(self.reached), 1)

    def test_stopped_while_connected(self) -> None:
        """A stopped link closes its connection."""
        self.link.aim("h:1")
        wire = self.connected()
        self.link.stop()
        self.assertTrue(wire.closed)

    def test_too_much(self) -> None:
        """Questions that may wait for answers are limited."""
        self.link.aim("h:1")
        wire = self.connected()
        answers = [self.ask() for _ in range(OUTSTANDING)]
        self.failureResultOf(self.ask(), Busy)
        for asked in wire.asked:
            asked.callback(Done())
        for answer in answers:
            self.successResultOf(answer)
        answer = self.ask()
        wire.asked[-1].callback(Done())
        self.successResultOf(answer)
