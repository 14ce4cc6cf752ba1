"""PUT and GET, as people type them."""

from __future__ import annotations

import os
from pathlib import Path

from tests.client.people import CommandCase


class TransferTests(CommandCase):
    """PUT and GET."""

    def setUp(self) -> None:
        super().setUp()
        self.here = Path(self.mktemp())
        self.here.mkdir()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.here)
        self.content = bytes(range(256)) * 2_000
        Path("all.bin").write_bytes(self.content)

    def test_there_and_back(self) -> None:
        """A file comes back byte for byte, under its name or another."""
        self.done("PUT all.bin", says="Put all.bin: 512,000 bytes.\n")
        self.done("PUT all.bin 'other name'", says="Put other name: 512,000 bytes.\n")
        self.done("GET 'other name'", says="Got other name: 512,000 bytes into other name.\n")
        self.done("GET all.bin back", says="Got all.bin: 512,000 bytes into back.\n")
        for name in ("other name", "back"):
            self.assertEqual(Path(name).read_bytes(), self.content)

    def test_folders(self) -> None:
        """Several files go below a prefix, several documents into a folder."""
        Path("b").write_bytes(b"b")
        self.alice.type("PUT all.bin b deep/er/")
        self.done("VIEW", says="deep/er/all.bin\ndeep/er/b\n")
        Path("into").mkdir()
        self.alice.type("GET deep/er/b deep/er/all.bin into")
        self.assertEqual(sorted(os.listdir("into")), ["all.bin", "b"])
        self.refused("GET a b c", code="INVALID", says="folder", status=2)

    def test_standard_streams(self) -> None:
        """- is standard input, and standard output without another word."""
        self.alice.type("PUT - a", input=b"\x00\xff\r\n")
        self.assertEqual(self.alice.bytes("GET a -"), b"\x00\xff\r\n")

    def test_one_change(self) -> None:
        """PUT over a document is one change that can be undone."""
        self.alice.type("PUT - a", input=b"first")
        self.alice.type("PUT - a", input=b"second")
        self.alice.type("UNDO a")
        self.done("READ a", says="first")

    def test_replaces_whole(self) -> None:
        """GET leaves the old local file alone if anything goes wrong, and nothing beside it."""
        Path("a").write_bytes(b"old")
        self.refused("GET a", code="NOT_FOUND")
        self.assertEqual(Path("a").read_bytes(), b"old")
        self.assertEqual(sorted(os.listdir()), ["a", "all.bin"])
        self.alice.type("PUT - a", input=b"new")
        self.alice.type("GET a")
        self.assertEqual(Path("a").read_bytes(), b"new")

    def test_modes(self) -> None:
        """A file that GET replaces keeps its mode; one behind a link stays behind it."""
        self.alice.type("PUT - a", input=b"new")
        Path("target").write_bytes(b"old")
        os.chmod("target", 0o640)
        os.symlink("target", "link")
        self.alice.type("GET a link")
        self.assertTrue(Path("link").is_symlink())
        self.assertEqual(Path("target").read_bytes(), b"new")
        self.assertEqual(os.stat("target").st_mode & 0o777, 0o640)

    def test_local_troubles(self) -> None:
        """What the local machine refuses has a code and names the file."""
        self.alice.type("PUT - a", input=b"new")
        for line, code, says in (
            ("PUT missing", "NOT_FOUND", "missing"),
            ("PUT .", "INVALID", "."),
            ("GET a none/b", "NOT_FOUND", "none/b"),
        ):
            self.refused(line, code=code, says=says)
