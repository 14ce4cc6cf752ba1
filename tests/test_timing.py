"""
The repeating loop.
"""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from dfs.timing import steady


class SteadyTests(SynchronousTestCase):
    """
    L{steady}
    """

    def setUp(self) -> None:
        """A clock, and a list of when the loop beat."""
        self.clock = Clock()
        self.beats: list[float] = []

    def beat(self) -> None:
        """Remember when."""
        self.beats.append(self.clock.seconds())

    def test_beats(self) -> None:
        """A loop beats when it is started and then at its interval."""
        loop = steady(self.clock, 5.0, self.beat)
        self.assertEqual(self.beats, [])
        loop.startService()
        self.clock.pump([4.0, 1.0, 5.0])
        self.assertEqual(self.beats, [0.0, 5.0, 10.0])

    def test_stops(self) -> None:
        """A stopped loop leaves nothing on the clock."""
        loop = steady(self.clock, 5.0, self.beat)
        loop.startService()
        self.successResultOf(loop.stopService())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.clock.advance(60)
        self.assertEqual(self.beats, [0.0])

    def test_starts_again(self) -> None:
        """A stopped loop can be started again."""
        loop = steady(self.clock, 5.0, self.beat)
        for _ in range(2):
            loop.startService()
            self.successResultOf(loop.stopService())
        self.assertEqual(self.beats, [0.0, 0.0])

    def test_survives(self) -> None:
        """A beat that raises is logged by name, and the next one comes."""

        def broken() -> None:
            self.beat()
            raise ValueError("no")

        loop = steady(self.clock, 5.0, broken)
        with capturedLogs() as events:
            loop.startService()
            self.clock.advance(5.0)
        self.assertEqual(self.beats, [0.0, 5.0])
        self.assertEqual([event["log_event"] for event in events], ["loop_failed"] * 2)
        self.assertIn("broken", events[0]["beat"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 2)
