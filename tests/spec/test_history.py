"""History of the specification, as tables."""

from __future__ import annotations

from typing import ClassVar

from dfs.errors import (
    DFSError,
)
from dfs.ss.service import Settings
from tests.spec.people import PeopleCase


class HistoryTests(PeopleCase):
    """UNDO and REDO."""

    def test_depth(self) -> None:
        """Sixteen changes can be taken back, one by one; then there is nothing to undo."""
        self.run_(self.alice.create("a.txt"))
        for number in range(20):
            self.run_(self.alice.append("a.txt", f"{number} "))
        seen = []
        for _ in range(16):
            self.run_(self.alice.undo("a.txt"))
            seen.append(len(self.read("a.txt").split()))
        self.assertEqual(seen, list(range(19, 3, -1)))
        self.assertIn("Nothing to undo", self.refused(self.alice.undo("a.txt"), DFSError))
        self.assertEqual(self.read("a.txt"), b"0 1 2 3 ")

    def test_new_document(self) -> None:
        """A document to which nothing happened has nothing to undo or redo."""
        self.run_(self.alice.create("a.txt"))
        self.assertIn("Nothing to undo", self.refused(self.alice.undo("a.txt"), DFSError))
        self.assertIn("Nothing to redo", self.refused(self.alice.redo("a.txt"), DFSError))

    def test_redo(self) -> None:
        """REDO goes forward as far as UNDO went back, until the next change."""
        for text in (b"1", b"2", b"3", b"4"):
            self.put("a.txt", text)
        for _ in range(3):
            self.run_(self.alice.undo("a.txt"))
        for expected in (b"2", b"3"):
            self.run_(self.alice.redo("a.txt"))
            self.assertEqual(self.read("a.txt"), expected)
        self.put("a.txt", b"new")
        self.assertIn("Nothing to redo", self.refused(self.alice.redo("a.txt"), DFSError))
        for expected in (b"3", b"2", b"1"):
            self.run_(self.alice.undo("a.txt"))
            self.assertEqual(self.read("a.txt"), expected)

    def test_whoever_made_it(self) -> None:
        """UNDO takes back the last change of the document, whoever made it."""
        self.shared("a.txt", b"first", writers=["bob"])
        self.put("a.txt", b"of alice")
        self.run_(self.bob.undo("a.txt"))
        self.assertEqual(self.read("a.txt"), b"first")
        self.run_(self.alice.redo("a.txt"))
        self.assertEqual(self.read("a.txt"), b"of alice")

    def test_every_change(self) -> None:
        """WRITE, PUT and APPEND are one change each; granting and reading are none."""
        self.put("a.txt", b"a.")
        self.write("a.txt", 0, (0, "b. c"), (0, "d"))
        self.run_(self.alice.append("a.txt", "e"))
        self.run_(self.alice.add_access("a.txt", "bob", "w"))
        self.read("a.txt", self.bob)
        seen = []
        for _ in range(2):
            self.run_(self.alice.undo("a.txt"))
            seen.append(self.read("a.txt"))
        self.assertEqual(seen, [b"d b. c a.", b"a."])
        self.assertEqual(self.read("a.txt", self.bob), b"a.")

    def test_after_a_restart(self) -> None:
        """What can be undone and redone survives the storage server."""
        for text in (b"1", b"2", b"3"):
            self.put("a.txt", text)
        self.run_(self.alice.undo("a.txt"))
        self.cluster.stop("ss1")
        self.cluster.start("ss1")
        self.cluster.advance(1.0)
        self.run_(self.alice.redo("a.txt"))
        self.assertEqual(self.read("a.txt"), b"3")
        self.run_(self.alice.undo("a.txt"))
        self.run_(self.alice.undo("a.txt"))
        self.assertEqual(self.read("a.txt"), b"1")


class ShortHistoryTests(PeopleCase):
    """The configured depth."""

    settings: ClassVar[Settings] = Settings(undo_depth=2)

    def test_depth(self) -> None:
        """With a depth of two, two changes can be taken back."""
        for text in (b"1", b"2", b"3", b"4"):
            self.put("a.txt", text)
        for expected in ("OK", "OK"):
            self.assertEqual(self.code(self.alice.undo("a.txt")), expected)
        self.assertIn("Nothing to undo", self.refused(self.alice.undo("a.txt"), DFSError))
        self.assertEqual(self.read("a.txt"), b"2")
