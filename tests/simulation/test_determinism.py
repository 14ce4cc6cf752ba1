"""
The same seed does the same again, wherever it is run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parent.parent.parent

#: Seeds that are compared.
SEEDS = "3-8"


class DeterminismTests(SynchronousTestCase):
    """
    R25.
    """

    def digests(self, salt: str) -> list[list[str]]:
        """Seed, verdict and hash of each history, from a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "dfs.client", "sim", "--seeds", SEEDS],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": salt},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr)
        return [line.split()[:4] for line in done.stdout.splitlines() if line.startswith("seed ")]

    def test_two_processes(self) -> None:
        """The traces of a seed have the same hash in two processes that order their sets apart."""
        one, other = self.digests("1"), self.digests("2")
        self.assertEqual(len(one), 6)
        self.assertEqual(one, other)
