"""
Where a new document goes.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dfs.core.placement import Candidate, choose


class PlacementTests(SynchronousTestCase):
    """
    The choice among pairs.
    """

    def test_fewest(self) -> None:
        """The pair with the fewest documents is chosen."""
        self.assertEqual(choose([Candidate("a", 2), Candidate("b", 1), Candidate("c", 3)]), "b")

    def test_equal(self) -> None:
        """Among equals the first by name is chosen."""
        self.assertEqual(choose([Candidate("b", 1), Candidate("a", 1)]), "a")

    def test_avoided(self) -> None:
        """One that is avoided is chosen only if all are."""
        full, other = Candidate("a", 1, avoided=True), Candidate("b", 9)
        self.assertEqual(choose([full, other]), "b")
        self.assertEqual(choose([full]), "a")

    def test_none(self) -> None:
        """Without a pair there is no choice."""
        self.assertIsNone(choose([]))
