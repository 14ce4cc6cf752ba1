"""
A store on a disk of which the test says how much room there is.

Decides how a test speaks to it.  Must not know what it is tested for.
"""

from __future__ import annotations

import os
from typing import Any, TypeVar

from attrs import define
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.documents import Content, Document
from dfs.errors import DFSError
from dfs.store.groupcommit import connect
from dfs.store.sqlite import SQLiteStore
from tests.store.faulty import Faults
from tests.store.pump import Pump
from tests.store.samples import with_text

T = TypeVar("T")

MEGABYTE = 1024 * 1024


@define
class Disk:
    """How much room there is."""

    free: int = 1_000 * MEGABYTE
    error: OSError | None = None

    def free_bytes(self, path: str) -> int:
        """In place of C{os.statvfs}."""
        if self.error is not None:
            raise self.error
        return self.free


class StoreCase(SynchronousTestCase):
    """A store in a folder, on a disk that obeys the test."""

    def setUp(self) -> None:
        self.path = self.mktemp()
        self.pump, self.disk, self.faults = Pump(), Disk(), Faults()
        self.deaths: list[Failure] = []
        self.store = self.open()
        self.addCleanup(lambda: self.result(self.store.close()))

    def open(self, name: str = "ss1") -> SQLiteStore:
        """Open the store."""
        return SQLiteStore.open(
            self.path,
            name,
            call_from_thread=self.pump.call_from_thread,
            new_store_id=lambda: "f" * 32,
            on_fatal=self.deaths.append,
            free=self.disk.free_bytes,
            connect=self.faults.connect,
        )

    def result(self, deferred: Deferred[T]) -> T:
        """What a Deferred fires with."""
        return self.pump.result(deferred)

    def refused(self, deferred: Deferred[Any], error: type[DFSError]) -> str:
        """The Deferred fails so; the message."""
        outcome = self.pump.outcome(deferred)
        assert isinstance(outcome, Failure), outcome
        outcome.trap(error)
        return outcome.getErrorMessage()

    def write(self, document: Document, text: bytes) -> Document:
        """Give a document another small text."""
        document = with_text(document, text)
        self.result(self.store.commit(document, text))
        return document

    def upload(self, data: bytes) -> tuple[Any, Content]:
        """Receive a content."""
        incoming = self.store.receive(len(data))
        incoming.write(data)
        return incoming, self.result(incoming.finish())

    def write_large(self, document: Document, data: bytes) -> Document:
        """Give a document a large text."""
        incoming, content = self.upload(data)
        document = with_text(document, content)
        self.result(self.store.commit(document))
        incoming.release()
        return document

    def files(self) -> list[str]:
        """The names of all files of contents, received ones too."""
        found = []
        for folder in ("objects", "incoming"):
            for _, _, names in os.walk(os.path.join(self.path, folder)):
                found += names
        return sorted(found)

    def tamper(self, statement: str, *arguments: object) -> None:
        """Change the tables behind the store's back."""
        connection = connect(os.path.join(self.path, "store.db"))
        connection.execute(statement, arguments)
        connection.close()

    def closed(self) -> None:
        """Close the store."""
        self.result(self.store.close())
