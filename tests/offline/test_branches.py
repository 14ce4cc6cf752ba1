"""The tree of names that stores still know: all stand somewhere, under names of their own."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.folders import FolderRecord
from dfs.nm.index import Index
from dfs.nm.kept import Stored
from dfs.offline.branches import Tree, united
from dfs.offline.remains import NUMBERS
from tests.nm.documents import PAIR, document


def folder(number: int, name: str, parent: int = 0, at: int = 0, gone: float = 0.0) -> FolderRecord:
    """A folder; its number is that of the decision unless it is given."""
    return FolderRecord(number, parent, name, "carol", 1.0, at or number, gone)


def within(number: int, name: str, parent: int, created: float = 5.0) -> Stored:
    """A document in a folder."""
    return evolve(document(number, name), folder=parent, created=created)


class TreeCase(SynchronousTestCase):
    """
    Folders and documents, and the paths that come of them.
    """

    def paths(self, folders: list[FolderRecord], *documents: Stored) -> dict[int, str]:
        """
        The path of each document, by id; a name server accepts them all.
        """
        self.tree = Tree(united([{one.id: one for one in folders}]))
        self.settled = self.tree.settle(list(documents))
        index = Index()
        live = [one for one in self.tree.folders.values() if not one.gone]
        index.load([PAIR], self.settled, (), live)
        self.assertEqual(len(self.settled), len(documents))
        numbers = [one.number for one in self.tree.folders.values()]
        self.assertEqual(len(set(numbers)), len(numbers), "each decision has a number of its own")
        return {entry.id: entry.path for entry in index.entries()}


class TreeTests(TreeCase):
    """
    One tree at a time.
    """

    def test_united(self) -> None:
        """Of each folder the newest decision counts, whichever store has it."""
        old, new = folder(1, "old", at=1), folder(1, "new", at=3)
        only, gone = folder(2, "only", at=2), folder(4, "gone", at=4, gone=9.0)
        for stores in (
            [{1: old, 2: only}, {1: new, 4: gone}],
            [{1: new}, {1: old, 2: only, 4: gone}],
        ):
            self.assertEqual(united(stores), {1: new, 2: only, 4: gone})

    def test_as_it_was(self) -> None:
        """What contradicts nothing is left as it is."""
        folders = [folder(1, "a"), folder(2, "b", 1), folder(3, "gone", 1, gone=9.0)]
        found = self.paths(folders, within(7, "x", 2), within(8, "x", 1), within(9, "x", 0))
        self.assertEqual(found, {7: "a/b/x", 8: "a/x", 9: "x"})
        self.assertEqual(self.tree.said, [])
        self.assertEqual(self.settled[0], within(7, "x", 2))

    def test_numbers_go_on(self) -> None:
        """The newest decision is made again, far above all; the next one is higher still."""
        self.paths([folder(1, "a", at=5), folder(2, "b", at=9)])
        self.assertEqual(self.tree.folders[1].number, 5)
        self.assertEqual(self.tree.folders[2], folder(2, "b", at=9 + NUMBERS))
        self.assertEqual(Tree({}).folders, {})

    def test_unknown_folder(self) -> None:
        """Documents whose folder no store knows, or which is gone, stand in one that says so."""
        found = self.paths(
            [folder(1, "gone", gone=9.0)],
            within(7, "x", 0xAB),
            within(8, "y", 0xAB),
            within(9, "z", 1),
        )
        self.assertEqual(
            found,
            {
                7: "lost-folder-00000000000000ab/x",
                8: "lost-folder-00000000000000ab/y",
                9: "lost-folder-0000000000000001/z",
            },
        )
        self.assertEqual(len(self.tree.said), 2)

    def test_folders_that_stand_nowhere(self) -> None:
        """Folders in unknown ones, or in themselves, are brought to the root with all in them."""
        found = self.paths(
            [folder(1, "a", 0xAB), folder(2, "b", 1), folder(3, "c", 4), folder(4, "d", 3)],
            within(7, "x", 2),
            within(8, "y", 4),
            within(9, "z", 3),
        )
        self.assertEqual(
            found,
            {
                7: "a.lost-folder-0000000000000001/b/x",
                8: "c.lost-folder-0000000000000003/d/y",
                9: "c.lost-folder-0000000000000003/z",
            },
        )

    def test_two_documents_with_one_name(self) -> None:
        """The one that was made last keeps the name; the other one is beside it, and is told."""
        for first, last in ((7, 8), (8, 7)):
            found = self.paths([], within(first, "x", 0, 5.0), within(last, "x", 0, 6.0))
            self.assertEqual(found, {last: "x", first: f"x.rebuilt-{first:016x}"})
            [moved] = [one for one in self.settled if one.id == first]
            self.assertEqual((moved.number, moved.named), (8, 8))
            self.assertIn("'x'", self.tree.said[0])

    def test_document_and_folder(self) -> None:
        """Of a document and a folder the folder keeps the name, with what stands in it."""
        found = self.paths([folder(1, "x")], within(7, "x", 0), within(8, "y", 1))
        self.assertEqual(found, {7: "x.rebuilt-0000000000000007", 8: "x/y"})

    def test_two_folders(self) -> None:
        """Of two folders the one that was decided last keeps the name."""
        found = self.paths([folder(1, "x"), folder(2, "x")], within(7, "a", 1), within(8, "b", 2))
        self.assertEqual(found, {7: "x.rebuilt-0000000000000001/a", 8: "x/b"})

    def test_long_names(self) -> None:
        """A name that has to be changed stays a name, however long it is."""
        long = "ü" * 127
        found = self.paths([], within(7, long, 0, 5.0), within(8, long, 0, 6.0))
        self.assertLessEqual(len(found[7].encode()), 255)
        self.assertTrue(found[7].endswith(f".rebuilt-{7:016x}"))
