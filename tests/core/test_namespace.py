"""
The tree of names.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.namespace import Folder, Leaf, Namespace
from dfs.errors import Exists


def tree(*paths: str) -> Namespace[Leaf]:
    """Documents at these paths."""
    names: Namespace[Leaf] = Namespace()
    for path in paths:
        names.add(path, Leaf("", None))
    return names


def leaf(names: Namespace[Leaf], path: str) -> Leaf:
    """The document at a path."""
    found = names.find(path)
    assert isinstance(found, Leaf)
    return found


def walked(names: Namespace[Leaf], start: Folder | None = None) -> list[str]:
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
                names.add(path, Leaf("", None))
        self.assertEqual(walked(names), ["a", "b/c"])

    def test_refused_adds_nothing(self) -> None:
        """A refused document leaves no folder behind."""
        names = tree("a/b")
        self.assertRaises(Exists, names.add, "a/b/c/d", Leaf("", None))
        self.assertEqual(walked(names), ["a/b"])

    def test_empty_folders_vanish(self) -> None:
        """With the last document its folders go, and no others."""
        names = tree("a/b/c/d", "a/e")
        names.remove(leaf(names, "a/b/c/d"))
        self.assertIsNone(names.find("a/b"))
        self.assertEqual(walked(names), ["a/e"])
        names.remove(leaf(names, "a/e"))
        self.assertEqual(names.root.children, {})

    def test_name_free_again(self) -> None:
        """A removed name can be taken, by a folder too."""
        names = tree("a", "b")
        names.remove(leaf(names, "a"))
        names.add("a/x", Leaf("", None))
        self.assertEqual(walked(names), ["a/x", "b"])

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
                names.add(f"a{step:04}", Leaf("", None))
                names.remove(leaf(names, f"n{1999 - step:04}"))
        self.assertEqual(seen, [f"n{number:04}" for number in range(1_500)])

    def test_folder_vanishes_while_walking(self) -> None:
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
        names: Namespace[Leaf] = Namespace()
        there: set[str] = set()
        for path in wanted:
            try:
                names.add(path, Leaf("", None))
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
