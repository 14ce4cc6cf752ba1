"""The commands about checkpoints, and the library under them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from twisted.internet.defer import Deferred

from dfs.client.failures import Unanswered
from dfs.client.reading import Download
from dfs.errors import Conflict
from dfs.wire.exchange import Exchange
from dfs.wire.messages import (
    CheckpointLine,
    Count,
    DeleteCheckpoint,
    ListCheckpoints,
    MakeCheckpoint,
    Revert,
    ViewCheckpoint,
)
from tests.client.people import CommandCase
from tests.client.stage import OTHER_STORAGE, content, cut_after
from tests.client.test_session import SessionCase


class TextTests(CommandCase):
    """What is printed."""

    def test_a_life(self) -> None:
        """Each command prints one sentence, or what was kept, byte for byte."""
        for line, says in (
            ("CREATE notes.txt", "File Created Successfully!\n"),
            ("LISTCHECKPOINTS notes.txt", "No checkpoints found.\n"),
            ("APPEND notes.txt 'Old.\\n'", "Append Successful!\n"),
            ("CHECKPOINT notes.txt v1", "Checkpoint Successful!\n"),
            ("APPEND notes.txt 'New.\\n'", "Append Successful!\n"),
            ("VIEWCHECKPOINT notes.txt v1", "Old.\n"),
            ("viewcheckpoint /notes.txt v1 -", "Old.\n"),
            ("REVERT notes.txt v1", "Revert Successful!\n"),
            ("READ notes.txt", "Old.\n"),
            ("UNDO notes.txt", "Undo Successful!\n"),
            ("READ notes.txt", "Old.\nNew.\n"),
            ("DELETECHECKPOINT notes.txt v1", "Checkpoint deleted successfully!\n"),
            ("LISTCHECKPOINTS notes.txt", "No checkpoints found.\n"),
        ):
            self.done(line, says=says)

    def test_table(self) -> None:
        """LISTCHECKPOINTS tells tag, size, words, when, by whom, and the kind of each."""
        self.alice.type("CREATE notes.txt")
        self.alice.type("APPEND notes.txt 'two words'")
        self.alice.type("CHECKPOINT notes.txt v1")
        head, row = self.alice.type("LISTCHECKPOINTS notes.txt").splitlines()
        self.assertEqual(head.split(), ["TAG", "SIZE", "WORDS", "MADE", "BY", "KIND"])
        cells = row.split()
        self.assertEqual((cells[:3], cells[-2:]), (["v1", "9", "2"], ["alice", "checkpoint"]))

    def test_local_file(self) -> None:
        """VIEWCHECKPOINT copies into a local file, which is replaced as a whole or not at all."""
        self.alice.type("PUT - notes.txt", input=b"\x00\xff old")
        self.alice.type("CHECKPOINT notes.txt v1")
        local = Path(os.getcwd()) / "old.txt"
        local.write_bytes(b"something else that is longer")
        said = self.alice.type(f"VIEWCHECKPOINT notes.txt v1 {local}")
        self.assertEqual(said, f"Got notes.txt: 6 bytes into {local}.\n")
        self.assertEqual(local.read_bytes(), b"\x00\xff old")
        self.refused(f"VIEWCHECKPOINT notes.txt v2 {local}", code="NOT_FOUND")
        self.refused(f"VIEWCHECKPOINT notes.txt v1 {local.parent}", code="INVALID", says="folder")
        self.assertEqual(local.read_bytes(), b"\x00\xff old")

    def test_terminal(self) -> None:
        """A terminal is sent no control characters of a kept text, unless it is to be."""
        self.alice.type("PUT - notes.txt", input=b"\x1b[2J")
        self.alice.type("CHECKPOINT notes.txt v1")
        terminal = self.desk("alice", terminal=True)
        self.assertEqual(terminal.type("VIEWCHECKPOINT notes.txt v1"), "\\x1b[2J\n")
        self.assertIn("\x1b[2J", terminal.type("VIEWCHECKPOINT --raw notes.txt v1"))

    def test_refusals(self) -> None:
        """Refusals say what to do."""
        self.alice.type("CREATE notes.txt")
        self.alice.type("CHECKPOINT notes.txt v1")
        for line, code, says in (
            ("CHECKPOINT notes.txt v1", "EXISTS", "another tag"),
            ("CHECKPOINT notes.txt 'a b'", "INVALID", "1 to 64"),
            ("CHECKPOINT notes.txt conflict-mine", "INVALID", "system"),
            ("CHECKPOINT nothing.txt v1", "NOT_FOUND", "nothing.txt"),
            ("VIEWCHECKPOINT notes.txt v2", "NOT_FOUND", "LISTCHECKPOINTS"),
            ("REVERT notes.txt v2", "NOT_FOUND", "LISTCHECKPOINTS"),
            ("DELETECHECKPOINT notes.txt v2", "NOT_FOUND", "LISTCHECKPOINTS"),
        ):
            self.refused(line, code=code, says=says)
        for line in ("CHECKPOINT notes.txt", "REVERT", "LISTCHECKPOINTS", "VIEWCHECKPOINT a"):
            self.refused(line, code="INVALID", says="usage: ", status=2)

    def test_readers(self) -> None:
        """Who may only read sees checkpoints, and makes, reverts to and deletes none."""
        self.alice.type("CREATE notes.txt")
        self.alice.type("CHECKPOINT notes.txt v1")
        self.refused("LISTCHECKPOINTS notes.txt", code="UNAUTHORIZED", by=self.bob)
        self.alice.type("ADDACCESS -R notes.txt bob")
        self.done("VIEWCHECKPOINT notes.txt v1", says="", desk=self.bob)
        self.assertIn("v1", self.bob.type("LISTCHECKPOINTS notes.txt"))
        for line in (
            "CHECKPOINT notes.txt v2",
            "REVERT notes.txt v1",
            "DELETECHECKPOINT notes.txt v1",
        ):
            self.refused(line, code="UNAUTHORIZED", by=self.bob)

    def test_info(self) -> None:
        """INFO and its figures are right after each of them."""
        self.alice.type("CREATE notes.txt")
        self.alice.type("CHECKPOINT notes.txt v1")
        self.alice.type("CHECKPOINT notes.txt v2")
        robot = self.desk("alice", json=True)
        [record] = robot.records("INFO notes.txt")
        self.assertEqual((record["checkpoints"], record["checkpoint_count"]), (["v1", "v2"], 2))
        self.alice.type("APPEND notes.txt 'three words more'")
        self.alice.type("REVERT notes.txt v1")
        self.alice.type("DELETECHECKPOINT notes.txt v1")
        [record] = robot.records("INFO notes.txt")
        self.assertEqual((record["checkpoints"], record["checkpoint_count"]), (["v2"], 1))
        self.assertEqual((record["size"], record["words"]), (0, 0))


class JSONTests(CommandCase):
    """What programs read."""

    def test_records(self) -> None:
        """Each command writes objects that say what was done, or what there is."""
        robot = self.desk("alice", json=True)
        robot.type("PUT - a", input=b"two words")
        [made] = robot.records("CHECKPOINT a v1")
        self.assertEqual(
            made,
            {
                "message": "Checkpoint Successful!",
                "path": "a",
                "tag": "v1",
                "version": "2.0",
                "size": 9,
            },
        )
        [line] = robot.records("LISTCHECKPOINTS a")
        self.assertRegex(line.pop("made"), r"^2023-11-14T.*Z$")
        self.assertEqual(
            line,
            {
                "tag": "v1",
                "size": 9,
                "words": 2,
                "made_by": "alice",
                "conflict": False,
                "sha256": hashlib.sha256(b"two words").hexdigest(),
            },
        )
        [shown] = robot.records("VIEWCHECKPOINT a v1")
        self.assertEqual((shown["path"], shown["tag"], shown["content"]), ("a", "v1", "two words"))
        [saved] = robot.records("VIEWCHECKPOINT a v1 copy.txt")
        self.assertEqual((saved["tag"], saved["local"], saved["size"]), ("v1", "copy.txt", 9))
        [back] = robot.records("REVERT a v1")
        self.assertEqual((back["tag"], back["version"]), ("v1", "3.0"))
        [gone] = robot.records("DELETECHECKPOINT a v1")
        self.assertEqual((gone["tag"], gone["version"]), ("v1", "4.0"))
        self.assertEqual(robot.records("LISTCHECKPOINTS a"), [])


class LostServerTests(SessionCase):
    """When the server is lost."""

    def test_in_doubt(self) -> None:
        """A change whose answer was lost is not repeated, and its failure says how to find out."""
        for request, method, look in (
            (MakeCheckpoint, self.alice.checkpoints.make, "LISTCHECKPOINTS a.txt tells"),
            (DeleteCheckpoint, self.alice.checkpoints.delete, "LISTCHECKPOINTS a.txt tells"),
            (Revert, self.alice.checkpoints.revert, "READ a.txt tells"),
        ):
            self.ss.answers[request] = self.ss.hang_up
            said = self.refused(method("a.txt", "v1"), Unanswered)
            self.assertIn(look, said)
            self.assertEqual(self.ss.asked.count(request.verb), 1)

    def test_list_again(self) -> None:
        """A list is asked for again, at the server that took over."""

        known = CheckpointLine("v1", 5, 1, 1.0, "bob", False, "ab" * 32)

        def lost(request: ListCheckpoints, exchange: Exchange) -> Deferred[None]:
            exchange.item(known)
            self.stage.place = OTHER_STORAGE
            return self.ss.hang_up(request, exchange)

        def whole(request: ListCheckpoints, exchange: Exchange) -> Count:
            exchange.item(known)
            return Count(1)

        self.ss.answers[ListCheckpoints] = lost
        self.other.answers[ListCheckpoints] = whole
        self.assertEqual(self.run_(self.alice.checkpoints.lines("a.txt")), [known])

    def test_goes_on(self) -> None:
        """A kept text that was cut goes on at the server that took over, if it is the same."""
        first, second = b"a" * 1_500_000, b"b" * 1_500_000
        for rest, error in ((second, None), (b"x" * 10, None), (second, Conflict)):
            self.stage.place = "127.0.0.1:6001"
            self.ss.answers[ViewCheckpoint] = cut_after(first)
            begins = b"c" * len(first) if error else first
            self.other.answers[ViewCheckpoint] = content(begins, rest)
            alice = self.stage.session()
            download = self.run_(alice.checkpoints.open_read("a.txt", "v1"))
            piece = self.run_(download.read())
            self.stage.place = OTHER_STORAGE
            if error:
                self.refused(self.rest(download), error)
            else:
                self.assertEqual(piece + self.run_(self.rest(download)), first + rest)
            download.close()

    def rest(self, download: Download) -> Deferred[bytes]:
        """What is left of a download."""

        async def gather() -> bytes:
            pieces = []
            while more := await download.read():
                pieces.append(more)
            return b"".join(pieces)

        return Deferred.fromCoroutine(gather())
