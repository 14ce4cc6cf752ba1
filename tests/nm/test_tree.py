"""Folders come and stay, are listed, and storage servers know them."""

from __future__ import annotations

from attrs import evolve

from dfs.errors import (
    Exists,
    NotFound,
    Unauthorized,
    Unavailable,
)
from dfs.wire import branches
from dfs.wire.messages import (
    AddAccess,
    Create,
    CreateFolder,
    Delete,
    DeleteFolder,
    GetInfo,
    Move,
    View,
    ViewFolder,
)
from tests.nm.arranging import ArrangementCase


class FolderTests(ArrangementCase):
    """
    Folders come, stay and go.
    """

    def test_made(self) -> None:
        """A folder is there until it is deleted, empty or not, after a restart too."""
        made = self.ask(self.alice, CreateFolder("a/b/"))
        self.assertRegex(made.id, "^[0-7][0-9a-f]{15}$")
        self.assertEqual(self.everything(), ["a/", "a/b/"])
        self.again()
        self.assertEqual(self.everything(), ["a/", "a/b/"])
        self.assertEqual(self.ask(self.alice, CreateFolder("/a/b", existing=True)).id, made.id)
        self.refused(Exists, self.bob, CreateFolder("a/b"), "'a/b' is a folder")
        self.refused(Exists, self.bob, CreateFolder("/"), "root")

    def test_made_with_a_document(self) -> None:
        """A document makes the folders that it stands in, and they stay when it goes."""
        self.ask(self.bob, Create("a/b/c.txt"))
        self.ask(self.bob, Delete("a/b/c.txt"))
        self.again()
        self.assertEqual(self.everything(), ["a/", "a/b/"])
        self.refused(Unauthorized, self.alice, DeleteFolder("a/b"), "belongs to bob")
        self.assertEqual(self.removed(self.bob, DeleteFolder("a/b")), [])
        self.assertEqual(self.everything(), ["a/"])

    def test_one_name(self) -> None:
        """A name is a document or a folder, never both."""
        self.ask(self.alice, Create("a"))
        self.refused(Exists, self.alice, CreateFolder("a"), "exists already")
        self.refused(Exists, self.alice, CreateFolder("a/b"), "'a' is a document")
        self.refused(Exists, self.alice, Create("a/b"), "'a' is a document")
        self.ask(self.alice, CreateFolder("b"))
        self.refused(Exists, self.alice, Create("b"), "is a folder")
        self.refused(NotFound, self.alice, GetInfo("b"), "is a folder")
        self.refused(NotFound, self.alice, Delete("b"), "is a folder")

    def test_nothing_left(self) -> None:
        """What could not be kept leaves no folder behind, and no name taken."""
        self.disk.trouble = "disk full"
        self.refused(Unavailable, self.alice, CreateFolder("x/y"))
        self.refused(Unavailable, self.alice, Create("x/y"))
        self.disk.trouble = ""
        self.wait(6)
        self.assertEqual(self.everything(), [])
        self.ask(self.bob, Create("x"))

    def test_not_shown_early(self) -> None:
        """Nothing is shown that the journal does not know."""
        self.holding = True
        answers = self.said(self.alice, CreateFolder("a/b"))
        self.wait(1)
        self.assertEqual(self.everything(), [])
        self.assertEqual(answers, [])
        self.release()
        self.assertEqual(self.everything(), ["a/", "a/b/"])
        self.assertEqual(len(answers), 1)

    def test_two_at_once(self) -> None:
        """Two who make the same folder at once get one, each may fill it."""
        self.holding = True
        for who, name in ((self.alice, "a/b/1"), (self.bob, "a/b/2"), (self.bob, "a/c")):
            self.said(who, Create(name))
        self.wait(1)
        self.release()
        self.wait(1)
        self.assertEqual(self.everything(), ["a/", "a/b/", "a/b/1", "a/b/2", "a/c"])
        self.again()
        self.assertEqual(self.everything(), ["a/", "a/b/", "a/b/1", "a/b/2", "a/c"])


