"""Promises to those who keep versions of a document and go back to them."""

from __future__ import annotations

import hashlib
from typing import Any

from dfs.core.access import Right
from dfs.core.documents import Checkpoint, Document, Revision
from dfs.core.history import content_of
from dfs.core.versions import Version
from dfs.errors import (
    Corrupt,
    Exists,
    Invalid,
    Locked,
    Moved,
    NotFound,
    TooLarge,
    Unauthenticated,
    Unauthorized,
)
from dfs.wire.messages import (
    Abort,
    CheckpointLine,
    DeleteCheckpoint,
    DeleteFile,
    Drain,
    Edit,
    Etirw,
    ListCheckpoints,
    MakeCheckpoint,
    Redo,
    Request,
    Revert,
    Stat,
    Undo,
    ViewCheckpoint,
    Write,
)
from tests.ss.world import DOCUMENT, START, WorldTests, metadata

CONFLICT = "conflict-ss1-20260102T030405"


class CheckpointCase(WorldTests):
    """One document, and words for what is kept of it."""

    def setUp(self) -> None:
        super().setUp()
        self.put(b"one two.")

    def keep(self, tag: str) -> None:
        """Make a checkpoint."""
        self.ask(MakeCheckpoint(self.world.ticket(), tag))

    def view(self, tag: str) -> bytes:
        """What a checkpoint holds."""
        return self.content(self.alice.ask_content(ViewCheckpoint(self.world.ticket(), tag)))

    def refused_view(self, error: type[Exception], tag: str, ticket: str = "") -> str:
        """Why a checkpoint is not shown."""
        asked = self.alice.ask_content(ViewCheckpoint(ticket or self.world.ticket(), tag))
        return str(self.assertRaises(error, self.content, asked))

    def lines(self) -> list[CheckpointLine]:
        """What there is."""

        async def gather() -> list[Any]:
            items = self.alice.ask_items(ListCheckpoints(self.world.ticket()))
            found: list[Any] = []
            while some := await items.read():
                found += some
            return found

        return self.world.result(gather(), 60.0)

    def tags(self) -> list[str]:
        """How they are called."""
        return [line.tag for line in self.lines()]

    def implant(self, *checkpoints: Checkpoint) -> None:
        """Let the document have these checkpoints, however they came there."""
        from attrs import evolve

        document = self.document()
        version = Version(document.version.a + 1, document.version.b)
        changed = evolve(document, version=version, checkpoints=checkpoints)
        self.world.result(self.world.store.commit(changed))

    def document(self) -> Document:
        """What is on the disk."""
        document = self.world.store.document(DOCUMENT)
        assert document is not None
        return document


