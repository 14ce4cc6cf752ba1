"""What every store promises, on disk and in memory."""

from __future__ import annotations

import hashlib
import os
from typing import Any, TypeVar

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from dfs.core.access import AccessList
from dfs.core.documents import Content, Document, Summary
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
from dfs.errors import Conflict, Corrupt, DFSError, NotFound, Unavailable
from dfs.store.groupcommit import connect
from dfs.store.interfaces import INLINE_BYTES, PIECE_BYTES, Access, Identity, IReader, IStore
from dfs.store.memory import MemoryDisk, MemoryStore
from dfs.store.sqlite import SQLiteStore
from tests.store.pump import Pump
from tests.store.samples import ALICE, LARGE, new, with_text

T = TypeVar("T")

STORE_ID = "0123456789abcdef" * 2


class ContractMixin(SynchronousTestCase):
    """The promises; a subclass says how a store is opened."""

    store: IStore
    pump: Pump

    def open(self) -> IStore:
        """Open the same store, for the first time or again."""
        raise NotImplementedError

    def flip(self, content: Content) -> None:
        """Damage the last byte of a content, behind the back of the store."""
        raise NotImplementedError

    def setUp(self) -> None:
        self.pump = Pump()
        self.store = self.open()
        self.addCleanup(lambda: self.result(self.store.close()))

    def result(self, deferred: Deferred[T]) -> T:
        """What a Deferred fires with."""
        return self.pump.result(deferred)

    def assertRefused(self, deferred: Deferred[Any], error: type[DFSError]) -> None:
        """The Deferred fails so."""
        outcome = self.pump.outcome(deferred)
        self.assertTrue(hasattr(outcome, "check") and outcome.check(error), outcome)

    def reopen(self) -> None:
        """Close the store and open it again."""
        self.result(self.store.close())
        self.store = self.open()

    def commit(self, document: Document, data: bytes | None = None) -> Document:
        """Commit a document."""
        self.result(self.store.commit(document, data))
        return document

    def write(self, document: Document, text: bytes) -> Document:
        """Give a document another small text."""
        return self.commit(with_text(document, text), text)

    def receive(self, data: bytes) -> tuple[Any, Content]:
        """Upload a content in pieces."""
        incoming = self.store.receive(len(data))
        for at in range(0, len(data), 100_000):
            room = incoming.write(data[at : at + 100_000])
            if room is not None:
                self.result(room)
        return incoming, self.result(incoming.finish())

    def read(self, content: Content) -> list[bytes]:
        """Download a content."""
        reader = self.store.reader(content)
        verifyObject(IReader, reader)
        pieces = []
        while piece := self.result(reader.read()):
            pieces.append(piece)
        self.assertEqual(self.result(reader.read()), b"")
        reader.close()
        return pieces

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

    def test_receive(self) -> None:
        """Content of any size comes in and goes out in pieces, measured, byte for byte."""
        for number, data in enumerate(
            [b"", b"A word.", b"x" * INLINE_BYTES, b"x" * (INLINE_BYTES + 1), LARGE * 10]
        ):
            incoming, content = self.receive(data)
            self.assertEqual(content, content_of(data))
            self.assertEqual(incoming.size, len(data))
            self.commit(with_text(new(number), content))
            incoming.release()
            incoming.release()
            self.reopen()
            pieces = self.read(content)
            self.assertEqual(b"".join(pieces), data)
            self.assertTrue(all(len(piece) <= PIECE_BYTES for piece in pieces))
            small = data if len(data) <= INLINE_BYTES else None
            self.assertEqual(self.store.small(content), small)

    def test_unknown_size(self) -> None:
        """The size of what comes need not be known."""
        incoming = self.store.receive(None)
        incoming.write(b"Hello")
        self.assertEqual(self.result(incoming.finish()), content_of(b"Hello"))
        incoming.release()

    def test_release(self) -> None:
        """Received content that no commit referred to is gone when it is released."""
        for data in (b"small", LARGE):
            incoming, content = self.receive(data)
            self.assertFalse(self.store.has(content.sha256))
            incoming.release()
            self.assertRefused(self.store.commit(with_text(new(), content)), Corrupt)

    def test_release_while_committing(self) -> None:
        """A commit finds what was received although it is released before the answer."""
        for number, data in enumerate((b"small", LARGE)):
            incoming, content = self.receive(data)
            done = self.store.commit(with_text(new(number), content))
            incoming.release()
            self.result(done)
            self.assertEqual(b"".join(self.read(content)), data)

    def test_kept_until_released(self) -> None:
        """Received content serves every commit until its release, deletions between or not."""
        for data in (b"small", LARGE):
            incoming, content = self.receive(data)
            document = self.commit(with_text(new(), content))
            self.commit(buried(document, ALICE))
            self.commit(with_text(new(2), content))
            incoming.release()
            self.assertEqual(b"".join(self.read(content)), data)
            self.commit(buried(with_text(new(2), content), ALICE))

    def test_received_twice(self) -> None:
        """The same content received by two at once is stored once and serves both."""
        (one, content), (two, _) = self.receive(LARGE), self.receive(LARGE)
        self.commit(with_text(new(1), content))
        one.release()
        self.commit(with_text(new(2), content))
        two.release()
        self.commit(buried(with_text(new(1), content), ALICE))
        self.assertEqual(b"".join(self.read(content)), LARGE)

    def test_reader_outlives_content(self) -> None:
        """What was begun to be read is read to its end although it is deleted meanwhile."""
        incoming, content = self.receive(LARGE * 8)
        document = self.commit(with_text(new(), content))
        incoming.release()
        reader = self.store.reader(content)
        got = self.result(reader.read())
        self.commit(buried(document, ALICE))
        while piece := self.result(reader.read()):
            got += piece
        reader.close()
        self.assertEqual(hashlib.sha256(got).digest(), content.sha256)

    def damaged(self, data: bytes, number: int = 1) -> Content:
        """A content that is damaged, and was found to be."""
        incoming, content = self.receive(data)
        self.commit(with_text(new(number), content))
        incoming.release()
        self.flip(content)
        self.reopen()
        self.store.damage.on_found = self.found.append
        self.assertRaises(Corrupt, self.read, content)
        self.assertEqual(self.found, [content.sha256])
        return content

    def test_mended(self) -> None:
        """What is damaged is told of when it is read, and mended with what was received."""
        for number, data in enumerate((b"small", LARGE)):
            self.found: list[bytes] = []
            content = self.damaged(data, number)
            incoming, _ = self.receive(data)
            mended = self.store.mend(content.sha256)
            incoming.release()
            self.result(mended)
            self.assertEqual(self.store.damage.found, set())
            self.assertEqual(b"".join(self.read(content)), data)
            self.reopen()
            self.assertEqual(b"".join(self.read(content)), data)

    def test_mended_by_a_commit(self) -> None:
        """Who gives the same text again, for whatever document, mends it."""
        for number, data in enumerate((b"small", LARGE)):
            self.found = []
            content = self.damaged(data, number)
            incoming, _ = self.receive(data)
            self.commit(with_text(new(number + 10), content))
            incoming.release()
            self.assertEqual(self.store.damage.found, set())
            self.assertEqual(b"".join(self.read(content)), data)

    def test_nothing_to_mend(self) -> None:
        """What no document has any more is not mended, and not remembered."""
        for number, data in enumerate((b"small", LARGE)):
            self.found = []
            content = self.damaged(data, number)
            self.commit(buried(with_text(new(number), content), ALICE))
            incoming, _ = self.receive(data)
            self.assertRefused(self.store.mend(content.sha256), NotFound)
            incoming.release()
            self.assertEqual(self.store.damage.found, set())
            self.assertFalse(self.store.has(content.sha256))

    def test_contents_after(self) -> None:
        """All contents come, once each, in pages; the empty one is none."""
        self.commit(new(0))
        made = []
        for number, data in enumerate((b"one", b"two", LARGE, b"three")):
            incoming, content = self.receive(data)
            made.append(self.commit(with_text(new(number + 1), content)).current.content)
            incoming.release()
        found: list[Content] = []
        while page := self.store.contents_after(found[-1].sha256 if found else b"", 3):
            found += page
        made.sort(key=lambda content: content.sha256)
        self.assertEqual([one.sha256 for one in found], [one.sha256 for one in made])
        self.assertEqual([one.size for one in found], [one.size for one in made])
        self.assertIsNone(self.store.content(b"x" * 32))
        for one in found:
            self.assertEqual(self.store.content(one.sha256), one)
            self.assertEqual(hashlib.sha256(b"".join(self.read(one))).digest(), one.sha256)

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


