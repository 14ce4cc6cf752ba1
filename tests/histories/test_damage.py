"""
Histories of disks that do not give back what was written to them.
"""

from __future__ import annotations

import hashlib

from twisted.internet.task import deferLater

from dfs.core.documents import Content
from dfs.errors import Corrupt
from dfs.ss.service import StorageServer
from dfs.ss.verifying import FIRST_SECONDS, LOOK_SECONDS
from tests.histories.pairs import PairCase

#: A text in a file of its own, of several pieces.
LARGE = "A sentence that is not short. " * 40_000


class DamageTests(PairCase):
    """
    Bits of a text have flipped on one member, or on both.
    """

    def setUp(self) -> None:
        super().setUp()
        self.get(self.alice.create("a.txt"))
        self.wrote("One.")

    def wrote(self, text: str) -> None:
        """Both members have this."""
        self.put("a.txt", text)
        self.settle()

    def content(self) -> Content:
        """What C{a.txt} says, on the disk of the primary."""
        document = self.on("ss1", "a.txt")
        assert document is not None
        return document.current.content

    def rot(self, *servers: str) -> None:
        """It is damaged there."""
        for name in servers:
            self.cluster.disks[name].damage(self.content().sha256)

    def sound(self, server: str) -> bool:
        """Whether the bytes there are the right ones."""
        sha256 = self.content().sha256
        data = self.cluster.disks[server].contents[sha256]
        return hashlib.sha256(data).digest() == sha256

    def test_read(self) -> None:
        """Who reads it gets it all the same, and the disk has it again; small and large."""
        for text in ("Two.", LARGE):
            self.wrote(text)
            self.rot("ss1")
            self.assertEqual(self.read("a.txt"), text)
            self.assertTrue(self.sound("ss1"))

    def test_streamed(self) -> None:
        """Who lets it be read aloud, too, and no word twice."""
        self.wrote("One two three. Four five.")
        self.rot("ss1")

        async def words() -> bytes:
            heard, said = self.alice.stream("a.txt"), b""
            while word := await heard.read():
                said += word
            return said

        self.assertEqual(self.get(words()).split(), b"One two three. Four five.".split())
        self.assertTrue(self.sound("ss1"))

    def test_edited(self) -> None:
        """Who changes it works on the right text."""
        self.rot("ss1")

        async def edit() -> None:
            writing = await self.alice.write("a.txt", 0)
            await writing.edit(0, "Just")
            await writing.commit()

        self.get(edit())
        self.get(self.alice.append("a.txt", " Two."))
        self.assertEqual(self.read("a.txt"), "Just One. Two.")
        self.rot("ss1")
        self.get(self.alice.append("a.txt", " Three."))
        self.assertEqual(self.read("a.txt"), "Just One. Two. Three.")

    def test_damaged_while_edited(self) -> None:
        """Who finds it out at the end of an editing has lost nothing of that: ETIRW again works."""

        async def edit() -> None:
            writing = await self.alice.write("a.txt", 0)
            await writing.edit(0, "Just")
            self.rot("ss1")
            with self.assertRaises(Corrupt):
                await writing.commit()
            await deferLater(self.cluster.clock, 1.0)
            await writing.commit()

        self.get(edit())
        self.assertEqual(self.read("a.txt"), "Just One.")

    def test_kept(self) -> None:
        """What a checkpoint keeps is mended like the present text."""
        self.get(self.alice.checkpoints.make("a.txt", "first"))
        kept = self.content()
        self.wrote("Two.")
        self.cluster.disks["ss1"].damage(kept.sha256)
        self.assertEqual(self.get(self.alice.checkpoints.read("a.txt", "first")), b"One.")
        self.get(self.alice.checkpoints.revert("a.txt", "first"))
        self.assertEqual(self.read("a.txt"), "One.")

    def test_on_both(self) -> None:
        """What nobody has whole is refused, again and again, until somebody writes it anew."""
        self.rot("ss1", "ss1_backup")
        for _ in range(2):
            self.assertIn("UNDO", self.refused(self.alice.read("a.txt"), Corrupt))
            self.cluster.advance(60)
        self.put("a.txt", "One.")
        self.assertEqual(self.read("a.txt"), "One.")
        self.assertTrue(self.sound("ss1"))

    def test_alone(self) -> None:
        """While the other member is away it is refused; when that is back it is mended unasked."""
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        self.rot("ss1")
        self.refused(self.alice.read("a.txt"), Corrupt)
        self.assertFalse(self.sound("ss1"))
        self.cluster.start("ss1_backup")
        self.settle()
        self.cluster.advance(60)
        self.assertTrue(self.sound("ss1"))
        self.assertEqual(self.read("a.txt"), "One.")

    def test_after_failover(self) -> None:
        """The backup that serves has its texts mended by the primary that returned."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.rot("ss1_backup")
        self.refused(self.alice.read("a.txt"), Corrupt)
        self.cluster.start("ss1")
        self.settle()
        self.cluster.advance(60)
        self.assertTrue(self.sound("ss1_backup"))

    def test_found_unasked(self) -> None:
        """Nobody reads what the backup has; it is found to be damaged, and mended, all the same."""
        self.rot("ss1_backup")
        self.cluster.advance(FIRST_SECONDS + LOOK_SECONDS + 10)
        self.assertTrue(self.sound("ss1_backup"))

    def test_deleted(self) -> None:
        """What is deleted before it could be mended is not asked for any more."""
        self.rot("ss1", "ss1_backup")
        self.refused(self.alice.read("a.txt"), Corrupt)
        self.get(self.alice.delete("a.txt"))
        self.cluster.advance(60)
        server = self.cluster.lives["ss1"].server
        assert isinstance(server, StorageServer)
        self.assertEqual(len(server.mending), 0)
