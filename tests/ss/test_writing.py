"""Promises to those who change whole documents."""

from __future__ import annotations

from twisted.python.failure import Failure

from dfs.core.access import Right
from dfs.errors import Invalid, Locked, NotFound, TooLarge, Unauthorized, Unavailable
from dfs.ss.service import Settings
from dfs.ss.writing import APPEND_BYTES
from dfs.wire.messages import (
    Abort,
    Append,
    DeleteFile,
    Edit,
    Etirw,
    Put,
    Redo,
    Stat,
    Undo,
    Write,
)
from dfs.wire.sending import Sending
from tests.ss.world import DOCUMENT, WorldTests, metadata
from tests.wire.talking import Wire


class PutTests(WorldTests):
    """PUT."""

    settings = Settings(max_document=100_000, undo_depth=3)

    def test_one_change(self) -> None:
        """PUT is one change that UNDO takes back and REDO brings again."""
        self.put(b"one")
        done = self.ask(Put(self.world.ticket()), b"two words")
        self.assertEqual((done.version, done.size, done.words), ("2.0", 9, 2))
        self.ask(Undo(self.world.ticket()))
        self.assertEqual(self.text(), b"one")
        self.ask(Redo(self.world.ticket()))
        self.assertEqual(self.text(), b"two words")

    def test_without_content(self) -> None:
        """A PUT that no content follows is refused, and one of no bytes empties the document."""
        self.put(b"one")
        self.refused(Invalid, Put(self.world.ticket()))
        self.put(b"")
        self.assertEqual(self.text(), b"")

    def test_too_large(self) -> None:
        """More than a document may have is refused, announced or not, and leaves nothing."""
        self.put(b"one")
        before = dict(self.world.disk.contents)
        self.refused(TooLarge, Put(self.world.ticket()), b"x" * 100_001)
        connection = self.world.call()
        sent = connection.send(Put(self.world.ticket()), lambda: b"y" * 60_000)
        outcome = self.world.outcome(sent)
        assert isinstance(outcome, Failure)
        outcome.trap(TooLarge)
        self.assertEqual((self.text(), self.world.disk.contents), (b"one", before))

    def test_at_the_limit(self) -> None:
        """A document may have exactly as many bytes as the limit says."""
        self.put(b"x" * 100_000)
        self.assertEqual(len(self.text()), 100_000)
        self.refused(TooLarge, Append(self.world.ticket(), "y"))

    def test_damaged(self) -> None:
        """An upload that is not what its sender says is refused as damaged and leaves nothing."""
        self.put(b"one")
        before = dict(self.world.disk.contents)
        for size in (0, 10, 90_000):
            protocol = self.world.factory.buildProtocol(None)
            wire = Wire()
            protocol.makeConnection(wire)
            sending = Sending()
            sent = sending.block(b"x" * size)
            protocol.dataReceived(f"PUT|{self.world.ticket()}|bytes=*\n".encode() + sent)
            protocol.dataReceived(b"STOP|%d|%s\n" % (size, b"0" * 64))
            self.world.pass_time(1)
            self.assertEqual(wire.value()[:14], b"ERROR|CORRUPT|")
            protocol.connectionLost()
            self.assertEqual((self.text(), self.world.disk.contents), (b"one", before))
        self.assertEqual(self.world.store._received, [])

    def test_cut(self) -> None:
        """An upload that is cut off leaves nothing."""
        before = dict(self.world.disk.contents)
        connection = self.world.call()
        pieces = [b"x" * 70_000]

        def source() -> bytes:
            if not pieces:
                raise Unavailable("no more")
            return pieces.pop()

        self.world.outcome(connection.send(Put(self.world.ticket()), source))
        self.world.pass_time(1)
        self.assertEqual((self.text(), self.world.disk.contents), (b"", before))
        self.assertEqual(self.world.store._received, [])

    def test_locked(self) -> None:
        """Nothing replaces a document while somebody edits a sentence of it."""
        self.put(b"One. Two.")
        bob = self.world.call()
        self.world.result(bob.ask(Write(self.world.ticket(), 1)))
        ticket = self.world.ticket()
        for request, body in ((Put(ticket), b"x"), (Undo(ticket), None), (Redo(ticket), None)):
            self.assertIn("alice has been editing", self.refused(Locked, request, body))
        with self.assertRaises(Locked):
            self.world.order(DeleteFile(DOCUMENT, 1, "alice"))
        self.world.result(bob.ask(Abort()))
        self.ask(Undo(ticket))
        self.assertEqual(self.text(), b"")

    def test_locked_meanwhile(self) -> None:
        """A sentence that is locked during an upload stops it at the end."""
        self.put(b"One. Two.")
        bob = self.world.call()
        pieces = [b"x" * 40_000, b"x" * 40_000]

        async def source() -> bytes:
            if len(pieces) == 1:
                await bob.ask(Write(self.world.ticket(), 1))
            return pieces.pop() if pieces else b""

        connection = self.world.call()
        outcome = self.world.outcome(connection.send(Put(self.world.ticket()), source))
        assert isinstance(outcome, Failure)
        outcome.trap(Locked)
        self.assertEqual(self.text(), b"One. Two.")

    def test_disk_full(self) -> None:
        """A document that does not fit is refused; the old one stays, and reading goes on."""
        self.put(b"one")
        self.world.disk.capacity = 1_000
        self.refused(Unavailable, Put(self.world.ticket()), b"x" * 2_000)
        self.refused(Unavailable, Put(self.world.ticket()), b"x" * 90_000)
        self.assertEqual(self.text(), b"one")
        self.world.order(DeleteFile(DOCUMENT, 1, "alice"))


