"""
Histories of servers that died.
"""

from __future__ import annotations

from dfs.client.drafts import SessionEnded
from dfs.errors import Unauthorized
from tests.histories.pairs import PairCase


class FailoverTests(PairCase):
    """
    One dies, the other one serves.
    """

    def test_crash(self) -> None:
        """F1: after a crash the backup serves texts, history and rights; the primary returns."""
        self.put("a.txt", "One.")
        self.put("a.txt", "Two.")
        self.get(self.alice.add_access("a.txt", "bob", "r"))
        self.settle()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.assertEqual(self.get(self.bob.read("a.txt")), b"Two.")
        self.get(self.alice.undo("a.txt"))
        self.assertEqual(self.read("a.txt"), "One.")
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual(self.read("a.txt"), "One.")
        self.get(self.alice.redo("a.txt"))
        self.assertEqual(self.read("a.txt"), "Two.")

    def test_goodbye(self) -> None:
        """F3: a primary that stops in good order is replaced within a second."""
        self.put("a.txt", "One.")
        self.settle()
        self.cluster.stop("ss1")
        self.cluster.advance(1.0)
        self.assertEqual(self.state(), "FAILED_OVER")
        self.assertEqual(self.read("a.txt"), "One.")

    def test_undone(self) -> None:
        """H28: what was undone before a failover is undone after it."""
        self.put("a.txt", "One.")
        self.put("a.txt", "Two.")
        self.get(self.alice.undo("a.txt"))
        self.settle()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.assertEqual(self.read("a.txt"), "One.")
        self.get(self.alice.redo("a.txt"))
        self.assertEqual(self.read("a.txt"), "Two.")

    def test_revoked(self) -> None:
        """H28, F44: a right that was taken away stays so on a backup that lags behind."""
        self.put("a.txt", "One.")
        self.get(self.alice.add_access("a.txt", "bob", "w"))
        self.get(self.bob.append("a.txt", " Two."))
        self.settle()
        self.cluster.part("ss1_backup", "nm")
        self.get(self.alice.rem_access("a.txt", "bob"))
        self.cluster.crash("ss1")
        self.cluster.join("ss1_backup", "nm")
        self.until("FAILED_OVER")
        self.refused(self.bob.read("a.txt"), Unauthorized)
        self.refused(self.bob.append("a.txt", " Three."), Unauthorized)
        self.assertEqual(self.read("a.txt"), "One. Two.")

    def test_create_meanwhile(self) -> None:
        """H33: while the only primary is down, its backup takes new documents."""
        self.cluster.crash("ss1")
        self.put("a.txt", "One.")
        self.assertEqual(self.read("a.txt"), "One.")
        self.cluster.start("ss1")
        self.settle()
        self.equal()

    def test_frozen(self) -> None:
        """H26, F4: a primary that wakes up commits nothing, and its writer keeps the words."""
        self.put("a.txt", "One. Two.")
        self.settle()
        session = self.get(self.alice.write("a.txt", 0))
        self.get(session.edit(0, "Mine"))
        self.cluster.freeze("ss1")
        self.until("FAILED_OVER")
        self.get(self.alice.append("a.txt", " Three."))
        self.cluster.thaw("ss1")
        self.refused(session.commit(), SessionEnded)
        self.settle()
        self.equal()
        self.assertEqual(self.read("a.txt"), "One. Two. Three.")

    def test_cut_off(self) -> None:
        """F5: a primary that only the name server cannot reach serves no longer than its lease."""
        self.put("a.txt", "One.")
        self.settle()
        self.cluster.part("ss1", "nm")
        self.cluster.advance(11.0)
        self.get(self.alice.append("a.txt", " Two."))
        self.assertEqual(self.state(), "FAILED_OVER")
        document = self.on("ss1", "a.txt")
        assert document is not None
        self.assertEqual(document.current.content.size, 4)
        self.cluster.join("ss1", "nm")
        self.settle()
        self.equal()
        self.assertEqual(self.read("a.txt"), "One. Two.")

    def test_name_server_frozen(self) -> None:
        """F12: a name server that was stopped for a minute fails nobody."""
        self.put("a.txt", "One.")
        self.settle()
        self.cluster.freeze("nm")
        self.cluster.advance(60.0)
        self.cluster.thaw("nm")
        self.cluster.advance(20.0)
        self.assertEqual((self.state(), self.line_of("ss1").epoch), ("PROTECTED", 1))
        self.assertEqual(self.read("a.txt"), "One.")

    def test_name_server_away(self) -> None:
        """F10: a name server that restarts within 5 s is not missed by those who edit."""
        self.put("a.txt", "One. Two.")
        session = self.get(self.alice.write("a.txt", 0))
        self.cluster.stop_nm()
        self.get(session.edit(0, "Mine"))
        self.cluster.advance(4.0)
        self.cluster.start_nm()
        self.get(session.commit())
        self.assertEqual(self.read("a.txt"), "MineOne. Two.".replace("MineOne", "Mine One"))
