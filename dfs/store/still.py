"""
A store that nobody serves, read without a word being written to it.

Decides how a folder is opened that may be a copy on a disk for reading only, or what C{kill -9}
left, and that nothing of it is made, changed or removed.  Must not know what is done with what is
read.

Note [What a crash left].  Changes that were committed may stand in the log beside the database
only.  SQLite cannot read the two without making files beside them, so they are copied and the copy
is opened.  Without a log the database itself is opened, as a file that nobody changes.

Note [Nobody serves it].  A storage server holds the lock of its store; so does whoever reads it
here, in common with others who do.  A copy without a lock is nobody's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from urllib.parse import quote

from attrs import define, field

from dfs.core.documents import Content, Document
from dfs.core.folders import FolderRecord
from dfs.errors import Corrupt, DFSError, Locked, NotFound, Unavailable
from dfs.store.interfaces import Identity
from dfs.store.objects import Objects, Scan
from dfs.store.reading import Reading
from dfs.store.schema import recognise

_IDS = "SELECT id FROM documents ORDER BY id"


@define(eq=False)
class StillStore:
    """
    A store at rest.

    @ivar path: its folder.
    @ivar identity: which store it is.
    @ivar last_seq: the position of its newest change.
    """

    path: str
    identity: Identity
    last_seq: int
    _connection: sqlite3.Connection
    _reading: Reading
    _objects: Objects
    _undo: contextlib.ExitStack = field(repr=False)

    @classmethod
    def open(cls, path: str, scratch: str) -> StillStore:
        """
        Open the store in a folder.

        @param scratch: a folder that does not exist, for a copy of the database, if one is needed;
            L{close} removes it.
        @raise NotFound: there is no store.
        @raise Locked: a storage server has it open.
        @raise Corrupt: its database is damaged.
        @raise Unsupported: another version of this program made it.
        @raise Unavailable: it cannot be read.
        """
        database = os.path.join(path, "store.db")
        if not os.path.exists(database):
            raise NotFound(f"there is no store in {path}: it has no file store.db")
        with contextlib.ExitStack() as undo:
            try:
                _share(path, undo)
                connection = _connected(database, scratch, undo)
            except OSError as error:
                raise Unavailable(f"the store {path} cannot be read: {error}") from error
            except sqlite3.Error as error:
                raise Corrupt(f"the database of the store {path} is damaged: {error}") from error
            opened = recognise(connection, path)
            return cls(
                path,
                opened.identity,
                opened.seq,
                connection,
                Reading(path, connection),
                Objects(path),
                undo.pop_all(),
            )

    def close(self) -> None:
        """Let go of it; harmless when called twice."""
        self._undo.close()

    def folders(self) -> dict[int, FolderRecord]:
        """
        Every folder, by id, those that are gone too.

        @raise Corrupt: they cannot be read.
        """
        with self._telling("the folders"):
            return self._reading.folders()

    def ids(self) -> list[str]:
        """
        The id of each document, sorted, also of those that were deleted.

        @raise Corrupt: they cannot be read.
        """
        with self._telling("the list of documents"):
            return [found for (found,) in self._connection.execute(_IDS)]

    def document(self, document_id: str) -> Document | None:
        """
        A document; see L{dfs.store.interfaces.IStore.document}.

        @raise Corrupt: it cannot be read.
        """
        with self._telling(f"the document {document_id}"):
            return self._reading.document(document_id)

    def text(self, content: Content) -> Iterator[bytes]:
        """
        The bytes of a content in pieces, the last one only if every byte was as its hash says.

        @raise Corrupt: it is damaged, or not there.
        """
        try:
            with self._telling(f"content {content.sha256.hex()}"):
                data = self._reading.small(content)
        except NotFound:
            raise Corrupt(f"content {content.sha256.hex()} is missing") from None
        return iter([data] if data else []) if data is not None else self._large(content)

    def _large(self, content: Content) -> Iterator[bytes]:
        scan = Scan(self._objects.open(content), content)
        try:
            while True:
                pieces, error = scan.read(1)
                yield from pieces
                if error is not None:
                    raise error
                if not pieces:
                    return
        finally:
            scan.close()

    @contextlib.contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """What is wrong with the bytes of a database is told as that, however it shows."""
        try:
            yield
        except DFSError:
            raise
        except (sqlite3.Error, struct.error, ValueError, TypeError, IndexError) as error:
            raise Corrupt(f"{what} cannot be read from {self.path}: {error}") from error


def _share(path: str, undo: contextlib.ExitStack) -> None:
    """
    Keep storage servers out, see Note [Nobody serves it].

    @raise Locked: there is one.
    """
    try:
        descriptor = os.open(os.path.join(path, "lock"), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    undo.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        raise Locked(
            f"the store {path} is in use by process {holder or 'unknown'}; stop it first"
        ) from None


def _connected(database: str, scratch: str, undo: contextlib.ExitStack) -> sqlite3.Connection:
    """Open a database, see Note [What a crash left]."""
    log = f"{database}-wal"
    if os.path.exists(log) and os.path.getsize(log):
        os.mkdir(scratch, 0o700)
        undo.callback(shutil.rmtree, scratch, ignore_errors=True)
        copy = os.path.join(scratch, "store.db")
        shutil.copyfile(database, copy)
        shutil.copyfile(log, f"{copy}-wal")
        connection = sqlite3.connect(copy, isolation_level=None)
    else:
        address = f"file:{quote(os.path.abspath(database))}?mode=ro&immutable=1"
        connection = sqlite3.connect(address, uri=True, isolation_level=None)
    undo.callback(connection.close)
    connection.execute("PRAGMA query_only=ON")
    connection.execute("PRAGMA cache_size=-16384")
    return connection
