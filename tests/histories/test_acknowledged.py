"""
Histories of what OK says of both members.
"""

from __future__ import annotations

from dfs.errors import Unavailable
from dfs.nm.fleet import Promise
from dfs.nm.service import Settings as NMSettings
from tests.histories.pairs import PairCase


class ReplicaTests(PairCase):
    """
    OK when both have it.
    """

    nm_settings = NMSettings(handback_after=5.0, promise=Promise(replica=True))

    def test_on_both(self) -> None:
        """F1 with --ack replica: what was acknowledged is on the backup, whenever ss1 dies."""
        self.get(self.alice.create("a.txt"))
        for number in range(20):
            self.assertFalse(self.get(self.alice.append("a.txt", f"{number} ")).solo)
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.assertEqual(self.read("a.txt").split(), [str(number) for number in range(20)])

    def test_solo(self) -> None:
        """F6: when the backup is away that is written down first, and then OK says so."""
        self.put("a.txt", "One.")
        self.cluster.crash("ss1_backup")
        committed = self.get(self.alice.append("a.txt", " Two."))
        self.assertTrue(committed.solo)
        self.assertEqual(self.state(), "DEGRADED")
        self.cluster.start("ss1_backup")
        self.settle()
        self.equal()
        self.assertFalse(self.get(self.alice.append("a.txt", " Three.")).solo)

    def test_lagging_never_leads(self) -> None:
        """A backup that was out is not promoted before it has everything again."""
        self.put("a.txt", "One.")
        self.cluster.crash("ss1_backup")
        self.get(self.alice.append("a.txt", " Two."))
        self.cluster.crash("ss1")
        self.cluster.start("ss1_backup")
        self.cluster.advance(30.0)
        self.assertEqual(self.state(), "DOWN")
        self.cluster.start("ss1")
        self.settle()
        self.assertEqual(self.read("a.txt"), "One. Two.")


class RefusingTests(PairCase):
    """
    Nothing is changed on one disk only.
    """

    nm_settings = NMSettings(promise=Promise(replica=True, refuse_solo=True))

    def test_refused(self) -> None:
        """With --solo refuse changes wait for the backup; reading does not."""
        self.put("a.txt", "One.")
        self.settle()
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        self.cluster.advance(6.0)
        self.refused(self.alice.append("a.txt", " Two."), Unavailable)
        self.assertEqual(self.read("a.txt"), "One.")
        self.cluster.start("ss1_backup")
        self.settle()
        self.cluster.advance(6.0)
        self.get(self.alice.append("a.txt", " Two."))
        self.equal()
