"""
Simulated time.
"""

from __future__ import annotations

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from dfs.sim.clock import Clock, ProcessClock


class ClockTests(SynchronousTestCase):
    """
    Everybody's time.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.told: list[str] = []

    def test_interface(self) -> None:
        """Both clocks are what Twisted expects."""
        verifyObject(IReactorTime, self.clock)
        verifyObject(IReactorTime, ProcessClock(self.clock))

    def test_order(self) -> None:
        """What is due first happens first; of what is due at once, what was asked for first."""
        for name, when in (("c", 2.0), ("a", 1.0), ("b", 1.0)):
            self.clock.callLater(when, self.told.append, name)
        self.clock.advance(3.0)
        self.assertEqual((self.told, self.clock.seconds()), (["a", "b", "c"], 3.0))

    def test_event_by_event(self) -> None:
        """A loop of five seconds ticks as often as it should, however far time jumps."""
        loop = LoopingCall(lambda: self.told.append(f"{self.clock.seconds():g}"))
        loop.clock = self.clock
        loop.start(5.0)
        self.clock.advance(15.0)
        self.assertEqual(self.told, ["0", "5", "10", "15"])
        loop.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_cancelled_and_moved(self) -> None:
        """What is cancelled does not happen, what is moved happens once and then."""
        never = self.clock.callLater(1.0, self.told.append, "never")
        moved = self.clock.callLater(1.0, lambda: self.told.append(f"{self.clock.seconds():g}"))
        never.cancel()
        moved.delay(3.0)
        moved.reset(2.5)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.advance(9.0)
        self.assertEqual(self.told, ["2.5"])
        self.assertRaises(AlreadyCalled, moved.cancel)
        self.assertRaises(AlreadyCancelled, never.cancel)

    def test_many_cancelled(self) -> None:
        """What was cancelled is thrown away in the end."""
        for _ in range(5_000):
            self.clock.callLater(1e6, self.told.append, "never").cancel()
        self.assertLess(len(self.clock._heap), 2_500)
        self.clock.callLater(1.0, self.told.append, "once")
        self.clock.advance(2.0)
        self.assertEqual(self.told, ["once"])


class ProcessClockTests(SynchronousTestCase):
    """
    The time of one process.
    """

    def setUp(self) -> None:
        self.clock = Clock()
        self.told: list[str] = []

    def test_stopped(self) -> None:
        """What is due while it is stopped happens when it goes on, in order, before the rest."""
        process = ProcessClock(self.clock)
        for name, when in (("b", 2.0), ("a", 1.0), ("c", 5.0)):
            process.callLater(when, self.told.append, name)
        process.stopped = True
        self.clock.advance(4.0)
        self.assertEqual(self.told, [])
        process.go_on()
        self.clock.advance(0.0)
        self.assertEqual(self.told, ["a", "b"])
        self.clock.advance(1.0)
        self.assertEqual(self.told, ["a", "b", "c"])

    def test_late_and_moved(self) -> None:
        """What is late can still be cancelled or put off."""
        process = ProcessClock(self.clock)
        never = process.callLater(1.0, self.told.append, "never")
        later = process.callLater(1.0, self.told.append, "later")
        process.stopped = True
        self.clock.advance(2.0)
        never.cancel()
        later.reset(5.0)
        process.go_on()
        self.clock.advance(4.0)
        self.assertEqual(self.told, [])
        self.clock.advance(1.0)
        self.assertEqual(self.told, ["later"])

    def test_dead(self) -> None:
        """Nothing happens in a process that is dead."""
        process = ProcessClock(self.clock)
        process.callLater(1.0, self.told.append, "never")
        process.dead = True
        self.clock.advance(2.0)
        self.assertEqual((self.told, self.clock.getDelayedCalls()), ([], []))

    def test_rate(self) -> None:
        """Clocks of other rates pass the seconds that they say, and loops on them go on."""
        for rate in (0.95, 1.0, 1.037, 1.05):
            process = ProcessClock(self.clock, rate=rate)
            began, count = process.seconds(), [0]

            def tick(count: list[int] = count) -> None:
                count[0] += 1

            loop = LoopingCall(tick)
            loop.clock = process
            loop.start(0.25)
            self.clock.advance(100.0)
            self.assertAlmostEqual(process.seconds() - began, 100.0 * rate, 6)
            self.assertLess(abs(count[0] - 400 * rate), 3)
            loop.stop()
