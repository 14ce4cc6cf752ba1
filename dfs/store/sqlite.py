"""
The store of a storage server: one SQLite database and a folder of large contents.

Decides what is read on the spot, what is checked before a change is accepted, and what happens
when a change was answered.  How a transaction changes the tables is in L{dfs.store.ledger}, how
transactions are shared in L{dfs.store.groupcommit}.  Must not know about the network or sessions.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, fail, gatherResults, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from dfs.core.documents import Content, Document, Summary
from dfs.core.folders import FolderRecord
from dfs.core.measure import Measure
from dfs.core.versions import Version
from dfs.errors import Corrupt, NotFound, Unavailable
from dfs.store.accesses import Accesses
from dfs.store.arrivals import RESERVE_BYTES, Arrivals, free_bytes
from dfs.store.damage import Damage
from dfs.store.encoding import encode, summarize
from dfs.store.files import DISK, Files
from dfs.store.groupcommit import GroupCommit, connect, make_private
from dfs.store.interfaces import (
    INLINE_BYTES,
    Access,
    Head,
    Identity,
    IIncoming,
    IReader,
    IStore,
)
from dfs.store.ledger import Change, Ledger, Outcome, Source
from dfs.store.objects import Objects, Scan
from dfs.store.reading import Reading, as_text, unknown
from dfs.store.schema import DAMAGED, Opened, lock, prepare
from dfs.store.transfers import FileReader, Incoming, Threads, Whole

T = TypeVar("T")


@implementer(IStore)
@define(eq=False)
class SQLiteStore:
    """An SS's documents on disk; see L{IStore}."""

    _path: str
    _lock: int
    _objects: Objects
    _ledger: Ledger
    _writer: GroupCommit
    _threads: Threads
    _reading: Reading
    _free: Callable[[str], int]
    _reserve: int
    damage: Damage
    _identity: Identity
    _last_seq: int
    _documents: int
    _size: int
    _folders_number: int
    _accesses: Accesses = field(factory=Accesses, init=False)
    _arrivals: Arrivals = field(init=False)

    @classmethod
    def open(
        cls,
        path: str,
        name: str,
        *,
        call_from_thread: Callable[..., object],
        new_store_id: Callable[[], str],
        on_fatal: Callable[[Failure], None],
        reserve: int = RESERVE_BYTES,
        free: Callable[[str], int] = free_bytes,
        connect: Callable[[str], sqlite3.Connection] = connect,
        files: Files = DISK,
    ) -> SQLiteStore:
        """
        Open the store in a folder; make it if there is none.

        @param name: of the storage server.
        @param call_from_thread: C{reactor.callFromThread}.
        @param new_store_id: makes 32 hex digits for a new store.
        @param on_fatal: called once, when the disk failed; nothing can be committed any more.
        @param reserve: bytes that are kept free, see Note [Room].
        @param free: how many bytes there are on the disk of a path.
        @param connect: opens the database for the writer.
        @param files: by which everything else is written and read.
        @raise Locked: another process has it open.
        @raise Conflict: it belongs to another storage server.
        @raise Corrupt: its database is damaged.
        @raise Unsupported: a newer program made it.
        """
        files.make_folders(os.path.abspath(path))
        damage = Damage()
        with contextlib.ExitStack() as undo:
            descriptor = lock(path)
            undo.callback(os.close, descriptor)
            objects = Objects(path, files)
            objects.prepare()
            database = os.path.join(path, "store.db")
            make_private(database)
            writing = _connected(database, connect)
            undo.callback(writing.close)
            writing.text_factory = as_text
            opened: Opened = prepare(writing, path, name, new_store_id)
            ledger = Ledger(objects, writing, opened.seq)
            ledger.sweep_all()
            reading = sqlite3.connect(database, isolation_level=None)
            undo.callback(reading.close)
            reading.text_factory = as_text
            reading.execute("PRAGMA query_only=ON")
            reading.execute("PRAGMA cache_size=-16384")
            undo.pop_all()
        return cls(
            path=path,
            lock=descriptor,
            objects=objects,
            ledger=ledger,
            writer=GroupCommit(
                writing,
                call_from_thread=call_from_thread,
                on_fatal=on_fatal,
                name=f"store-{name}",
            ),
            threads=Threads(call_from_thread),
            reading=Reading(path, reading, damage=damage, objects=objects),
            free=free,
            reserve=reserve,
            damage=damage,
            identity=opened.identity,
            last_seq=opened.seq,
            documents=opened.documents,
            size=opened.size,
            folders_number=opened.folders,
        )

    def __attrs_post_init__(self) -> None:
        self._arrivals = Arrivals(
            self._path,
            self._objects,
            self._threads,
            self._free,
            self._reserve,
            self._reading.free_pages,
            self._disk_failed,
        )

    # What it is.

    def identity(self) -> Identity:
        """Which store this is."""
        return self._identity

    def join(self, cluster_id: str, epoch: int) -> Deferred[None]:
        """Make durable which cluster this store belongs to; see L{IStore.join}."""

        def joined(known: tuple[str, int]) -> None:
            cluster_id, epoch = known
            self._identity = evolve(self._identity, cluster_id=cluster_id, epoch=epoch)

        ledger = self._ledger
        return self._writer.submit(lambda _: ledger.join(cluster_id, epoch)).addCallback(joined)

    def last_seq(self) -> int:
        """The position of the newest committed change."""
        return self._last_seq

    def counts(self) -> tuple[int, int]:
        """How many live documents there are, and the bytes of their present texts."""
        return self._documents, self._size

    # Folders.

    def put_folders(self, folders: Sequence[FolderRecord], number: int) -> Deferred[None]:
        """Make durable what is new about folders; see L{IStore.put_folders}."""
        ledger, rows = self._ledger, tuple(folders)

        def put(_: None) -> None:
            self._folders_number = max(self._folders_number, number)

        return self._writer.submit(lambda _: ledger.put_folders(rows, number)).addCallback(put)

    def folders(self) -> dict[int, FolderRecord]:
        """Every folder, by id."""
        return self._reading.folders()

    def folder(self, folder_id: int) -> FolderRecord | None:
        """One folder."""
        return self._reading.folder(folder_id)

    def folders_number(self) -> int:
        """The number up to which every folder is in the store."""
        return self._folders_number

    # Reading documents.

    def document(self, document_id: str) -> Document | None:
        """The committed state of a document; see L{IStore.document}."""
        return self._reading.document(document_id)

    def head(self, document_id: str) -> Head | None:
        """The same without its history."""
        return self._reading.head(document_id)

    def changes_after(self, seq: int, limit: int) -> list[Summary]:
        """The newest state of documents changed after C{seq}; see L{IStore.changes_after}."""
        return self._reading.changes_after(seq, limit)

    # Reading contents.

    def has(self, sha256: bytes) -> bool:
        """Whether some committed document refers to this content; see L{IStore.has}."""
        return self._reading.has(sha256)

    def small(self, content: Content) -> bytes | None:
        """The bytes of a small content, verified; see L{IStore.small}."""
        return self._reading.small(content)

    def reader(self, content: Content) -> IReader:
        """Read a content of any size in pieces; see L{IStore.reader}."""
        data = self.small(content)
        if data is not None:
            return Whole(data)
        try:
            descriptor = self._objects.open(content)
        except Corrupt:
            if not self.has(content.sha256):
                raise unknown(content) from None
            self.damage.noticed(content.sha256)
            raise
        scan = Scan(descriptor, content, self._objects.files)
        return FileReader(self._threads, scan, partial(self.damage.noticed, content.sha256))

    def examine(self, content: Content) -> IReader:
        """Read a content from the disk; see L{IStore.examine}."""
        if 0 < content.size <= INLINE_BYTES:
            return Whole(self._reading.fresh(content))
        return self.reader(content)

    def content(self, sha256: bytes) -> Content | None:
        """A content that committed documents refer to; see L{IStore.content}."""
        return self._reading.content(sha256)

    def contents_after(self, sha256: bytes, limit: int) -> list[Content]:
        """Contents, in order of their hashes; see L{IStore.contents_after}."""
        return self._reading.contents_after(sha256, limit)

    # Receiving contents.

    def receive(self, size: int | None, known: Measure | None = None) -> IIncoming:
        """Begin to receive content; see L{IStore.receive}."""
        return self._arrivals.receive(size, known)

    # Changing.

    def commit(self, document: Document, data: bytes | None = None) -> Deferred[Summary]:
        """Make a whole document state durable; see L{IStore.commit}."""
        assert len(data or b"") <= INLINE_BYTES, "large contents are received"
        names = tuple([one.sha256 for one in document.contents() if one.measure.size])
        sources: dict[bytes, Source] = {}
        try:
            if data:
                sha256 = hashlib.sha256(data).digest()
                if sha256 not in names:
                    raise Corrupt("the bytes are not those of a content of the document")
                sources[sha256] = Source(len(data), data, "")
            if not document.deleted:
                self._check_commit(document, len(data or b""))
        except (Corrupt, Unavailable):
            return fail()
        pinned = self._arrivals.pin(names, sources)
        ledger = self._ledger
        change = Change(encode(document), names, sources)
        for sha256 in self.damage.found & sources.keys():
            # Who gives the same bytes again gets them back.
            self._rewrite(sha256, sources[sha256]).addErrback(lambda _: None)
        self._reading.changes(document.id)
        done = self._writer.submit(lambda _: ledger.commit(change), self._swept)
        done.addBoth(self._settled, document.id, pinned)
        return done.addCallback(self._committed, document)

    def _check_commit(self, document: Document, size: int) -> None:
        try:
            self._arrivals.check_room(size, inline=True)
        except Unavailable:
            old = self.document(document.id)
            if old is None:
                raise
            before, after = old.contents(), document.contents()
            # Names and rights alone need no room, and a right that is taken away is no growth.
            if len(after) >= len(before) and after != before:
                raise

    def _swept(self, outcome: Outcome) -> None:
        """Called in the writer's thread, when a change is durable."""
        if outcome.orphans:
            self._ledger.sweep(outcome.orphans)

    def mend(self, sha256: bytes) -> Deferred[None]:
        """Write the bytes of a content anew; see L{IStore.mend}."""
        sources: dict[bytes, Source] = {}
        pinned = self._arrivals.pin([sha256], sources)
        return self._rewrite(sha256, sources[sha256]).addBoth(self._unpinned, pinned)

    def _rewrite(self, sha256: bytes, source: Source) -> Deferred[None]:
        ledger = self._ledger
        done = self._writer.submit(lambda _: ledger.mend(sha256, source))
        return done.addBoth(self._rewritten, sha256)

    def _rewritten(self, result: T, sha256: bytes) -> T:
        if not isinstance(result, Failure) or result.check(NotFound):
            self.damage.mended(sha256)
        return result

    def _settled(self, result: T, document_id: str, pinned: list[Incoming]) -> T:
        self._reading.changed(document_id)
        return self._unpinned(result, pinned)

    def _unpinned(self, result: T, pinned: list[Incoming]) -> T:
        for incoming in pinned:
            incoming.unpin()
        if isinstance(result, Failure):
            # A file may have been linked by a transaction that was undone.
            linked = {one.content.sha256 for one in pinned if one.content and one.path}
            if linked:
                # Not inside of a transaction, which might be undone while files stay removed.
                swept = self._writer.submit(lambda _: None, lambda _: self._ledger.sweep(linked))
                swept.addErrback(lambda _: None)
        return result

    def _committed(self, outcome: Outcome, document: Document) -> Summary:
        self._last_seq = outcome.seq
        self._documents += outcome.documents
        self._size += outcome.size
        self._reading.committed(outcome.seq, document, outcome.gone)
        if document.deleted:
            self._accesses.forget(document.id)
        return summarize(outcome.seq, document)

    def forget(self, document_id: str, version: Version) -> Deferred[bool]:
        """Remove a tombstone; see L{IStore.forget}."""
        ledger = self._ledger
        self._reading.changes(document_id)
        done = self._writer.submit(lambda _: ledger.forget(document_id, version))
        return done.addBoth(self._settled, document_id, [])

    # Who read what.

    def accessed(self, document_id: str, access: Access) -> None:
        """Somebody read a document; see L{IStore.accessed}."""
        self._accesses.add(document_id, access)

    def flush_accesses(self) -> Deferred[None]:
        """Make durable who read what."""
        accesses = self._accesses.waiting()
        if not accesses or self._arrivals.crowded:
            return succeed(None)
        ledger = self._ledger
        done = self._writer.submit(lambda _: ledger.note(accesses))
        return done.addCallback(lambda _: self._accesses.was_written(accesses))

    def last_access(self, document_id: str) -> Access | None:
        """Who read a document last, as far as it is known."""
        known = self._accesses.get(document_id)
        if known is not None:
            return known
        return self._reading.last_access(document_id)

    # The end.

    def _disk_failed(self, failure: Failure) -> None:
        """A file could not be written: let the writer find out, it tells everybody."""

        def work(_: sqlite3.Connection) -> None:
            failure.raiseException()

        self._writer.submit(work).addErrback(lambda _: None)

    def close(self) -> Deferred[None]:
        """Finish the commits that wait and let go of the disk."""
        flushed = self.flush_accesses().addErrback(lambda _: None)
        return gatherResults([flushed, self._writer.close()]).addCallback(self._closed)

    def _closed(self, _: object) -> None:
        if self._lock >= 0:
            self._threads.close()
            self._reading.close()
            os.close(self._lock)
            self._lock = -1


def _connected(path: str, connect: Callable[[str], sqlite3.Connection]) -> sqlite3.Connection:
    try:
        return connect(path)
    except DAMAGED as error:
        raise Corrupt(f"{path} is damaged or no database: {error}") from error
