"""
Copies that take long: what they leave behind when something fails, and what happens beside them.
"""

from __future__ import annotations

import contextlib

from dfs.core.documents import Document
from dfs.errors import DFSError, Unauthorized
from dfs.sim.network import Link
from tests.simulation.faults import MEMBERS, FaultCase

#: Bytes per second of a line on which a large document takes long, and such a document.
SLOW, LARGE = 50_000.0, 1_000_000


class CutCopyTests(FaultCase):
    """
    Somebody dies in the middle of a copy.
    """

    def setUp(self) -> None:
        super().setUp()
        self.old = b"old " * (LARGE // 4)
        self.new = b"new " * (LARGE // 4)
        self.get(self.alice.create("large.bin"))
        self.get(self.alice.put("large.bin", self.old))
        self.settle()
        self.whole()
        self.cluster.slow("ss1_backup", rate=SLOW)
        self.get(self.alice.put("large.bin", self.new))
        self.cluster.advance(5.0)
        self.half_way()

    def half_way(self) -> None:
        """The copy is on its way: the backup has the old version, whole."""
        self.assertEqual(self.text_on("ss1_backup", "large.bin"), self.old)
        self.assertEqual(self.line_of("ss1").lag_documents, 1)

    def recovered(self) -> None:
        """The new version is on both."""
        self.cluster.slow("ss1_backup")
        self.settle()
        self.whole()
        self.assertEqual(self.get(self.alice.read("large.bin")), self.new)
        self.assertEqual(self.conflicts_on("ss1", "large.bin"), [])

    def test_source_dies(self) -> None:
        """H25: when the source dies the backup serves the old version, whole, and says so."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.cluster.slow("ss1_backup")
        self.assertEqual(self.get(self.alice.read("large.bin")), self.old)
        self.assertTrue(self.get(self.alice.info("large.bin")).index.behind)
        self.cluster.start("ss1")
        self.recovered()

    def test_target_dies(self) -> None:
        """H25: when the target dies it comes back with the old version, whole, and is filled."""
        self.cluster.crash("ss1_backup")
        self.assertEqual(self.text_on("ss1_backup", "large.bin"), self.old)
        self.cluster.advance(3.0)
        self.cluster.start("ss1_backup")
        self.recovered()

    def test_name_server_dies(self) -> None:
        """H25: when the name server dies the copy is made again by the next one."""
        self.cluster.crash_nm()
        self.assertEqual(self.text_on("ss1_backup", "large.bin"), self.old)
        self.cluster.advance(3.0)
        self.cluster.start_nm()
        self.recovered()
        self.assertEqual(self.line_of("ss1").epoch, 1)

    def test_both_ends_die(self) -> None:
        """H25: when all of them die the same is there afterwards as if nobody had."""
        self.cluster.crash("ss1")
        self.cluster.crash_nm()
        self.cluster.crash("ss1_backup")
        self.assertEqual(self.text_on("ss1_backup", "large.bin"), self.old)
        self.cluster.start_nm()
        for name in MEMBERS:
            self.cluster.start(name)
        self.recovered()

    def test_behind_it(self) -> None:
        """
        H24: what is acknowledged while a large copy is on its way, and the primary dies, is
        adopted when that returns; where the backup was edited it is kept as a conflict.
        """
        for number in range(12):
            self.put(f"{number}.txt", f"One {number}.")
        self.get(self.alice.append("large.bin", "end"))
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.cluster.slow("ss1_backup")
        self.get(self.alice.append("large.bin", "other"))
        edited = set()
        for number in range(0, 12, 3):
            with contextlib.suppress(DFSError):
                self.get(self.alice.append(f"{number}.txt", " Edited."))
                edited.add(number)
        self.cluster.start("ss1")
        self.settle()
        self.whole()
        self.assertEqual(self.get(self.alice.read("large.bin")), self.old + b"other")
        self.assertEqual(self.conflicts_on("ss1", "large.bin"), [self.new + b"end"])
        for number in range(12):
            path, one = f"{number}.txt", f"One {number}."
            text, conflicts = self.read(path), self.conflicts_on("ss1", path)
            if number in edited:
                self.assertTrue(text.endswith(" Edited."), text)
            self.assertTrue(one in text or [one.encode()] == conflicts, (path, text, conflicts))

    def test_rights_meanwhile(self) -> None:
        """H28: a copy that was fetched before a right was taken away does not bring it back."""
        self.get(self.alice.add_access("large.bin", "bob", "w"))
        self.get(self.alice.append("large.bin", "bob may"))
        self.cluster.advance(2.0)
        self.get(self.alice.rem_access("large.bin", "bob"))
        self.watch(60.0)
        self.cluster.slow("ss1_backup")
        self.settle()
        self.whole()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.refused(self.bob.read("large.bin"), Unauthorized)
        document = self.on("ss1_backup", "large.bin")
        assert document is not None
        self.assertEqual(document.metadata.access.grants, ())

    def test_frozen_in_the_middle(self) -> None:
        """H31: a backup that stops in the middle of a copy holds up neither people nor pairs."""
        for name in ("ss2", "ss2_backup"):
            self.cluster.start(name)
        self.cluster.advance(2.0)
        self.cluster.freeze("ss1_backup")
        for number in range(20):
            self.put(f"{number}.txt", f"Text {number}.")
            self.cluster.advance(0.5)
            self.assertEqual(self.lines()["ss2"].lag_documents, 0)
        self.until("DEGRADED")
        self.assertEqual(self.read("7.txt"), "Text 7.")
        self.cluster.thaw("ss1_backup")
        self.recovered()


class LateCopyTests(FaultCase):
    """
    A copy that was on its way for very long arrives.
    """

    def setUp(self) -> None:
        super().setUp()
        self.put("a.txt", "One.")
        self.get(self.alice.add_access("a.txt", "bob", "w"))
        self.settle()
        # Everything that the name server sends the backup from now on hangs on its old connections.
        self.cluster.network.hold(self.cluster.servers["ss1_backup"].address)
        self.put("a.txt", "Two.")
        self.cluster.advance(1.0)
        self.assertEqual(self.text_on("ss1_backup", "a.txt"), b"One.")

    def overtaken(self) -> None:
        """The name server gives up and copies again; then the old copy arrives."""
        self.put("a.txt", "Three.")
        self.settle()
        self.assertEqual(self.text_on("ss1_backup", "a.txt"), b"Three.")

    def arrives(self) -> None:
        """Now it arrives."""
        late = [link for link in self.cluster.network.held if b"a.txt" in b"".join(waiting(link))]
        self.assertEqual(len(late), 1, "no copy is on its way")
        self.cluster.network.release()
        self.cluster.advance(0.1)

    def test_after_newer_ones(self) -> None:
        """F40: a late copy does not take the place of a newer one."""
        self.overtaken()
        self.arrives()
        self.assertEqual(self.text_on("ss1_backup", "a.txt"), b"Three.")
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), "Three.")

    def test_after_a_failover(self) -> None:
        """F40: nor that of a text which its receiver wrote itself as the active member."""
        self.overtaken()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.put("a.txt", "Four.")
        self.arrives()
        self.assertEqual(self.text_on("ss1_backup", "a.txt"), b"Four.")
        self.assertEqual(self.read("a.txt"), "Four.")
        self.cluster.start("ss1")
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), "Four.")
        self.assertEqual(self.conflicts_on("ss1", "a.txt"), [])

    def test_never_copied_otherwise(self) -> None:
        """F40: a copy that arrives at a promoted backup for the first time is of an old epoch."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.get(self.alice.append("a.txt", " Edited."))
        self.arrives()
        self.assertEqual(self.read("a.txt"), "One. Edited.")
        self.cluster.start("ss1")
        self.settle()
        self.whole()
        self.assertEqual(self.read("a.txt"), "One. Edited.")
        self.assertEqual(self.conflicts_on("ss1", "a.txt"), [b"Two."])

    def test_with_rights(self) -> None:
        """H28: a late copy does not bring back a right that was taken away meanwhile."""
        self.overtaken()
        self.get(self.alice.rem_access("a.txt", "bob"))
        self.settle()
        self.arrives()
        document = self.on("ss1_backup", "a.txt")
        assert document is not None
        self.assertEqual(document.metadata.access.grants, ())
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.refused(self.bob.read("a.txt"), Unauthorized)

    def test_deleted(self) -> None:
        """H29: a late copy of a document that was deleted meanwhile does not bring it back."""
        self.overtaken()
        self.get(self.alice.delete("a.txt"))
        self.settle()
        self.arrives()
        self.settle()
        self.whole()
        self.assertEqual(self.paths(), [])
        for name in MEMBERS:
            self.assertIsNone(self.on(name, "a.txt"))


def waiting(link: Link) -> list[bytes]:
    """What has not arrived."""
    return [piece.data for piece in link.waits if piece is not None]


class CatchUpTests(FaultCase):
    """
    A home primary that was away catches up, slowly.
    """

    def setUp(self) -> None:
        super().setUp()
        self.texts: dict[str, str] = {}
        for number in range(50):
            self.change(number, "Old")
        self.settle()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        for number in range(50):
            self.change(number, "New")
        self.stale = {
            self.placed(f"{number}.txt", right="r").ticket: f"{number}.txt"
            for number in (0, 25, 49)
        }
        self.cluster.slow("ss1", rate=10_000.0)
        self.cluster.start("ss1")

    def change(self, number: int, word: str) -> None:
        """A document is written anew."""
        path = f"{number}.txt"
        self.texts[path] = f"{word} {number}. " * 100
        self.put(path, self.texts[path])

    def look(self) -> None:
        """Whoever reads anywhere sees the newest text, or is sent away."""
        for path in ("3.txt", "27.txt", "48.txt"):
            self.assertEqual(self.read(path), self.texts[path])
        for name in sorted(self.cluster.servers):
            for ticket, path in self.stale.items():
                [line] = self.asked(name, f"READ|{ticket}")
                self.cluster.advance(0.01)
                if line.heard.startswith(b"DATA"):
                    self.assertIn(self.texts[path].encode(), line.heard, name)
                else:
                    self.not_served(line)

    def test_reads(self) -> None:
        """
        H22: fifty documents that were rewritten during an outage are current on both afterwards,
        and nobody reads an older text at any moment, at whichever member they ask.
        """
        caught_up = 0
        for _ in range(400):
            self.look()
            self.cluster.advance(0.1)
            caught_up += self.state() == "RECONCILING"
            if self.state() == "PROTECTED":
                break
        self.assertGreater(caught_up, 10, "it was too quick to be seen")
        self.cluster.slow("ss1")
        self.settle()
        self.look()
        self.whole()
        for path, text in self.texts.items():
            self.assertEqual(self.text_on("ss1", path), text.encode())

    def test_writes(self) -> None:
        """H23: what is written while a returned primary catches up stays, whatever was copied."""
        undone = self.texts["49.txt"]
        number = 0
        while self.state() != "PROTECTED" and number < 200:
            number += 1
            self.change(number * 7 % 49, f"Newer {number}")
            self.cluster.advance(0.2)
            if number == 5:
                self.change(49, "To be undone")
                self.get(self.alice.undo("49.txt"))
                self.texts["49.txt"] = undone
        self.assertGreater(number, 10, "it was too quick to be seen")
        self.cluster.slow("ss1")
        self.settle()
        self.whole()
        for path, text in self.texts.items():
            self.assertEqual(self.read(path), text)
            self.assertEqual(self.conflicts_on("ss1", path), [])

    def test_deleted_meanwhile(self) -> None:
        """H29: what is deleted while it is copied is gone, and its name is free."""
        for _ in range(3):
            self.cluster.advance(0.4)
            self.get(self.alice.delete("49.txt"))
            self.put("49.txt", "Another one.")
        self.get(self.alice.delete("48.txt"))
        self.cluster.slow("ss1")
        self.settle()
        self.whole()
        self.assertEqual(self.read("49.txt"), "Another one.")
        self.get(self.alice.undo("49.txt"))
        self.assertEqual(self.read("49.txt"), "")
        self.assertNotIn("48.txt", self.paths())


class FirstCopyTests(FaultCase):
    """
    A backup that joins late.
    """

    def setUp(self) -> None:
        super().setUp()
        self.cluster.close()
        self.cluster = type(self.cluster)("ss1", nm_settings=self.nm_settings)
        self.addCleanup(self.cluster.close)
        self.alice, self.bob = self.person("alice"), self.person("bob")
        for number in range(30):
            self.put(f"{number}.txt", f"Text {number}. " * 1000)
        self.cluster.slow("ss1_backup", rate=SLOW)
        self.cluster.start("ss1_backup")
        self.until("SYNCING")
        self.cluster.advance(2.0)
        self.assertEqual(self.state(), "SYNCING")

    def filled(self) -> None:
        """It ends as if nothing had happened."""
        self.cluster.slow("ss1_backup")
        self.settle()
        self.whole()
        self.assertEqual(len(self.here("ss1_backup")), 30)
        self.assertEqual(self.read("29.txt"), "Text 29. " * 1000)

    def here(self, server: str) -> list[Document]:
        """What a disk has."""
        return self.documents(self.cluster.disks[server])

    def test_primary_dies(self) -> None:
        """H20, F23: a backup that is not filled yet does not lead; it is filled afterwards."""
        self.assertLess(len(self.here("ss1_backup")), 30)
        self.cluster.crash("ss1")
        self.until("DOWN")
        self.cluster.advance(60.0)
        self.assertEqual(self.state(), "DOWN")
        self.cluster.start("ss1")
        self.filled()

    def test_backup_dies(self) -> None:
        """F22: a backup that dies before it is filled goes on where it was."""
        self.cluster.crash("ss1_backup")
        half = len(self.here("ss1_backup"))
        self.cluster.advance(5.0)
        self.cluster.start("ss1_backup")
        self.assertEqual(len(self.here("ss1_backup")), half)
        self.filled()

    def test_name_server_dies(self) -> None:
        """F22: a name server that dies before a backup is filled goes on where it was."""
        self.cluster.crash_nm()
        self.cluster.advance(5.0)
        self.cluster.start_nm()
        self.cluster.advance(3.0)
        self.assertEqual(self.state(), "SYNCING")
        self.filled()

    def test_primary_dies_later(self) -> None:
        """H20: a backup that was filled has what was there before it and leads."""
        self.filled()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        for number in range(30):
            self.assertEqual(self.read(f"{number}.txt"), f"Text {number}. " * 1000)
