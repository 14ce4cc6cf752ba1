"""
The journal on disk: one SQLite file.

Decides tables, how they are read back, and that a journal which is damaged, newer or in use is not
touched.  What the changes mean stands in L{dfs.nm.journal}; must not know who makes them.

The folder holds C{journal.db} (write-ahead log, each commit fsynced) and C{lock}, which a running
name server holds locked.  The file appears complete under its name or not at all, so an empty one
is a damaged one, and never the beginning of another cluster.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from dfs.core.access import AccessList
from dfs.core.pairs import Pair, PairState
from dfs.core.versions import Version
from dfs.errors import Busy, Corrupt, Unavailable, Unsupported
from dfs.nm.journal import (
    Change,
    DropDocument,
    DropPair,
    DropRequest,
    ForgetCopies,
    ForgetTombstones,
    IJournal,
    Known,
    LayGrave,
    LayGraves,
    NoteDocument,
    PutDocument,
    PutPair,
    PutRequest,
    PutServer,
    PutUser,
    SetNoted,
    Snapshot,
)
from dfs.nm.kept import Copy, Grave, Noted, Stored
from dfs.nm.rows import REQUESTS, last_request, read_requests, request_statement
from dfs.store.groupcommit import GroupCommit, connect

#: Raised with each change of the tables.
VERSION = 2

#: Marks the file as ours ("DFSn").
_APPLICATION = 0x4446536E

_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE users (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE servers (name TEXT PRIMARY KEY, store_id TEXT NOT NULL, address TEXT NOT NULL,
    noted INTEGER NOT NULL, drained INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE pairs (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, active TEXT NOT NULL,
    state TEXT NOT NULL, synced INTEGER NOT NULL, backup TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tombstones (id INTEGER PRIMARY KEY, pair TEXT NOT NULL, path TEXT NOT NULL,
    owner TEXT NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL, "when" REAL NOT NULL,
    at_home INTEGER NOT NULL, at_backup INTEGER NOT NULL);
CREATE TABLE documents (id INTEGER PRIMARY KEY, path TEXT NOT NULL, pair TEXT NOT NULL,
    owner TEXT NOT NULL, grants TEXT NOT NULL, created REAL NOT NULL, number INTEGER NOT NULL,
    home_a INTEGER NOT NULL, home_b INTEGER NOT NULL, home_number INTEGER NOT NULL,
    backup_a INTEGER NOT NULL, backup_b INTEGER NOT NULL, backup_number INTEGER NOT NULL,
    sha256 BLOB NOT NULL, size INTEGER NOT NULL, words INTEGER NOT NULL,
    characters INTEGER NOT NULL, sentences INTEGER NOT NULL, a INTEGER NOT NULL,
    b INTEGER NOT NULL, epoch INTEGER NOT NULL, modified REAL NOT NULL,
    checkpoints INTEGER NOT NULL, conflicts INTEGER NOT NULL, is_text INTEGER NOT NULL,
    modified_by TEXT NOT NULL);
CREATE TRIGGER buried AFTER INSERT ON tombstones
    BEGIN DELETE FROM documents WHERE id = NEW.id; END;
{REQUESTS}
PRAGMA application_id={_APPLICATION};
PRAGMA user_version={VERSION};
"""

#: What a journal of an older version lacks, by that version.
_RENEWALS = {1: REQUESTS}

_NOTED = (
    "sha256,size,words,characters,sentences,a,b,epoch,modified,checkpoints,conflicts,is_text,"
    "modified_by"
)
_COPIES = "home_a,home_b,home_number,backup_a,backup_b,backup_number"
_NEWS = f"{_COPIES},{_NOTED}"
_DOCUMENT = f"id,path,pair,owner,grants,created,number,{_NEWS}"
_PUT_DOCUMENT = f"INSERT OR REPLACE INTO documents ({_DOCUMENT}) VALUES ({','.join('?' * 26)})"
_NOTE_DOCUMENT = (
    f"UPDATE documents SET {','.join(f'{name}=?' for name in _NEWS.split(','))} WHERE id=?"
)
_FORGET_COPIES = {
    True: "UPDATE documents SET home_a=0,home_b=0,home_number=0 WHERE pair=?",
    False: "UPDATE documents SET backup_a=0,backup_b=0,backup_number=0 WHERE pair=?",
}
_LAY_GHOSTS = {
    True: "UPDATE tombstones SET at_home=0 WHERE pair=?",
    False: "UPDATE tombstones SET at_backup=0 WHERE pair=?",
}
_SERVER = "name,store_id,address,noted,drained"
_PAIR = "name,epoch,active,state,synced,backup"
_GRAVE = 'id,pair,path,owner,a,b,"when",at_home,at_backup'


