"""
The kinds of stores, which all promise the same.

Decides how a test opens one, speaks to it and damages it.  Must not know what is promised.
"""

from __future__ import annotations

import os
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from dfs.core.documents import Content, Document
from dfs.errors import DFSError
from dfs.store.groupcommit import connect
from dfs.store.interfaces import INLINE_BYTES, Identity, IReader, IStore
from dfs.store.memory import MemoryDisk, MemoryStore
from dfs.store.sqlite import SQLiteStore
from tests.store.pump import Pump
from tests.store.samples import with_text

T = TypeVar("T")

STORE_ID = "0123456789abcdef" * 2


class StoreTests(SynchronousTestCase):
    """Tests with one store; a subclass says of which kind it is."""

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


class OnDisk(StoreTests):
    """The store on disk."""

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
        """See L{StoreTests.flip}."""
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


class InMemory(StoreTests):
    """The store in memory."""

    def open(self) -> IStore:
        """The store on one disk."""
        self.disk = getattr(self, "disk", None) or MemoryDisk(Identity(STORE_ID, "ss1", "", 0))
        store: IStore = MemoryStore(self.disk)
        return store

    def flip(self, content: Content) -> None:
        """See L{StoreTests.flip}."""
        self.disk.damage(content.sha256)


class InMemoryLater(StoreTests):
    """The store in memory, whose commits take their time."""

    def open(self) -> IStore:
        """The store on one disk; what becomes durable waits in the pump."""
        self.disk = getattr(self, "disk", None) or MemoryDisk(Identity(STORE_ID, "ss1", "", 0))
        store: IStore = MemoryStore(self.disk, self.pump.call_from_thread)
        return store

    def flip(self, content: Content) -> None:
        """See L{StoreTests.flip}."""
        self.disk.damage(content.sha256)
