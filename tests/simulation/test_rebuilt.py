"""
A journal made of both stores of a pair: in each state, whoever comes back first.
"""

from __future__ import annotations

import copy

from dfs.core.history import Stamp, buried
from dfs.errors import NotFound, Unauthorized, Unavailable
from tests.simulation.faults import MEMBERS
from tests.simulation.rebuilding import RebuiltCase
from tests.simulation.test_failover_restarts import SLOW


class StateTests(RebuiltCase):
    """
    H41: whatever state the pair was in, nothing that was acknowledged is lost.
    """

    def test_all_there(self) -> None:
        """Names, folders, rights, figures, users and histories are what they were."""
        self.typed("CREATEFOLDER|empty")
        self.put("notes/deep/b.txt", "Before. ")
        self.put("notes/deep/b.txt", "After. ")
        self.get(self.alice.add_access("notes/deep/b.txt", "bob", "w"))
        self.get(self.bob.put("notes/deep/b.txt", b"By bob."))
        self.get(self.alice.create("gone.txt"))
        self.get(self.alice.delete("gone.txt"))
        self.settle()
        before = self.get(self.alice.view(all=True))
        info = self.get(self.alice.info("notes/deep/b.txt"))
        self.again()
        self.settle()
        strip = [(one.path, one.owner, one.size, one.modified, one.modified_by) for one in before]
        after = self.get(self.alice.view(all=True))
        self.assertEqual(
            [(one.path, one.owner, one.size, one.modified, one.modified_by) for one in after], strip
        )
        again = self.get(self.alice.info("notes/deep/b.txt"))
        self.assertEqual(
            (again.index.id, again.index.created, again.index.grants),
            (info.index.id, info.index.created, info.index.grants),
        )
        self.assertEqual(self.rebuilt.users, {"alice", "bob"})
        carol = self.person("carol")
        self.refused(carol.read("notes/deep/b.txt"), Unauthorized)
        self.get(self.bob.undo("notes/deep/b.txt"))
        self.assertEqual(self.read("notes/deep/b.txt"), "After. ")
        self.assertIn("empty", {one.name for one in self.cluster.journal.folders.values()})
        self.nothing_lost()

    def test_alone(self) -> None:
        """A pair of which the backup never came stays one, and is filled when it comes."""
        self.cluster.crash("ss1_backup")
        del self.cluster.disks["ss1_backup"]
        self.say_more()
        self.again()
        self.assertEqual(self.state(), "UNPROTECTED")
        self.say_more()
        self.cluster.start("ss1_backup")
        self.nothing_lost()

    def test_degraded(self) -> None:
        """What the backup lacked when all died is copied."""
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        self.say_more()
        self.again()
        self.assertFalse(self.rebuilt.pairs[0].synced)
        self.say_more()
        self.nothing_lost()

    def test_failed_over(self) -> None:
        """The backup, which served last, serves."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.say_more()
        self.again()
        self.assertEqual(self.rebuilt.pairs[0].active, "ss1_backup")
        self.say_more()
        self.nothing_lost()

    def test_reconciling(self) -> None:
        """A home primary that was catching up goes on."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        for number in range(20):
            self.put(f"{number}.txt", "Other. " * 1000)
            self.put(f"{number}.txt", f"Text {number}. " * 1000)
        self.say_more()
        self.cluster.slow("ss1", rate=SLOW)
        self.cluster.start("ss1")
        self.until("RECONCILING")
        self.say_more()
        self.again()
        self.nothing_lost()

    def test_reversed(self) -> None:
        """A home primary that followed gets its place back."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.say_more()
        self.cluster.start("ss1")
        self.until("REVERSED")
        self.again()
        self.say_more()
        self.nothing_lost()

    def test_handed_back(self) -> None:
        """Epochs count on: whoever served last is found after any number of failovers."""
        for _ in range(2):
            self.cluster.crash("ss1")
            self.until("FAILED_OVER")
            self.say_more()
            self.cluster.start("ss1")
            self.settle()
        epoch = self.line_of("ss1").epoch
        self.again()
        self.assertEqual(self.rebuilt.pairs[0].active, "ss1")
        self.assertGreater(self.rebuilt.pairs[0].epoch, epoch)
        self.say_more()
        self.nothing_lost()

    def test_rebuilt_twice(self) -> None:
        """A journal that was rebuilt is rebuilt like any other."""
        self.again()
        self.say_more()
        self.again()
        self.say_more()
        self.nothing_lost()

    def test_old_journal(self) -> None:
        """The old journal is of no use any more if it is found: its stores refuse it."""
        old = copy.deepcopy(self.cluster.journal)
        self.again()
        self.say_more()
        self.end()
        self.cluster.journal = old
        self.cluster.start_nm()
        for name in MEMBERS:
            self.cluster.start(name)
        self.cluster.advance(20.0)
        self.refused(self.alice.append("a.txt", "lost"), Unavailable)


class FirstTests(RebuiltCase):
    """
    Who comes back first.
    """

    def test_peer_first(self) -> None:
        """A member that lacks what the other one has serves nothing while that is away."""
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        self.say_more()
        self.end()
        self.rebuild()
        self.cluster.start("ss1_backup")
        self.cluster.advance(30.0)
        self.assertEqual(self.state(), "DOWN")
        self.refused(self.alice.read("a.txt"), Unavailable)
        self.cluster.start("ss1")
        self.cluster.advance(5.0)
        self.say_more()
        self.nothing_lost()

    def test_equal_peer(self) -> None:
        """One that has everything may serve when the other one does not come."""
        self.end()
        self.rebuild()
        self.assertTrue(self.rebuilt.pairs[0].synced)
        self.cluster.start("ss1_backup")
        self.cluster.advance(30.0)
        self.assertEqual(self.state(), "FAILED_OVER")
        self.say_more()
        self.cluster.start("ss1")
        self.nothing_lost()

    def test_home_first(self) -> None:
        """After a failover the home primary alone serves nothing that it has missed."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.say_more()
        self.end()
        self.rebuild()
        self.cluster.start("ss1")
        self.cluster.advance(30.0)
        self.refused(self.alice.read("a.txt"), Unavailable)
        self.cluster.start("ss1_backup")
        self.nothing_lost()