@implementer(IJournal)
@define(eq=False)
class SQLiteJournal:
    """
    A journal in a folder of its own.

    @ivar folder: made if it is not there.
    @ivar _on_fatal: called once when the disk has failed; nothing can be kept from then on.
    """

    folder: Path
    _entropy: Callable[[int], bytes] = field(kw_only=True)
    _call_from_thread: Callable[..., object] = field(kw_only=True)
    _on_fatal: Callable[[Failure], None] = field(kw_only=True)
    _lock: int | None = field(default=None, init=False)
    _writer: GroupCommit | None = field(default=None, init=False)
    _closed: bool = field(default=False, init=False)

    @property
    def path(self) -> Path:
        """The database."""
        return self.folder / "journal.db"

    def load(self) -> Snapshot:
        """
        See L{IJournal.load}.

        No thread is started and no database is open when all documents have been gone through,
        so that a process may fork before its first commit.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._claim()
            if not self.path.exists():
                self._make()
            return self._read()
        except OSError as error:
            raise Unavailable(f"{self.folder} cannot be used: {error}") from None

    def commit(self, changes: Sequence[Change]) -> Deferred[None]:
        """See L{IJournal.commit}."""
        if self._closed:
            return fail(Unavailable("the journal is closed"))
        if self._writer is None:
            try:
                connection = connect(str(self.path))
            except sqlite3.Error as error:
                return fail(Unavailable(f"{self.path} cannot be opened: {error}"))
            self._writer = GroupCommit(
                connection,
                call_from_thread=self._call_from_thread,
                on_fatal=self._on_fatal,
                name="journal",
            )
        kept = tuple(changes)
        return self._writer.submit(lambda connection: _apply_all(connection, kept))

    def close(self) -> Deferred[None]:
        """See L{IJournal.close}."""
        if self._closed:
            return succeed(None)
        self._closed = True
        if self._writer is None:
            self._release()
            return succeed(None)
        return self._writer.close().addCallback(self._release)

    def _claim(self) -> None:
        """
        Become the only name server here.

        @raise Busy: another one is.
        """
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise Busy(
                f"another name server is using {self.folder}; stop it, or give another folder"
            ) from None
        self._lock = descriptor

    def _release(self, result: None = None) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _make(self) -> None:
        """Begin a journal; it appears whole under its name."""
        if self.path.with_name("journal.db-wal").exists():
            raise Corrupt(f"{self.path} is missing although its log is there; restore it")
        new = self.path.with_name("journal.new")
        new.unlink(missing_ok=True)
        connection = sqlite3.connect(new, isolation_level=None)
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(_SCHEMA)
        cluster_id = self._entropy(16).hex()
        connection.execute("INSERT INTO facts VALUES ('cluster_id', ?)", (cluster_id,))
        connection.execute("COMMIT")
        connection.close()
        new.rename(self.path)
        _sync(self.folder)
        _sync(self.folder.parent)

    def _read(self) -> Snapshot:
        """
        Read everything but the documents.

        @raise Corrupt: this is not a whole journal.
        @raise Unsupported: it is newer than this program.
        """
        if not self.path.stat().st_size:
            raise self._damaged("it is empty")
        try:
            connection = connect(str(self.path))
            _renew(connection, _check(connection, self.path))
            ask = connection.execute
            row = ask("SELECT value FROM facts WHERE name='cluster_id'").fetchone()
            if row is None:
                raise self._damaged("it does not say which cluster it belongs to")
            return Snapshot(
                str(row[0]),
                tuple(name for (name,) in ask("SELECT name FROM users ORDER BY name")),
                tuple(_known(r) for r in ask(f"SELECT {_SERVER} FROM servers")),
                tuple(_pair(r) for r in ask(f"SELECT {_PAIR} FROM pairs")),
                tuple(
                    _grave(r)
                    for r in ask(f"SELECT {_GRAVE} FROM tombstones WHERE at_home OR at_backup")
                ),
                self._documents(connection),
                read_requests(connection),
                last_request(connection),
            )
        except (sqlite3.Error, ValueError) as error:
            raise self._damaged(error) from None

    def _documents(self, connection: sqlite3.Connection) -> Iterator[Stored]:
        """Read the documents, then let go of the database."""
        try:
            for row in connection.execute(f"SELECT {_DOCUMENT} FROM documents"):
                yield _stored(row)
        except (sqlite3.Error, TypeError, ValueError) as error:
            raise self._damaged(error) from None
        finally:
            connection.close()

    def _damaged(self, why: object) -> Corrupt:
        return Corrupt(f"the journal {self.path} is damaged ({why}); restore it from a copy")


def _check(connection: sqlite3.Connection, path: Path) -> int:
    """
    Make sure that this program can work with a database.

    @return: its version.
    @raise Corrupt: it is not one of ours, or damaged.
    @raise Unsupported: it is newer than this program.
    """
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        raise Corrupt(f"{path} is not the journal of a name server")
    if version > VERSION:
        raise Unsupported(
            f"{path} was written by a newer version of this program (its format is {version}, "
            f"this program knows {VERSION}); run the newer one"
        )
    [verdict] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Corrupt(f"the journal {path} is damaged ({verdict}); restore it from a copy")
    return int(version)


def _renew(connection: sqlite3.Connection, version: int) -> None:
    """Bring a journal that an older version of this program wrote to the present one."""
    for older in range(version, VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE; {_RENEWALS[older]} PRAGMA user_version={older + 1}; COMMIT;"
        )


def _sync(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stored(row: tuple[Any, ...]) -> Stored:
    """A document from its row."""
    document_id, path, pair, owner, grants, created, number, *news = row
    home, backup, noted = Copy(*news[:3]), Copy(*news[3:6]), news[6:]
    access = AccessList(owner, _read_grants(grants) if grants else ())
    if len(noted[0]) != 32:
        raise ValueError(f"document {document_id:016x} has no hash")
    return Stored(document_id, path, pair, access, created, number, Noted(*noted), home, backup)


def _known(row: tuple[Any, ...]) -> Known:
    name, store_id, address, noted, drained = row
    return Known(name, store_id, address, noted, bool(drained))


def _pair(row: tuple[Any, ...]) -> Pair:
    name, epoch, active, state, synced, backup = row
    return Pair(name, epoch, active, PairState(state), bool(synced), backup)


def _grave(row: tuple[Any, ...]) -> Grave:
    document_id, pair, path, owner, a, b, when, at_home, at_backup = row
    version = Version(a, b)
    return Grave(document_id, pair, path, owner, version, when, bool(at_home), bool(at_backup))


def _copies(home: Copy, backup: Copy) -> tuple[int, ...]:
    """The columns of what both members have."""
    return home.a, home.b, home.number, backup.a, backup.b, backup.number


def _read_grants(text: str) -> tuple[tuple[str, str], ...]:
    """The grants of an access list; a user's name contains no line feed."""
    return tuple([(line[2:], line[0]) for line in text.split("\n")])


