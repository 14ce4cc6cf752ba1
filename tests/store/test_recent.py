"""
What is kept in memory, and what is forgotten.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dfs.store.recent import Recent


class RecentTests(SynchronousTestCase):
    """
    A limited number of things.
    """

    def test_last_asked(self) -> None:
        """What was not asked for longest is forgotten first."""
        recent: Recent[str, int] = Recent(3)
        for number, name in enumerate("abc"):
            recent.put(name, number)
        self.assertEqual(recent.get("a"), 0)
        recent.put("d", 3)
        self.assertEqual([recent.get(name) for name in "abcd"], [0, None, 2, 3])

    def test_weight(self) -> None:
        """Never more than the limit is kept, and nothing that alone is more."""
        recent: Recent[int, bytes] = Recent(100)
        for number in range(50):
            recent.put(number, b"x", 30)
        self.assertEqual(len(recent), 3)
        recent.put(7, b"y", 101)
        self.assertIsNone(recent.get(7))
        recent.put(8, b"y", 100)
        self.assertEqual((len(recent), recent.get(8)), (1, b"y"))

    def test_replaced(self) -> None:
        """A new value takes the place of the old, and its weight too."""
        recent: Recent[str, int] = Recent(10)
        for _ in range(20):
            recent.put("a", 1, 6)
        recent.put("b", 2, 4)
        self.assertEqual((recent.get("a"), recent.get("b")), (1, 2))
        recent.drop("a")
        recent.drop("a")
        recent.put("c", 3, 6)
        self.assertEqual((recent.get("b"), recent.get("c")), (2, 3))
