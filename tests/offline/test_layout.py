"""What the files of an export are called: no two the same, and none anywhere else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.offline.layout import HISTORY, META, Thing, files, is_plain, past

LONG = "ü" * 127

#: Names that meet each other, more often than chance would have it.
NAMES = st.one_of(
    st.sampled_from(
        [
            *("a", "A", "ß", "ss", "SS", "a.meta", "A.META", "a.history", "a.meta.meta", ".meta"),
            *("a~dfs-0000000000000001", "~dfs-0000000000000002", "A~DFS-000000000000000A"),
            *("x" * 255, "X" * 255, "x" * 247, "x" * 248, LONG, LONG + "x", ".", "..", "", "a/b"),
            *("\0", "a|b", "İ", "i̇", "\ud800"),
        ]
    ),
    st.text(max_size=6),
)


class LayoutTests(SynchronousTestCase):
    """
    One folder at a time.
    """

    def test_table(self) -> None:
        """A file has the name of its document, unless that would be in the way of another one."""
        one = "0000000000000001"
        for name, expected in (
            ("todo.txt", "todo.txt"),
            ("a|b%c \\d", "a|b%c \\d"),
            ("...", "..."),
            ("-rf", "-rf"),
            ("x.meta", f"x.meta~dfs-{one}"),
            ("x.META", f"x.META~dfs-{one}"),
            ("x.history", f"x.history~dfs-{one}"),
            ("x.metal", "x.metal"),
            (f"x~dfs-{one}", f"x~dfs-{one}~dfs-{one}"),
            ("x~dfs-1", "x~dfs-1"),
            ("x" * 247, "x" * 247),
            ("x" * 248, "x" * 226 + f"~dfs-{one}"),
            (LONG, "ü" * 113 + f"~dfs-{one}"),
            ("..", f"..~dfs-{one}"),
            ("../../etc/passwd", f"....etcpasswd~dfs-{one}"),
            ("", f"~dfs-{one}"),
        ):
            self.assertEqual(files([Thing(one, name)]), [expected], name)

    def test_capitals(self) -> None:
        """Of names that differ in capitals only, or not at all, each gets its id."""
        things = [Thing(f"{n:016x}", name) for n, name in enumerate(("a", "A", "b", "c", "c"), 1)]
        self.assertEqual(
            files(things),
            [
                "a~dfs-0000000000000001",
                "A~dfs-0000000000000002",
                "b",
                "c~dfs-0000000000000004",
                "c~dfs-0000000000000005",
            ],
        )

    @given(st.lists(NAMES, max_size=8))
    def test_never_the_same(self, names: list[str]) -> None:
        """
        Whatever documents and folders are called, also with equal ids, none of the names that they
        need is needed twice, on no disk; each is one legal name of at most 255 bytes.
        """
        things = [
            Thing(f"{number // 2:016x}", name, folder=number % 2 == 1)
            for number, name in enumerate(names)
        ]
        found = files(things)
        needed = [name + ending for name in found for ending in ("", META, HISTORY)]
        self.assertEqual(len({name.casefold() for name in needed}), len(needed), needed)
        for name in needed:
            self.assertLessEqual(len(name.encode()), 255)
            self.assertFalse({"/", "\0"} & set(name))
            self.assertNotIn(name, ("", ".", ".."))

    @given(st.lists(NAMES, max_size=8))
    def test_in_any_order(self, names: list[str]) -> None:
        """The order in which documents are found makes no difference."""
        things = [Thing(f"{number:016x}", name) for number, name in enumerate(names, 1)]
        self.assertEqual(files(things), files(things[::-1])[::-1])

    def test_bare(self) -> None:
        """What is used where a disk refuses a name is no plain name."""
        for folder in (False, True):
            thing = Thing("0000000000000001", "x", folder)
            self.assertFalse(is_plain(thing.bare))
            self.assertFalse(is_plain(thing.made))

    def test_past(self) -> None:
        """Texts of a history are numbered, so that tags in other capitals do not meet."""
        self.assertEqual(past("undo", 1), "undo-0001")
        self.assertEqual(past("checkpoint", 12, "v1"), "checkpoint-0012-v1")
