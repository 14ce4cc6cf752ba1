"""
A store that forgets everything at the end of the process: for tests and for the simulation.

Keeps the promises of L{dfs.store.interfaces.IStore}, and shows when a disk would be full, damaged
or broken.  Decides nothing that the store on disk decides differently; one contract is tested on
both.  Must not know who simulates what.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from dfs.core.documents import Content, Document, Summary
from dfs.core.folders import FolderRecord
from dfs.core.history import content_of
from dfs.core.measure import Measure
from dfs.core.versions import Version
from dfs.errors import Conflict, Corrupt, DFSError, Internal, NotFound, Unavailable
from dfs.store.accesses import Accesses
from dfs.store.damage import Damage, Damaged
from dfs.store.encoding import head_of, summarize
from dfs.store.interfaces import (
    INLINE_BYTES,
    PIECE_BYTES,
    Access,
    Head,
    Identity,
    IIncoming,
    IReader,
    IStore,
)

T = TypeVar("T")

#: Runs what becomes durable: at once, or whenever a simulation wants.
Later = Callable[[Callable[[], None]], None]


def at_once(call: Callable[[], None]) -> None:
    """A disk that needs no time."""
    call()


@define(eq=False)
class MemoryDisk:
    """
    What survives a crash of a L{MemoryStore}.

    @ivar capacity: bytes of contents that fit, or None for any number.
    @ivar broken: no commit succeeds any more.
    @ivar doubtful: the first one that fails is on the disk all the same.
    """

    identity: Identity
    capacity: int | None = None
    broken: bool = False
    doubtful: bool = False
    seq: int = field(default=0, init=False)
    documents: dict[str, tuple[int, Document]] = field(factory=dict, init=False)
    contents: dict[bytes, bytes] = field(factory=dict, init=False)
    references: Counter[bytes] = field(factory=Counter, init=False)
    accesses: dict[str, Access] = field(factory=dict, init=False)
    folders: dict[int, FolderRecord] = field(factory=dict, init=False)
    folders_number: int = field(default=0, init=False)

    def check_room(self, size: int) -> None:
        """
        @raise Unavailable: so many bytes more would be too many.
        """
        if self.capacity is not None:
            used = sum(map(len, self.contents.values()))
            if used + size > self.capacity:
                raise Unavailable("disk full: delete something or add space, then try again")

    def damage(self, sha256: bytes) -> None:
        """Flip the bits of the last byte of a content."""
        data = self.contents[sha256]
        self.contents[sha256] = data[:-1] + bytes([data[-1] ^ 0xFF])


@implementer(IReader)
@define(eq=False)
class _Reader:
    """A content in pieces."""

    _content: Content
    _data: bytes
    _damage: Damage
    _at: int = field(default=0, init=False)

    def read(self) -> Deferred[bytes]:
        """The next piece; see L{IReader.read}."""
        end = self._at + PIECE_BYTES
        last = end >= len(self._data) > self._at
        if last and hashlib.sha256(self._data).digest() != self._content.sha256:
            self._damage.noticed(self._content.sha256)
            return fail(Damaged(self._content.sha256, "is damaged"))
        piece, self._at = self._data[self._at : end], end
        return succeed(piece)

    def close(self) -> None:
        """Read no more."""
        self._data = b""


@implementer(IIncoming)
@define(eq=False)
class _Incoming:
    """A content that is being received."""

    _disk: MemoryDisk
    _received: list[_Incoming]
    size: int = field(default=0, init=False)
    content: Content | None = field(default=None, init=False)
    data: bytes = field(default=b"", init=False)
    _pieces: list[bytes] = field(factory=list, init=False)

    def write(self, piece: bytes) -> Deferred[None] | None:
        """Add bytes; see L{IIncoming.write}."""
        try:
            self._disk.check_room(self.size + len(piece))
        except Unavailable:
            return fail()
        self._pieces.append(piece)
        self.size += len(piece)
        return None

    def finish(self) -> Deferred[Content]:
        """All bytes are here; see L{IIncoming.finish}."""
        self.data = b"".join(self._pieces)
        self.content = content_of(self.data)
        self._received.append(self)
        return succeed(self.content)

    def release(self) -> None:
        """Forget it; see L{IIncoming.release}."""
        if self in self._received:
            self._received.remove(self)
        self._pieces.clear()


@implementer(IStore)
@define(eq=False)
class MemoryStore:
    """
    An SS's documents in memory; see L{IStore}.

    To crash it, call L{crash} and make another one with the same disk.

    @ivar when_fatal: called once when the disk has failed.
    """

    disk: MemoryDisk
    _later: Later = at_once
    when_fatal: Callable[[Failure], None] | None = field(default=None, alias="on_fatal")
    _received: list[_Incoming] = field(factory=list, init=False)
    _refusal: str = field(default="", init=False)
    _crashed: bool = field(default=False, init=False)
    damage: Damage = field(factory=Damage, init=False)
    _accesses: Accesses = field(factory=Accesses, init=False)
    _pending: int = field(default=0, init=False)
    _closers: list[Deferred[None]] = field(factory=list, init=False)

    def crash(self) -> None:
        """Lose what is not durable: commits under way are neither done nor answered."""
        self._crashed = True
        self._refusal = "the store has crashed"

    # What it is.

    def identity(self) -> Identity:
        """Which store this is."""
        return self.disk.identity

    def join(self, cluster_id: str, epoch: int) -> Deferred[None]:
        """Make durable which cluster this store belongs to; see L{IStore.join}."""

        def work() -> None:
            known = self.disk.identity
            if known.cluster_id and known.cluster_id != cluster_id:
                raise Conflict(
                    f"the store of {known.name!r} belongs to the cluster {known.cluster_id},"
                    f" not to {cluster_id}"
                )
            self.disk.identity = evolve(known, cluster_id=cluster_id, epoch=max(known.epoch, epoch))

        return self._submit(work)

    def last_seq(self) -> int:
        """The position of the newest committed change."""
        return self.disk.seq

    def counts(self) -> tuple[int, int]:
        """How many live documents there are, and the bytes of their present texts."""
        sizes = [
            one.current.content.size for _, one in self.disk.documents.values() if not one.deleted
        ]
        return len(sizes), sum(sizes)

    # Folders.

    def put_folders(self, folders: Sequence[FolderRecord], number: int) -> Deferred[None]:
        """Make durable what is new about folders; see L{IStore.put_folders}."""

        def work() -> None:
            for one in folders:
                known = self.disk.folders.get(one.id)
                if known is None or one.number > known.number:
                    self.disk.folders[one.id] = one
            self.disk.folders_number = max(self.disk.folders_number, number)

        return self._submit(work)

    def folders(self) -> dict[int, FolderRecord]:
        """Every folder, by id."""
        return dict(self.disk.folders)

    def folder(self, folder_id: int) -> FolderRecord | None:
        """One folder."""
        return self.disk.folders.get(folder_id)

    def folders_number(self) -> int:
        """The number up to which every folder is in the store."""
        return self.disk.folders_number

    # Reading.

    def document(self, document_id: str) -> Document | None:
        """The committed state of a document; see L{IStore.document}."""
        found = self.disk.documents.get(document_id)
        return found[1] if found is not None else None

    def head(self, document_id: str) -> Head | None:
        """The same without its history."""
        found = self.disk.documents.get(document_id)
        return head_of(*found) if found is not None else None

    def changes_after(self, seq: int, limit: int) -> list[Summary]:
        """The newest state of documents changed after C{seq}; see L{IStore.changes_after}."""
        newer = [one for one in self.disk.documents.values() if one[0] > seq]
        newer.sort(key=lambda one: one[0])
        return [summarize(*one) for one in newer[:limit]]

    def has(self, sha256: bytes) -> bool:
        """Whether some committed document refers to this content; see L{IStore.has}."""
        return sha256 in self.disk.contents or sha256 == hashlib.sha256().digest()

    def _data(self, content: Content) -> bytes:
        if not content.size:
            return b""
        try:
            return self.disk.contents[content.sha256]
        except KeyError:
            raise NotFound(f"no document has the content {content.sha256.hex()} any more") from None

    def small(self, content: Content) -> bytes | None:
        """The bytes of a small content, verified; see L{IStore.small}."""
        if content.size > INLINE_BYTES:
            return None
        data = self._data(content)
        if hashlib.sha256(data).digest() != content.sha256:
            self.damage.noticed(content.sha256)
            raise Damaged(content.sha256, "is damaged")
        return data

    def examine(self, content: Content) -> IReader:
        """Read a content from the disk; see L{IStore.examine}."""
        return self.reader(content)

    def content(self, sha256: bytes) -> Content | None:
        """A content that committed documents refer to; see L{IStore.content}."""
        data = self.disk.contents.get(sha256)
        return None if data is None else Content.unmeasured(sha256, len(data))

    def contents_after(self, sha256: bytes, limit: int) -> list[Content]:
        """Contents, in order of their hashes; see L{IStore.contents_after}."""
        after = sorted(one for one in self.disk.contents if one > sha256)[:limit]
        return [Content.unmeasured(one, len(self.disk.contents[one])) for one in after]

    def reader(self, content: Content) -> IReader:
        """Read a content of any size in pieces; see L{IStore.reader}."""
        data = self._data(content)
        if len(data) != content.size:
            self.damage.noticed(content.sha256)
            raise Damaged(content.sha256, f"has {len(data)} bytes")
        return _Reader(content, data, self.damage)

    def receive(self, size: int | None, known: Measure | None = None) -> IIncoming:
        """Begin to receive content; see L{IStore.receive}."""
        self.disk.check_room(size or 0)
        return _Incoming(self.disk, self._received)

    # Changing.

    def _submit(self, work: Callable[[], T]) -> Deferred[T]:
        """Do something durable when its time comes."""
        if self._refusal:
            return fail(Unavailable(self._refusal))
        done: Deferred[T] = Deferred()
        self._pending += 1

        def run() -> None:
            if self._crashed:
                return
            self._pending -= 1
            try:
                if self.disk.broken and self.disk.doubtful:
                    self.disk.doubtful = False
                    work()
                self._check_disk()
                result = work()
            except DFSError:
                done.errback(Failure())
            else:
                done.callback(result)
            self._finish_closing()

        self._later(run)
        return done

    def _check_disk(self) -> None:
        if not self.disk.broken:
            return
        failure = Failure(Internal("the disk failed: it was broken on purpose"))
        if not self._refusal and self.when_fatal is not None:
            self.when_fatal(failure)
        self._refusal = failure.getErrorMessage()
        failure.raiseException()

    def commit(self, document: Document, data: bytes | None = None) -> Deferred[Summary]:
        """Make a whole document state durable; see L{IStore.commit}."""
        assert len(data or b"") <= INLINE_BYTES, "large contents are received"
        names = Counter(one.sha256 for one in document.contents() if one.size)
        sources = {one.content.sha256: one.data for one in self._received if one.content}
        if data:
            sha256 = hashlib.sha256(data).digest()
            if sha256 not in names:
                return fail(Corrupt("the bytes are not those of a content of the document"))
            sources[sha256] = data
        return self._submit(lambda: self._apply(document, names, sources))

    def _apply(
        self, document: Document, names: Counter[bytes], sources: dict[bytes, bytes]
    ) -> Summary:
        disk = self.disk
        new = [sha256 for sha256 in names if sha256 not in disk.contents]
        for sha256 in new:
            if sha256 not in sources:
                raise Corrupt(f"content {sha256.hex()} is not in the store")
        if new:
            disk.check_room(sum(len(sources[sha256]) for sha256 in new))
        for sha256 in [*new, *(self.damage.found & sources.keys() & names.keys())]:
            disk.contents[sha256] = sources[sha256]
            self.damage.mended(sha256)
        old = disk.documents.get(document.id)
        disk.references.update(names)
        if old is not None:
            disk.references.subtract(one.sha256 for one in old[1].contents() if one.size)
        for sha256 in [one for one, count in disk.references.items() if not count]:
            del disk.references[sha256], disk.contents[sha256]
        disk.seq += 1
        disk.documents[document.id] = (disk.seq, document)
        if document.deleted:
            disk.accesses.pop(document.id, None)
            self._accesses.forget(document.id)
        return summarize(disk.seq, document)

    def mend(self, sha256: bytes) -> Deferred[None]:
        """Write the bytes of a content anew; see L{IStore.mend}."""
        [data, *_] = [
            one.data
            for one in self._received
            if one.content is not None and one.content.sha256 == sha256
        ]

        def work() -> None:
            self.damage.mended(sha256)
            if not self.has(sha256):
                raise NotFound(f"no document has the content {sha256.hex()} any more")
            self.disk.contents[sha256] = data

        return self._submit(work)

    def forget(self, document_id: str, version: Version) -> Deferred[bool]:
        """Remove a tombstone; see L{IStore.forget}."""

        def work() -> bool:
            document = self.document(document_id)
            if document is None or not document.deleted or document.version != version:
                return False
            del self.disk.documents[document_id]
            return True

        return self._submit(work)

    # Who read what.

    def accessed(self, document_id: str, access: Access) -> None:
        """Somebody read a document; see L{IStore.accessed}."""
        self._accesses.add(document_id, access)

    def flush_accesses(self) -> Deferred[None]:
        """Make durable who read what."""
        accesses = self._accesses.waiting()
        if not accesses:
            return succeed(None)

        def work() -> None:
            self._accesses.was_written(accesses)
            for document_id, access in accesses.items():
                document = self.document(document_id)
                if document is not None and not document.deleted:
                    self.disk.accesses[document_id] = access

        return self._submit(work)

    def last_access(self, document_id: str) -> Access | None:
        """Who read a document last, as far as it is known."""
        return self._accesses.get(document_id) or self.disk.accesses.get(document_id)

    # The end.

    def close(self) -> Deferred[None]:
        """Finish the commits that wait."""
        self.flush_accesses().addErrback(lambda _: None)
        self._refusal = self._refusal or "the store is closed"
        done: Deferred[None] = Deferred()
        self._closers.append(done)
        self._finish_closing()
        return done

    def _finish_closing(self) -> None:
        if self._pending and not self._crashed:
            return
        closers, self._closers = self._closers, []
        for done in closers:
            done.callback(None)
