"""MOVE at the name server."""

from __future__ import annotations

from dfs.errors import (
    Exists,
    Invalid,
    NotFound,
    Unauthorized,
    Unavailable,
)
from dfs.wire.client import Connection
from dfs.wire.messages import (
    AddAccess,
    Create,
    CreateFolder,
    Delete,
    DeleteFolder,
    GetInfo,
    Move,
    PutMetadata,
)
from tests.nm.arranging import ArrangementCase


class MoveTests(ArrangementCase):
    """
    Documents and folders stand elsewhere.
    """

    def moved(self, path: str, target: str, who: Connection | None = None) -> str:
        """Where it stands afterwards."""
        return self.ask(who or self.alice, Move(path, target)).path

    def test_targets(self) -> None:
        """H8: into a folder with and without a slash, between folders, to the root, renamed."""
        self.ask(self.alice, Create("a.txt"))
        self.ask(self.alice, CreateFolder("one"))
        for target, path in (
            ("one", "one/a.txt"),
            ("/", "a.txt"),
            ("one/", "one/a.txt"),
            ("two/", "two/a.txt"),
            ("three/b.txt", "three/b.txt"),
            ("/one/", "one/b.txt"),
            ("b.txt", "b.txt"),
        ):
            before = self.folder("/", deep=True)
            source = next(path for path in before if path.endswith(".txt"))
            self.assertEqual(self.moved(source, target), path)
            self.assertEqual(self.ask(self.alice, GetInfo(path)).path, path)
            self.refused(NotFound, self.alice, GetInfo(source))
        self.again()
        self.assertEqual(self.everything(), ["b.txt", "one/", "three/", "two/"])

    def test_document(self) -> None:
        """A document keeps its id and access list, and its storage server is told."""
        made = self.ask(self.alice, Create("a.txt"))
        self.ask(self.alice, AddAccess("a.txt", "bob", "w"))
        self.moved("a.txt", "b/c.txt")
        order = [one for one in self.ss1.orders if isinstance(one, PutMetadata)][-1]
        self.assertEqual((order.id, order.name, order.number), (made.id, "c.txt", 3))
        self.assertEqual((order.named, order.grants), (3, ("w:bob",)))
        self.assertEqual(self.ask(self.bob, GetInfo("b/c.txt")).id, made.id)
        self.again()
        info = self.ask(self.bob, GetInfo("b/c.txt"))
        self.assertEqual((info.id, info.owner, info.grants), (made.id, "alice", ("w:bob",)))

    def test_folder(self) -> None:
        """A folder is moved with everything, by one record, and no document changes."""
        for number in range(20):
            self.ask(self.bob, Create(f"a/b/{number}"))
        self.ask(self.alice, CreateFolder("x"))
        self.refused(Unauthorized, self.alice, Move("a/b", "x"), "belongs to bob")
        documents, orders = dict(self.disk.documents), len(self.ss1.orders)
        self.assertEqual(self.moved("a/b/", "x", self.bob), "x/b")
        self.assertEqual(self.disk.documents, documents)
        self.assertEqual(self.ss1.orders[orders:], [])
        self.ask(self.bob, GetInfo("x/b/7"))
        self.again()
        self.assertEqual(self.everything()[:4], ["a/", "x/", "x/b/", "x/b/0"])

    def test_refused(self) -> None:
        """Nothing is overwritten, and what makes no sense is refused without a trace."""
        for path in ("a/b/c", "d", "e/b"):
            self.ask(self.alice, Create(path))
        before = self.everything()
        for path, target, error in (
            ("d", "a/b/c", Exists),
            ("d", "d", Exists),
            ("d", "a/b/c/x", Exists),
            ("a/b", "e", Exists),
            ("a/b", "d", Exists),
            ("a", "a", Invalid),
            ("a", "a/b/", Invalid),
            ("a", "a/b/x/y", Invalid),
            ("nothing", "x", NotFound),
            ("a/nothing", "x", NotFound),
            ("d/x", "y", NotFound),
            ("/", "a", Invalid),
            ("d", "../x", Invalid),
            ("d", "", Exists),
        ):
            self.refused(error, self.alice, Move(path, target))
            self.assertEqual(self.everything(), before, (path, target))
        self.refused(Unauthorized, self.bob, Move("d", "x"))
        self.refused(Unauthorized, self.bob, Move("a", "new/x"))
        self.assertEqual(self.everything(), before)

    def test_writers_may_not(self) -> None:
        """Who may write a document may not move it."""
        self.ask(self.alice, Create("a"))
        self.ask(self.alice, AddAccess("a", "bob", "w"))
        self.refused(Unauthorized, self.bob, Move("a", "b"), "only its owner")

    def test_too_long(self) -> None:
        """A folder is not moved to where something in it would have no legal path."""
        part = "x" * 250
        self.ask(self.alice, Create("/".join(["a", part, part, part, "end"])))
        self.ask(self.alice, CreateFolder("b" * 200))
        self.refused(Invalid, self.alice, Move("a", f"{'b' * 255}/{'c' * 100}"), "1024 bytes")
        self.assertEqual(self.moved("a", "b" * 200), "b" * 200 + "/a")
        self.ask(self.alice, Delete("/".join(["b" * 200, "a", part, part, part, "end"])))
        self.refused(Invalid, self.alice, Move("b" * 200, f"{'c' * 255}/{'d' * 100}"), "1024 bytes")
        self.removed(self.alice, DeleteFolder("/".join(["b" * 200, "a", part, part, part])))
        self.moved("b" * 200, f"{'c' * 255}/{'d' * 100}")

    def test_reserved(self) -> None:
        """While a move is written down nobody else takes the new name, or the old one."""
        self.ask(self.alice, Create("a"))
        self.holding = True
        moved = self.said(self.alice, Move("a", "x/b"))
        self.wait(1)
        others = [self.said(self.bob, Create(path)) for path in ("x/b", "x/b/c", "a")]
        self.wait(1)
        self.assertEqual(self.everything(), ["a"])
        self.release()
        self.wait(1)
        self.assertEqual(len(moved), 1)
        self.assertEqual(self.everything(), ["a", "x/", "x/b"])
        [taken], [below], _ = others
        for failure in (taken, below):
            self.assertIsInstance(getattr(failure, "value", None), Exists)
        self.assertEqual(self.ask(self.bob, GetInfo("a")).owner, "bob")

    def test_failed(self) -> None:
        """A move that the journal refuses did not happen, and is possible later."""
        for path in ("a", "f/g"):
            self.ask(self.alice, Create(path))
        self.disk.trouble = "disk full"
        self.refused(Unavailable, self.alice, Move("a", "x/y"))
        self.refused(Unavailable, self.alice, Move("f", "x/"))
        self.disk.trouble = ""
        self.assertEqual(self.everything(), ["a", "f/", "f/g"])
        self.assertEqual(self.moved("f", "x/"), "x/f")
        self.assertEqual(self.moved("a", "x/y"), "x/y")

    def test_into_each_other(self) -> None:
        """Two folders that are moved into each other at once: one is, the other is refused."""
        for path in ("a", "b"):
            self.ask(self.alice, CreateFolder(path))
        self.holding = True
        answers = [
            self.said(self.alice, Move(one, other)) for one, other in (("a", "b"), ("b", "a"))
        ]
        self.wait(1)
        self.release()
        self.wait(1)
        self.assertEqual(self.everything(), ["b/", "b/a/"])
        self.assertEqual([len(one) for one in answers], [1, 1])

    def test_made_meanwhile(self) -> None:
        """What is made in a folder while that is moved is in the folder, wherever it is."""
        self.ask(self.alice, CreateFolder("a"))
        self.holding = True
        self.said(self.alice, Create("a/one"))
        self.said(self.alice, Move("a", "b"))
        self.said(self.alice, Create("a/two"))
        self.wait(1)
        self.release()
        self.wait(1)
        self.assertEqual(self.everything(), ["b/", "b/one", "b/two"])
        self.again()
        self.assertEqual(self.everything(), ["b/", "b/one", "b/two"])
