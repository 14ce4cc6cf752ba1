"""What every store promises of documents, on disk and in memory."""

from __future__ import annotations

from attrs import evolve
from zope.interface.verify import verifyObject

from dfs.core.access import AccessList
from dfs.core.documents import Summary
from dfs.core.history import (
    buried,
    checkpointed,
    content_of,
    described,
    redone,
    undone,
    without_checkpoint,
)
from dfs.core.versions import Version
from dfs.errors import Conflict, Corrupt, NotFound, Unavailable
from dfs.store.interfaces import Access, Identity, IStore
from tests.store.kinds import STORE_ID, InMemory, InMemoryLater, OnDisk, StoreTests
from tests.store.samples import ALICE, new, with_text


class DocumentsMixin(StoreTests):
    """What it is, documents, and who read them."""

    def test_interface(self) -> None:
        """It has every method of a store."""
        verifyObject(IStore, self.store)

    def test_identity(self) -> None:
        """A new store belongs to no cluster; what it joins it remembers, and no other."""
        self.assertEqual(self.store.identity(), Identity(STORE_ID, "ss1", "", 0))
        self.result(self.store.join("c1", 7))
        self.result(self.store.join("c1", 3))
        self.assertRefused(self.store.join("c2", 9), Conflict)
        self.assertEqual(self.store.identity(), Identity(STORE_ID, "ss1", "c1", 7))
        self.reopen()
        self.assertEqual(self.store.identity(), Identity(STORE_ID, "ss1", "c1", 7))

    def test_empty(self) -> None:
        """A new store has heard of nothing."""
        self.assertEqual(self.store.last_seq(), 0)
        self.assertEqual(self.store.counts(), (0, 0))
        self.assertEqual(self.store.changes_after(0, 10), [])
        self.assertIsNone(self.store.document("0" * 16))
        self.assertIsNone(self.store.head("0" * 16))
        self.assertFalse(self.store.has(b"x" * 32))

    def test_commit(self) -> None:
        """What was committed is there as it was given, and after the store was opened again."""
        document = with_text(new(), b"Hello. World")
        summary = self.result(self.store.commit(document, b"Hello. World"))
        self.assertEqual((summary.seq, self.store.last_seq()), (1, 1))
        for _ in range(2):
            self.assertEqual(self.store.document(document.id), document)
            self.assertEqual(self.store.changes_after(0, 10), [summary])
            self.assertEqual(self.store.small(document.current.content), b"Hello. World")
            self.assertEqual(self.store.counts(), (1, 12))
            self.reopen()

    def test_empty_content(self) -> None:
        """A document without a byte needs no content; nobody lacks the empty one."""
        document = self.commit(new())
        self.assertEqual(self.store.small(document.current.content), b"")
        self.assertTrue(self.store.has(document.current.content.sha256))
        self.assertEqual(self.read(document.current.content), [])

    def test_whole_state(self) -> None:
        """Undo, redo, checkpoints and rights come back as they were."""
        document = new()
        for text in (b"one", b"two", b"three", b"\xff\x00"):
            document = self.write(document, text)
        document = checkpointed(document, "tag", ALICE)
        document = undone(undone(document, ALICE), ALICE)
        rights = AccessList("alice", (("böb", "w"), ("c|d", "r")))
        metadata = evolve(
            document.metadata, folder=7, name="a bü|.txt", access=rights, number=9, named=8
        )
        document = self.commit(described(document, metadata))
        self.reopen()
        self.assertEqual(self.store.document(document.id), document)
        head = self.store.head(document.id)
        assert head is not None
        self.assertEqual(head.seq, self.store.last_seq())
        self.assertEqual((head.id, head.metadata), (document.id, document.metadata))
        self.assertEqual((head.version, head.epoch), (document.version, 1))
        self.assertEqual((head.current, head.deleted), (document.current, False))
        self.assertEqual((head.checkpoints, head.conflicts), (1, 0))
        self.commit(redone(document, ALICE))
        self.assertEqual(self.store.small(content_of(b"three")), b"three")

    def test_missing_content(self) -> None:
        """A state whose content is nowhere is refused and changes nothing."""
        document = self.commit(new())
        self.assertRefused(self.store.commit(with_text(document, b"nowhere")), Corrupt)
        self.assertRefused(self.store.commit(with_text(document, b"this"), b"that"), Corrupt)
        self.assertEqual(self.store.document(document.id), document)
        self.assertEqual(self.store.last_seq(), 1)

    def test_last_reference(self) -> None:
        """A content stays as long as one document refers to it, and no longer."""
        first, second = self.write(new(1), b"same"), self.write(new(2), b"same")
        content = first.current.content
        self.commit(buried(first, ALICE))
        self.assertEqual(self.store.small(content), b"same")
        self.assertTrue(self.store.has(content.sha256))
        self.commit(buried(second, ALICE))
        self.assertFalse(self.store.has(content.sha256))
        self.assertRaises(NotFound, self.store.small, content)
        self.assertRaises(NotFound, self.store.reader, content)
        self.assertEqual(self.store.counts(), (0, 0))

    def test_forgotten_history(self) -> None:
        """A text that no history reaches any more is gone; a checkpoint keeps it."""
        document = checkpointed(self.write(new(), b"first"), "kept", ALICE)
        for number in range(3):
            document = with_text(document, b"text %d" % number, 1)
            self.commit(document, b"text %d" % number)
        self.assertFalse(self.store.has(content_of(b"text 0").sha256))
        self.assertTrue(self.store.has(content_of(b"text 1").sha256))
        self.assertTrue(self.store.has(content_of(b"first").sha256))
        self.commit(without_checkpoint(document, "kept", ALICE))
        self.assertFalse(self.store.has(content_of(b"first").sha256))

    def test_tombstone(self) -> None:
        """A deleted document stays known, until it is forgotten at exactly that version."""
        document = self.commit(buried(self.write(new(), b"x"), ALICE))
        found = self.store.document(document.id)
        assert found is not None
        self.assertTrue(found.deleted)
        [summary] = self.store.changes_after(0, 10)
        self.assertTrue(summary.deleted)
        self.assertFalse(self.result(self.store.forget(document.id, Version(1, 0))))
        self.assertTrue(self.result(self.store.forget(document.id, document.version)))
        self.assertIsNone(self.store.document(document.id))
        self.assertFalse(self.result(self.store.forget(document.id, document.version)))

    def test_living_is_not_forgotten(self) -> None:
        """Only tombstones are forgotten."""
        document = self.commit(new())
        self.assertFalse(self.result(self.store.forget(document.id, document.version)))
        self.assertEqual(self.store.document(document.id), document)

    def test_positions(self) -> None:
        """Positions rise and are never used twice, though the newest document is forgotten."""
        self.commit(new(1))
        tombstone = self.commit(buried(self.commit(new(2)), ALICE))
        self.result(self.store.forget(tombstone.id, tombstone.version))
        self.reopen()
        self.assertEqual(self.store.last_seq(), 3)
        self.assertEqual(self.result(self.store.commit(new(3))).seq, 4)

    def test_changes(self) -> None:
        """Changes come in order, each document once, with its newest state, page by page."""
        commits = [self.store.commit(new(number)) for number in range(10_000)]
        seqs = [self.result(one).seq for one in commits]
        self.assertEqual(seqs, list(range(1, 10_001)))
        self.write(new(5), b"newest")
        seen: list[Summary] = []
        pages = 0
        while page := self.store.changes_after(seen[-1].seq if seen else 0, 700):
            seen += page
            pages += 1
        self.assertEqual(len({one.id for one in seen}), 10_000)
        self.assertEqual([one.seq for one in seen], sorted(one.seq for one in seen))
        self.assertEqual((seen[-1].seq, seen[-1].content), (10_001, content_of(b"newest")))
        self.assertEqual(pages, 15)
        self.assertEqual(self.store.counts(), (10_000, 6))

    def test_accesses(self) -> None:
        """Who read a document last is known at once, kept when flushed, gone when deleted."""
        document = self.commit(new())
        self.assertIsNone(self.store.last_access(document.id))
        self.store.accessed(document.id, Access(5.5, "bob"))
        self.store.accessed(document.id, Access(6.5, "carl"))
        self.assertEqual(self.store.last_access(document.id), Access(6.5, "carl"))
        flushed = self.store.flush_accesses()
        self.assertEqual(self.store.last_access(document.id), Access(6.5, "carl"))
        self.result(flushed)
        self.reopen()
        self.assertEqual(self.store.last_access(document.id), Access(6.5, "carl"))
        self.store.accessed(document.id, Access(7.5, "dora"))
        self.commit(buried(document, ALICE))
        self.result(self.store.flush_accesses())
        self.assertIsNone(self.store.last_access(document.id))

    def test_close(self) -> None:
        """Closing finishes the commits that wait, keeps the accesses, refuses what comes later."""
        commits = [self.store.commit(new(number)) for number in range(5)]
        self.assertEqual(self.result(commits[0]).seq, 1)
        self.store.accessed(new(0).id, Access(1.0, "bob"))
        closed = self.store.close()
        self.assertRefused(self.store.commit(new(9)), Unavailable)
        self.result(closed)
        self.assertEqual([self.successResultOf(one).seq for one in commits[1:]], [2, 3, 4, 5])
        self.store = self.open()
        self.assertEqual(self.store.last_access(new(0).id), Access(1.0, "bob"))
        self.assertEqual(self.store.counts(), (5, 0))


class OnDiskTests(OnDisk, DocumentsMixin):
    """On disk."""


class InMemoryTests(InMemory, DocumentsMixin):
    """In memory."""


class InMemoryLaterTests(InMemoryLater, DocumentsMixin):
    """In memory, when commits take their time."""


del DocumentsMixin