def _write_grants(access: AccessList) -> str:
    return "\n".join([f"{right}:{user}" for user, right in access.grants])


def _noted(noted: Noted) -> tuple[Any, ...]:
    """The columns of what a note said."""
    return (
        noted.sha256,
        noted.size,
        noted.words,
        noted.characters,
        noted.sentences,
        noted.a,
        noted.b,
        noted.epoch,
        noted.modified,
        noted.checkpoints,
        noted.conflicts,
        noted.is_text,
        noted.modified_by,
    )


def _apply_all(connection: sqlite3.Connection, changes: Sequence[Change]) -> None:
    """Make changes, in the writer's thread."""
    # One call for many of a kind that follow each other: a group of notes takes half the time.
    for statement, group in groupby(map(_statement, changes), itemgetter(0)):
        connection.executemany(statement, [values for _, values in group])


def _statement(change: Change) -> tuple[str, tuple[Any, ...]]:
    """What a change is in SQL."""
    match change:
        case PutDocument(new):
            return _PUT_DOCUMENT, (
                new.id,
                new.path,
                new.pair,
                new.access.owner,
                _write_grants(new.access),
                new.created,
                new.number,
                *_copies(new.home, new.backup),
                *_noted(new.noted),
            )
        case NoteDocument(document_id, noted, home_has, backup_has):
            return _NOTE_DOCUMENT, (*_copies(home_has, backup_has), *_noted(noted), document_id)
        case DropDocument(grave):
            # The trigger of the tombstone removes the document: one statement, one change.
            return "INSERT OR REPLACE INTO tombstones VALUES (?,?,?,?,?,?,?,?,?)", (
                grave.id,
                grave.pair,
                grave.path,
                grave.owner,
                grave.version.a,
                grave.version.b,
                grave.when,
                grave.at_home,
                grave.at_backup,
            )
        case LayGrave(document_id, home):
            column = "at_home" if home else "at_backup"
            return f"UPDATE tombstones SET {column}=0 WHERE id=?", (document_id,)
        case ForgetTombstones(before):
            return (
                'DELETE FROM tombstones WHERE NOT at_home AND NOT at_backup AND "when"<?',
                (before,),
            )
        case SetNoted(server, seq):
            return "UPDATE servers SET noted=? WHERE name=?", (seq, server)
        case PutUser(name):
            return "INSERT OR IGNORE INTO users VALUES (?)", (name,)
        case PutRequest() | DropRequest():
            return request_statement(change)
        case PutServer(known):
            return "INSERT OR REPLACE INTO servers VALUES (?,?,?,?,?)", (
                known.name,
                known.store_id,
                known.address,
                known.noted,
                known.drained,
            )
        case ForgetCopies(pair_name, home):
            return _FORGET_COPIES[home], (pair_name,)
        case LayGraves(pair_name, home):
            return _LAY_GHOSTS[home], (pair_name,)
        case PutPair(pair):
            return "INSERT OR REPLACE INTO pairs VALUES (?,?,?,?,?,?)", (
                pair.name,
                pair.epoch,
                pair.active,
                pair.state.value,
                pair.synced,
                pair.backup,
            )
        case DropPair(name):
            return "DELETE FROM pairs WHERE name=?", (name,)
