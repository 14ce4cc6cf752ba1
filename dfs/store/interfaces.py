"""
What a storage server's disk can do.

Decides the promises that every store keeps; L{dfs.store.sqlite} and L{dfs.store.memory} keep
them.  Must not know about the network, sessions, rights, or who asks.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from dfs.core.documents import Content, Document, Metadata, Revision, Summary
from dfs.core.folders import FolderRecord
from dfs.core.measure import Measure
from dfs.core.versions import Version

#: Content up to this many bytes lives in the database, above it in a file of its own.
INLINE_BYTES = 64 * 1024

#: Large content is read and sent in pieces of this many bytes.
PIECE_BYTES = 256 * 1024


@frozen
class Identity:
    """
    Which store this is.

    @ivar store_id: 32 hex digits, made with the store; another disk is another store.
    @ivar name: of the storage server.
    @ivar cluster_id: the cluster it belongs to; empty until it registered once.
    @ivar epoch: the highest ever seen.
    """

    store_id: str
    name: str
    cluster_id: str
    epoch: int


@frozen
class Access:
    """
    Who read a document last.

    @ivar when: seconds since the epoch.
    """

    when: float
    user: str


@frozen
class Head:
    """
    A document without its history: what reading it needs, cheap to get.

    @ivar seq: position of its newest change.
    @ivar checkpoints: how many, conflicts included.
    @ivar conflicts: how many of them are conflicts.
    """

    seq: int
    id: str
    metadata: Metadata
    version: Version
    epoch: int
    current: Revision
    checkpoints: int
    conflicts: int
    deleted: bool


class IReader(Interface):
    """One content being read, in order, verified while it is read."""

    def read() -> Deferred[bytes]:
        """
        The next piece, at most L{PIECE_BYTES}; empty at the end.

        The last piece comes only when all bytes were as their hash says.

        @raise Corrupt: the bytes are damaged (Deferred failure).
        """

    def close() -> None:
        """Read no more; harmless when called twice."""


class IIncoming(Interface):
    """Content that is being received.  Nothing of it is visible until it is committed."""

    size = Attribute("Bytes received so far.")

    def write(piece: bytes) -> Deferred[None] | None:
        """
        Add bytes.

        @return: None, or a Deferred to wait for before more is written (back-pressure).
        @raise Unavailable: the disk is full or failed (Deferred failure); L{release} it.
        """

    def finish() -> Deferred[Content]:
        """
        All bytes are here: make them durable and say what they are.  The content is kept for
        every L{IStore.commit} that refers to it, until L{release}.

        @raise Unavailable: the disk is full or failed (Deferred failure); L{release} it.
        """

    def release() -> None:
        """
        Forget it: received bytes that no commit referred to are removed.  Always call it.

        Commits that were submitted before and are not answered yet still find the content.
        """


class IStore(Interface):
    """
    An SS's documents.

    Reading is immediate and sees exactly what was committed.  A commit is one moment: after its
    Deferred fires everything is durable and visible, before it nothing is.

    A commit that brings bytes of a content which was found damaged mends that.
    """

    damage = Attribute("What was found damaged, a L{dfs.store.damage.Damage}.")

    def identity() -> Identity:
        """Which store this is."""

    def join(cluster_id: str, epoch: int) -> Deferred[None]:
        """
        Make durable which cluster this store belongs to and the highest epoch seen (never
        lowered).

        @raise Conflict: it belongs to another cluster (Deferred failure).
        """

    def last_seq() -> int:
        """The position of the newest committed change; 0 when nothing was ever committed."""

    def counts() -> tuple[int, int]:
        """How many live documents there are, and the bytes of their present texts."""

    def document(document_id: str) -> Document | None:
        """The committed state of a document (tombstones too); None if never heard of."""

    def head(document_id: str) -> Head | None:
        """The same without its history, in a fraction of the time."""

    def changes_after(seq: int, limit: int) -> list[Summary]:
        """The newest state of documents changed after C{seq}, in order of their position."""

    def has(sha256: bytes) -> bool:
        """Whether some committed document refers to this content; nobody lacks the empty one."""

    def small(content: Content) -> bytes | None:
        """
        The bytes of a content of at most L{INLINE_BYTES}, verified; None if it is larger.

        @raise NotFound: no committed document refers to it (any more).
        @raise Corrupt: the bytes are damaged.
        """

    def reader(content: Content) -> IReader:
        """
        Read a content of any size in pieces.

        What was begun is read to its end, whatever is committed meanwhile.

        @raise NotFound: no committed document refers to it (any more).
        @raise Corrupt: its file is missing or has another size.
        """

    def content(sha256: bytes) -> Content | None:
        """
        A content that committed documents refer to; of its figures only the size is known.
        """

    def contents_after(sha256: bytes, limit: int) -> list[Content]:
        """
        Such contents after this one, in order of their hashes.
        """

    def mend(sha256: bytes) -> Deferred[None]:
        """
        Write the bytes of a content anew: it is damaged, and was received and not yet released.

        @raise NotFound: no committed document refers to it (any more) (Deferred failure).
        @raise Unavailable: there is no room; nothing was changed (Deferred failure).
        """

    def examine(content: Content) -> IReader:
        """
        The same as L{reader}, but from the disk, whatever of it is in memory.

        @raise NotFound: no committed document refers to it (any more).
        @raise Corrupt: it is damaged.
        """

    def receive(size: int | None, known: Measure | None = None) -> IIncoming:
        """
        Begin to receive content.

        @param size: bytes that will come, if known: refused early when there is no room.
        @param known: their figures, if somebody measured them before: it is not done again, so the
            caller has to compare the hash.
        @raise Unavailable: the disk is full.
        """

    def commit(document: Document, data: bytes | None = None) -> Deferred[Summary]:
        """
        Make a whole document state durable, with one fsync shared by all who wait.

        @param document: every content it refers to is in the store, was received and not yet
            released, or is C{data}.
        @param data: the bytes of a content of at most L{INLINE_BYTES} that C{document} refers to.
        @return: what the name server is to be told; C{seq} is the new position.  Commits are
            answered in the order of their positions, which is the order of the calls.
        @raise Unavailable: there is no room; nothing was changed (Deferred failure).  A commit
            that only removes something has room longer than others.
        @raise Corrupt: a content that the document refers to is nowhere, or C{data} is none of
            its contents (Deferred failure).
        """

    def forget(document_id: str, version: Version) -> Deferred[bool]:
        """
        Remove a tombstone.

        @return: False when there is no tombstone of exactly that version.
        """

    def put_folders(folders: Sequence[FolderRecord], number: int) -> Deferred[None]:
        """
        Make durable what the name server decided about folders; older ones change nothing.

        @param number: with these, every folder up to this number is in the store.
        """

    def folders() -> dict[int, FolderRecord]:
        """Every folder that was ever put here, by id, those that are gone too."""

    def folder(folder_id: int) -> FolderRecord | None:
        """One of them."""

    def folders_number() -> int:
        """The number up to which every folder is in the store."""

    def accessed(document_id: str, access: Access) -> None:
        """Somebody read a document.  Kept in memory until L{flush_accesses}."""

    def flush_accesses() -> Deferred[None]:
        """Make durable who read what; for a loop of a few seconds."""

    def last_access(document_id: str) -> Access | None:
        """Who read a document last, as far as it is known."""

    def close() -> Deferred[None]:
        """Finish the commits that wait and let go of the disk."""
