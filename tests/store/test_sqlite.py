"""What only a store on a real disk can promise: locks, damage, broken disks, leftovers."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable

from twisted.python.failure import Failure

from dfs.core.documents import Content
from dfs.core.history import buried, content_of
from dfs.errors import Conflict, Corrupt, Internal, Locked, Unavailable, Unsupported
from dfs.store.groupcommit import connect
from dfs.store.interfaces import PIECE_BYTES
from dfs.store.schema import FORMAT
from tests.store.case import MEGABYTE, StoreCase
from tests.store.faulty import broken
from tests.store.samples import ALICE, LARGE, new, with_text


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

    def damaged(self) -> Content:
        """A small content whose row is damaged."""
        content = self.write(new(), b"small.").current.content
        self.tamper("UPDATE contents SET data = x'00', size = 7")
        self.closed()
        self.store = self.open()
        self.assertRaises(Corrupt, self.store.small, content)
        return content

    def test_mended_beside(self) -> None:
        """
        A small content is mended in a file: its row may lead into pages of others, and is not
        written.  The file goes at the first start after the content has.
        """
        content = self.damaged()
        incoming, _ = self.upload(b"small.")
        self.result(self.store.mend(content.sha256))
        incoming.release()
        self.assertEqual(self.files(), [content.sha256.hex()])
        for _ in range(2):
            self.assertEqual(self.store.small(content), b"small.")
            self.closed()
            self.store = self.open()
        rows = connect(os.path.join(self.path, "store.db")).execute("SELECT data FROM contents")
        self.assertEqual(rows.fetchall(), [(b"\0",)])
        self.result(self.store.commit(buried(with_text(new(), b"small."), ALICE)))
        self.closed()
        self.store = self.open()
        self.assertEqual(self.files(), [])

    def test_mended_on_a_failing_disk(self) -> None:
        """If the file cannot be written nothing is mended, and the next try may do it."""
        content = self.damaged()
        incoming, _ = self.upload(b"small.")
        os.rename(os.path.join(self.path, "incoming"), os.path.join(self.path, "away"))
        self.refused(self.store.mend(content.sha256), Unavailable)
        self.assertRaises(Corrupt, self.store.small, content)
        os.rename(os.path.join(self.path, "away"), os.path.join(self.path, "incoming"))
        self.result(self.store.mend(content.sha256))
        incoming.release()
        self.assertEqual(self.store.small(content), b"small.")

    def test_sizes_are_not_believed(self) -> None:
        """What is read again has the size that it has, whatever the table says."""
        large, small = (
            self.write_large(new(1), LARGE).current.content,
            self.write(new(2), b"small.").current.content,
        )
        for wrong in ("size + 1", "9000000000000", "x'00'"):
            self.tamper(f"UPDATE contents SET size = {wrong}")
            for content in (large, small):
                found = self.store.content(content.sha256)
                assert found is not None
                self.assertEqual(found.size, content.size)
                reader, data = self.store.examine(found), b""
                while piece := self.result(reader.read()):
                    data += piece
                reader.close()
                self.assertEqual(content_of(data), content)
        os.unlink(self.store._objects.path(large.sha256))
        found = self.store.content(large.sha256)
        assert found is not None
        self.assertRaises(Corrupt, self.store.examine, found)
