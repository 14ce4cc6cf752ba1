"""
Histories of servers that came back.
"""

from __future__ import annotations

from attrs import evolve

from dfs.errors import NotFound, Unauthorized, Unavailable
from dfs.nm.service import Settings as NMSettings
from tests.histories.pairs import PairCase


class ReturnTests(PairCase):
    """
    The one that died comes back.
    """

    def lose_tail(self, text: str) -> None:
        """The primary commits something that nobody hears of, and crashes."""
        self.cluster.part("ss1", "nm")
        self.get(self.alice.append("a.txt", text))
        self.cluster.advance(0.5)
        self.cluster.crash("ss1")
        self.cluster.join("ss1", "nm")
        self.until("FAILED_OVER")

    def setUp(self) -> None:
        super().setUp()
        self.put("a.txt", "One.")
        self.settle()

    def test_adopted(self) -> None:
        """H24: a write that nobody heard of is adopted, where the backup was not edited."""
        self.lose_tail(" Two.")
        self.assertEqual(self.read("a.txt"), "One.")
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual(self.read("a.txt"), "One. Two.")

    def test_conflict(self) -> None:
        """H24: where the backup was edited both texts are kept, one of them as a conflict."""
        self.lose_tail(" Two.")
        self.get(self.alice.append("a.txt", " Three."))
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual(self.read("a.txt"), "One. Three.")
        document = self.on("ss1", "a.txt")
        assert document is not None
        [conflict] = document.checkpoints
        self.assertTrue(conflict.tag.startswith("conflict-ss1-"))
        self.assertEqual(conflict.revision.content.size, len("One. Two."))
        self.assertEqual(self.line_of("ss1").conflicts, 1)

    def test_behind(self) -> None:
        """What only a lost server has is named, and shown to those who read."""
        self.cluster.crash("ss1_backup")
        self.get(self.alice.append("a.txt", " Two."))
        self.put("b.txt", "New.")
        self.cluster.crash("ss1")
        self.cluster.start("ss1_backup")
        self.until("FAILED_OVER")
        self.assertEqual(self.line_of("ss1_backup").behind, 2)
        info = self.get(self.alice.info("a.txt")).index
        self.assertEqual((info.behind, info.replica_current, info.size), (True, False, 4))
        self.assertEqual(self.read("a.txt"), "One.")
        self.refused(self.alice.read("b.txt"), Unavailable)
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual((self.read("a.txt"), self.read("b.txt")), ("One. Two.", "New."))

    def test_deleted(self) -> None:
        """H29: what was deleted during the outage stays deleted, after another restart too."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.get(self.alice.delete("a.txt"))
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.cluster.crash("ss1_backup")
        self.cluster.advance(2.0)
        self.cluster.start("ss1_backup")
        self.settle()
        self.refused(self.alice.read("a.txt"), NotFound)
        self.assertEqual((self.on("ss1", "a.txt"), self.on("ss1_backup", "a.txt")), (None, None))

    def test_deleted_unseen(self) -> None:
        """A change that a deletion did not see becomes a document beside it."""
        self.lose_tail(" Two.")
        self.get(self.alice.delete("a.txt"))
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.refused(self.alice.read("a.txt"), NotFound)
        [line] = self.get(self.alice.view())
        self.assertTrue(line.path.startswith("a.txt.conflict-ss1-"), line.path)
        self.assertEqual(self.read(line.path), "One. Two.")

    def test_deleted_although_behind(self) -> None:
        """A change that was known and not there when a document was deleted is kept beside it."""
        self.cluster.crash("ss1_backup")
        self.get(self.alice.append("a.txt", " Two."))
        self.cluster.advance(2.0)
        self.cluster.crash("ss1")
        self.cluster.start("ss1_backup")
        self.until("FAILED_OVER")
        self.assertEqual(self.line_of("ss1_backup").behind, 1)
        self.get(self.alice.delete("a.txt"))
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        [line] = self.get(self.alice.view())
        self.assertTrue(line.path.startswith("a.txt.conflict-ss1-"), line.path)
        self.assertEqual(self.read(line.path), "One. Two.")

    def test_deleted_on_a_lagging_pair(self) -> None:
        """F45: a deletion that the backup has not heard of holds there, too."""
        self.cluster.part("ss1_backup", "nm")
        self.get(self.alice.delete("a.txt"))
        self.cluster.crash("ss1")
        self.cluster.join("ss1_backup", "nm")
        self.until("FAILED_OVER")
        self.refused(self.alice.read("a.txt"), NotFound)
        self.put("a.txt", "Another.")
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual(self.read("a.txt"), "Another.")

    def test_source_dies(self) -> None:
        """H25: a copy that is cut off leaves the old version whole, and is made again."""
        large = b"x" * 3_000_000
        self.get(self.alice.put("a.txt", large))
        self.cluster.advance(0.002)
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.assertIn(self.get(self.alice.read("a.txt")), (b"One.", large))
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual(self.get(self.alice.read("a.txt")), large)

    def test_both_down(self) -> None:
        """F14, F15: of two that died the one that served last serves first."""
        for first in ("ss1", "ss1_backup"):
            second = "ss1_backup" if first == "ss1" else "ss1"
            self.get(self.alice.append("a.txt", f" {first}."))
            self.settle()
            self.cluster.crash("ss1_backup")
            self.until("DEGRADED")
            self.get(self.alice.append("a.txt", " Alone."))
            text = self.read("a.txt")
            self.cluster.crash("ss1")
            self.until("DOWN")
            self.cluster.start(first)
            self.cluster.advance(20.0)
            # The backup lacks something, so it waits for the one that has it.
            self.assertEqual(self.state(), "DEGRADED" if first == "ss1" else "DOWN")
            self.cluster.start(second)
            self.settle()
            self.equal()
            self.assertEqual(self.read("a.txt"), text)

    def test_equal_backup_leads(self) -> None:
        """A pair that was equal when both died is served by whoever comes back."""
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        self.cluster.crash("ss1")
        self.until("DOWN")
        self.cluster.start("ss1_backup")
        self.until("FAILED_OVER")
        self.assertEqual(self.read("a.txt"), "One.")

    def test_name_server_restarts(self) -> None:
        """A name server that restarts goes on in whatever state the pair was."""
        for state in ("PROTECTED", "DEGRADED", "FAILED_OVER", "REVERSED", "DOWN"):
            with self.subTest(state):
                self.reach(state)
                self.cluster.stop_nm()
                self.cluster.advance(1.0)
                self.cluster.start_nm()
                self.cluster.advance(3.0)
                for name in ("ss1", "ss1_backup"):
                    if name not in self.cluster.servers:
                        self.cluster.start(name)
                self.settle()
                self.equal()
                self.assertEqual(self.read("a.txt"), "One.")

    def reach(self, state: str) -> None:
        """Bring the pair from PROTECTED into another state."""
        self.settle()
        if state in ("DEGRADED", "DOWN"):
            self.cluster.crash("ss1_backup")
            self.until("DEGRADED")
        if state in ("FAILED_OVER", "REVERSED", "DOWN"):
            self.cluster.crash("ss1")
            self.until("DOWN" if state == "DOWN" else "FAILED_OVER")
        if state == "REVERSED":
            self.cluster.start("ss1")
            self.until("REVERSED")

    def test_wrong_disk(self) -> None:
        """F24, F26: another disk under a known name is held off, an empty one too."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        mine = self.cluster.disks.pop("ss1")
        self.cluster.start("ss1")
        self.cluster.advance(20.0)
        self.assertEqual((self.line_of("ss1").state, self.state()), ("HELD", "FAILED_OVER"))
        self.assertEqual(self.read("a.txt"), "One.")
        self.cluster.crash("ss1")
        self.cluster.disks["ss1"] = mine
        self.cluster.start("ss1")
        self.settle()
        self.equal()

    def test_handback_under_load(self) -> None:
        """R18: a writer sees the handback as a pause of at most 2 s, and no error."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.cluster.start("ss1")
        pauses, said = [], 0
        while not (self.state() == "PROTECTED" and said > 20):
            began = self.cluster.clock.seconds()
            self.get(self.alice.append("a.txt", "."))
            said += 1
            pauses.append(self.cluster.clock.seconds() - began)
            self.cluster.advance(0.05)
        self.assertLess(max(pauses), 2.0)
        self.assertEqual(self.read("a.txt"), "One." + "." * said)


class FlappingTests(PairCase):
    """
    Servers that come and go.
    """

    nm_settings = evolve(NMSettings(), handback_after=30.0)

    def test_hold(self) -> None:
        """F20: a primary that fails again and again is given its place back later and later."""
        self.put("a.txt", "One.")
        waits = []
        for _ in range(3):
            self.settle()
            self.cluster.crash("ss1")
            self.until("FAILED_OVER")
            self.cluster.start("ss1")
            self.until("REVERSED")
            began = self.cluster.clock.seconds()
            self.until("PROTECTED")
            waits.append(round((self.cluster.clock.seconds() - began) / 30))
        self.assertEqual(waits, [1, 2, 4])


class ElsewhereTests(PairCase):
    """
    A new document that only the absent member has.
    """

    nm_settings = NMSettings(handback_after=2.0)

    def setUp(self) -> None:
        super().setUp()
        self.settle()
        self.cluster.part("ss1_backup")
        self.get(self.alice.create("a.txt"))
        self.cluster.crash("ss1")
        self.cluster.join("ss1_backup")
        self.until("FAILED_OVER")

    def returned(self, path: str) -> None:
        """When it comes back the document is on both, so it may go away again."""
        self.cluster.start("ss1")
        self.settle()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.assertEqual(self.read(path), "")
        self.get(self.alice.append(path, "One."))

    def test_adopted(self) -> None:
        """It is adopted when that member returns."""
        self.returned("a.txt")

    def test_access(self) -> None:
        """Also when somebody was let in meanwhile."""
        self.get(self.alice.add_access("a.txt", "bob", "w"))
        self.returned("a.txt")
        self.assertEqual(self.get(self.bob.read("a.txt")), b"One.")

    def test_revoked(self) -> None:
        """Also when somebody was let in and no longer meanwhile."""
        self.get(self.alice.add_access("a.txt", "bob", "w"))
        self.get(self.alice.rem_access("a.txt", "bob"))
        self.returned("a.txt")
        self.refused(self.bob.read("a.txt"), Unauthorized)

    def test_moved(self) -> None:
        """Also when it was moved meanwhile."""
        self.get(self.alice.folders.move("a.txt", "b.txt"))
        self.returned("b.txt")
