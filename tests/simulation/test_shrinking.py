"""
The fewest faults with which a history still goes wrong, of histories that are only told of.
"""

from __future__ import annotations

from collections import Counter

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dfs.sim.history import Options, Result
from dfs.sim.shrinking import shrunk

#: How many faults there are.
FAULTS = 20


class ShrinkingTests(SynchronousTestCase):
    """
    Which faults are left.
    """

    def setUp(self) -> None:
        self.needs: tuple[set[int], ...] = ()
        self.runs = 0
        self.told: list[str] = []

    def run_it(self, options: Options) -> Result:
        """A history that goes wrong if all faults of one of several sets come."""
        self.runs += 1
        wrong = tuple(
            f"I4: with {sorted(needed)}" for needed in self.needs if not needed & options.spared
        )
        return Result(options, wrong, "", (), Counter(), Counter(), Counter(), FAULTS, 0.0, 0, "")

    def left(self, options: Options) -> set[int]:
        """What is not spared in the end."""
        result = shrunk(self.run_it(options), self.run_it, self.told.append)
        self.assertTrue(result.wrong)
        return set(range(1, FAULTS + 1)) - result.options.spared

    def test_one(self) -> None:
        """The one fault that matters is left."""
        self.needs = ({13},)
        self.assertEqual(self.left(Options(7)), {13})
        self.assertEqual(self.told[-1], "1 faults are left")

    def test_several(self) -> None:
        """Faults that only matter together are all left."""
        self.needs = ({1, 8, 20},)
        self.assertEqual(self.left(Options(7)), {1, 8, 20})

    def test_either(self) -> None:
        """Of two reasons one is left."""
        self.needs = ({2, 3}, {17})
        self.assertIn(self.left(Options(7)), ({2, 3}, {17}))

    def test_spared_before(self) -> None:
        """What was left out from the beginning does not come again."""
        self.needs = ({5},)
        options = evolve(Options(7), spared=frozenset({1, 2}))
        self.assertEqual(self.left(options), {5})

    def test_few_runs(self) -> None:
        """It takes about as many histories as there are faults, times their logarithm."""
        self.needs = ({6},)
        self.left(Options(7))
        self.assertLess(self.runs, 5 * FAULTS)
