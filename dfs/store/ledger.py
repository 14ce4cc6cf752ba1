"""
What happens inside a transaction of a store.

Decides how a new state of a document changes the tables: its row, its position in the change log,
and how often each content is referred to.  Everything here runs in the writer's thread.  Must not
know how transactions are made (L{dfs.store.groupcommit}) nor who waits for them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from attrs import define, field, frozen

from dfs.core.folders import FolderRecord
from dfs.core.versions import Version
from dfs.errors import Conflict, Corrupt, NotFound
from dfs.store.checksums import checksum
from dfs.store.encoding import COLUMNS, HEAD_WIDTH, Row, names
from dfs.store.interfaces import Access
from dfs.store.objects import Objects
from dfs.store.reading import whole
from dfs.store.schema import IDENTITY, identified

_OLD = f"SELECT {COLUMNS}, head_checksum, history_checksum FROM documents WHERE id = ?"

_NAMES = [*(name.strip() for name in COLUMNS.split(",")), "head_checksum", "history_checksum"]
_PUT = (
    f"INSERT INTO documents ({', '.join(_NAMES)}) VALUES ({', '.join('?' * len(_NAMES))})"
    " ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _NAMES if name != "id")
)

_ADD = (
    "INSERT INTO contents (sha256, size, refs, again, data) VALUES (?1, ?2, ?3, ?3, ?4)"
    " ON CONFLICT (sha256) DO UPDATE SET refs = refs + excluded.refs, again = again + excluded.refs"
)
_MORE = "UPDATE contents SET refs = refs + ?1, again = again + ?1 WHERE sha256 = ?2"
# Not "data IS NULL", which is always 0 in a RETURNING clause of SQLite 3.40.
_LESS = (
    "UPDATE contents SET refs = refs - ?1, again = again - ?1 WHERE sha256 = ?2"
    " RETURNING max(refs, again), typeof(data)"
)


_PUT_FOLDER = (
    "INSERT INTO folders (id, parent, name, owner, created, number, gone, checksum)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET parent = excluded.parent,"
    " name = excluded.name, owner = excluded.owner, created = excluded.created,"
    " number = excluded.number, gone = excluded.gone, checksum = excluded.checksum"
    " WHERE excluded.number > number"
)


@frozen
class Source:
    """
    Bytes that a commit may bring.

    @ivar data: all of them, or None if they are in a file.
    @ivar path: of that file.
    """

    size: int
    data: bytes | None
    path: str


@frozen
class Change:
    """
    A whole new state of a document, ready to be written.

    @ivar row: as L{dfs.store.encoding.encode} made it.
    @ivar names: the hash of every content that it refers to, as often as it does.
    @ivar sources: contents that were received and may not be in the store yet.
    """

    row: Row
    names: tuple[bytes, ...]
    sources: dict[bytes, Source]

    @property
    def deleted(self) -> bool:
        """Whether it is a tombstone."""
        return bool(self.row[15])

    @property
    def size(self) -> int:
        """Bytes of its present text."""
        return int(self.row[5])


@frozen
class Outcome:
    """
    What a change did.

    @ivar seq: its position.
    @ivar documents: how many more live documents there are.
    @ivar size: how many more bytes their present texts have.
    @ivar orphans: hashes of files that may not be needed any more.
    @ivar gone: hashes of all contents that nobody referred to any more.
    """

    seq: int
    documents: int
    size: int
    orphans: tuple[bytes, ...]
    gone: tuple[bytes, ...]


@define
class Ledger:
    """
    The tables of one store, from inside of its transactions.

    @ivar seq: the last position that was given away.  A position whose transaction failed is
        never used again while the process lives; nobody ever saw it.
    """

    _objects: Objects
    _connection: sqlite3.Connection
    seq: int = field()

    def commit(self, change: Change) -> Outcome:
        """
        Write a document.

        @raise Corrupt: it refers to a content that is nowhere, or what it replaces is damaged.
        """
        execute = self._connection.execute
        row = change.row
        old = execute(_OLD, (row[0],)).fetchone()
        live, size = 0, 0
        referred: tuple[bytes, ...] = ()
        if old is not None:
            old = whole(old)
            live, size = 1 - old[16], 0 if old[16] else old[6]
            referred = tuple(names(old[5], old[6], *old[23:26]))
        orphans, gone = self._refer(referred, change)
        self.seq += 1
        new = (self.seq, *row)
        execute(_PUT, (*new, checksum(new[:HEAD_WIDTH]), checksum(new[HEAD_WIDTH:])))
        if change.deleted:
            execute("DELETE FROM accesses WHERE document = ?", (row[0],))
            return Outcome(self.seq, -live, -size, orphans, gone)
        return Outcome(self.seq, 1 - live, change.size - size, orphans, gone)

    def _refer(
        self, old: Iterable[bytes], change: Change
    ) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        """
        Count the references that come and go.

        @return: L{Outcome.orphans} and L{Outcome.gone}.
        """
        more: dict[bytes, int] = {}
        for sha256 in change.names:
            more[sha256] = more.get(sha256, 0) + 1
        for sha256 in old:
            more[sha256] = more.get(sha256, 0) - 1
        orphans, gone = [], []
        for sha256, count in more.items():
            if count > 0:
                self._add(sha256, count, change.sources.get(sha256))
            elif count < 0:
                kind = self._drop(sha256, -count)
                if kind:
                    gone.append(sha256)
                if kind == "null":
                    orphans.append(sha256)
        return tuple(orphans), tuple(gone)

    def _add(self, sha256: bytes, count: int, source: Source | None) -> None:
        execute = self._connection.execute
        if source is not None and source.data is not None:
            execute(_ADD, (sha256, source.size, count, source.data))
            return
        if execute(_MORE, (count, sha256)).rowcount:
            return
        if source is None:
            raise Corrupt(f"content {sha256.hex()} is not in the store")
        try:
            self._objects.link(source.path, sha256)
        except FileNotFoundError as error:
            raise Corrupt(f"received content {sha256.hex()} has gone: {error}") from error
        execute(_ADD, (sha256, source.size, count, None))

    def _drop(self, sha256: bytes, count: int) -> str:
        """What kind of content nobody refers to any more: C{null} is a file; empty: none."""
        left = self._connection.execute(_LESS, (count, sha256)).fetchall()
        if not left or left[0][0] > 0:
            return ""
        self._connection.execute("DELETE FROM contents WHERE sha256 = ?", (sha256,))
        return str(left[0][1])

    def mend(self, sha256: bytes, source: Source) -> None:
        """
        Write the bytes of a content anew, a small one too into a file.

        Its row may lie in pages that are damaged, and lead into those of others: writing there
        would make it worse.

        @raise NotFound: no document refers to it.
        """
        if not self.known(sha256):
            raise NotFound(f"no document has the content {sha256.hex()} any more")
        if source.data is None:
            self._objects.link(source.path, sha256)
        else:
            self._objects.put(sha256, source.data)

    def sweep(self, orphans: Iterable[bytes]) -> None:
        """
        Remove files that no committed row names.  Called after the transaction: another one of
        the same group may have referred to the content again.
        """
        for sha256 in orphans:
            if not self.known(sha256):
                self._objects.remove(sha256)

    def sweep_all(self) -> None:
        """Remove every file that no committed row names."""
        strange = [sha256 for sha256 in self._objects.stored() if not self.known(sha256)]
        if strange:
            # Where the index is damaged the table may know better.
            rows = self._connection.execute("SELECT sha256 FROM contents NOT INDEXED")
            self.sweep(set(strange).difference(sha256 for (sha256,) in rows))

    def known(self, sha256: bytes) -> bool:
        """Whether a content exists."""
        found = self._connection.execute("SELECT 1 FROM contents WHERE sha256 = ?", (sha256,))
        return found.fetchone() is not None

    def forget(self, document_id: str, version: Version) -> bool:
        """Remove a tombstone of that version; its position is not given away again."""
        gone = self._connection.execute(
            "DELETE FROM documents WHERE id = ? AND a = ? AND b = ? AND deleted",
            (document_id, version.a, version.b),
        ).rowcount
        if gone:
            self._remember(floor=self.seq)
        return bool(gone)

    def join(self, cluster_id: str, epoch: int) -> tuple[str, int]:
        """
        Remember the cluster and the epoch; what is now remembered.

        @raise Conflict: it belongs to another cluster.
        """
        _, name, known, highest, _, _ = identified(self._connection)
        if known and known != cluster_id:
            raise Conflict(
                f"the store of {name!r} belongs to the cluster {known}, not to {cluster_id};"
                " give this server an empty folder, or ask its own name server"
            )
        epoch = max(highest, epoch)
        if (known, highest) != (cluster_id, epoch):
            self._remember(cluster_id=cluster_id, epoch=epoch)
        return cluster_id, epoch

    def _remember(self, **new: object) -> None:
        """Change what the store says of itself."""
        said = dict(zip(IDENTITY.split(", "), identified(self._connection), strict=True)) | new
        row = tuple(said.values())
        places = ", ".join(f"{name} = ?" for name in said)
        self._connection.execute(
            f"UPDATE identity SET {places}, checksum = ?", (*row, checksum(row))
        )

    def put_folders(self, folders: Iterable[FolderRecord], number: int) -> None:
        """Write what is new about folders."""
        rows = [
            (
                one.id,
                one.parent,
                one.name,
                one.owner,
                float(one.created),
                one.number,
                float(one.gone),
            )
            for one in folders
        ]
        self._connection.executemany(_PUT_FOLDER, [(*row, checksum(row)) for row in rows])
        known = identified(self._connection)[-1]
        if number > known:
            self._remember(folders=number)

    def note(self, accesses: dict[str, Access]) -> None:
        """Write who read what; documents that are gone meanwhile are passed over."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO accesses SELECT id, ?, ? FROM documents"
            " WHERE id = ? AND NOT deleted",
            [(one.when, one.user, document) for document, one in accesses.items()],
        )
