"""
Simulated histories: those that went wrong once, and fresh ones.

C{DFS_SIM_SEEDS=500} runs so many, C{DFS_SIM_BUDGET} seconds at most, from C{DFS_SIM_BASE} on.
Without that they begin at a number that is drawn from the code: each version of it meets histories
that nobody has seen, and the same version the same ones, so that the tests say the same twice.
C{make sim} takes others each time.
"""

from __future__ import annotations

import os
import sys
import time

from twisted.trial.unittest import SynchronousTestCase

from dfs.sim.history import Options, Result, run
from tests.simulation.seeds import LEDGER, drawn

#: Seeds, and seconds for them.
FRESH = int(os.environ.get("DFS_SIM_SEEDS", "10"))
BUDGET = float(os.environ.get("DFS_SIM_BUDGET", "600"))


#: The first of them.
BASE = int(os.environ.get("DFS_SIM_BASE") or drawn())


class SeedTests(SynchronousTestCase):
    """
    I1, I3 to I12.
    """

    def judge(self, seed: int) -> Result:
        """Run a history; nothing may be wrong."""
        result = run(Options(seed))
        self.flushLoggedErrors()  # they are among what is wrong
        again = f"dfs sim --seed {seed} --seconds {result.options.seconds:g}"
        self.assertEqual(result.wrong, (), "\n".join([*result.last, *result.wrong, again]))
        return result

    def test_fresh(self) -> None:
        """Whatever goes wrong, what was acknowledged is kept, and everything settles."""
        began, virtual = time.monotonic(), 0.0
        seeds = 0
        while seeds < FRESH and time.monotonic() - began < BUDGET:
            virtual += self.judge(BASE + seeds).virtual
            seeds += 1
        took = time.monotonic() - began
        print(
            f"\n{seeds} seeds from {BASE}: {virtual:.0f} simulated seconds in {took:.0f} s",
            file=sys.stderr,
        )


def _named(seed: int, found: str) -> None:
    def test(self: SeedTests) -> None:
        self.judge(seed)

    test.__doc__ = f"Seed {seed} had found: {found}."
    test.__name__ = f"test_seed_{seed}"
    setattr(SeedTests, test.__name__, test)


for _seed, _found in LEDGER.items():
    _named(_seed, _found)
