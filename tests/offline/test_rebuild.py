"""C{dfs admin rebuild}: which stores belong together, and the journal that is made of them."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.documents import Document
from dfs.core.folders import FolderRecord
from dfs.core.history import buried
from dfs.errors import Busy, Conflict, Corrupt, DFSError, Exists, Invalid, NotFound, Unsupported
from dfs.nm.journal import Known, MemoryJournal, Snapshot
from dfs.nm.service import NameServer
from dfs.nm.sqlite import SQLiteJournal
from dfs.offline.gathering import Rebuilt, gathered
from dfs.offline.rebuild import rebuild
from dfs.store.interfaces import Identity
from dfs.store.schema import FORMAT
from tests.offline.sources import MemorySource, disk_of, journal_of
from tests.store.case import StoreCase
from tests.store.samples import ALICE, new, with_text
from tests.store.test_still import inventory


def started(journal: Any) -> NameServer:
    """A name server on a journal."""
    return NameServer(
        Clock(),
        wall=lambda: 1.0,
        journal=journal,
        dial=lambda address: NotImplemented,
        secret=b"s" * 32,
        entropy=lambda size: b"e" * size,
    )


def rooted(number: int, name: str = "") -> Document:
    """A document that stands at the root."""
    document = new(number)
    metadata = evolve(document.metadata, folder=0, name=name or document.metadata.name)
    return evolve(document, metadata=metadata)


class GatheringTests(SynchronousTestCase):
    """
    Which stores belong together.
    """

    def source(
        self, name: str, *documents: Document, cluster: str = "c", epoch: int = 1, store: str = ""
    ) -> MemorySource:
        """The store of a server."""
        return MemorySource(
            disk_of(Identity(store or f"store-{name}", name, cluster, epoch), documents)
        )

    def refused(self, error: type[DFSError], *sources: MemorySource, **pairs: str) -> str:
        """These are refused so; the message."""
        return str(self.assertRaises(error, gathered, sources, pairs))

    def members(self, rebuilt: Rebuilt) -> list[tuple[str, str, str, str]]:
        """Each pair: home primary, backup, who is active, who is missing."""
        return [
            (one.pair.home, one.pair.backup, one.pair.active, one.missing)
            for one in rebuilt.remnants
        ]

    def test_pairs(self) -> None:
        """Names say who is a pair, and it is said who is missing."""
        rebuilt = gathered(
            [
                self.source("ss2_backup", rooted(2)),
                self.source("ss1", rooted(1)),
                self.source("ss1_backup", rooted(1), epoch=2),
            ],
            {},
        )
        self.assertEqual(
            self.members(rebuilt),
            [("ss1", "ss1_backup", "ss1_backup", ""), ("ss2", "ss2_backup", "ss2_backup", "ss2")],
        )
        [said] = rebuilt.said
        self.assertIn("no store of ss2;", said)
        journal = journal_of(rebuilt)
        self.assertEqual(
            journal.servers["ss1"], Known("ss1", "store-ss1", "", noted=0, drained=False)
        )
        self.assertNotIn("ss2", journal.servers)
        self.assertEqual([one.synced for one in rebuilt.pairs], [True, False])
        self.assertEqual(len(started(MemoryJournal(journal)).index), 2)

    def test_named_pairs(self) -> None:
        """Pairs whose names do not say it are named."""
        sources = [self.source("ss1", rooted(1)), self.source("spare", rooted(1))]
        self.assertEqual(
            self.members(gathered(sources, {"ss1": "spare"})), [("ss1", "spare", "ss1", "")]
        )
        self.assertIn("say --pair", self.refused(Conflict, *sources))
        self.refused(Invalid, *sources, ss1="nobody")
        self.refused(Invalid, *sources, nobody="spare")
        three = (*sources, self.source("ss1_backup"))
        self.assertIn("ss1_backup", self.refused(Invalid, *three, ss1="spare"))
        self.refused(Invalid, *three, ss1="spare", spare="ss1_backup")
        self.refused(Invalid, *three, ss1="spare", ss1_backup="spare")

    def test_strangers(self) -> None:
        """Stores of several clusters, two of one server, and none at all are refused."""
        one, other = self.source("ss1"), self.source("ss2", cluster="d")
        said = self.refused(Conflict, one, other)
        self.assertIn("ss1 belongs to c", said)
        self.assertIn("ss2 belongs to d", said)
        self.assertIn("newer one", self.refused(Conflict, one, self.source("ss1")))
        self.refused(NotFound, self.source("ss1", cluster=""))

    def test_never_registered(self) -> None:
        """A store that never belonged to a cluster has nothing, and is left out."""
        rebuilt = gathered([self.source("ss1"), self.source("ss1_backup", cluster="")], {})
        self.assertEqual(self.members(rebuilt), [("ss1", "ss1_backup", "ss1", "ss1_backup")])
        self.assertEqual(len(rebuilt.said), 2)

    def test_people(self) -> None:
        """Users are those whom documents and folders name, and nobody without a name."""
        document = with_text(rooted(1), b"x")
        anonymous = evolve(document, current=evolve(document.current, modified_by=""))
        source = self.source("ss1", anonymous)
        source.folders()[3] = FolderRecord(3, 0, "f", "frida", 1.0, 3)
        self.assertEqual(gathered([source], {}).users, {"alice", "frida"})

    def test_one_name_twice(self) -> None:
        """Two pairs that claim one name: both documents are there, and it is said."""
        rebuilt = gathered(
            [self.source("ss1", rooted(1, "x")), self.source("ss2", rooted(2, "x"))], {}
        )
        server = started(MemoryJournal(journal_of(rebuilt)))
        paths = sorted(entry.path for entry in server.index.entries())
        self.assertEqual(paths, ["x", f"x.rebuilt-{1:016x}"])
        self.assertTrue(any("'x'" in said for said in rebuilt.said))


class RebuildTests(StoreCase):
    """
    A real store, and a real journal.
    """

    def setUp(self) -> None:
        super().setUp()
        self.result(self.store.join("c" * 32, 1))
        self.result(self.store.put_folders([FolderRecord(0xF, 0, "notes", "carol", 1.0, 4)], 4))
        self.document = self.write(new(1), b"One.")
        self.result(self.store.commit(buried(self.write(new(2), b"Two."), ALICE)))
        self.data = self.mktemp()

    def journal(self) -> SQLiteJournal:
        """What a name server opens there."""
        journal = SQLiteJournal(
            Path(self.data),
            entropy=os.urandom,
            call_from_thread=self.pump.call_from_thread,
            on_fatal=self.deaths.append,
        )
        self.addCleanup(journal.close)
        return journal

    def loaded(self) -> Snapshot:
        """What is in there."""
        journal = self.journal()
        snapshot = journal.load()
        snapshot = evolve(snapshot, documents=tuple(snapshot.documents))
        journal.close()
        return snapshot

    def test_journal(self) -> None:
        """The journal that is written has all of it, and the store is as it was."""
        self.result(self.store.close())
        before = inventory(self.path)
        rebuilt = rebuild(self.data, [self.path])
        self.assertEqual(inventory(self.path), before)
        self.assertEqual(sorted(os.listdir(self.data)), ["journal.db", "lock"])
        snapshot = self.loaded()
        self.assertEqual(snapshot.cluster_id, "c" * 32)
        self.assertEqual(snapshot.users, ("alice", "carol"))
        self.assertEqual(snapshot.pairs, tuple(rebuilt.pairs))
        self.assertEqual(snapshot.servers, (Known("ss1", "f" * 32, ""),))
        self.assertEqual(snapshot.documents, tuple(rebuilt.documents))
        self.assertEqual(snapshot.graves, tuple(rebuilt.graves))
        self.assertEqual([one.name for one in snapshot.folders], ["notes"])
        server = started(self.journal())
        self.assertEqual([entry.path for entry in server.index.entries()], ["notes/1.txt"])

    def test_after_a_crash(self) -> None:
        """A store that kill -9 left is read with its log, and left as it is."""
        copy = self.mktemp()
        shutil.copytree(self.path, copy)
        before = inventory(copy)
        rebuilt = rebuild(self.data, [copy])
        self.assertEqual(inventory(copy), before)
        self.assertEqual([one.noted.sha256 for one in rebuilt.documents], [self.sha256])
        self.assertEqual(sorted(os.listdir(self.data)), ["journal.db", "lock"])

    @property
    def sha256(self) -> bytes:
        """Of the text of the one document."""
        return self.document.current.content.sha256

    def test_dry(self) -> None:
        """A dry run finds out everything and writes nothing."""
        self.result(self.store.close())
        rebuilt = rebuild(self.data, [self.path], dry=True)
        self.assertEqual(len(rebuilt.documents), 1)
        self.assertFalse(os.path.exists(self.data))

    def refused(self, error: type[DFSError]) -> str:  # type: ignore[override]
        """It is refused so, and writes nothing; the message."""
        before = inventory(self.data) if os.path.exists(self.data) else {}
        caught = self.assertRaises(error, rebuild, self.data, [self.path])
        after = inventory(self.data) if os.path.exists(self.data) else {}
        self.assertEqual(sorted(after), sorted(before))
        return str(caught)

    def test_never_overwrites(self) -> None:
        """A journal that is there stays, whatever state it is in."""
        self.result(self.store.close())
        os.mkdir(self.data)
        for name in ("journal.db", "journal.db-wal"):
            Path(self.data, name).write_bytes(b"damaged")
            self.assertIn("never overwritten", self.refused(Exists))
            self.assertEqual(Path(self.data, name).read_bytes(), b"damaged")
            os.unlink(os.path.join(self.data, name))

    def test_running(self) -> None:
        """A folder that a name server uses is left alone."""
        self.result(self.store.close())
        journal = self.journal()
        self.assertEqual(list(journal.load().documents), [])
        os.unlink(journal.path)
        self.refused(Busy)

    def test_damaged(self) -> None:
        """A store of which something cannot be read is refused: it would be forgotten."""
        self.result(self.store.close())
        connection = sqlite3.connect(os.path.join(self.path, "store.db"))
        connection.execute("UPDATE documents SET kept = x'01' WHERE id = ?", (self.document.id,))
        connection.commit()
        connection.close()
        self.assertIn(self.document.id, self.refused(Corrupt))

    def test_other_format(self) -> None:
        """A store of another format is refused, and the message says what to do."""
        self.result(self.store.close())
        connection = sqlite3.connect(os.path.join(self.path, "store.db"))
        connection.execute(f"PRAGMA user_version={FORMAT + 1}")
        connection.close()
        self.assertIn("a newer one", self.refused(Unsupported))
        connection = sqlite3.connect(os.path.join(self.path, "store.db"))
        connection.execute(f"PRAGMA user_version={FORMAT}")
        connection.close()
