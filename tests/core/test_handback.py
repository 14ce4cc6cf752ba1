"""
When a home primary gets its place back.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dfs.core.handback import LONGEST, Hold


class HoldTests(SynchronousTestCase):
    """
    How long it has to follow.
    """

    def test_first(self) -> None:
        """After a single failure it follows for the time that was asked for."""
        hold = Hold(30.0)
        self.assertFalse(hold.over(0.0))
        hold.failed(0.0)
        hold.begin(10.0)
        self.assertFalse(hold.over(39.9))
        self.assertTrue(hold.over(40.0))

    def test_left(self) -> None:
        """How long it still has to follow is known while it follows."""
        hold = Hold(30.0)
        self.assertIsNone(hold.left(0.0))
        hold.begin(10.0)
        self.assertEqual([hold.left(now) for now in (10.0, 15.0, 99.0)], [30.0, 25.0, 0.0])
        hold.stop()
        self.assertIsNone(hold.left(15.0))

    def test_at_once(self) -> None:
        """It need not wait where nobody wants it to."""
        hold = Hold(0.0)
        hold.begin(10.0)
        self.assertTrue(hold.over(10.0))

    def test_flapping(self) -> None:
        """F20: who fails again and again waits longer and longer, but not for ever."""
        hold = Hold(30.0)
        waits = []
        for now in range(0, 1000, 100):
            hold.failed(float(now))
            hold.begin(float(now))
            waits.append(next(s for s in range(1000) if hold.over(now + s)))
        self.assertEqual(waits[:5], [30, 60, 120, 240, 480])
        self.assertEqual(set(waits[5:]), {int(LONGEST)})

    def test_forgiven(self) -> None:
        """A failure of an hour ago does not count."""
        hold = Hold(30.0)
        hold.failed(0.0)
        hold.failed(10.0)
        hold.failed(4000.0)
        hold.begin(4000.0)
        self.assertTrue(hold.over(4030.0))

    def test_undone(self) -> None:
        """A handback that could not be finished is tried again, less and less often."""
        hold = Hold(0.0)
        hold.begin(0.0)
        hold.undone(0.0)
        self.assertFalse(hold.over(4.9))
        hold.undone(5.0)
        self.assertFalse(hold.over(14.9))
        self.assertTrue(hold.over(15.0))

    def test_skipped(self) -> None:
        """An operator need not wait."""
        hold = Hold(1000.0)
        hold.begin(0.0)
        hold.skip(1.0)
        self.assertTrue(hold.over(1.0))
