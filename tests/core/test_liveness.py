"""
Who has been silent for too long.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.liveness import Liveness


def watched(*names: str) -> Liveness:
    """Servers that were heard at second 0."""
    liveness = Liveness(15.0, 0.0)
    for name in names:
        liveness.heard(name, 0.0)
    return liveness


def ticked(liveness: Liveness, start: int, end: int) -> None:
    """Be awake from one second to another."""
    for second in range(start, end + 1):
        liveness.tick(float(second))


class LivenessTests(SynchronousTestCase):
    """
    Deadlines, and what moves them.
    """

    def test_some_and_the_rest(self) -> None:
        """A server is alive until the last moment of its patience, and failed then."""
        liveness = watched("ss1")
        ticked(liveness, 1, 15)
        self.assertEqual(liveness.silent(14.999), [])
        self.assertEqual(liveness.silent(15.0), ["ss1"])

    def test_left(self) -> None:
        """How long a server still has to be heard is known while it is expected."""
        liveness = watched("ss1")
        self.assertEqual([liveness.left("ss1", now) for now in (0.0, 9.0, 99.0)], [15.0, 6.0, 0.0])
        liveness.forget("ss1")
        self.assertIsNone(liveness.left("ss1", 9.0))

    def test_told_once(self) -> None:
        """A failure is told once, until the server is heard again."""
        liveness = watched("ss1")
        liveness.silent(15.0)
        self.assertEqual(liveness.silent(16.0), [])
        liveness.heard("ss1", 20.0)
        self.assertEqual(liveness.silent(35.0), ["ss1"])

    def test_sorted(self) -> None:
        """Failures come sorted, so that every run is the same."""
        self.assertEqual(watched("b", "c", "a").silent(99.0), ["a", "b", "c"])

    def test_heard(self) -> None:
        """Any sign of life gives the whole time again."""
        liveness = watched("ss1")
        liveness.heard("ss1", 10.0)
        self.assertEqual(liveness.silent(24.9), [])
        self.assertEqual(liveness.silence("ss1", 12.0), 2.0)

    def test_never_heard(self) -> None:
        """A server that is expected has the same time, but was never heard."""
        liveness = Liveness(15.0, 0.0)
        liveness.expected("ss1", 100.0)
        self.assertIsNone(liveness.silence("ss1", 100.0))
        self.assertEqual(liveness.silent(114.9), [])
        self.assertEqual(liveness.silent(115.0), ["ss1"])

    def test_forgotten(self) -> None:
        """Of a server that said goodbye nothing is expected."""
        liveness = watched("ss1")
        liveness.forget("ss1")
        liveness.forget("ss1")
        self.assertEqual(liveness.silent(99.0), [])

    def test_own_stall(self) -> None:
        """A stall of the observer is added to every deadline."""
        liveness = watched("ss1")
        ticked(liveness, 1, 5)
        self.assertEqual(liveness.tick(66.0), 60.0)
        self.assertEqual(liveness.silent(66.0), [])
        ticked(liveness, 67, 75)
        self.assertEqual(liveness.silent(74.9), [])
        self.assertEqual(liveness.silent(75.0), ["ss1"])

    def test_small_delays(self) -> None:
        """Ticks that are late by less than a second are no stall."""
        liveness = watched("ss1")
        for tick in range(1, 9):
            self.assertEqual(liveness.tick(tick * 1.9), 0.0)
        self.assertEqual(liveness.silent(15.2), ["ss1"])

    def test_early_ticks(self) -> None:
        """More ticks than needed move nothing."""
        liveness = watched("ss1")
        for tenth in range(150):
            self.assertEqual(liveness.tick(tenth / 10), 0.0)
        self.assertEqual(liveness.silent(15.0), ["ss1"])

    @given(st.lists(st.floats(0.0, 100.0), max_size=20))
    def test_never_early(self, gaps: list[float]) -> None:
        """However the observer sleeps, nobody fails before their patience is over."""
        liveness = watched("ss1")
        now = 0.0
        for gap in gaps:
            now += gap
            liveness.tick(now)
            if liveness.silent(now):
                self.assertGreaterEqual(now, 15.0)
                return
