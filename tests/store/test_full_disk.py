"""What a store promises when its disk is full."""

from __future__ import annotations

from attrs import evolve

from dfs.core.access import AccessList
from dfs.core.documents import Document
from dfs.core.history import buried, checkpointed, described, without_checkpoint
from dfs.errors import Unavailable
from tests.store.case import MEGABYTE, StoreCase
from tests.store.samples import ALICE, LARGE, new, with_text


class FullDiskTests(StoreCase):
    """A full disk refuses what needs room, and nothing else."""

    def fill(self) -> Document:
        """A store with a document, on a disk that is then full."""
        document = checkpointed(self.write(new(), b"old"), "tag", ALICE)
        document = self.write(document, b"text")
        self.disk.free = 15 * MEGABYTE
        return document

    def test_refused(self) -> None:
        """Nothing that grows is accepted; the message says why; what is there can be read."""
        document = self.fill()
        for refused in (
            self.store.commit(new(2)),
            self.store.commit(with_text(document, b"x"), b"x"),
        ):
            self.assertIn("disk full", self.refused(refused, Unavailable))
        self.assertRaises(Unavailable, self.store.receive, None)
        self.assertRaises(Unavailable, self.store.receive, 10)
        self.assertEqual(self.store.document(document.id), document)
        self.assertEqual(self.store.small(document.current.content), b"text")
        self.assertEqual(self.store.last_seq(), 2)

    def test_rights(self) -> None:
        """Somebody can be let in, or no longer, and a document be moved, on a full disk."""
        document = self.fill()
        changed = evolve(document.metadata, access=AccessList("alice"), number=9)
        self.result(self.store.commit(described(document, changed)))

    def test_deleting(self) -> None:
        """Documents and checkpoints can be deleted on a full disk."""
        document = self.fill()
        document = without_checkpoint(document, "tag", ALICE)
        self.result(self.store.commit(document))
        self.result(self.store.commit(buried(document, ALICE)))
        self.assertEqual(self.store.counts(), (0, 0))

    def test_room_again(self) -> None:
        """When there is room again, writing goes on."""
        document = self.fill()
        self.refused(self.store.commit(new(2)), Unavailable)
        self.disk.free = 17 * MEGABYTE
        self.write(document, b"more")

    def test_freed_pages(self) -> None:
        """What was deleted from the database is room for other small texts."""
        documents = [self.write(new(n), bytes([n]) * 60_000) for n in range(40)]
        self.disk.free = 15 * MEGABYTE
        self.refused(self.store.commit(with_text(new(99), b"x"), b"x"), Unavailable)
        for document in documents:
            self.result(self.store.commit(buried(document, ALICE)))
        self.write(new(99), b"x")
        self.disk.free = 1
        self.refused(self.store.commit(with_text(new(98), b"y"), b"y"), Unavailable)

    def test_announced_size(self) -> None:
        """An upload that cannot fit is refused before it begins, others under way counted."""
        self.disk.free = 100 * MEGABYTE
        self.assertRaises(Unavailable, self.store.receive, 90 * MEGABYTE)
        first = self.store.receive(50 * MEGABYTE)
        self.assertRaises(Unavailable, self.store.receive, 40 * MEGABYTE)
        first.release()
        self.store.receive(40 * MEGABYTE).release()

    def test_during_upload(self) -> None:
        """A disk that becomes full during an upload fails it and leaves nothing behind."""
        incoming = self.store.receive(None)
        self.disk.free = 0
        incoming.write(LARGE)
        self.assertIn("disk full", self.refused(incoming.finish(), Unavailable))
        self.disk.free = 1_000 * MEGABYTE
        room = incoming.write(b"x")
        assert room is not None
        self.refused(room, Unavailable)
        incoming.release()
        self.closed()
        self.assertEqual(self.files(), [])
        self.assertEqual(self.deaths, [])
        self.store = self.open()

    def test_at_commit(self) -> None:
        """A commit for which there is no room at last changes nothing and leaves no file."""
        incoming, content = self.upload(LARGE)
        self.faults.times = 1
        self.refused(self.store.commit(with_text(new(), content)), Unavailable)
        incoming.release()
        self.write(new(2), b"next")
        self.closed()
        self.assertEqual(self.files(), [])
        self.store = self.open()
        self.assertIsNone(self.store.document(new().id))
        self.assertEqual(self.store.counts(), (1, 4))
