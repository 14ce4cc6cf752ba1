"""
The rules of a pair hold in every interleaving within bounds, and each of them is needed.
"""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from tests.model.pair_model import MODES, MUTANTS, Bounds, explore

SMALL = Bounds(writes=2, epochs=2, crashes=1)

#: What a violation needs that two writes in two epochs do not show.
LARGER = {
    "put_over_concurrent": Bounds(3, 3, 0),
    "handback_no_drain": Bounds(3, 3, 0),
    "handback_no_check": Bounds(3, 3, 0),
    "handback_one_way": Bounds(3, 3, 0),
}

#: Shown by three writes, four epochs and a crash only, which takes many minutes.
SLOW = {"put_ignores_epoch"}


class ModelTests(SynchronousTestCase):
    """
    C{DFS_PAIR_BOUNDS=3,4,1} goes further (and takes long), with the slow ones.
    """

    def bounds(self, mutant: str = "") -> Bounds:
        """How far to go."""
        given = os.environ.get("DFS_PAIR_BOUNDS")
        if given:
            return Bounds(*map(int, given.split(",")))
        return LARGER.get(mutant, SMALL)

    def test_rules(self) -> None:
        """With all rules no acknowledged write is lost, in any order of events."""
        for mode in MODES:
            states, wrong, steps = explore(mode, self.bounds())
            self.assertIsNone(wrong, f"{mode}: {' -> '.join(steps)}")
            self.assertGreater(states, 5_000)

    def test_each_is_needed(self) -> None:
        """Without any one of the rules something is lost."""
        given = "DFS_PAIR_BOUNDS" in os.environ
        for mutant in MUTANTS:
            if mutant in SLOW and not given:
                continue
            found = {explore(mode, self.bounds(mutant), mutant)[1] for mode in MODES}
            # That there are too many states to look at shows nothing.
            self.assertTrue(found - {None, "LIMIT"}, f"{mutant} does no harm")
