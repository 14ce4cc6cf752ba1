"""
The tree of names.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.folders import FolderRecord, path_of
from dfs.core.namespace import Folder, Leaf, Namespace
from dfs.errors import Busy, Exists, NotFound


class Document(Leaf):
    """Something that has a name."""


def new(names: Namespace[Document], name: str, above: Folder) -> Folder:
    """A folder, written down at once."""
    number = len(names.folders)
    return Folder(name, above, number, "alice", 1.0, number)


def add(names: Namespace[Document], path: str) -> None:
    """Put a document at a path, in folders made as needed."""
    folder, name = names.open(path, lambda part, above: new(names, part, above))
    names.add(folder, name, Document("", None))


def tree(*paths: str) -> Namespace[Document]:
    """Documents at these paths."""
    names: Namespace[Document] = Namespace()
    for path in paths:
        add(names, path)
    return names


def leaf(names: Namespace[Document], path: str) -> Document:
    """The document at a path."""
    found = names.find(path)
    assert isinstance(found, Document)
    return found


def walked(names: Namespace[Document], start: Folder | None = None) -> list[str]:
    """Paths in the order in which they are walked."""
    return [one.path for one in names.walk(start)]


part = st.sampled_from(["a", "b", "c", "a-b", "B", "\u00e9", "|", "x=y", "c,d", " z".strip()])
paths = st.lists(part, min_size=1, max_size=4).map("/".join)


class NamespaceTests(SynchronousTestCase):
    """
    Names that are taken, found and walked.
    """

    def test_find(self) -> None:
        """What stands at a path is found there, folders too, and nothing elsewhere."""
        names = tree("a", "b/c/d")
        self.assertEqual(leaf(names, "b/c/d").path, "b/c/d")
        self.assertEqual(leaf(names, "a").path, "a")
        folder = names.find("b/c")
        assert isinstance(folder, Folder)
        self.assertEqual(folder.path, "b/c")
        for path in ("b/d", "a/b", "b/c/d/e", "c", "x/y"):
            self.assertIsNone(names.find(path), path)

    def test_taken(self) -> None:
        """A name is a document or a folder, never both, and the refusal says which."""
        names = tree("a", "b/c")
        for path, reason in (
            ("a", "exists already"),
            ("b", "is a folder"),
            ("a/x", "'a' is a document"),
            ("a/x/y", "'a' is a document"),
            ("b/c/d", "'b/c' is a document"),
        ):
            with self.assertRaisesRegex(Exists, reason):
                add(names, path)
        self.assertEqual(walked(names), ["a", "b/c"])

    def test_refused_adds_nothing(self) -> None:
        """A refused document leaves no folder behind."""
        names = tree("a/b")
        self.assertRaises(Exists, add, names, "a/b/c/d")
        self.assertEqual(walked(names), ["a/b"])

    def test_empty_folders_stay(self) -> None:
        """A folder stays when its last document goes, until it is removed itself."""
        names = tree("a/b/c")
        names.remove(leaf(names, "a/b/c"))
        self.assertEqual(names.folder("a/b").children, {})
        names.remove_folder(names.folder("a/b"))
        self.assertRaises(NotFound, names.folder, "a/b")
        self.assertEqual(names.folder("a").path, "a")

    def test_name_free_again(self) -> None:
        """A removed name can be taken, by a folder too."""
        names = tree("a", "b")
        names.remove(leaf(names, "a"))
        add(names, "a/x")
        self.assertEqual(walked(names), ["a/x", "b"])

    def test_reserved(self) -> None:
        """A name that is reserved is taken, stands for nothing, and is not walked."""
        names = tree("a/b")
        names.add(names.folder("a"), "c", Leaf("", None))
        self.assertRaises(Exists, add, names, "a/c")
        self.assertRaises(Exists, add, names, "a/c/d")
        self.assertRaises(NotFound, names.folder, "a/c")
        self.assertEqual(walked(names), ["a/b"])

    def test_going(self) -> None:
        """Nothing is put into a folder that is being deleted."""
        names = tree("a/b/c")
        names.folder("a/b").going = True
        self.assertRaises(Busy, add, names, "a/b/d")
        self.assertRaises(Busy, add, names, "a/b/d/e")
        add(names, "a/d")

    def test_move(self) -> None:
        """A folder is moved with all that is in it, and a document alone."""
        names = tree("a/b/c", "a/b/d/e", "f/g")
        names.move(names.folder("a/b"), names.folder("f"), "h")
        self.assertEqual(walked(names), ["f/g", "f/h/c", "f/h/d/e"])
        names.move(leaf(names, "f/h/d/e"), names.root, "b")
        self.assertEqual(walked(names), ["b", "f/g", "f/h/c"])
        self.assertEqual(names.folder("a").children, {})

    def test_tree(self) -> None:
        """A folder is listed with what stands in it, or with everything below, folders first."""
        names = tree("a/b/c", "a/d", "e")
        for start, deep, expected in (
            ("", False, ["a", "e"]),
            ("a", False, ["a/b", "a/d"]),
            ("", True, ["a", "a/b", "a/b/c", "a/d", "e"]),
            ("a/b", True, ["a/b/c"]),
        ):
            found = [one.path for one in names.tree(names.folder(start), deep=deep)]
            self.assertEqual(found, expected, (start, deep))

    def test_reach(self) -> None:
        """It is known how long the longest path below a folder is, in bytes."""
        names = tree("a/b/c", "a/d\u00fcd")
        self.assertEqual([names.root.reach, names.folder("a").reach], [6, 4])
        add(names, "a/b/long-name")
        self.assertEqual([names.root.reach, names.folder("a/b").reach], [13, 9])
        names.remove(leaf(names, "a/b/long-name"))
        self.assertEqual(names.root.reach, 13, "it may be too high")
        self.assertEqual(names.root.measure(), 6)
        self.assertEqual(names.folder("a/b").reach, 1)

    def test_walk_below(self) -> None:
        """A walk may begin at a folder."""
        names = tree("a", "b/c", "b/d/e", "f")
        folder = names.find("b")
        assert isinstance(folder, Folder)
        self.assertEqual(walked(names, folder), ["b/c", "b/d/e"])

    def test_many(self) -> None:
        """H42: every one of 10,000 entries is walked once, in order."""
        paths = [f"f{number % 3}/n{number:05}" for number in range(10_000)]
        self.assertEqual(walked(tree(*reversed(paths))), sorted(paths))

    def test_changes_while_walking(self) -> None:
        """What was there all the time is walked exactly once, whatever comes and goes."""
        names = tree(*(f"n{number:04}" for number in range(2_000)))
        seen = []
        for step, one in enumerate(names.walk()):
            seen.append(one.path)
            if step < 500:
                add(names, f"a{step:04}")
                names.remove(leaf(names, f"n{1999 - step:04}"))
        self.assertEqual(seen, [f"n{number:04}" for number in range(1_500)])

    def test_folder_emptied_while_walking(self) -> None:
        """A folder that is emptied under a walker ends its part of the walk."""
        names = tree("a/b", "a/c", "d")
        walk = names.walk()
        self.assertEqual(next(walk).path, "a/b")
        names.remove(leaf(names, "a/b"))
        names.remove(leaf(names, "a/c"))
        self.assertEqual([one.path for one in walk], ["d"])

    @given(st.lists(paths, max_size=20), st.data())
    def test_model(self, wanted: list[str], data: st.DataObject) -> None:
        """Whatever is added and removed: the walk shows it, sorted part by part."""
        names: Namespace[Document] = Namespace()
        there: set[str] = set()
        for path in wanted:
            try:
                add(names, path)
                there.add(path)
            except Exists:
                self.assertIsNotNone(names.find(path.split("/")[0]))
            removes: bool = data.draw(st.booleans())
            if there and removes:
                gone = data.draw(st.sampled_from(sorted(there)))
                names.remove(leaf(names, gone))
                there.remove(gone)
            if data.draw(st.booleans()):
                names.settle()
        self.assertEqual(walked(names), sorted(there, key=lambda path: path.split("/")))


class LoadTests(SynchronousTestCase):
    """
    Folders that were kept.
    """

    @staticmethod
    def record(number: int, parent: int, name: str) -> FolderRecord:
        """A folder whose id is its number."""
        return FolderRecord(number, parent, name, "alice", 1.0, number)

    def test_any_order(self) -> None:
        """Folders are found again whatever order they come in."""
        names: Namespace[Document] = Namespace()
        names.load([self.record(3, 2, "c"), self.record(2, 1, "b"), self.record(1, 0, "a")])
        found = names.folder("a/b/c")
        self.assertEqual(found.record(found.number), self.record(3, 2, "c"))

    def test_contradictions(self) -> None:
        """Folders in a circle, in nothing, or of one name are refused."""
        for error, records in (
            (ValueError, [self.record(1, 2, "a"), self.record(2, 1, "b")]),
            (ValueError, [self.record(1, 1, "a")]),
            (ValueError, [self.record(1, 0, "a"), self.record(2, 0, "a")]),
            (KeyError, [self.record(1, 9, "a")]),
        ):
            names: Namespace[Document] = Namespace()
            self.assertRaises(error, names.load, records)

    def test_path_of(self) -> None:
        """A path is made of records alone, if they are all there and make sense."""
        known = {1: self.record(1, 0, "a"), 2: self.record(2, 1, "b")}
        self.assertEqual(path_of(2, "c", known.get), "a/b/c")
        self.assertEqual(path_of(0, "c", known.get), "c")
        self.assertIsNone(path_of(9, "c", known.get))
        self.assertIsNone(path_of(1, "c", {1: self.record(1, 1, "a")}.get))
