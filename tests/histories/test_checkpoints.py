"""
Histories of checkpoints: what is kept, who sees it, and what is left of it when servers die.
"""

from __future__ import annotations

from dfs.errors import Exists, Locked, NotFound, Unauthorized
from dfs.wire.records import CheckpointLine
from tests.histories.pairs import PairCase

#: What is not text, and what a careless program changes.
ODD = b"\x00\x01\xff\r\n\tno  text\r"


class CheckpointCase(PairCase):
    """
    A document with one checkpoint, and words for what becomes of it.
    """

    def setUp(self) -> None:
        super().setUp()
        self.put("a.txt", "One.")
        self.keep("v1")
        self.put("a.txt", "Two.")

    def keep(self, tag: str, path: str = "a.txt") -> None:
        """Make a checkpoint."""
        self.get(self.alice.checkpoints.make(path, tag))

    def revert(self, tag: str) -> None:
        """Go back to one."""
        self.get(self.alice.checkpoints.revert("a.txt", tag))

    def view(self, tag: str, path: str = "a.txt") -> bytes:
        """What one holds."""
        return self.get(self.alice.checkpoints.read(path, tag))

    def lines(self, path: str = "a.txt") -> list[CheckpointLine]:
        """What there is."""
        return self.get(self.alice.checkpoints.lines(path))

    def tags(self) -> list[str]:
        """How they are called."""
        return [line.tag for line in self.lines()]


class HealthyTests(CheckpointCase):
    """
    Nobody dies.
    """

    def test_any_bytes(self) -> None:
        """H7: NUL, 0x01, 0xFF, CR and LF come back from a checkpoint byte for byte."""
        for content in (b"", ODD, ODD * 50_000):
            self.get(self.alice.put("b.txt", content))
            self.keep("odd", "b.txt")
            self.get(self.alice.put("b.txt", b"plain"))
            self.assertEqual(self.view("odd", "b.txt"), content)
            self.get(self.alice.checkpoints.revert("b.txt", "odd"))
            self.assertEqual(self.text("b.txt"), content)
            self.get(self.alice.checkpoints.delete("b.txt", "odd"))

    def test_new_document(self) -> None:
        """H9: a new document of the same name has no checkpoint of the old one."""
        self.get(self.alice.delete("a.txt"))
        self.get(self.bob.create("a.txt"))
        self.assertEqual(self.get(self.bob.checkpoints.lines("a.txt")), [])
        self.refused(self.bob.checkpoints.read("a.txt", "v1"), NotFound)

    def test_rights(self) -> None:
        """H10: grant, checkpoint, revoke, revert: still revoked."""
        self.get(self.alice.add_access("a.txt", "bob", "w"))
        self.get(self.bob.checkpoints.make("a.txt", "bobs"))
        self.get(self.alice.rem_access("a.txt", "bob"))
        self.revert("bobs")
        for refused in (
            self.bob.read("a.txt"),
            self.bob.checkpoints.lines("a.txt"),
            self.bob.checkpoints.read("a.txt", "bobs"),
            self.bob.checkpoints.revert("a.txt", "bobs"),
        ):
            self.refused(refused, Unauthorized)
        self.assertEqual(self.get(self.alice.info("a.txt")).index.grants, ())

    def test_locked(self) -> None:
        """REVERT waits for who edits: LOCKED, then it is made."""
        session = self.get(self.alice.write("a.txt", 0))
        self.refused(self.alice.checkpoints.revert("a.txt", "v1"), Locked)
        self.keep("v2")
        self.get(session.abort())
        self.revert("v1")
        self.assertEqual(self.read("a.txt"), "One.")

    def test_replicated(self) -> None:
        """Both disks have every checkpoint, and none that was deleted."""
        self.keep("v2")
        self.get(self.alice.checkpoints.delete("a.txt", "v1"))
        self.settle()
        self.equal()
        document = self.on("ss1_backup", "a.txt")
        assert document is not None
        self.assertEqual([one.tag for one in document.checkpoints], ["v2"])

    def test_thousand(self) -> None:
        """1,000 checkpoints of one document are listed, copied, and there after a failover."""
        self.cluster.crash("ss1_backup")  # one copy of all of them takes less time
        for number in range(999):
            self.keep(f"{number:04}{'t' * 60}")
        self.cluster.start("ss1_backup")
        self.assertEqual(len(self.lines()), 1_000)
        self.assertEqual(self.get(self.alice.info("a.txt")).index.checkpoints, 1_000)
        self.settle()
        self.equal()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.assertEqual(len(self.lines()), 1_000)


