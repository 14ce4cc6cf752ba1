"""
The tables of a store, and how a store is made, recognised and opened.

Decides the format on disk and its number.  Must not know how the tables change afterwards; that
is in L{dfs.store.ledger}.

A store is a folder::

    store.db     everything but large contents (SQLite, write-ahead log)
    objects/     ab/abcdef…: one immutable file per content above INLINE_BYTES, named by its hash
    incoming/    what is being received; emptied when the store is opened
    lock         held by the one process that has the store open
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable

from attrs import frozen

from dfs.errors import Conflict, Corrupt, Locked, Unsupported
from dfs.store.checksums import checksum, verified
from dfs.store.encoding import COLUMNS, Row
from dfs.store.groupcommit import settle
from dfs.store.interfaces import Identity

#: Raised whenever older programs could not read what newer ones write.
FORMAT = 3

#: What a damaged database may raise.  What SQLite says may hold text of its own that is damaged,
#: and no text any more.
DAMAGED = (sqlite3.Error, TypeError, UnicodeDecodeError)

#: The columns of the identity that its checksum covers.
IDENTITY = "store_id, name, cluster_id, epoch, floor, folders"

_TABLES = """
CREATE TABLE identity (
    store_id TEXT NOT NULL,
    name TEXT NOT NULL,
    cluster_id TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    floor INTEGER NOT NULL, -- positions up to this one were used, though no document has them
    folders INTEGER NOT NULL, -- every folder with a number up to this one is in this store
    checksum INTEGER NOT NULL
);
CREATE TABLE folders (
    id INTEGER NOT NULL PRIMARY KEY,
    parent INTEGER NOT NULL, name TEXT NOT NULL, owner TEXT NOT NULL, created REAL NOT NULL,
    number INTEGER NOT NULL, gone REAL NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE TABLE documents (  -- the change log too: the newest state of each, by seq
    seq INTEGER NOT NULL UNIQUE,
    id TEXT NOT NULL PRIMARY KEY,
    a INTEGER NOT NULL, b INTEGER NOT NULL, epoch INTEGER NOT NULL,
    sha256 BLOB NOT NULL, size INTEGER NOT NULL, words INTEGER NOT NULL,
    characters INTEGER NOT NULL, sentences INTEGER NOT NULL, is_text INTEGER NOT NULL,
    modified REAL NOT NULL, modified_by TEXT NOT NULL,
    number INTEGER NOT NULL, checkpoints INTEGER NOT NULL, conflicts INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    folder INTEGER NOT NULL, name TEXT NOT NULL, named INTEGER NOT NULL,
    owner TEXT NOT NULL, grants TEXT NOT NULL, created REAL NOT NULL,
    undo BLOB NOT NULL, redo BLOB NOT NULL, kept BLOB NOT NULL,
    head_checksum INTEGER NOT NULL, history_checksum INTEGER NOT NULL
);
CREATE TABLE contents (  -- data is NULL when the bytes are a file in objects/
    sha256 BLOB NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL,
    refs INTEGER NOT NULL,
    again INTEGER NOT NULL,  -- refs once more: while they differ, the content is not removed
    data BLOB
);
CREATE TABLE accesses (
    document TEXT NOT NULL PRIMARY KEY,
    at REAL NOT NULL,
    user TEXT NOT NULL
) WITHOUT ROWID;
"""


@frozen
class Opened:
    """
    What a store said when it was opened.

    @ivar seq: the highest position ever given to a change that was committed.
    @ivar documents: live ones.
    @ivar size: bytes of their present texts.
    @ivar folders: the number up to which it has every folder.
    """

    identity: Identity
    seq: int
    documents: int
    size: int
    folders: int


def lock(path: str) -> int:
    """
    Keep other processes out of a store, until the returned descriptor is closed.

    @raise Locked: another process has it open.
    """
    descriptor = os.open(os.path.join(path, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise Locked(
            f"the store {path} is in use by process {holder or 'unknown'}; stop it first"
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    return descriptor


def prepare(
    connection: sqlite3.Connection, path: str, name: str, new_store_id: Callable[[], str]
) -> Opened:
    """
    Make the tables if there are none, and read who this is.

    @param path: for messages.
    @param name: of the storage server that opens the store.
    @raise Conflict: the store belongs to another storage server.
    @raise Corrupt: this is no store, or a damaged one.
    @raise Unsupported: another version of this program made it.
    """
    try:
        if _format(connection, path) == 0:
            _create(connection, name, new_store_id())
        settle(connection)
        _check_index(connection, path)
        opened = _read(connection)
    except DAMAGED as error:
        raise _damaged(path, error) from error
    owner = opened.identity.name
    if owner != name:
        raise Conflict(
            f"the store {path} belongs to the storage server {owner!r}, not to {name!r};"
            f" start it as {owner!r} or choose another folder"
        )
    return opened


def recognise(connection: sqlite3.Connection, path: str) -> Opened:
    """
    Read who this is, whoever that is, and change nothing.

    @param path: for messages.
    @raise Corrupt: this is no store, or a damaged one.
    @raise Unsupported: another version of this program made it.
    """
    try:
        if _format(connection, path) == 0:
            raise Corrupt(f"{path} holds no store")
        return _read(connection)
    except DAMAGED as error:
        raise _damaged(path, error) from error


def _format(connection: sqlite3.Connection, path: str) -> int:
    """
    The number of the format; 0 of what has no tables yet.

    @raise Unsupported: another version of this program made it.
    """
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > FORMAT:
        raise Unsupported(
            f"the store {path} has format {found}; this program reads up to {FORMAT}."
            "  Use a newer one"
        )
    if 0 < found < FORMAT:
        raise Unsupported(
            f"the store {path} has format {found}; this program reads only {FORMAT}."
            "  Export it with the one that made it"
        )
    return found


def _damaged(path: str, error: Exception) -> Corrupt:
    return Corrupt(f"the database of the store {path} is damaged: {error}")


def _create(connection: sqlite3.Connection, name: str, store_id: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in _TABLES.split(";\n"):
        connection.execute(statement)
    said = (store_id, name, "", 0, 0, 0)
    connection.execute("INSERT INTO identity VALUES (?, ?, ?, ?, ?, ?, ?)", (*said, checksum(said)))
    connection.execute(f"PRAGMA user_version={FORMAT}")
    connection.execute("COMMIT")


def identified(connection: sqlite3.Connection) -> Row:
    """
    What the store says of itself: L{IDENTITY}.

    @raise Corrupt: that is damaged.
    """
    *said, expected = connection.execute(f"SELECT {IDENTITY}, checksum FROM identity").fetchone()
    return tuple(verified(said, expected, "the identity of the store"))


def _check_index(connection: sqlite3.Connection, path: str) -> None:
    """
    Make sure that each document is found by its id and by its position: what is not found has no
    checksum that could be wrong.

    @raise Corrupt: one is not.
    """
    [verdict, *_] = connection.execute("PRAGMA integrity_check('documents')").fetchone()
    if verdict != "ok":
        raise Corrupt(f"the database of the store {path} is damaged: {verdict}")


def _read(connection: sqlite3.Connection) -> Opened:
    store_id, owner, cluster_id, epoch, floor, folders = identified(connection)
    # The columns are named so that a table without one of them is noticed now.
    connection.execute(f"SELECT {COLUMNS} FROM documents LIMIT 1").fetchone()
    seq, documents, size = connection.execute(
        "SELECT coalesce(max(seq), 0), coalesce(sum(NOT deleted), 0),"
        " coalesce(sum(iif(deleted, 0, size)), 0) FROM documents"
    ).fetchone()
    identity = Identity(store_id, owner, cluster_id, epoch)
    return Opened(identity, max(seq, floor), documents, size, folders)
