"""Whole folders from and to local ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from tests.spec.people import DeskCase


class TreeTests(DeskCase):
    """PUT -r and GET -r."""

    TREE: ClassVar[dict[str, bytes | None]] = {
        "plain.txt": b"text",
        "empty": b"",
        "every byte": bytes(range(256)),
        "a|b": b"bar",
        "grüße.txt": b"1",
        "日本/🙂": b"2",
        "deep/er/still": b"x" * 100_000,
        "no files": None,
        "no/files/either": None,
        "-r": b"dash",
        "x" * 255: b"long",
    }

    def setUp(self) -> None:
        super().setUp()
        self.here = Path(self.mktemp())
        self.source = self.here / "tree"
        self.plant(self.source)

    def plant(self, folder: Path) -> None:
        """Make the local tree."""
        for name, content in self.TREE.items():
            path = folder / name
            if content is None:
                path.mkdir(parents=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    def seen(self, folder: Path) -> dict[str, bytes | None]:
        """What stands in a local folder: files, and folders with nothing in them."""
        found: dict[str, bytes | None] = {}
        for path in folder.rglob("*"):
            if path.is_file():
                found[str(path.relative_to(folder))] = path.read_bytes()
            elif not os.listdir(path):
                found[str(path.relative_to(folder))] = None
        return found

    def test_there_and_back(self) -> None:
        """A folder comes back as it was, empty files and folders and every name included."""
        self.types("alice", f"put -r {self.source}")
        self.assertEqual(self.read("tree/every byte"), bytes(range(256)))
        back = self.here / "back"
        self.types("alice", f"get -r tree {back}")
        where = back / "tree" if (back / "tree").exists() else back
        self.assertEqual(self.seen(where), self.TREE)

    def test_to_a_path(self) -> None:
        """PUT -r makes the new name, goes into a folder that is there, and replaces undoably."""
        self.types("alice", f"PUT -r {self.source} place")
        self.types("alice", f"PUT -r {self.source} place")
        self.assertEqual(self.read("place/plain.txt"), b"text")
        self.assertEqual(self.read("place/tree/plain.txt"), b"text")
        (self.source / "plain.txt").write_bytes(b"newer")
        self.types("alice", f"PUT -r {self.source} place")
        self.assertEqual(self.read("place/tree/plain.txt"), b"newer")
        self.types("alice", "UNDO place/tree/plain.txt")
        self.assertEqual(self.read("place/tree/plain.txt"), b"text")

    def test_in_the_way(self) -> None:
        """A document in the place of a folder, or the reverse, is refused and stays."""
        self.put("tree", b"document")
        self.desks["alice"].type(f"PUT -r {self.source}")
        self.assertEqual(self.desks["alice"].status, 1)
        self.assertIn("ERROR [EXISTS]", self.desks["alice"].complaints)
        self.assertEqual(self.read("tree"), b"document")
        self.types("alice", "mkdir place/plain.txt")
        self.desks["alice"].type(f"PUT -r {self.source / 'plain.txt'} place")
        self.assertEqual(self.desks["alice"].status, 1, self.desks["alice"].seen())
        self.assertEqual(self.listed("alice", "ls place"), ["plain.txt/"])

    def test_single_files(self) -> None:
        """With -r single files go where they would go without, as with cp."""
        self.types("alice", f"PUT -r {self.source / 'plain.txt'} box/")
        self.assertEqual(self.read("box/plain.txt"), b"text")
        (self.here / "there").mkdir()
        self.types("alice", f"GET -r box/plain.txt {self.here / 'there'}")
        self.assertEqual((self.here / "there" / "plain.txt").read_bytes(), b"text")

    def test_without_r(self) -> None:
        """Folders without -r are refused, in words that name -r."""
        self.refuses("alice", f"PUT {self.source}", "INVALID", "PUT -r")
        self.types("alice", f"put -r {self.source}")
        self.refuses("alice", f"GET tree {self.here / 'back'}", "NOT_FOUND", "folder")
        self.assertFalse((self.here / "back").exists())

    def test_two_spellings(self) -> None:
        """GET -r finds a folder under another spelling of its accents, with whole names in it."""
        self.put("caf\u00e9/abc", b"1")
        back = self.here / "back"
        self.types("alice", f"get -r cafe\u0301 {back}")
        self.assertEqual(self.seen(back), {"abc": b"1"})
        self.types("alice", f"get -r cafe\u0301/abc {self.here / 'one'}")
        self.assertEqual((self.here / "one").read_bytes(), b"1")

    def test_only_what_one_may(self) -> None:
        """GET -r by somebody else brings what they may read, and says what it left out."""
        self.shared("tree/shared", b"1", "bob")
        self.put("tree/secret", b"2")
        back = self.here / "back"
        self.desks["bob"].type(f"get -r tree {back}")
        found = self.seen(back)
        self.assertIn(b"1", found.values())
        self.assertNotIn(b"2", found.values())

    def test_missing(self) -> None:
        """What is not there is NOT_FOUND, on either side."""
        self.refuses("alice", f"put -r {self.here / 'nothing'}", "NOT_FOUND", "nothing")
        self.refuses("alice", f"get -r nothing {self.here / 'back'}", "NOT_FOUND", "nothing")
        self.assertEqual(self.listed(), [])