class ViewFolderTests(ArrangementCase):
    """
    What stands in a folder, and who sees it.
    """

    def test_rights(self) -> None:
        """H62: documents are listed for those who may read them; folders, for everybody."""
        for path in ("a/b/mine", "a/open"):
            self.ask(self.alice, Create(path))
        self.ask(self.alice, AddAccess("a/open", "bob", "r"))
        self.assertEqual(self.folder("a", self.bob), ["a/b/", "a/open"])
        self.assertEqual(self.folder("a/b", self.bob), [])
        self.assertEqual(self.folder("/", self.bob, deep=True), ["a/", "a/b/", "a/open"])
        [line] = self.items(self.bob, ViewFolder("a/b", all=True))
        self.assertEqual((line.path, line.right, line.server), ("a/b/mine", "-", ""))

    def test_one(self) -> None:
        """A document shows itself, to who may read it; a folder does if asked for that."""
        self.ask(self.alice, Create("a/b"))
        self.assertEqual(self.folder("a/b"), ["a/b"])
        self.refused(Unauthorized, self.bob, ViewFolder("a/b"))
        self.assertEqual(self.folder("a", itself=True), ["a/"])
        self.refused(NotFound, self.bob, ViewFolder("b"), "there is no document 'b'")

    def test_many(self) -> None:
        """H42: all of 10,000 entries are listed, in order, and others are answered meanwhile."""
        names = [f"{number:05}" for number in range(10_000)]
        folder = self.ask(self.alice, CreateFolder("many"))
        entries = self.nm.index
        self.ask(self.alice, Create("many/x"))
        one = entries.document("many/x").stored()
        for number, name in enumerate(names, 1_000):
            entries.add(evolve(one, id=number, name=name, folder=int(folder.id, 16))).live = True
        self.assertEqual(self.folder("many"), [f"many/{name}" for name in [*names, "x"]])


class TellingTests(ArrangementCase):
    """
    Storage servers know the folders.
    """

    def told(self, since: int = 0) -> list[tuple[str, str, bool]]:
        """Name, owner and end of what the storage server was told, in order."""
        self.wait(1)
        found = []
        for _, body in self.ss1.folders[since:]:
            found += [(one.name, one.owner, bool(one.gone)) for one in branches.read(body)]
        return found

    def test_told(self) -> None:
        """Each decision about a folder reaches the storage server, in order."""
        self.ask(self.alice, Create("a/b/c"))
        self.ask(self.alice, Move("a/b", "d"))
        self.ask(self.alice, Delete("d/c"))
        self.removed(self.alice, DeleteFolder("d"))
        self.assertEqual(
            self.told(),
            [
                ("a", "alice", False),
                ("b", "alice", False),
                ("d", "alice", False),
                ("d", "alice", True),
            ],
        )

    def test_away(self) -> None:
        """A storage server that comes back is told what it lacks, and only that."""
        self.ask(self.alice, CreateFolder("a"))
        self.ask(self.alice, CreateFolder("b"))
        self.wait(1)
        number = self.disk.folders[max(self.disk.folders, key=self._number)].number
        self.ss1.goodbye()
        self.ask(self.alice, CreateFolder("c"))
        self.removed(self.alice, DeleteFolder("a"))
        since = len(self.ss1.folders)
        self.ss1.register(cluster_id=self.disk.cluster_id, folders=number)
        self.assertEqual(self.told(since), [("c", "alice", False), ("a", "alice", True)])

    def _number(self, folder_id: int) -> int:
        return self.disk.folders[folder_id].number

    def test_empty_store(self) -> None:
        """A new storage server is told of every folder there is, in messages of a bounded size."""
        names = [f"{number:04}-{'ü' * 100}" for number in range(1_000)]
        for name in names:
            self.ask(self.alice, CreateFolder(name))
        self.wait(1)
        self.ss1.goodbye()
        since = len(self.ss1.folders)
        self.ss1.register(cluster_id=self.disk.cluster_id, folders=0)
        self.assertEqual([name for name, _, _ in self.told(since)], names)
        for _, body in self.ss1.folders[since:]:
            self.assertLessEqual(len(body), branches.MOST_BYTES)

    def test_numbers(self) -> None:
        """No number is given twice, though the end of a folder is forgotten after 30 days."""
        self.ask(self.alice, CreateFolder("a"))
        self.removed(self.alice, DeleteFolder("a"))
        self.calendar += 31 * 24 * 3600
        self.again()
        self.ask(self.alice, CreateFolder("b"))
        self.calendar += 31 * 24 * 3600
        self.again()
        self.wait(1)
        self.assertEqual([(one.name, one.number) for one in self.disk.folders.values()], [("b", 3)])
        self.assertEqual([line.path for line in self.items(self.alice, View())], [])