class FailoverTests(CheckpointCase):
    """
    The primary dies.
    """

    def test_there(self) -> None:
        """H28: checkpoint, then failover: it is there, with its text, and so after the return."""
        self.settle()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.assertEqual((self.tags(), self.view("v1")), (["v1"], b"One."))
        self.refused(self.alice.checkpoints.make("a.txt", "v1"), Exists)
        self.keep("v2")
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual((self.tags(), self.view("v2")), (["v1", "v2"], b"Two."))

    def test_reverted(self) -> None:
        """H28: reverted, then failover: reverted; undone there, then handback: undone."""
        self.revert("v1")
        self.settle()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.assertEqual(self.read("a.txt"), "One.")
        self.get(self.alice.undo("a.txt"))
        self.cluster.start("ss1")
        self.settle()
        self.assertEqual((self.read("a.txt"), self.tags()), ("Two.", ["v1"]))

    def test_deleted(self) -> None:
        """A checkpoint that was deleted during an outage stays deleted."""
        self.settle()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.get(self.alice.checkpoints.delete("a.txt", "v1"))
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual(self.tags(), [])

    def test_restarts(self) -> None:
        """Checkpoints are there after every server was started again."""
        self.settle()
        for name in ("ss1_backup", "ss1"):
            self.restart(name)
            self.settle()
        self.restart_nm()
        self.settle()
        self.assertEqual((self.tags(), self.view("v1")), (["v1"], b"One."))
        self.assertEqual(self.get(self.alice.info("a.txt")).index.checkpoints, 1)

    def lose(self) -> None:
        """The primary has a checkpoint and a text that nobody hears of, and crashes."""
        self.settle()
        self.cluster.part("ss1", "nm")
        self.get(self.alice.append("a.txt", " Lost."))
        self.keep("lost")
        self.cluster.advance(0.5)
        self.cluster.crash("ss1")
        self.cluster.join("ss1", "nm")
        self.until("FAILED_OVER")

    def test_adopted(self) -> None:
        """H24: a checkpoint that nobody heard of is adopted when its server returns."""
        self.lose()
        self.assertEqual(self.tags(), ["v1"])
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual((self.tags(), self.view("lost")), (["lost", "v1"], b"Two. Lost."))

    def test_conflict(self) -> None:
        """H24: what lost is a checkpoint that is listed, shown, reverted to and deleted."""
        self.lose()
        self.get(self.alice.append("a.txt", " Won."))
        self.cluster.start("ss1")
        self.settle()
        [conflict] = [line for line in self.lines() if line.conflict]
        self.assertEqual(set(self.tags()), {conflict.tag, "lost", "v1"})
        self.assertTrue(conflict.tag.startswith("conflict-ss1-"))
        self.assertEqual(self.view(conflict.tag), b"Two. Lost.")
        self.revert(conflict.tag)
        self.assertEqual(self.read("a.txt"), "Two. Lost.")
        info = self.get(self.alice.info("a.txt"))
        self.assertEqual((info.index.checkpoints, info.index.conflicts), (3, 1))
        self.get(self.alice.checkpoints.delete("a.txt", conflict.tag))
        info = self.get(self.alice.info("a.txt"))
        self.assertEqual((info.index.checkpoints, info.index.conflicts), (2, 0))
        self.assertEqual(self.line_of("ss1").conflicts, 0)
        self.get(self.alice.undo("a.txt"))
        self.assertEqual(self.read("a.txt"), "Two. Won.")
