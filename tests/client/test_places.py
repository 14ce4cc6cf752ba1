"""The commands about folders and places, as people type them."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred, succeed

from dfs.client.trees import Pairing, get_tree, local_tree
from dfs.errors import Internal
from dfs.wire.records import ViewLine
from tests.client.people import CommandCase


def listing(*paths: str) -> Any:
    """Somebody's work, at what is no name server: it lists these folders, whatever is asked."""
    lines = [ViewLine(path, "alice", "o", 0, 0, 0, 0.0, "", "", "", folder=True) for path in paths]
    folders = SimpleNamespace(view=lambda path, deep: succeed(lines))
    return SimpleNamespace(session=SimpleNamespace(folders=folders))


class PlacesTests(CommandCase):
    """Folders and places, with their Unix names."""

    def test_session(self) -> None:
        """Folders are made, listed, moved and deleted."""
        for line, says in (
            ("CREATEFOLDER reports", "Folder Created Successfully!\n"),
            ("mkdir -p reports reports/old/", "Folder Created Successfully!\n" * 2),
            ("touch a.txt 'b c.txt'", "File Created Successfully!\n" * 2),
            ("VIEWFOLDER", "a.txt\nb c.txt\nreports/\n"),
            (
                "mv a.txt 'b c.txt' reports",
                "Moved a.txt to reports/a.txt.\nMoved b c.txt to reports/b c.txt.\n",
            ),
            ("ls reports", "a.txt\nb c.txt\nold/\n"),
            ("MOVE reports/a.txt reports/z.txt", "Moved reports/a.txt to reports/z.txt.\n"),
            ("MOVE reports /archive/2026", "Moved reports to archive/2026.\n"),
            (
                "ls -R archive",
                "archive/2026/\narchive/2026/b c.txt\narchive/2026/old/\narchive/2026/z.txt\n",
            ),
            ("ls -d archive", "archive/\n"),
            ("ls archive/2026/z.txt", "z.txt\n"),
            ("rmdir archive/2026/old", "Folder deleted successfully!\n"),
            ("rm -r archive", "Folder deleted successfully! 2 documents went with it.\n"),
            ("ls", "No files found.\n"),
            ("rm -f nothing", ""),
            ("rm -rf nothing", ""),
        ):
            self.done(line, says=says)

    def test_several(self) -> None:
        """Several folders are listed under their names."""
        for line in ("touch a/1 b/2", "mkdir c"):
            self.alice.type(line)
        self.done("ls a b/ c", says="a:\n1\nb/:\n2\nc:\nNo files found.\n")

    def test_long(self) -> None:
        """VIEWFOLDER -l shows what VIEW -l does, and folders without figures."""
        self.alice.type("touch a/b")
        self.alice.type("APPEND a/b 'two words'")
        head, folder = self.alice.type("ls -l").splitlines()
        self.assertIn("LAST CHANGE", head)
        self.assertEqual(folder.split()[:4], ["a/", "-", "-", "-"])
        document = self.alice.type("ls -l a").splitlines()[1]
        self.assertEqual(document.split()[:4], ["b", "2", "9", "9"])

    def test_refused(self) -> None:
        """A refusal says what is in the way."""
        self.alice.type("touch a/b c")
        for line, code, says in (
            ("rmdir a", "CONFLICT", "not empty"),
            ("rm a", "NOT_FOUND", "is a folder"),
            ("mv c a/b", "EXISTS", "exists already"),
            ("mkdir c", "EXISTS", "exists already"),
            ("mkdir -p c", "EXISTS", "exists already"),
            ("mv a a/x", "INVALID", "into itself"),
            ("ls x", "NOT_FOUND", "'x'"),
            ("rm -r x", "NOT_FOUND", "'x'"),
        ):
            self.alice.type(line)
            self.assertEqual(self.alice.status, 1, line)
            self.assertIn(f"ERROR [{code}]", self.alice.complaints)
            self.assertIn(says, self.alice.complaints)
        for line in ("mv a", "mv", "PUT -r a b c", "rmdir"):
            self.alice.type(line)
            self.assertEqual(self.alice.status, 2, line)

    def test_json(self) -> None:
        """With --json each thing is an object."""
        self.alice.type("touch a/b")
        [line] = self.alice.records("ls --json")
        self.assertEqual((line["path"], line["folder"], line["right"]), ("a", True, "o"))
        [line] = self.alice.records("ls --json a")
        self.assertEqual((line["path"], line["folder"]), ("a/b", False))
        [line] = self.alice.records("mv --json a/b c")
        self.assertEqual((line["path"], line["target"]), ("a/b", "c"))
        [line] = self.alice.records("rmdir --json a")
        self.assertEqual((line["path"], line["documents"]), ("a", 0))


