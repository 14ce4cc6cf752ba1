"""Promises to those who read."""

from __future__ import annotations

from dfs.core.access import Right
from dfs.errors import Corrupt, Moved, Unauthenticated, Unauthorized
from dfs.ss.admission import Admission
from dfs.wire.messages import DeleteFile, Put, Read, Stat
from tests.ss.world import DOCUMENT, KEY, WorldTests, metadata

#: Every byte, and what other implementations cut at.
STRANGE = bytes(range(256)) + b"\0\x01\xff\r\n\n\rSTOP|0|\nERROR|x\n"


class ReadTests(WorldTests):
    """READ."""

    def test_empty(self) -> None:
        """A new document is empty."""
        self.assertEqual(self.text(), b"")

    def test_bytes(self) -> None:
        """H7: any bytes come back as they were given, from small and large documents."""
        for text in (STRANGE, STRANGE * 3_000):
            self.put(text)
            self.assertEqual(self.text(), text)

    def test_reading_changes_nothing(self) -> None:
        """H1: reading leaves every committed state as it is, and remembers who read last."""
        self.put(b"one.")
        before = (dict(self.world.disk.documents), self.world.disk.seq)
        for user in ("alice", "bob") * 100:
            ticket = self.world.ticket(user, Right.READ, number=2)
            self.content(self.alice.ask_content(Read(ticket)))
        self.world.pass_time(30)
        self.assertEqual(before, (dict(self.world.disk.documents), self.world.disk.seq))
        self.assertEqual(self.ask(Stat(self.world.ticket())).accessed_by, "bob")

    def test_one_version(self) -> None:
        """A READ in progress sends one committed text, also when that text is gone meanwhile."""
        old = b"old. " * 400_000
        self.put(old)
        reading = self.alice.ask_content(Read(self.world.ticket()))
        first = self.world.result(reading.read())
        writer = self.world.call()
        for number in range(20):  # more than UNDO reaches back
            self.world.result(writer.ask(Put(self.world.ticket()), b"new %d" % number))
        self.world.order(DeleteFile(DOCUMENT, 1, "alice"))
        self.assertEqual(first + self.content(reading), old)

    def test_damaged(self) -> None:
        """Damaged bytes never come with a good end, whether the document is small or large."""
        for text in (b"small", b"large " * 50_000):
            self.put(text)
            document = self.world.store.document(DOCUMENT)
            assert document is not None
            self.world.disk.damage(document.current.content.sha256)
            with self.assertRaises(Corrupt):
                self.text()

    def test_slow_reader(self) -> None:
        """A reader who takes nothing keeps little of a large document in the server's memory."""
        self.put(b"x" * 3_000_000)
        connection = self.world.call()
        [link] = [one for one in self.world.network.links if one.protocol is connection]
        link.pauseProducing()
        reading = connection.ask_content(Read(self.world.ticket()))
        self.world.pass_time(5)
        self.assertLess(sum(len(piece.data) for piece in link._arrived), 800_000)
        link.resumeProducing()
        self.assertEqual(len(self.content(reading)), 3_000_000)


class TicketTests(WorldTests):
    """Who is let in."""

    def refused_read(self, error: type[Exception], ticket: str) -> None:
        """Expect a refusal."""
        with self.assertRaises(error):
            self.content(self.alice.ask_content(Read(ticket)))

    def test_forged(self) -> None:
        """H60: a ticket that was not made with the secret opens nothing."""
        good = self.world.ticket("mallory", Right.READ)
        for ticket in ("", "x", good[:-1], good.replace(".r.", ".w."), "é" + good):
            self.refused_read(Unauthenticated, ticket)

    def test_expired(self) -> None:
        """A ticket is good for its time, however often it was used, and not a moment longer."""
        ticket = self.world.ticket(seconds=30)
        self.content(self.alice.ask_content(Read(ticket)))
        self.world.pass_time(31)
        self.refused_read(Moved, ticket)

    def test_elsewhere(self) -> None:
        """A document that is not here, or is deleted, or of another epoch, has moved."""
        self.refused_read(Moved, self.world.ticket(document="00000000000000ff"))
        self.refused_read(Moved, self.world.ticket(epoch=0))
        self.refused_read(Moved, self.world.ticket(epoch=2))
        self.world.order(DeleteFile(DOCUMENT, 1, "alice"))
        self.refused_read(Moved, self.world.ticket())

    def test_revoked(self) -> None:
        """A ticket made before a revocation that has reached this server opens nothing."""
        self.world.order(metadata(DOCUMENT, ("r:bob",), 2))
        ticket = self.world.ticket("bob", Right.READ, number=2)
        self.content(self.alice.ask_content(Read(ticket)))
        self.world.order(metadata(DOCUMENT, (), 3))
        self.refused_read(Unauthorized, ticket)

    def test_granted_elsewhere(self) -> None:
        """A ticket from a newer access list than this server's counts."""
        self.refused_read(Unauthorized, self.world.ticket("bob", Right.READ, number=1))
        ticket = self.world.ticket("bob", Right.READ, number=2)
        self.assertEqual(self.content(self.alice.ask_content(Read(ticket))), b"")

    def test_forgotten(self) -> None:
        """So many tickets that some are forgotten cost time, never a right."""
        world = self.world
        admission = Admission(
            KEY, world.wall, world.store, world.server.serving.check, remembered=2
        )
        tickets = [world.ticket(seconds=seconds) for seconds in (5, 9, 13, 17)]
        for ticket in tickets * 2:
            self.assertEqual(admission.verify(ticket).user, "alice")
        world.pass_time(10)
        for ticket in tickets[:2]:
            self.assertRaises(Moved, admission.verify, ticket)


class StatTests(WorldTests):
    """STAT."""

    def test_facts(self) -> None:
        """H15: figures are right at once after each change."""
        facts = self.ask(Stat(self.world.ticket()))
        self.assertEqual((facts.size, facts.words, facts.version, facts.undo), (0, 0, "0.0", 0))
        self.put("Zwei Wörter. Ja!".encode())
        facts = self.ask(Stat(self.world.ticket()))
        self.assertEqual((facts.size, facts.words, facts.characters), (17, 3, 16))
        self.assertEqual((facts.sentences, facts.undo, facts.version), (2, 1, "1.0"))
        self.assertEqual((facts.modified_by, facts.is_text), ("alice", True))
