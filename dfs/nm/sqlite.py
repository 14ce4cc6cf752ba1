"""
The journal on disk: one SQLite file.

Decides how a journal is made and read back, and that one which is damaged, of another version or in
use is not touched.  Its tables are in L{dfs.nm.tables}, what the changes mean in
L{dfs.nm.journal}; must not know who makes them.

The folder holds C{journal.db} (write-ahead log, each commit fsynced) and C{lock}, which a running
name server holds locked.  The file appears complete under its name or not at all, so an empty one
is a damaged one, and never the beginning of another cluster.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from dfs.core.folders import FolderRecord
from dfs.errors import Busy, Corrupt, Unavailable, Unsupported
from dfs.nm import tables
from dfs.nm.journal import Change, IJournal, Snapshot
from dfs.nm.kept import Grave, Stored
from dfs.store.groupcommit import GroupCommit, connect, make_private, settle


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
    _reading: sqlite3.Connection | None = field(default=None, init=False)
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
            self._lock = claim(self.folder)
            if not self.path.exists():
                make(self.path, self._entropy(16).hex())
            return self._read()
        except OSError as error:
            raise Unavailable(f"{self.folder} cannot be used: {error}") from None

    def grave(self, document_id: int) -> Grave | None:
        """See L{IJournal.grave}."""
        try:
            if self._reading is None:
                self._reading = connect(str(self.path))
            row = self._reading.execute(tables.GRAVE, (document_id,)).fetchone()
            return None if row is None else tables.read_grave(row)
        except (sqlite3.Error, TypeError, ValueError) as error:
            raise self._damaged(error) from None

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
        if self._reading is not None:
            self._reading.close()
        if self._writer is None:
            self._release()
            return succeed(None)
        return self._writer.close().addCallback(self._release)

    def _release(self, result: None = None) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _read(self) -> Snapshot:
        """
        Read everything but the documents.

        @raise Corrupt: this is not a whole journal.
        @raise Unsupported: it was written by another version of this program.
        """
        if not self.path.stat().st_size:
            raise self._damaged("it is empty")
        try:
            make_private(str(self.path))
            connection = connect(str(self.path))
            _check(connection, self.path)
            settle(connection)
            ask = connection.execute
            row = ask("SELECT value FROM facts WHERE name='cluster_id'").fetchone()
            if row is None:
                raise self._damaged("it does not say which cluster it belongs to")
            return Snapshot(
                str(row[0]),
                tuple(name for (name,) in ask("SELECT name FROM users ORDER BY name")),
                tuple(tables.read_server(r) for r in ask(f"SELECT {tables.SERVERS} FROM servers")),
                tuple(tables.read_pair(r) for r in ask(f"SELECT {tables.PAIRS} FROM pairs")),
                tuple(FolderRecord(*r) for r in ask(f"SELECT {tables.FOLDERS} FROM folders")),
                tuple(
                    tables.read_grave(r)
                    for r in ask(
                        f"SELECT {tables.GRAVES} FROM tombstones WHERE at_home OR at_backup"
                    )
                ),
                self._documents(connection),
                tuple(
                    tables.read_request(r)
                    for r in ask(f"SELECT {tables.REQUESTS} FROM requests ORDER BY id")
                ),
                ask(tables.LAST_REQUEST).fetchone()[0],
            )
        except (sqlite3.Error, ValueError) as error:
            raise self._damaged(error) from None

    def _documents(self, connection: sqlite3.Connection) -> Iterator[Stored]:
        """Read the documents, then let go of the database."""
        try:
            for row in connection.execute(f"SELECT {tables.DOCUMENTS} FROM documents"):
                yield tables.read_document(row)
        except (sqlite3.Error, TypeError, ValueError) as error:
            raise self._damaged(error) from None
        finally:
            connection.close()

    def _damaged(self, why: object) -> Corrupt:
        return Corrupt(f"the journal {self.path} is damaged ({why}); restore it from a copy")


def claim(folder: Path) -> int:
    """
    Become the only name server here, until the returned descriptor is closed.

    @raise Busy: another one is.
    """
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise Busy(
            f"another name server is using {folder}; stop it, or give another folder"
        ) from None
    return descriptor


def make(path: Path, cluster_id: str, changes: Iterable[Change] = ()) -> None:
    """
    Begin a journal; it appears whole under its name.

    @param changes: what it begins with.
    @raise Corrupt: there was one before.
    """
    if path.with_name("journal.db-wal").exists():
        raise Corrupt(f"{path} is missing although its log is there; restore it")
    new = path.with_name("journal.new")
    new.unlink(missing_ok=True)
    make_private(str(new))
    connection = sqlite3.connect(new, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    connection.executescript(tables.SCHEMA)
    connection.execute("INSERT INTO facts VALUES ('cluster_id', ?)", (cluster_id,))
    _apply_all(connection, changes)
    connection.execute("COMMIT")
    connection.close()
    new.rename(path)
    _sync(path.parent)
    _sync(path.parent.parent)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """
    Make sure that this program can work with a database.

    @raise Corrupt: it is not one of ours, or damaged.
    @raise Unsupported: it was written by another version of this program.
    """
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    if application != tables.APPLICATION:
        raise Corrupt(f"{path} is not the journal of a name server")
    if version > tables.VERSION:
        raise Unsupported(
            f"{path} was written by a newer version of this program (its format is {version}, "
            f"this program knows {tables.VERSION}); run the newer one"
        )
    if version < tables.VERSION:
        raise Unsupported(
            f"{path} was written by an older version of this program (its format is {version}, "
            f"this program knows {tables.VERSION}); rebuild it from the stores"
        )
    [verdict] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Corrupt(f"the journal {path} is damaged ({verdict}); restore it from a copy")


def _sync(folder: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _apply_all(connection: sqlite3.Connection, changes: Iterable[Change]) -> None:
    """Make changes, in the writer's thread."""
    # One call for many of a kind that follow each other: a group of notes takes half the time.
    for statement, group in groupby(map(tables.statement, changes), itemgetter(0)):
        connection.executemany(statement, [values for _, values in group])