class HistoryTests(WorldTests):
    """UNDO and REDO."""

    settings = Settings(undo_depth=3)

    def test_depth(self) -> None:
        """UNDO goes as far back as the depth says, and then there is nothing to undo."""
        self.assertEqual(self.refused(NotFound, Undo(self.world.ticket())), "Nothing to undo")
        for number in range(6):
            self.put(b"%d" % number)
        for number in (4, 3, 2):
            self.ask(Undo(self.world.ticket()))
            self.assertEqual(self.text(), b"%d" % number)
        self.refused(NotFound, Undo(self.world.ticket()))

    def test_redo_ends(self) -> None:
        """A new change ends what REDO could bring back."""
        self.put(b"one")
        self.ask(Undo(self.world.ticket()))
        self.put(b"two")
        self.assertEqual(self.refused(NotFound, Redo(self.world.ticket())), "Nothing to redo")

    def test_readers(self) -> None:
        """H62: who may only read changes nothing, with whatever ticket they come."""
        self.world.order(metadata(DOCUMENT, ("r:bob",), 2))
        self.put(b"one")
        for right in (Right.READ, Right.WRITE):
            ticket = self.world.ticket("bob", right, number=2)
            for request in (Undo(ticket), Redo(ticket), Append(ticket, "x"), Write(ticket, 0)):
                self.refused(Unauthorized, request)
            self.refused(Unauthorized, Put(ticket), b"x")
        self.refused(Unauthorized, Undo(self.world.ticket("alice", Right.READ)))
        self.assertEqual(self.text(), b"one")

    def test_deleted(self) -> None:
        """H9: nothing of a deleted document is left, and a new one begins empty."""
        self.put(b"secret")
        self.world.order(DeleteFile(DOCUMENT, 1, "alice"))
        self.assertEqual(self.world.disk.contents, {})
        other = "00000000000000d2"
        self.world.create(other)
        ticket = self.world.ticket(document=other)
        facts = self.ask(Stat(ticket))
        self.assertEqual((facts.size, facts.undo, facts.version), (0, 0, "0.0"))
        self.refused(NotFound, Undo(ticket))


class AppendTests(WorldTests):
    """APPEND."""

    def test_exact(self) -> None:
        """APPEND adds exactly the given bytes, from the line or behind it."""
        self.ask(Append(self.world.ticket(), "a|%b\n"))
        self.ask(Append(self.world.ticket(), ""), b"\xff\0")
        self.assertEqual(self.text(), b"a|%b\n\xff\0")
        self.refused(Invalid, Append(self.world.ticket(), "x"), b"y")

    def test_growing(self) -> None:
        """A document grows across the border between small and large, and UNDO shrinks it."""
        text = b""
        for number in range(4):
            piece = b"%d" % number * 40_000
            text += piece
            self.ask(Append(self.world.ticket(), ""), piece)
            self.assertEqual(self.text(), text)
        self.ask(Undo(self.world.ticket()))
        self.assertEqual(self.text(), text[:-40_000])

    def test_nothing(self) -> None:
        """To add nothing is no change."""
        done = self.ask(Append(self.world.ticket(), ""))
        self.assertEqual(done.version, "0.0")

    def test_much(self) -> None:
        """What does not fit into memory is refused before it is sent."""
        self.refused(TooLarge, Append(self.world.ticket(), ""), b"x" * (APPEND_BYTES + 1))

    def test_beside_a_session(self) -> None:
        """APPEND works beside the editing of another sentence, and both changes survive."""
        self.put(b"One. Two.")
        bob = self.world.call()
        self.world.result(bob.ask(Write(self.world.ticket(), 0)))
        self.world.result(bob.ask(Edit(0, "Number")))
        self.ask(Append(self.world.ticket(), " Three"))
        self.world.result(bob.ask(Etirw()))
        self.assertEqual(self.text(), b"Number One. Two. Three")

    def test_into_a_session(self) -> None:
        """APPEND is refused while it would lengthen a sentence that somebody edits."""
        self.put(b"One. Two")
        bob = self.world.call()
        self.world.result(bob.ask(Write(self.world.ticket(), 1)))
        self.refused(Locked, Append(self.world.ticket(), " more"))
        self.assertEqual(self.text(), b"One. Two")

    def test_side_by_side(self) -> None:
        """Many who append at once lose nothing of each other."""
        asked = [
            self.world.call().ask(Append(self.world.ticket(), f"{number};")) for number in range(50)
        ]
        for one in asked:
            self.world.result(one)
        self.assertEqual(
            sorted(self.text().split(b";")[:-1]), sorted(b"%d" % one for one in range(50))
        )
