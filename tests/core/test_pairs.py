"""
Which servers belong together.
"""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.pairs import Pair, pair_of
from dfs.errors import Invalid


class PairTests(SynchronousTestCase):
    """
    Pairs of names.
    """

    def test_by_name(self) -> None:
        """A server and its backup are of one pair, named after the home primary."""
        self.assertEqual((pair_of("ss1"), pair_of("ss1_backup")), ("ss1", "ss1"))

    def test_no_backup_of_backups(self) -> None:
        """A name that could be nobody's backup is refused."""
        for name in ("_backup", "ss1_backup_backup"):
            self.assertRaises(Invalid, pair_of, name)

    def test_founded(self) -> None:
        """A new pair is served by its home primary, in the first epoch."""
        pair = Pair.founded("ss1")
        self.assertEqual((pair.epoch, pair.active, pair.peer), (1, "ss1", "ss1_backup"))

    def test_peer(self) -> None:
        """The peer is the member that does not serve."""
        pair = evolve(Pair.founded("ss1"), epoch=2, active="ss1_backup")
        self.assertEqual((pair.home, pair.backup, pair.peer), ("ss1", "ss1_backup", "ss1"))