class KeepingTests(CheckpointCase):
    """CHECKPOINT, LISTCHECKPOINTS, VIEWCHECKPOINT, DELETECHECKPOINT."""

    def test_kept(self) -> None:
        """A checkpoint is the text of its moment, whatever becomes of the document."""
        self.keep("v1")
        self.put(b"another")
        self.assertEqual((self.view("v1"), self.text()), (b"one two.", b"another"))

    def test_listed(self) -> None:
        """LISTCHECKPOINTS tells what each is, who made it and when, sorted by tag."""
        self.keep("v2")
        self.keep("a.b_c-1")
        sha256 = hashlib.sha256(b"one two.").hexdigest()
        [first, second] = self.lines()
        self.assertEqual([first.tag, second.tag], ["a.b_c-1", "v2"])
        self.assertEqual(second, CheckpointLine("v2", 8, 2, second.made, "alice", False, sha256))
        self.assertLess(abs(second.made - self.world.wall()), 1.0)

    def test_no_change_of_text(self) -> None:
        """CHECKPOINT is a new version with the same text; nothing more can be undone for it."""
        before = self.ask(Stat(self.world.ticket()))
        done = self.ask(MakeCheckpoint(self.world.ticket(), "v1"))
        after = self.ask(Stat(self.world.ticket()))
        self.assertEqual((done.version, done.size, done.words), ("2.0", 8, 2))
        self.assertEqual((after.undo, after.modified), (before.undo, before.modified))
        self.assertEqual((before.checkpoints, after.checkpoints), ((), ("v1",)))

    def test_told(self) -> None:
        """The name server hears at once how many checkpoints and conflicts there are."""
        self.implant(Checkpoint(CONFLICT, Revision(content_of(b"one two."), START, "bob"), 1.0, ""))
        self.keep("v1")
        note = self.world.nm.notes()[-1]
        self.assertEqual((note.version, note.checkpoints, note.conflicts), ("3.0", 2, 1))
        self.ask(DeleteCheckpoint(self.world.ticket(), CONFLICT))
        note = self.world.nm.notes()[-1]
        self.assertEqual((note.version, note.checkpoints, note.conflicts), ("4.0", 1, 0))

    def test_refused(self) -> None:
        """A tag that is taken, no tag, or one that only conflicts have is refused."""
        self.keep("v1")
        self.refused(Exists, MakeCheckpoint(self.world.ticket(), "v1"))
        for tag in ("", "a b", "ü", "x" * 65, "a|b", CONFLICT):
            self.refused(Invalid, MakeCheckpoint(self.world.ticket(), tag))
        self.assertEqual(self.tags(), ["v1"])

    def test_missing(self) -> None:
        """A checkpoint that is not there can be neither seen, nor reverted to, nor deleted."""
        for request in (Revert, DeleteCheckpoint):
            said = self.refused(NotFound, request(self.world.ticket(), "v1"))
            self.assertIn("LISTCHECKPOINTS", said)
        self.assertIn("LISTCHECKPOINTS", self.refused_view(NotFound, "v1"))

    def test_deleted(self) -> None:
        """A checkpoint that was deleted is gone, its text with it if nobody else needs that."""
        self.keep("v1")
        self.put(b"x")
        for _ in range(self.world.settings.undo_depth):
            self.put(b"y")
        self.assertEqual(self.view("v1"), b"one two.")
        self.ask(DeleteCheckpoint(self.world.ticket(), "v1"))
        self.assertEqual(self.tags(), [])
        self.assertNotIn(hashlib.sha256(b"one two.").digest(), self.world.disk.contents)

    def test_any_bytes(self) -> None:
        """H7: what is no text is kept and shown byte for byte, small and large."""
        odd = b"\x00\x01\xff\r\n\t  |%.!"
        for number, text in enumerate((b"", odd, odd * 40_000)):
            self.put(text)
            self.keep(f"v{number}")
            self.put(b"other")
            self.assertEqual(self.view(f"v{number}"), text)

    def test_damaged(self) -> None:
        """A kept text that is damaged on the disk is not shown."""
        self.keep("v1")
        self.put(b"x")
        self.world.disk.contents[hashlib.sha256(b"one two.").digest()] = b"one TWO."
        self.refused_view(Corrupt, "v1")

    def test_thousand(self) -> None:
        """A document may have 1,000 checkpoints: all are listed, and one more is refused."""
        content = content_of(b"one two.")
        self.implant(
            *(
                Checkpoint(f"{number:04}{'t' * 60}", Revision(content, START, "bob"), 1.0, "b" * 64)
                for number in range(1_000)
            )
        )
        self.assertEqual(len(self.tags()), 1_000)
        self.assertEqual(len(self.ask(Stat(self.world.ticket())).checkpoints), 1_000)
        self.assertIn(
            "DELETECHECKPOINT",
            self.refused(TooLarge, MakeCheckpoint(self.world.ticket(), "one-more")),
        )
        self.ask(DeleteCheckpoint(self.world.ticket(), f"0500{'t' * 60}"))
        self.keep("one-more")

    def test_restart(self) -> None:
        """What was kept is there after a restart."""
        self.keep("v1")
        self.put(b"x")
        self.world.stop()
        self.world.start()
        self.alice = self.world.call()
        self.assertEqual((self.tags(), self.view("v1")), (["v1"], b"one two."))

    def test_deleted_document(self) -> None:
        """H9: with a document its checkpoints go."""
        self.keep("v1")
        ticket = self.world.ticket()
        self.world.order(DeleteFile(DOCUMENT, 1, "alice"))
        self.refused_view(Moved, "v1", ticket)
        self.assertEqual(self.world.disk.contents, {})


