"""
C{dfs sim} as it is typed.
"""

from __future__ import annotations

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from dfs.sim.command import command
from dfs.sim.faults import FAULTS, TRAITS
from dfs.sim.losses import LOSSES
from dfs.sim.orders import ORDERS


class CommandTests(SynchronousTestCase):
    """
    What is printed.
    """

    def sim(self, *words: str) -> Result:
        """Type it."""
        seconds = iter(range(1000))
        typed = command(lambda: float(next(seconds)), lambda: None)
        return CliRunner().invoke(typed, list(words), standalone_mode=False)

    def test_one(self) -> None:
        """A history is a line with its seed, its verdict and its hash; then come sums."""
        done = self.sim("--seed", "7", "--seconds", "5", "--faults", "kill,pieces")
        first, last = done.output.splitlines()
        self.assertRegex(first, r"\Aseed 7 ok [0-9a-f]{32} ")
        self.assertRegex(last, r"\A1 histories of \d+ simulated seconds in ")
        self.assertEqual(done.return_value, 0)

    def test_trace(self) -> None:
        """Whoever asks sees everything that happens."""
        done = self.sim("--seed", "7", "--seconds", "5", "--trace")
        self.assertIn("the storm begins", done.output)
        self.assertIn("alice", done.output)

    def test_faults(self) -> None:
        """Every kind of fault has a name that can be typed."""
        self.assertEqual(
            self.sim("--faults", "LIST").output.split(), [*FAULTS, *LOSSES, *ORDERS, *TRAITS]
        )

    def test_mistakes(self) -> None:
        """What makes no sense is said in one sentence."""
        for words in (("--faults", "rain"), ("--seeds", "x"), ("--spare", "a")):
            done = self.sim(*words)
            self.assertIsNotNone(done.exception, words)