class OrphanTests(RebuiltCase):
    """
    What only the member has that did not serve last.
    """

    def test_adopted(self) -> None:
        """It is said to be behind until its member is here; then it is adopted."""
        self.lose("a.txt", " Orphan.")
        self.end()
        self.rebuild()
        self.assertEqual([one.behind for one in self.rebuilt.remnants], [1])
        self.cluster.start("ss1_backup")
        self.cluster.advance(5.0)
        self.assertEqual(self.line_of("ss1").behind, 1)
        self.assertEqual(self.read("a.txt"), "One.")
        self.cluster.start("ss1")
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), "One. Orphan.")

    def test_conflict(self) -> None:
        """Changed on both, one text is kept as a conflict checkpoint."""
        self.lose("a.txt", " Orphan.")
        self.get(self.alice.append("a.txt", " Meanwhile."))
        self.again()
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), "One. Meanwhile.")
        for name in MEMBERS:
            self.assertEqual(self.conflicts_on(name, "a.txt"), [b"One. Orphan."])

    def test_conflict_that_was_there(self) -> None:
        """A conflict checkpoint from before is still there, and counted."""
        self.lose("a.txt", " Orphan.")
        self.get(self.alice.append("a.txt", " Meanwhile."))
        self.cluster.start("ss1")
        self.settle()
        self.again()
        self.settle()
        self.assertEqual(self.line_of("ss1").conflicts, 1)
        self.assertEqual(self.conflicts_on("ss1", "a.txt"), [b"One. Orphan."])

    def test_made_alone(self) -> None:
        """A document that only the other one has is there as soon as that is."""
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        self.put("new.txt", "New.")
        self.end()
        self.promoted_unheard()
        self.rebuild()
        self.cluster.start("ss1_backup")
        self.cluster.advance(5.0)
        self.refused(self.alice.read("new.txt"), Unavailable)
        self.cluster.start("ss1")
        self.settle()
        self.assertEqual(self.read("new.txt"), "New.")
        self.whole()


class DeletionTests(RebuiltCase):
    """
    What was deleted on one member stays deleted.
    """

    def gone(self, *left: str) -> None:
        """The document is gone from both, and only these are left of it."""
        self.settle()
        self.whole()
        self.assertEqual([path for path in self.paths() if path.startswith("a.txt")], list(left))
        if "a.txt" not in left:
            self.refused(self.alice.read("a.txt"), NotFound)

    def test_unheard(self) -> None:
        """A deletion of which the peer has not heard reaches it now; the name is free."""
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        self.get(self.alice.delete("a.txt"))
        self.again()
        self.assertEqual(self.rebuilt.remnants[0].buried, 1)
        self.put("a.txt", "Another one.")
        self.gone("a.txt")
        self.assertEqual(self.read("a.txt"), "Another one.")

    def test_unheard_by_whoever_serves(self) -> None:
        """Who serves next and has not heard of a deletion is told before it serves."""
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        self.get(self.alice.delete("a.txt"))
        self.end()
        self.promoted_unheard()
        self.rebuild()
        for name in MEMBERS:
            self.cluster.start(name)
        self.gone()

    def test_changed_unseen(self) -> None:
        """A text that only the peer has, and its deletion did not see, is kept beside."""
        self.lose("a.txt", " Orphan.")
        self.get(self.alice.delete("a.txt"))
        self.again()
        self.settle()
        [left] = [path for path in self.paths() if path.startswith("a.txt")]
        self.assertIn("a.txt.conflict-ss1-", left)
        self.assertEqual(self.read(left), "One. Orphan.")
        self.gone(left)

    def test_deleted_unheard_and_changed(self) -> None:
        """Changed where somebody served, deleted where nobody did: the text is kept beside."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        # It died when the deletion was on its disk, and nobody had heard of that.
        disk, document = self.cluster.disks["ss1"], self.on("ss1", "a.txt")
        assert document is not None
        disk.seq += 1
        stamp = Stamp("alice", self.cluster.wall(), document.epoch, home=True)
        disk.documents[document.id] = (disk.seq, buried(document, stamp))
        disk.contents.pop(document.current.content.sha256)
        self.get(self.alice.append("a.txt", " Later."))
        self.again()
        self.settle()
        [left] = [path for path in self.paths() if path.startswith("a.txt")]
        self.assertIn("a.txt.conflict-ss1_backup-", left)
        self.assertEqual(self.read(left), "One. Later.")
        self.gone(left)