class RevertTests(CheckpointCase):
    """REVERT."""

    def test_reverted(self) -> None:
        """REVERT makes a kept text the present one, as a change that is undone and redone."""
        self.keep("v1")
        self.put(b"another text now")
        done = self.ask(Revert(self.world.ticket(), "v1"))
        self.assertEqual((done.version, done.size, done.words), ("4.0", 8, 2))
        self.assertEqual(self.text(), b"one two.")
        self.ask(Undo(self.world.ticket()))
        self.assertEqual(self.text(), b"another text now")
        self.ask(Redo(self.world.ticket()))
        self.assertEqual((self.text(), self.tags()), (b"one two.", ["v1"]))

    def test_conflict(self) -> None:
        """A conflict is listed as one, shown, reverted to and deleted like any checkpoint."""
        self.put(b"lost")
        lost = self.document().current
        self.put(b"won")
        self.implant(Checkpoint(CONFLICT, lost, START, "bob"))
        [line] = self.lines()
        self.assertEqual((line.tag, line.conflict, line.made_by), (CONFLICT, True, "bob"))
        self.assertEqual(self.view(CONFLICT), b"lost")
        self.ask(Revert(self.world.ticket(), CONFLICT))
        self.assertEqual(self.text(), b"lost")
        self.ask(DeleteCheckpoint(self.world.ticket(), CONFLICT))
        self.assertEqual((self.tags(), self.text()), ([], b"lost"))

    def test_locked(self) -> None:
        """While a sentence is edited REVERT is refused with LOCKED; CHECKPOINT and the rest go."""
        self.keep("v1")
        self.put(b"new text.")
        self.ask(Write(self.world.ticket(), 0))
        self.ask(Edit(0, "My"))
        bob = self.world.call("bob")
        said = self.refused(Locked, Revert(self.world.ticket(), "v1"), by=bob)
        self.assertIn("alice", said)
        self.keep("v2")
        self.ask(DeleteCheckpoint(self.world.ticket(), "v1"))
        self.ask(Etirw())
        self.assertEqual((self.text(), self.view("v2")), (b"My new text.", b"new text."))

    def test_unlocked(self) -> None:
        """When the session has ended REVERT goes on."""
        self.keep("v1")
        self.put(b"x")
        self.ask(Write(self.world.ticket(), 0))
        self.refused(Locked, Revert(self.world.ticket(), "v1"))
        self.ask(Abort())
        self.ask(Revert(self.world.ticket(), "v1"))
        self.assertEqual(self.text(), b"one two.")

    def test_never_rights(self) -> None:
        """H10: grant, checkpoint, revoke, revert: still revoked."""
        self.world.order(metadata(DOCUMENT, ("w:bob",), 2))
        self.keep("v1")
        bobs = self.world.ticket("bob", number=2)
        self.ask(Revert(bobs, "v1"))
        self.world.order(metadata(DOCUMENT, (), 3))
        self.ask(Revert(self.world.ticket(number=3), "v1"))
        self.refused(Unauthorized, Revert(bobs, "v1"))
        self.refused_view(Unauthorized, "v1", bobs)
        self.assertEqual(self.document().metadata.access.grants, ())


class AdmissionTests(CheckpointCase):
    """Who may do what."""

    def changes(self, ticket: str) -> list[Request[Any]]:
        """Each change, with this ticket."""
        return [MakeCheckpoint(ticket, "v2"), Revert(ticket, "v1"), DeleteCheckpoint(ticket, "v1")]

    def test_readers(self) -> None:
        """Who may read sees what is kept, and changes nothing."""
        self.keep("v1")
        self.world.order(metadata(DOCUMENT, ("r:bob",), 2))
        ticket = self.world.ticket("bob", Right.READ, number=2)
        for request in self.changes(ticket):
            self.refused(Unauthorized, request)
        self.assertEqual(
            self.content(self.alice.ask_content(ViewCheckpoint(ticket, "v1"))), b"one two."
        )
        self.assertEqual(self.ask(ListCheckpoints(ticket)).count, 1)

    def test_no_ticket(self) -> None:
        """Without a good ticket nothing is told and nothing changed."""
        self.keep("v1")
        for ticket, error in (
            ("x", Unauthenticated),
            (self.world.ticket(seconds=-1), Moved),
            (self.world.ticket(epoch=0), Moved),
            (self.world.ticket("eve"), Unauthorized),
        ):
            for request in (*self.changes(ticket), ListCheckpoints(ticket)):
                self.refused(error, request)
            self.refused_view(error, "v1", ticket)
        self.assertEqual(self.tags(), ["v1"])

    def test_draining(self) -> None:
        """A server that has finished makes, reverts to, deletes and shows no checkpoint."""
        self.keep("v1")
        self.world.order(Drain(1, 5.0))
        for request in self.changes(self.world.ticket()):
            self.refused(Moved, request)
        self.refused_view(Moved, "v1", self.world.ticket())
