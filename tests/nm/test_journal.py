"""
What is kept for ever: one contract, two engines; and what the one on disk does with bad disks.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from dfs.core.access import AccessList, Right
from dfs.core.pairs import Pair, PairState
from dfs.core.requests import AccessRequest
from dfs.errors import Busy, Corrupt, DFSError, Unavailable, Unsupported
from dfs.nm.journal import (
    Change,
    Disk,
    DropDocument,
    DropRequest,
    ForgetCopies,
    ForgetTombstones,
    IJournal,
    Known,
    LayGrave,
    LayGraves,
    MemoryJournal,
    NoteDocument,
    PutDocument,
    PutPair,
    PutRequest,
    PutServer,
    PutUser,
    SetNoted,
    Snapshot,
)
from dfs.nm.kept import NOTHING, Copy
from dfs.nm.sqlite import SQLiteJournal
from dfs.nm.tables import VERSION
from tests.nm.documents import PAIR, document, grave
from tests.store.pump import Pump


def request(number: int, about: int, user: str, right: Right = Right.READ) -> AccessRequest:
    """Somebody asks to be let into a document."""
    return AccessRequest(number, about, user, right, 1_700_000_000.5 + number)


class Contract(SynchronousTestCase):
    """
    What every engine promises; a subclass says where the disk is.
    """

    def open(self) -> IJournal:
        """A journal on the same disk each time."""
        raise NotImplementedError

    def settled(self, deferred: Deferred[None]) -> None:
        """Wait for a commit."""
        raise NotImplementedError

    def kept(self, *groups: list[Change]) -> Snapshot:
        """What another journal loads after these commits."""
        journal = self.open()
        before = journal.load()
        list(before.documents)
        for group in groups:
            self.settled(journal.commit(group))
        self.settled(journal.close())
        return self.loaded()

    def loaded(self) -> Snapshot:
        """What a new journal loads."""
        journal = self.open()
        snapshot = journal.load()
        snapshot = evolve(snapshot, documents=tuple(snapshot.documents))
        self.settled(journal.close())
        return snapshot

    def test_interface(self) -> None:
        """It is a journal."""
        journal = self.open()
        self.assertTrue(verifyObject(IJournal, journal))
        self.settled(journal.close())

    def test_new(self) -> None:
        """A new journal knows which cluster it is of, for ever, and nothing else."""
        first = self.loaded()
        self.assertRegex(first.cluster_id, "^[0-9a-f]{32}$")
        self.assertEqual(self.loaded(), first)
        self.assertEqual((first.users, first.servers, first.pairs, first.graves), ((), (), (), ()))
        self.assertEqual(first.documents, ())

    def test_everything(self) -> None:
        """H41: documents, rights, times, users, servers and pairs are there after a restart."""
        documents = (
            document(1, "a.txt"),
            document(2, "b/c.txt", "bob", alice="w", carol="r"),
            document(2**63 - 1, "z"),
        )
        server = Known("ss1", "5" * 32, "127.0.0.1:5001", 12)
        snapshot = self.kept(
            [PutPair(PAIR), PutServer(server)],
            [PutUser("bob"), PutUser("alice")],
            [PutDocument(one) for one in documents],
        )
        self.assertEqual(snapshot.users, ("alice", "bob"))
        self.assertEqual(snapshot.servers, (server,))
        self.assertEqual(snapshot.pairs, (PAIR,))
        self.assertEqual(snapshot.documents, documents)

    def test_names(self) -> None:
        """H44: whatever stands in a name comes back as it was."""
        names = ["a|b", "c,d", "x=y", "'quoted\" one'", "%41", "\u00e9\u4e2d", "r:bob", "owner"]
        documents = tuple(
            document(number, f"{name}/{name}", name, **dict.fromkeys(names, "r"))
            for number, name in enumerate(names, 1)
        )
        snapshot = self.kept([PutPair(PAIR)], [PutDocument(one) for one in documents])
        self.assertEqual(snapshot.documents, documents)

    def test_metadata(self) -> None:
        """New metadata replaces the old."""
        old = document(1, "a.txt")
        new = evolve(old, access=AccessList("alice", (("bob", "r"),)), number=8)
        snapshot = self.kept([PutPair(PAIR), PutDocument(old)], [PutDocument(new)])
        self.assertEqual(snapshot.documents, (new,))

    def test_note(self) -> None:
        """A note replaces what was noted, and nothing else."""
        old = document(1, "a.txt")
        noted, has = document(9, "x").noted, (Copy(5, 1, 8), Copy(2**32 - 1, 0, 3))
        snapshot = self.kept([PutPair(PAIR), PutDocument(old)], [NoteDocument(1, noted, *has)])
        new = evolve(old, noted=noted, home=has[0], backup=has[1])
        self.assertEqual(snapshot.documents, (new,))

    def test_note_of_the_dead(self) -> None:
        """A note about a document that is gone does not bring it back."""
        gone = document(1, "a.txt")
        drop = DropDocument(grave(1))
        note = NoteDocument(1, gone.noted, gone.home, gone.backup)
        snapshot = self.kept([PutPair(PAIR), PutDocument(gone)], [drop], [note])
        self.assertEqual(snapshot.documents, ())

    def test_name_reused(self) -> None:
        """H9: a deleted name can be taken by another document in the same group."""
        old, new = document(1, "a.txt"), document(2, "a.txt", "bob")
        snapshot = self.kept(
            [PutPair(PAIR), PutDocument(old)], [DropDocument(grave(1)), PutDocument(new)]
        )
        self.assertEqual(snapshot.documents, (new,))

    def test_ghosts(self) -> None:
        """A document that is gone is remembered until both members are known not to have it."""
        both = grave(1, home=True, backup=True)
        graves = [both, grave(2), grave(3, home=True)]
        laid: list[Change] = [
            LayGrave(3, home=True),
            LayGrave(1, home=False),
            ForgetTombstones(6.0),
        ]
        snapshot = self.kept([DropDocument(one) for one in graves], laid)
        self.assertEqual(snapshot.graves, (grave(1, home=True),))

    def test_grave(self) -> None:
        """What is gone can be asked for, also where nobody has it any more."""
        self.kept([DropDocument(grave(2)), DropDocument(grave(3, home=True))])
        journal = self.open()
        list(journal.load().documents)
        self.assertEqual(journal.grave(2), grave(2))
        self.assertEqual(journal.grave(3), grave(3, home=True))
        self.assertIsNone(journal.grave(4))
        self.settled(journal.commit([LayGrave(3, home=True)]))
        self.assertEqual(journal.grave(3), grave(3))
        self.settled(journal.close())

    def test_lost_store(self) -> None:
        """A member whose store is gone has no document, and nothing that should be gone."""
        old = evolve(document(1, "a.txt"), backup=Copy(4, 0, 7))
        other = document(2, "b.txt")
        graves = [DropDocument(grave(3, home=True)), DropDocument(grave(4, backup=True))]
        kept: list[Change] = [PutPair(PAIR), PutDocument(old), PutDocument(other), *graves]
        lost: list[Change] = [ForgetCopies("ss1", home=False), LayGraves("ss1", home=False)]
        snapshot = self.kept(kept, lost)
        self.assertEqual(snapshot.documents, (evolve(old, backup=NOTHING), other))
        self.assertEqual(snapshot.graves, (grave(3, home=True),))

    def test_noted(self) -> None:
        """How far the notes of a server were kept is remembered."""
        server = Known("ss1", "5" * 32, "127.0.0.1:5001")
        snapshot = self.kept([PutPair(PAIR), PutServer(server)], [SetNoted("ss1", 77)])
        self.assertEqual(snapshot.servers, (evolve(server, noted=77),))

    def test_pair(self) -> None:
        """Another epoch with another active member replaces the old one."""
        newer = Pair("ss1", 2, "ss1_backup", PairState.FAILED_OVER, True, "other")
        self.assertEqual(self.kept([PutPair(PAIR)], [PutPair(newer)]).pairs, (newer,))

    def test_requests(self) -> None:
        """H41: access requests are there after a restart, one for each user and document."""
        read, write = request(1, 1, "bob"), request(4, 1, "bob", Right.WRITE)
        others = request(2, 2, "bob"), request(3, 1, "owner", Right.WRITE)
        snapshot = self.kept(
            [PutPair(PAIR), PutDocument(document(1, "a")), PutDocument(document(2, "b"))],
            [PutRequest(read), *map(PutRequest, others)],
            [PutRequest(write)],
        )
        self.assertEqual(snapshot.requests, (*others, write))
        self.assertEqual(snapshot.last_request, 4)

    def test_decided(self) -> None:
        """A right and the end of its request are one commit; no number is given again."""
        old = document(1, "a")
        new = evolve(old, access=AccessList("alice", (("bob", "r"),)), number=8)
        snapshot = self.kept(
            [PutPair(PAIR), PutDocument(old), PutRequest(request(6, 1, "bob"))],
            [PutDocument(new), DropRequest(6)],
        )
        self.assertEqual((snapshot.documents, snapshot.requests), ((new,), ()))
        self.assertEqual(snapshot.last_request, 6)

    def test_requests_of_the_dead(self) -> None:
        """H9: with a document its requests go, and none comes back after that."""
        kept: list[Change] = [PutDocument(document(1, "a")), PutDocument(document(2, "b"))]
        asked = [PutRequest(request(number, number, "bob")) for number in (1, 2)]
        snapshot = self.kept(
            [PutPair(PAIR), *kept, *asked],
            [DropDocument(grave(1))],
            [PutRequest(request(3, 1, "carol")), PutDocument(document(5, "a"))],
        )
        self.assertEqual(snapshot.requests, (request(2, 2, "bob"),))

    def test_closed(self) -> None:
        """A closed journal keeps nothing more, and can be closed twice."""
        journal = self.open()
        list(journal.load().documents)
        self.settled(journal.close())
        self.settled(journal.close())
        self.failureResultOf(journal.commit([PutUser("alice")]), Unavailable)


class MemoryTests(Contract):
    """
    The contract in memory.
    """

    def setUp(self) -> None:
        """One disk for all journals of a test."""
        self.disk = Disk("0" * 32)

    def open(self) -> IJournal:
        """A journal on that disk."""
        return MemoryJournal(self.disk)

    def settled(self, deferred: Deferred[None]) -> None:
        """Commits in memory are immediate."""
        self.successResultOf(deferred)


class SQLiteTests(Contract):
    """
    The contract on disk, and what can be wrong with a disk.
    """

    def setUp(self) -> None:
        """One folder for all journals of a test."""
        self.pump = Pump()
        self.folder = Path(self.mktemp()) / "deep" / "nm"
        self.failures: list[Failure] = []

    @property
    def path(self) -> Path:
        """The database."""
        return self.folder / "journal.db"

    def open(self) -> SQLiteJournal:
        """A journal in that folder."""
        return SQLiteJournal(
            self.folder,
            entropy=os.urandom,
            call_from_thread=self.pump.call_from_thread,
            on_fatal=self.failures.append,
        )

    def settled(self, deferred: Deferred[None]) -> None:
        """Wait for the writer."""
        self.pump.result(deferred)

    def refused(self, error: type[DFSError]) -> str:
        """Why the journal is not opened."""
        journal = self.open()
        refusal = str(self.assertRaises(error, lambda: list(journal.load().documents)))
        self.settled(journal.close())
        return refusal

    def change(self, *statements: str) -> None:
        """Do something to the file that this program would not."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()

    def test_in_use(self) -> None:
        """A second name server on the same folder is refused until the first one ends."""
        first = self.open()
        list(first.load().documents)
        self.assertIn("another name server", self.refused(Busy))
        self.settled(first.close())
        self.loaded()

    def test_busy_before_anything(self) -> None:
        """The second one is refused even before the first has written anything."""
        first = self.open()
        first.load()
        self.refused(Busy)
        self.settled(first.close())

    def test_private(self) -> None:
        """Only its owner may look into the folder."""
        self.loaded()
        self.assertEqual(self.folder.stat().st_mode & 0o777, 0o700)

    def test_private_files(self) -> None:
        """Nor may others read the files, wherever the folder is copied; also those made before."""
        database = self.folder / "journal.db"
        for _ in range(2):
            journal = self.open()
            tuple(journal.load().documents)
            self.settled(journal.commit([PutUser("alice")]))
            for file in self.folder.iterdir():
                self.assertEqual((file.name, file.stat().st_mode & 0o077), (file.name, 0))
            self.settled(journal.close())
            database.chmod(0o644)

    def test_newer(self) -> None:
        """A journal of a newer version is refused and left alone."""
        self.loaded()
        self.change(f"PRAGMA user_version={VERSION + 1}")
        before = self.path.read_bytes()
        self.assertIn("newer version", self.refused(Unsupported))
        self.assertEqual(self.path.read_bytes(), before)

    def test_older(self) -> None:
        """A journal of an older version is refused and left alone."""
        self.loaded()
        self.change(f"PRAGMA user_version={VERSION - 1}")
        before = self.path.read_bytes()
        self.assertIn("older version", self.refused(Unsupported))
        self.assertEqual(self.path.read_bytes(), before)

    def test_senseless_request(self) -> None:
        """A request for a right that nobody knows is damage."""
        asked = PutRequest(request(1, 1, "bob"))
        self.kept([PutPair(PAIR), PutDocument(document(1, "a")), asked])
        self.change("UPDATE requests SET right='x'")
        self.assertIn("damaged", self.refused(Corrupt))

    def test_foreign(self) -> None:
        """A database of something else is refused."""
        self.loaded()
        self.path.unlink()
        self.change("CREATE TABLE documents (x)")
        self.assertIn("not the journal", self.refused(Corrupt))

    def test_empty_file(self) -> None:
        """An empty file is a damaged journal, not the beginning of another cluster."""
        self.loaded()
        self.path.write_bytes(b"")
        self.assertIn("empty", self.refused(Corrupt))

    def test_no_database(self) -> None:
        """A file that is no database is refused."""
        self.loaded()
        self.path.write_bytes(os.urandom(5_000))
        self.assertIn("damaged", self.refused(Corrupt))

    def test_missing_beside_its_log(self) -> None:
        """A missing file whose log is there is damage, too."""
        self.loaded()
        self.path.unlink()
        self.path.with_name("journal.db-wal").write_bytes(b"x")
        self.assertIn("is missing", self.refused(Corrupt))

    def test_cut_or_overwritten(self) -> None:
        """A journal with damaged pages is refused, wherever they are."""
        documents: list[Change] = [
            PutDocument(document(number, f"folder/document-{number}")) for number in range(1, 500)
        ]
        self.kept([PutPair(PAIR), *documents])
        whole = self.path.read_bytes()
        damages: list[Callable[[bytes], bytes]] = [
            lambda data: data[: len(data) // 2],
            lambda data: data[:-4096],
            lambda data: data[:4096] + bytes(4096) + data[8192:],
            lambda data: data[:100] + b"\xff" * 100 + data[200:],
            lambda data: data[:-8192] + b"\xff" * 4096 + data[-4096:],
        ]
        for damage in damages:
            self.path.write_bytes(damage(whole))
            self.assertIn(str(self.path), self.refused(Corrupt))
        self.path.write_bytes(whole)
        self.assertEqual(len(tuple(self.loaded().documents)), 499)

    def test_senseless_rows(self) -> None:
        """Rows that cannot be a document are damage."""
        self.kept([PutPair(PAIR), PutDocument(document(1, "a"))])
        self.change("UPDATE documents SET sha256='short'")
        self.assertIn("no hash", self.refused(Corrupt))

    def test_no_folder(self) -> None:
        """A folder that cannot be made is refused with the reason."""
        self.folder.parent.mkdir(parents=True)
        self.folder.write_text("")
        self.assertIn("cannot be used", self.refused(Unavailable))

    def test_half_made(self) -> None:
        """A beginning that a crash cut short is begun again."""
        self.folder.mkdir(parents=True)
        (self.folder / "journal.new").write_bytes(b"half")
        self.loaded()
        self.assertFalse((self.folder / "journal.new").exists())

    def test_nothing_open_after_loading(self) -> None:
        """Between loading and the first commit no database is open: a process may fork."""
        self.kept([PutPair(PAIR), PutDocument(document(1, "a"))])
        journal = self.open()
        list(journal.load().documents)
        inode = self.path.stat().st_ino
        links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
        self.assertNotIn(inode, [os.stat(link).st_ino for link in links if os.path.exists(link)])
        self.settled(journal.close())

    def test_order(self) -> None:
        """Commits that wait together keep their order."""
        journal = self.open()
        list(journal.load().documents)
        one, two = document(1, "a"), document(2, "a")
        commits = [
            journal.commit([PutPair(PAIR), PutDocument(one)]),
            journal.commit([DropDocument(grave(1))]),
            journal.commit([PutDocument(two)]),
            journal.close(),
        ]
        for commit in commits:
            self.settled(commit)
        self.assertEqual(self.loaded().documents, (two,))


del Contract
