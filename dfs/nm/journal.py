"""
What the name server keeps for ever, and how any engine keeps it.

Decides which facts there are, as changes that are applied in order, and what every engine promises.
L{dfs.nm.sqlite} keeps them on disk, L{MemoryJournal} for tests.  Must not know who changes what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred, fail
from zope.interface import Interface, implementer

from dfs.core.folders import FolderRecord
from dfs.core.pairs import Pair
from dfs.core.requests import AccessRequest
from dfs.errors import Unavailable
from dfs.nm.kept import NOTHING, Copy, Grave, Noted, Stored

#: Seconds for which it is remembered that a document or folder was deleted.
TOMBSTONE_SECONDS = 30 * 24 * 3600.0


@frozen
class Known:
    """
    A storage server that registered once.

    @ivar store_id: of its disk; empty: whichever it comes with.
    @ivar address: where it listened last.
    @ivar noted: the newest change of its store that is in this journal.
    @ivar drained: it gets no new documents and is not given its place back.
    """

    name: str
    store_id: str
    address: str
    noted: int = 0
    drained: bool = False


@frozen
class PutDocument:
    """A document is new, or its metadata changed."""

    document: Stored


@frozen
class DropDocument:
    """A document is gone, and what was asked about it."""

    grave: Grave


@frozen
class LayGrave:
    """
    A document that is gone is gone from a member of its pair too.

    @ivar home: from the home primary; else from the backup.
    """

    id: int
    home: bool


@frozen
class PutFolder:
    """A folder is new, stands elsewhere, or is gone."""

    folder: FolderRecord


@frozen
class ForgetTombstones:
    """What was deleted before that moment, seconds since the epoch, need not be known any more."""

    before: float


@frozen
class ForgetFolders:
    """
    The same of folders, but for the one with the highest number: no number is given twice.
    """

    before: float


@frozen
class NoteDocument:
    """
    A storage server said something about a document; of no effect if it is gone.

    @ivar home: what the home primary has now; C{backup} likewise.
    """

    id: int
    noted: Noted
    home: Copy
    backup: Copy


@frozen
class SetNoted:
    """Every change of a store up to C{seq} is in this journal."""

    server: str
    seq: int


@frozen
class PutUser:
    """Somebody logged in for the first time."""

    name: str


@frozen
class PutRequest:
    """
    Somebody asks to be let in; of no effect if the document is gone.

    It replaces what the same user asked for before about the same document.
    """

    request: AccessRequest


@frozen
class DropRequest:
    """A request was decided."""

    id: int


@frozen
class PutServer:
    """A storage server is new, or registered from another address."""

    server: Known


@frozen
class ForgetCopies:
    """
    The store of a member is gone: it has no document.

    @ivar home: of the home primary; else of the backup.
    """

    pair: str
    home: bool


@frozen
class LayGraves:
    """The store of a member is gone: so is what it may still have had."""

    pair: str
    home: bool


@frozen
class PutPair:
    """A pair is new, or another member serves."""

    pair: Pair


@frozen
class DropPair:
    """A pair is no more: its only member became a member of another one."""

    name: str


Change = (
    PutDocument
    | PutFolder
    | DropDocument
    | LayGrave
    | ForgetTombstones
    | ForgetFolders
    | NoteDocument
    | SetNoted
    | PutUser
    | PutRequest
    | DropRequest
    | PutServer
    | ForgetCopies
    | LayGraves
    | PutPair
    | DropPair
)


@frozen
class Snapshot:
    """
    Everything that is kept.

    @ivar cluster_id: 32 hex digits, made with the journal.
    @ivar folders: those that are gone, too.
    @ivar graves: those of documents that some member may still have.
    @ivar documents: to be gone through once, before anything is committed.
    @ivar requests: those that wait; C{last_request} is the highest number that any ever had.
    """

    cluster_id: str
    users: tuple[str, ...]
    servers: tuple[Known, ...]
    pairs: tuple[Pair, ...]
    folders: tuple[FolderRecord, ...]
    graves: tuple[Grave, ...]
    documents: Iterable[Stored]
    requests: tuple[AccessRequest, ...] = ()
    last_request: int = 0


class IJournal(Interface):
    """
    Where decisions are kept.

    Several changes are committed as one.  Commits take effect, and are answered, in the order in
    which they were asked for.
    """

    def load() -> Snapshot:
        """
        What is kept; call it first, and once.

        @raise Corrupt: the journal is damaged.
        @raise Unsupported: it was written by a newer version.
        @raise Busy: another name server uses it.
        @raise Unavailable: there is no getting at it.
        """

    def grave(document_id: int) -> Grave | None:
        """
        What is kept of a document that is gone, also where nobody has it any more; for
        L{TOMBSTONE_SECONDS}.

        @raise Corrupt: it cannot be read.
        """

    def commit(changes: Sequence[Change]) -> Deferred[None]:
        """
        Keep some changes, all or none; they are safe when the Deferred fires.

        @raise Busy: too much waits; they were not kept (Deferred failure).
        @raise Unavailable: they were not kept (Deferred failure).
        @raise Internal: whether they were kept is not known (Deferred failure).
        """

    def close() -> Deferred[None]:
        """Finish what was asked for, and let go of it; harmless when called twice."""


@define
class Disk:
    """
    What a L{MemoryJournal} keeps, for the next one.

    @ivar trouble: why nothing can be kept now; empty if it can.
    """

    cluster_id: str
    trouble: str = ""
    users: dict[str, None] = field(factory=dict)
    servers: dict[str, Known] = field(factory=dict)
    pairs: dict[str, Pair] = field(factory=dict)
    folders: dict[int, FolderRecord] = field(factory=dict)
    documents: dict[int, Stored] = field(factory=dict)
    graves: dict[int, Grave] = field(factory=dict)
    requests: dict[int, AccessRequest] = field(factory=dict)
    last_request: int = 0

    def apply(self, change: Change) -> None:
        """Make a change."""
        match change:
            case PutDocument(document):
                self.documents[document.id] = document
            case PutFolder(folder):
                self.folders[folder.id] = folder
            case DropDocument(grave):
                self.documents.pop(grave.id, None)
                self.graves[grave.id] = grave
                self._forget_requests(grave.id)
            case LayGrave(document_id, home):
                if document_id in self.graves:
                    self.graves[document_id] = self.graves[document_id].laid(home=home)
            case ForgetTombstones(before):
                self.graves = {
                    grave.id: grave
                    for grave in self.graves.values()
                    if grave.haunted or grave.when >= before
                }
            case ForgetFolders(before):
                newest = max((folder.number for folder in self.folders.values()), default=0)
                self.folders = {
                    folder.id: folder
                    for folder in self.folders.values()
                    if not 0 < folder.gone < before or folder.number == newest
                }
            case NoteDocument(document_id, noted, home_has, backup_has):
                if document_id in self.documents:
                    self.documents[document_id] = evolve(
                        self.documents[document_id],
                        noted=noted,
                        home=home_has,
                        backup=backup_has,
                    )
            case ForgetCopies(name, home):
                for one in [one for one in self.documents.values() if one.pair == name]:
                    lost = evolve(one, home=NOTHING) if home else evolve(one, backup=NOTHING)
                    self.documents[one.id] = lost
            case LayGraves(name, home):
                for grave in [grave for grave in self.graves.values() if grave.pair == name]:
                    self.graves[grave.id] = grave.laid(home=home)
            case SetNoted(server, seq):
                self.servers[server] = evolve(self.servers[server], noted=seq)
            case PutUser(name):
                self.users[name] = None
            case PutRequest(new):
                if new.document in self.documents:
                    self._forget_requests(new.document, new.user)
                    self.requests[new.id] = new
                    self.last_request = max(self.last_request, new.id)
            case DropRequest(number):
                self.requests.pop(number, None)
            case PutServer(server):
                self.servers[server.name] = server
            case PutPair(pair):
                self.pairs[pair.name] = pair
            case DropPair(name):
                self.pairs.pop(name, None)

    def _forget_requests(self, document: int, user: str = "") -> None:
        """What was asked about a document, by everybody or by one."""
        self.requests = {
            one.id: one
            for one in self.requests.values()
            if one.document != document or (user and one.user != user)
        }


def at_once(done: Callable[[], None]) -> None:
    """How fast a disk in memory is."""
    done()


@implementer(IJournal)
@define(eq=False)
class MemoryJournal:
    """
    A journal without a disk.

    @ivar disk: what is kept; give it to another journal to see what a restart would.
    """

    disk: Disk
    _later: Callable[[Callable[[], None]], object] = at_once
    _closed: bool = field(default=False, init=False)

    def load(self) -> Snapshot:
        """See L{IJournal.load}."""
        disk = self.disk
        return Snapshot(
            disk.cluster_id,
            tuple(sorted(disk.users)),
            tuple(disk.servers.values()),
            tuple(disk.pairs.values()),
            tuple(disk.folders.values()),
            tuple(grave for grave in disk.graves.values() if grave.haunted),
            tuple(disk.documents.values()),
            tuple(disk.requests.values()),
            disk.last_request,
        )

    def grave(self, document_id: int) -> Grave | None:
        """See L{IJournal.grave}."""
        return self.disk.graves.get(document_id)

    def commit(self, changes: Sequence[Change]) -> Deferred[None]:
        """See L{IJournal.commit}."""
        if self._closed:
            return fail(Unavailable("the journal is closed"))
        committed: Deferred[None] = Deferred()
        kept = tuple(changes)

        def keep() -> None:
            if self.disk.trouble:
                committed.errback(Unavailable(self.disk.trouble))
                return
            for change in kept:
                self.disk.apply(change)
            committed.callback(None)

        self._later(keep)
        return committed

    def close(self) -> Deferred[None]:
        """See L{IJournal.close}."""
        self._closed = True
        closed: Deferred[None] = Deferred()
        self._later(lambda: closed.callback(None))
        return closed
