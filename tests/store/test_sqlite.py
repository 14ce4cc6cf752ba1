"""What only a store on a real disk can promise: locks, damage, full and broken disks, leftovers."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from typing import Any, TypeVar

from attrs import define, evolve
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.access import AccessList
from dfs.core.documents import Content, Document
from dfs.core.history import buried, checkpointed, content_of, described, without_checkpoint
from dfs.errors import Conflict, Corrupt, DFSError, Internal, Locked, Unavailable, Unsupported
from dfs.store.groupcommit import connect
from dfs.store.interfaces import PIECE_BYTES
from dfs.store.schema import FORMAT
from dfs.store.sqlite import SQLiteStore
from tests.store.faulty import Faults, broken
from tests.store.pump import Pump
from tests.store.samples import ALICE, LARGE, new, with_text

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


class OpenTests(StoreCase):
    """A store is opened by the one process that owns it, or not at all."""

    def test_private(self) -> None:
        """Nobody else may read its files, wherever its folder is copied."""
        self.result(self.store.commit(new(), b""))
        files = [name for name in os.listdir(self.path) if name.startswith("store.db")]
        self.assertIn("store.db-wal", files)
        for name in files:
            mode = os.stat(os.path.join(self.path, name)).st_mode
            self.assertEqual((name, mode & 0o077), (name, 0))

    def test_second_process(self) -> None:
        """Who opens a store that is open is told which process has it."""
        error = self.assertRaises(Locked, self.open)
        self.assertIn(str(os.getpid()), str(error))
        self.closed()
        self.store = self.open()

    def test_other_name(self) -> None:
        """A store is not opened for another server; the error names both."""
        self.closed()
        error = self.assertRaises(Conflict, self.open, "ss2")
        self.assertIn("'ss1'", str(error))
        self.assertIn("'ss2'", str(error))
        self.store = self.open()

    def test_newer_format(self) -> None:
        """A store of a newer program is refused and left alone."""
        self.closed()
        self.tamper("PRAGMA user_version=999")
        self.assertIn("999", str(self.assertRaises(Unsupported, self.open)))
        self.tamper(f"PRAGMA user_version={FORMAT}")
        self.store = self.open()

    def test_damaged_database(self) -> None:
        """A database that is none, or lacks a table, is an error that says so."""
        self.closed()
        database = os.path.join(self.path, "store.db")
        shutil.copy(database, "whole.db")
        self.tamper("DROP TABLE documents")
        self.assertRaises(Corrupt, self.open)
        with open(database, "wb") as file:
            file.write(b"no database" * 1_000)
        self.assertRaises(Corrupt, self.open)
        shutil.copy("whole.db", database)
        self.store = self.open()

    def test_leftovers(self) -> None:
        """Files that nobody refers to are removed when the store is opened; others are kept."""
        document = self.write_large(new(), LARGE)
        incoming = self.store.receive(None)
        for _ in range(10):
            incoming.write(LARGE)
        self.closed()
        name = content_of(b"unknown").sha256.hex()
        os.makedirs(os.path.join(self.path, "objects", name[:2]), exist_ok=True)
        with open(os.path.join(self.path, "objects", name[:2], name), "wb") as file:
            file.write(b"unknown")
        self.store = self.open()
        self.assertEqual(self.files(), [document.current.content.sha256.hex()])


class DamageTests(StoreCase):
    """Damaged bytes are not handed out."""

    def test_small(self) -> None:
        """A flipped byte of a small content is noticed before it is read."""
        document = self.write(new(), b"Hello")
        self.tamper("UPDATE contents SET data = ?", b"Jello")
        self.assertRaises(Corrupt, self.store.small, document.current.content)
        self.assertRaises(Corrupt, self.store.reader, document.current.content)

    def test_references(self) -> None:
        """A content whose count of references was damaged is kept, for whoever refers to it."""
        first, second = (self.write(new(number), b"shared") for number in (1, 2))
        self.closed()
        self.tamper("UPDATE contents SET refs = 1 WHERE refs = 2")
        self.store = self.open()
        self.result(self.store.commit(with_text(first, b"other", 0), b"other"))
        self.closed()
        self.store = self.open()
        self.assertEqual(self.store.small(second.current.content), b"shared")

    def spoil(self, data: bytes, spoil: Callable[[str], object]) -> Content:
        """Store a large content and change its file behind the store's back."""
        content = self.write_large(new(), data).current.content
        name = content.sha256.hex()
        spoil(os.path.join(self.path, "objects", name[:2], name))
        return content

    def flip(self, path: str) -> None:
        """Flip a byte in the middle."""
        with open(path, "r+b") as file:
            file.seek(1_000)
            byte = file.read(1)
            file.seek(1_000)
            file.write(bytes([byte[0] ^ 1]))

    def test_large(self) -> None:
        """A flipped byte of a large content is noticed before its last piece is handed out."""
        data = LARGE * 4
        reader = self.store.reader(self.spoil(data, self.flip))
        pieces = []
        outcome = self.pump.outcome(reader.read())
        while isinstance(outcome, bytes):
            pieces.append(outcome)
            outcome = self.pump.outcome(reader.read())
        outcome.trap(Corrupt)
        self.assertEqual(len(pieces), -(-len(data) // PIECE_BYTES) - 1)
        self.refused(reader.read(), Corrupt)
        reader.close()

    def test_shorter(self) -> None:
        """A file that was cut is refused before anything is read."""
        content = self.spoil(LARGE, lambda path: os.truncate(path, 100))
        self.assertIn("100", str(self.assertRaises(Corrupt, self.store.reader, content)))

    def test_missing(self) -> None:
        """A content whose file is gone is damaged, not unknown; the store opens all the same."""
        content = self.spoil(LARGE, os.unlink)
        self.assertRaises(Corrupt, self.store.reader, content)
        self.closed()
        self.store = self.open()
        self.assertRaises(Corrupt, self.store.reader, content)


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


class BrokenDiskTests(StoreCase):
    """An error of the disk is the end."""

    def test_failed_fsync(self) -> None:
        """After a failed fsync nothing is committed any more; reading goes on."""
        document = self.write(new(), b"text")
        self.faults.error, self.faults.times = broken, 1
        self.refused(self.store.commit(new(2)), Internal)
        while not self.deaths:
            self.pump.step()
        self.refused(self.store.commit(new(3)), Unavailable)
        self.assertEqual(self.store.document(document.id), document)
        self.closed()
        self.store = self.open()
        self.assertEqual(self.store.counts(), (1, 4))
        self.assertEqual(len(self.deaths), 1)

    def test_upload(self) -> None:
        """An upload that meets a broken disk fails, and the store with it."""
        incoming = self.store.receive(None)
        self.disk.error = OSError(errno.EIO, "Input/output error")
        incoming.write(LARGE)
        self.assertIn("Input/output error", self.refused(incoming.finish(), Unavailable))
        while not self.deaths:
            self.pump.step()
        self.disk.error = None
        self.refused(self.store.commit(new()), Unavailable)
        incoming.release()


class TransferTests(StoreCase):
    """Large contents never fill the memory."""

    def test_back_pressure(self) -> None:
        """A sender that is faster than the disk has to wait."""
        incoming = self.store.receive(None)
        piece = b"x" * 65_536
        room, sent = None, 0
        while room is None:
            room = incoming.write(piece)
            sent += len(piece)
        self.assertLessEqual(sent, MEGABYTE)
        self.result(room)
        self.assertEqual(self.result(incoming.finish()).size, sent)
        incoming.release()

    def test_given_up(self) -> None:
        """An upload that is given up in the middle leaves nothing and hangs nobody."""
        incoming = self.store.receive(None)
        room = None
        while room is None:
            room = incoming.write(LARGE)
        finished = incoming.finish()
        incoming.release()
        self.refused(finished, Unavailable)
        self.closed()
        self.assertEqual(self.files(), [])
        self.store = self.open()

    def test_closed_store(self) -> None:
        """Transfers that outlive the store fail quietly."""
        content = self.write_large(new(), LARGE * 16).current.content
        reader, incoming = self.store.reader(content), self.store.receive(None)
        incoming.write(LARGE)
        self.result(reader.read())
        self.closed()
        outcome = self.pump.outcome(reader.read())
        while isinstance(outcome, bytes):
            outcome = self.pump.outcome(reader.read())
        outcome.trap(Unavailable)
        reader.close()
        self.refused(incoming.finish(), Unavailable)
        incoming.release()
        self.store = self.open()

    def test_reader_closed(self) -> None:
        """A reader may be closed at any moment, and twice."""
        content = self.write_large(new(), LARGE * 8).current.content
        early, middle, waiting = (self.store.reader(content) for _ in range(3))
        early.close()
        self.result(middle.read())
        middle.close()
        middle.close()
        piece = waiting.read()
        waiting.close()
        self.assertIsInstance(self.pump.outcome(piece), Failure)

    def test_file_of_its_own(self) -> None:
        """A large content is one file, equal ones share it, and it goes with the last document."""
        first, second = self.write_large(new(1), LARGE), self.write_large(new(2), LARGE)
        self.result(self.store.commit(buried(first, ALICE)))
        self.assertEqual(self.files(), [content_of(LARGE).sha256.hex()])
        self.result(self.store.commit(buried(second, ALICE)))
        self.closed()
        self.assertEqual(self.files(), [])
        self.store = self.open()

    def test_gone_and_back(self) -> None:
        """A file is kept when its content is dropped and referred to again in one moment."""
        document = self.write_large(new(1), LARGE)
        incoming, content = self.upload(LARGE)
        commits = [
            self.store.commit(buried(document, ALICE)),
            self.store.commit(with_text(new(2), content)),
        ]
        for commit in commits:
            self.result(commit)
        incoming.release()
        self.closed()
        self.assertEqual(self.files(), [content.sha256.hex()])
        self.store = self.open()
