"""
What a store keeps in memory is what is in its database.
"""

from __future__ import annotations

import os
import sqlite3

from attrs import evolve

from dfs.core.access import AccessList
from dfs.core.documents import Document
from dfs.core.history import buried, checkpointed
from dfs.errors import Corrupt, NotFound, Unavailable
from dfs.store.encoding import head_of
from dfs.store.reading import Reading
from tests.store.case import StoreCase
from tests.store.samples import ALICE, new, with_text


class KeptTests(StoreCase):
    """
    Reading from memory shows what reading from the disk would.
    """

    def assert_shown(self, document: Document) -> None:
        """Both ways of reading show this state."""
        self.assertEqual(self.store.document(document.id), document)
        self.assertEqual(self.store.head(document.id), head_of(self.store.last_seq(), document))

    def look(self, document: Document) -> None:
        """Read both, whatever is there."""
        self.store.head(document.id)
        self.store.document(document.id)

    def test_at_once(self) -> None:
        """A change is seen as soon as it was answered, whatever was read before."""
        document = new()
        for number in range(20):
            document = self.write(document, b"text %d" % number)
            self.assert_shown(document)
            self.assertEqual(self.store.small(document.current.content), b"text %d" % number)

    def test_read_meanwhile(self) -> None:
        """What is read while changes are on their way does not stay when they have arrived."""
        document = self.write(new(), b"first")
        for text in (b"second", b"fourth"):
            self.assert_shown(document)
            waiting = []
            for one in (text, text + b", and once more"):
                document = with_text(document, one)
                waiting.append(self.store.commit(document, one))
                self.look(document)
            for done in waiting:
                done.addCallback(lambda _: self.look(new()))
                self.result(done)
            self.assert_shown(document)

    def test_as_on_disk(self) -> None:
        """What is kept of a change is what a store reads that was opened anew."""
        first = checkpointed(self.write(new(1), b"first"), "tag", ALICE)
        second = evolve(self.write(new(2), b"second"), epoch=7)
        for document in (first, second):
            self.result(self.store.commit(document))
        shown = [(self.store.document(one.id), self.store.head(one.id)) for one in (first, second)]
        self.closed()
        self.store = self.open()
        for document, (whole, head) in zip((first, second), shown, strict=True):
            self.assertEqual(whole, document)
            self.assertEqual(self.store.document(document.id), whole)
            self.assertEqual(self.store.head(document.id), head)

    def test_failed(self) -> None:
        """A change that failed is not seen, neither during it nor after."""
        document = self.write(new(), b"old")
        self.assert_shown(document)
        self.faults.times = 1
        self.refused(self.store.commit(with_text(document, b"new"), b"new"), Unavailable)
        self.assert_shown(document)
        self.refused(self.store.commit(with_text(document, b"nowhere")), Corrupt)
        self.assert_shown(document)

    def test_failed_after_another(self) -> None:
        """Of two changes under way the one that did not fail is seen."""
        document = with_text(self.write(new(), b"old"), b"new")
        good = self.store.commit(document, b"new")
        bad = self.store.commit(with_text(document, b"nowhere"))
        self.result(good)
        self.refused(bad, Corrupt)
        self.assert_shown(document)

    def test_forgotten(self) -> None:
        """What was deleted or forgotten is gone, though it was read while that was under way."""
        document = self.write(new(), b"text")
        self.assertEqual(self.store.small(document.current.content), b"text")
        tombstone = buried(document, ALICE)
        deleted = self.store.commit(tombstone)
        self.look(document)
        self.result(deleted)
        self.assert_shown(tombstone)
        self.assertRaises(NotFound, self.store.small, document.current.content)
        forgotten = self.store.forget(document.id, tombstone.version)
        self.look(document)
        self.assertTrue(self.result(forgotten))
        self.assertIsNone(self.store.head(document.id))
        self.assertIsNone(self.store.document(document.id))

    def test_not_forgotten(self) -> None:
        """A document that is no tombstone of that version stays as it is."""
        document = self.write(new(), b"text")
        self.assertFalse(self.result(self.store.forget(document.id, document.version)))
        self.assert_shown(document)

    def test_damage(self) -> None:
        """Damaged bytes are refused each time, and after a start although they once were whole."""
        content = self.write(new(1), b"Hello").current.content
        self.tamper("UPDATE contents SET data = ?", b"Jello")
        for _ in range(2):
            self.assertRaises(Corrupt, self.store.small, content)
        self.tamper("UPDATE contents SET data = ?", b"Hello")
        self.assertEqual(self.store.small(content), b"Hello")
        self.tamper("UPDATE contents SET data = ?", b"Jello")
        # Those in memory were verified and are whole.
        self.assertEqual(self.store.small(content), b"Hello")
        self.closed()
        self.store = self.open()
        self.assertRaises(Corrupt, self.store.small, content)


class LimitTests(StoreCase):
    """
    What is kept has a limit in bytes of memory.
    """

    def reading(self, kept_bytes: int) -> Reading:
        """Read the store's database; what is asked of it is noted."""
        self.asked: list[str] = []
        connection = sqlite3.connect(os.path.join(self.path, "store.db"))
        connection.set_trace_callback(self.asked.append)
        reading = Reading(self.path, connection, kept_bytes)
        self.addCleanup(reading.close)
        return reading

    def test_kept(self) -> None:
        """What was read is not asked for again, while there is room."""
        document = self.write(new(), b"text")
        reading = self.reading(1_000_000)
        for _ in range(10):
            reading.head(document.id)
            reading.document(document.id)
            reading.small(document.current.content)
        self.assertEqual(len(self.asked), 3)

    def test_small_things(self) -> None:
        """Nothing is so small that any number of it is kept."""
        documents = [self.write(new(number), b"%d" % number) for number in range(1, 9)]
        reading = self.reading(4 * 1_024)
        for _ in range(2):
            for document in documents:
                reading.head(document.id)
        self.assertEqual(len(self.asked), 16)
        small = self.reading(4 * 256)
        for _ in range(2):
            for document in documents:
                small.small(document.current.content)
        self.assertEqual(len(self.asked), 16)

    def test_large_things(self) -> None:
        """Access lists and histories count."""
        metadata = new().metadata
        many = tuple((f"user{number}", "r") for number in range(1_000))
        crowded = evolve(new(1), metadata=evolve(metadata, access=AccessList("alice", many)))
        self.result(self.store.commit(crowded))
        old = self.write(new(2), b"0")
        for number in range(20):
            old = self.write(old, b"%d" % number)
        reading = self.reading(10_000)
        for _ in range(2):
            reading.head(crowded.id)
            reading.document(old.id)
        self.assertEqual(len(self.asked), 4)
        reading.head(old.id)
        reading.head(old.id)
        self.assertEqual(len(self.asked), 5)