class SQLiteContractTests(ContractMixin):
    """The store on disk keeps the contract."""

    def open(self) -> IStore:
        """The store in one folder."""
        self.path = getattr(self, "path", "") or self.mktemp()
        store: IStore = SQLiteStore.open(
            self.path,
            "ss1",
            call_from_thread=self.pump.call_from_thread,
            new_store_id=lambda: STORE_ID,
            on_fatal=self.fail,
        )
        return store

    def flip(self, content: Content) -> None:
        """See L{ContractMixin.flip}."""
        name = content.sha256.hex()
        if content.size > INLINE_BYTES:
            with open(os.path.join(self.path, "objects", name[:2], name), "r+b") as file:
                file.seek(-1, os.SEEK_END)
                file.write(b"?")
            return
        connection = connect(os.path.join(self.path, "store.db"))
        connection.execute(
            "UPDATE contents SET data = ? WHERE sha256 = ?",
            (b"?" * content.size, content.sha256),
        )
        connection.close()


class MemoryContractTests(ContractMixin):
    """The store in memory keeps the contract."""

    def open(self) -> IStore:
        """The store on one disk."""
        self.disk = getattr(self, "disk", None) or MemoryDisk(Identity(STORE_ID, "ss1", "", 0))
        store: IStore = MemoryStore(self.disk)
        return store

    def flip(self, content: Content) -> None:
        """See L{ContractMixin.flip}."""
        self.disk.damage(content.sha256)


class DelayedMemoryContractTests(ContractMixin):
    """The store in memory keeps the contract when commits take their time."""

    def open(self) -> IStore:
        """The store on one disk; what becomes durable waits in the pump."""
        self.disk = getattr(self, "disk", None) or MemoryDisk(Identity(STORE_ID, "ss1", "", 0))
        store: IStore = MemoryStore(self.disk, self.pump.call_from_thread)
        return store

    def flip(self, content: Content) -> None:
        """See L{ContractMixin.flip}."""
        self.disk.damage(content.sha256)


del ContractMixin
