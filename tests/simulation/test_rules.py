"""
The tests are tested: each rule that is switched off is found out.

C{DFS_SIM_RULES=2000} looks through so many seeds for each rule, and prints which are found.
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
        """The first seed that goes wrong without a rule; -1 if none does."""
        seeds: list[int] = [rule.seed, *range(SEARCH)]
        for seed in seeds:
            wrong = run(Options(seed, built=rule.off)).wrong
            self.flushLoggedErrors()
            if wrong:
                return seed
        return -1

    def test_names(self) -> None:
        """There are at least twenty rules, and no two have one name."""
        names = {rule.name for rule in RULES}
        self.assertEqual(len(names), len(RULES))
        self.assertGreaterEqual(len(names), 20)


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