class TreeTests(CommandCase):
    """PUT -r and GET -r."""

    def local(self) -> str:
        """A local folder with all kinds of things."""
        root = Path(self.mktemp()) / "docs"
        (root / "deep" / "er").mkdir(parents=True)
        (root / "empty").mkdir()
        (root / "a.txt").write_bytes(b"A\r\n\0\xff")
        (root / "deep" / "er" / "b c|d.txt").write_bytes(b"")
        (root / "deep" / "link").symlink_to((root / "a.txt").resolve())
        (root / "deep" / "up").symlink_to(root.resolve())
        os.mkfifo(root / "pipe")
        return str(root)

    EVERYTHING = (
        "docs/",
        "docs/a.txt",
        "docs/deep/",
        "docs/deep/er/",
        "docs/deep/er/b c|d.txt",
        "docs/deep/link",
        "docs/empty/",
    )

    def test_there_and_back(self) -> None:
        """A folder comes back as it was, byte for byte, with its empty folders."""
        local = self.local()
        self.alice.type(f"put -r {local}")
        self.assertEqual(self.alice.status, 0, self.alice.complaints)
        for left_out in ("pipe", "deep/up"):
            self.assertIn(left_out, self.alice.complaints)
        listed = self.alice.type("ls -R").splitlines()
        self.assertEqual(listed, list(self.EVERYTHING))
        back = self.mktemp()
        os.mkdir(back)
        self.alice.type(f"get -r docs {back}")
        self.assertEqual(self.alice.status, 0, self.alice.complaints)
        root = Path(back) / "docs"
        self.assertEqual((root / "a.txt").read_bytes(), b"A\r\n\0\xff")
        self.assertEqual((root / "deep" / "er" / "b c|d.txt").read_bytes(), b"")
        self.assertTrue((root / "empty").is_dir())
        self.alice.type(f"get -r docs {back}/copy")
        self.assertTrue((Path(back) / "copy" / "a.txt").exists())

    def test_no_way_out(self) -> None:
        """Whoever answers, nothing is written outside of the folder; then nothing is at all."""
        into = self.mktemp()
        for path in (
            "docs/../../evil",
            "docs/./a",
            "docs//a",
            "/docs/a",
            "other/a",
            "docs",
            "../a",
        ):
            got = Deferred.fromCoroutine(get_tree(listing("docs/good", path), "docs", into))
            self.failureResultOf(got, Internal)
            self.assertFalse(os.path.exists(into), path)

    def test_targets(self) -> None:
        """Into a folder that is there; else under the new name, as cp -r does."""
        local = self.local()
        for target, expected in (("new", "new/"), ("new", "new/docs/"), ("more/", "more/docs/")):
            self.alice.type(f"PUT -r {local} {target}")
            self.assertEqual(self.alice.status, 0, self.alice.complaints)
            self.assertIn(expected, self.alice.type("ls -R").splitlines())
        self.alice.type("touch x")
        self.alice.type(f"PUT -r {local} x")
        self.assertIn("EXISTS", self.alice.complaints)

    def test_one_file(self) -> None:
        """With -r a document, or a file, is copied as without."""
        file = Path(self.mktemp())
        file.write_bytes(b"text")
        self.alice.type(f"PUT -r {file} a.txt")
        self.assertEqual(self.alice.type("READ a.txt"), "text")
        copy = self.mktemp()
        self.alice.type(f"GET -r a.txt {copy}")
        self.assertEqual(Path(copy).read_bytes(), b"text")

    def test_order(self) -> None:
        """Each folder comes before what is in it."""
        found = list(local_tree(self.local(), "docs", lambda _: None))
        self.assertIsInstance(found[0], Pairing)
        paths = [one.path + "/" * one.folder for one in found]
        self.assertEqual(sorted(paths), sorted(self.EVERYTHING))
        for path in paths:
            above = path.rstrip("/").rpartition("/")[0]
            self.assertTrue(not above or paths.index(f"{above}/") < paths.index(path))
