"""A store that nobody serves is read, and nothing of it is changed."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
from pathlib import Path

from dfs.core.documents import Content, Document
from dfs.core.folders import FolderRecord
from dfs.core.history import content_of
from dfs.errors import Corrupt, Locked, NotFound, Unsupported
from dfs.store.schema import FORMAT
from dfs.store.still import StillStore
from tests.store.case import StoreCase
from tests.store.samples import LARGE, new, with_text


def inventory(path: str) -> dict[str, tuple[int, str]]:
    """Every file and folder below a path: when it was changed, and what is in it."""
    found = {}
    for one in [Path(path), *Path(path).rglob("*")]:
        data = one.read_bytes() if one.is_file() else b""
        found[str(one)] = (one.stat().st_mtime_ns, hashlib.sha256(data).hexdigest())
    return found


class StillStoreTests(StoreCase):
    """A store with a small text, a large one and a folder."""

    def setUp(self) -> None:
        super().setUp()
        self.small = self.write(new(1), b"One.")
        incoming, content = self.upload(LARGE)
        self.large = with_text(new(2), content)
        self.result(self.store.commit(self.large))
        incoming.release()
        self.folder = FolderRecord(7, 0, "notes", "alice", 1.0, 3)
        self.result(self.store.put_folders([self.folder], 3))
        self.scratch = self.mktemp()

    def still(self, path: str) -> StillStore:
        """Open a store at rest."""
        store = StillStore.open(path, self.scratch)
        self.addCleanup(store.close)
        return store

    def shut(self) -> str:
        """The folder of the store, which was closed."""
        self.result(self.store.close())
        path: str = self.path
        return path

    def killed(self) -> str:
        """What a crash would have left: nothing of it was tidied up."""
        copy: str = self.mktemp()
        shutil.copytree(self.path, copy)
        self.assertGreater(os.path.getsize(os.path.join(copy, "store.db-wal")), 0)
        return copy

    def text(self, store: StillStore, content: Content) -> bytes:
        """A whole content."""
        return b"".join(store.text(content))

    def whole(self, store: StillStore) -> None:
        """Everything is there."""
        self.assertEqual(store.ids(), [self.small.id, self.large.id])
        self.assertEqual(store.document(self.small.id), self.small)
        self.assertEqual(store.document(self.large.id), self.large)
        self.assertEqual(self.text(store, self.small.current.content), b"One.")
        self.assertEqual(self.text(store, self.large.current.content), LARGE)
        self.assertEqual(store.folders(), {7: self.folder})
        self.assertEqual((store.identity.name, store.last_seq), ("ss1", 2))

    def test_closed(self) -> None:
        """A store that was closed is read, and neither a file nor a time in it is changed."""
        path = self.shut()
        before = inventory(path)
        store = self.still(path)
        self.whole(store)
        self.assertFalse(os.path.exists(self.scratch), "nothing need be copied")
        store.close()
        self.assertEqual(inventory(path), before)

    def test_killed(self) -> None:
        """After kill -9 the newest state is read from the log, which stays where it is."""
        path = self.killed()
        before = inventory(path)
        store = self.still(path)
        self.whole(store)
        self.assertTrue(os.path.exists(self.scratch))
        store.close()
        store.close()
        self.assertEqual(inventory(path), before)
        self.assertFalse(os.path.exists(self.scratch), "the copy is removed")

    def test_without_log(self) -> None:
        """Without its log a database is as old as its last copy, so the log is what is read."""
        path = self.killed()
        os.unlink(os.path.join(path, "store.db-wal"))
        self.assertNotIn(self.large.id, self.ids_of(path))

    def ids_of(self, path: str) -> list[str]:
        """What a store has, or nothing if it does not even know that it is one."""
        try:
            return self.still(path).ids()
        except Corrupt:
            return []

    def test_read_only(self) -> None:
        """A copy that may only be read is read, with a log or without, with a lock or without."""
        for path in (self.killed(), self.shut()):
            for folder, _, files in os.walk(path):
                for name in files:
                    os.chmod(os.path.join(folder, name), 0o400)
                os.chmod(folder, 0o500)
            self.addCleanup(self.writable, path)
            store = self.still(path)
            self.whole(store)
            store.close()
        self.writable(path)
        os.unlink(os.path.join(path, "lock"))
        self.whole(self.still(path))

    def writable(self, path: str) -> None:
        """Let a folder be removed after the test."""
        for folder, _, _ in os.walk(path):
            os.chmod(folder, 0o700)

    def test_served(self) -> None:
        """A store that a server has open is refused, and says who has it."""
        with self.assertRaises(Locked) as caught:
            self.still(self.path)
        self.assertIn(f"process {os.getpid()}", str(caught.exception))

    def test_keeps_servers_out(self) -> None:
        """No server opens a store while it is read; others may read it, too."""
        path = self.shut()
        first, second = self.still(path), self.still(path)
        self.assertRaises(Locked, self.open)
        first.close()
        second.close()
        self.store = self.open()

    def test_no_store(self) -> None:
        """What is no store is refused, and made none."""
        nowhere, empty = self.mktemp(), self.mktemp()
        os.mkdir(empty)
        for path in (nowhere, empty):
            self.assertRaises(NotFound, self.still, path)
        self.assertFalse(os.path.exists(nowhere))
        self.assertEqual(os.listdir(empty), [])
        for data in (b"", b"no database" * 1000):
            Path(empty, "store.db").write_bytes(data)
            self.assertRaises(Corrupt, self.still, empty)
            self.assertEqual(os.listdir(empty), ["store.db"])

    def test_other_formats(self) -> None:
        """An older and a newer format are refused, and the message says what to do."""
        path = self.shut()
        for number, advice in ((FORMAT - 1, "the one that made it"), (FORMAT + 1, "a newer one")):
            connection = sqlite3.connect(os.path.join(path, "store.db"))
            connection.execute(f"PRAGMA user_version={number}")
            connection.close()
            with self.assertRaises(Unsupported) as caught:
                self.still(path)
            self.assertIn(advice, str(caught.exception))
        self.use(path)

    def use(self, path: str) -> None:
        """Let a store be what it was."""
        connection = sqlite3.connect(os.path.join(path, "store.db"))
        connection.execute(f"PRAGMA user_version={FORMAT}")
        connection.close()

    def test_damaged_contents(self) -> None:
        """Contents that are damaged, cut or missing are named, small and large ones."""
        path = self.shut()
        connection = sqlite3.connect(os.path.join(path, "store.db"))
        connection.execute("UPDATE contents SET data = x'00' WHERE data IS NOT NULL")
        connection.commit()
        connection.close()
        name = content_of(LARGE).sha256.hex()
        large = Path(path, "objects", name[:2], name)
        store = self.still(path)
        self.corrupt(store, self.small)
        for data in (LARGE[:-1], b"\1" + LARGE[1:]):
            large.write_bytes(data)
            self.corrupt(store, self.large)
        large.unlink()
        self.corrupt(store, self.large)
        self.assertEqual(self.text(store, new().current.content), b"", "nothing is never missing")

    def corrupt(self, store: StillStore, document: Document) -> None:
        """Its text cannot be read."""
        with self.assertRaises(Corrupt) as caught:
            self.text(store, document.current.content)
        self.assertIn(document.current.content.sha256.hex(), str(caught.exception))

    def test_damaged_rows(self) -> None:
        """A document whose row makes no sense is damaged; the others are read."""
        path = self.shut()
        connection = sqlite3.connect(os.path.join(path, "store.db"))
        connection.execute("UPDATE documents SET undo = x'0102' WHERE id = ?", (self.small.id,))
        connection.commit()
        connection.close()
        store = self.still(path)
        with self.assertRaises(Corrupt) as caught:
            store.document(self.small.id)
        self.assertIn(self.small.id, str(caught.exception))
        self.assertEqual(store.document(self.large.id), self.large)
