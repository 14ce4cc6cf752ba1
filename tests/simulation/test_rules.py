"""
The tests are tested: each rule that is switched off is found out.

When a known seed does not need its rule any more, others are looked through, and the first one that
does is printed; C{DFS_SIM_RULES} says how many at most.
"""

from __future__ import annotations

import os
import sys

from twisted.trial.unittest import SynchronousTestCase

from dfs.sim.history import Options, run
from tests.simulation.rules import RULES, Rule

#: Seeds that are tried when the known one does not find it any more.
SEARCH = int(os.environ.get("DFS_SIM_RULES", "2000"))


class RuleTests(SynchronousTestCase):
    """
    What is found without a rule.
    """

    def find(self, rule: Rule) -> int:
        """The first seed that goes wrong without a rule, and not with it; -1 if none does."""
        for seed in [rule.seed, *range(SEARCH)]:
            without = self.wrong(Options(seed, rule.faults, built=rule.off))
            if without and not self.wrong(Options(seed, rule.faults)):
                found: int = seed
                return found
        return -1

    def wrong(self, options: Options) -> tuple[str, ...]:
        """What is wrong with a history."""
        found = run(options).wrong
        self.flushLoggedErrors()  # they are among it
        return found

    def test_names(self) -> None:
        """No two rules have one name."""
        names = {rule.name for rule in RULES}
        self.assertEqual(len(names), len(RULES))


def _named(number: int, rule: Rule) -> None:
    def test(self: RuleTests) -> None:
        seed = self.find(rule)
        self.assertGreaterEqual(seed, 0, f"no seed needs it that {rule.name}")
        if seed != rule.seed:
            print(f"\n{rule.name}: seed {seed}, not {rule.seed}", file=sys.stderr)

    test.__doc__ = f"The simulation needs it that {rule.name}."
    test.__name__ = f"test_{number:02}"
    setattr(RuleTests, test.__name__, test)


for _number, _rule in enumerate(RULES):
    _named(_number, _rule)
