"""
The rules on which everything rests, and how to switch each of them off.

Decides what a server looks like that does not keep one rule.  That is done from outside: an object
of a server becomes one of a subclass, before the server starts.  Nothing in C{dfs} knows of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from attrs import evolve, frozen

from dfs.core.access import Right
from dfs.core.documents import Document, Metadata
from dfs.core.leases import Lease
from dfs.errors import DFSError, Unavailable
from dfs.nm.acks import Acks
from dfs.nm.changes import Changes as NMChanges
from dfs.nm.entries import Entry, Place
from dfs.nm.fleet import Fleet, Server
from dfs.nm.index import Index
from dfs.nm.jobs import Copying
from dfs.nm.kept import Grave
from dfs.nm.notes import Notes as NMNotes
from dfs.nm.replicator import Replicator
from dfs.nm.service import NameServer
from dfs.nm.switching import Switching
from dfs.nm.teller import Teller
from dfs.sim.cluster import Built
from dfs.ss.admission import Admission
from dfs.ss.changes import Outcome
from dfs.ss.copies import Copies
from dfs.ss.draining import Draining
from dfs.ss.lines import Lines
from dfs.ss.membership import Membership
from dfs.ss.notes import Notes
from dfs.ss.orders import Orders
from dfs.ss.service import StorageServer
from dfs.ss.serving import Serving
from dfs.ss.sessions import Sessions
from dfs.wire.messages import (
    Append,
    Beaten,
    PutFileContent,
    PutMetadata,
    RemAccess,
    WriteComplete,
)


@frozen
class Rule:
    """
    Something that must always be so.

    @ivar name: what is switched off.
    @ivar off: makes a server that does not keep it, of one that does.
    @ivar seed: of a history that needs it; one is not known yet if it is negative.
    @ivar faults: that this history has.
    """

    name: str
    off: Built
    seed: int = -1
    faults: tuple[str, ...] = ("kill", "part", "deaf", "pause", "survives", "lingers")


def become(thing: Any, kind: type[Any]) -> None:
    """Let something behave as an object of a subclass does."""
    assert issubclass(kind, type(thing))
    thing.__class__ = kind


def ss(change: Callable[[StorageServer], None]) -> Built:
    """A rule of storage servers."""

    def off(server: NameServer | StorageServer) -> None:
        if isinstance(server, StorageServer):
            change(server)

    return off


def nm(change: Callable[[NameServer], None]) -> Built:
    """A rule of name servers."""

    def off(server: NameServer | StorageServer) -> None:
        if isinstance(server, NameServer):
            change(server)

    return off


def answering(server: NameServer | StorageServer, request: type[Any]) -> Any:
    """What answers a request."""
    handler: Any = server.reception._handlers[request]
    return handler.__self__


# ----------------------------------------------------------------------- leases and epochs


class Unleased(Lease):
    """Holds once it was granted, whatever the time."""

    __slots__ = ()

    def holds(self, now: float) -> bool:
        return self._until is not None


class SpeaksAnyway(Serving):
    """Tells of a commit without looking again."""

    __slots__ = ()

    def may_speak(self, epoch: int, document_id: str) -> None:
        pass


class SaysNothingWasDone(Serving):
    """Calls a change undone that was committed."""

    __slots__ = ()

    def may_speak(self, epoch: int, document_id: str) -> None:
        try:
            self.check_disk()
            self.check(epoch)
        except DFSError as error:
            raise Unavailable(str(error)) from error


class ServesOn(Serving):
    """Goes on serving after it has said goodbye."""

    __slots__ = ()

    def part(self) -> None:
        pass


class TakesAnyEpoch(Membership):
    """Does not mind of which epoch something is."""

    __slots__ = ()

    def obey(self, epoch: int) -> Any:
        return super().obey(max(epoch, self.newest))

    def check(self, epoch: int) -> None:
        pass


class GrantsAlways(Fleet):
    """Lets whoever was active serve while another member becomes active, or nobody is."""

    __slots__ = ()

    def beaten(self, server: Server) -> Beaten:
        answer = super().beaten(server)
        return evolve(answer, serve=answer.serve or server.name == server.place.pair.active)


class LetsEverybodyServe(Fleet):
    """Grants leases to both members."""

    __slots__ = ()

    def beaten(self, server: Server) -> Beaten:
        return evolve(super().beaten(server), serve=True)


def impatient(server: NameServer) -> None:
    """Promotes before a lease is over."""
    server.fleet.liveness.patience = 6.0


# ------------------------------------------------------------------------- what a copy does


class Overwrites(Copies):
    """Takes every copy, older ones too."""

    __slots__ = ()

    def _decide(
        self, own: Document | None, copy: Document, request: PutFileContent
    ) -> Document | None:
        if request.orphan:
            return super()._decide(own, copy, request)
        return None if own == copy else copy


class OverwritesBeside(Copies):
    """Takes what is beside its own version."""

    __slots__ = ()

    def _decide(
        self, own: Document | None, copy: Document, request: PutFileContent
    ) -> Document | None:
        if own is not None and own.version.concurrent(copy.version) and not request.orphan:
            return copy
        return super()._decide(own, copy, request)


class KeepsNoConflict(Copies):
    """Drops the text that lost."""

    __slots__ = ()

    def _decide(
        self, own: Document | None, copy: Document, request: PutFileContent
    ) -> Document | None:
        new = super()._decide(own, copy, request)
        lost = own is not None and not copy.version >= own.version
        if request.orphan and new is not None and own is not None and lost:
            return evolve(new, checkpoints=own.checkpoints)
        return new


class DropsOrphans(Copies):
    """Calls its own what only the other one has, without taking it."""

    __slots__ = ()

    def _decide(
        self, own: Document | None, copy: Document, request: PutFileContent
    ) -> Document | None:
        new = super()._decide(own, copy, request)
        if request.orphan and own is not None and new is not None and not own.deleted:
            return evolve(own, version=new.version, epoch=new.epoch)
        return new


# ----------------------------------------------------------------------- changes and rights


class Unordered(Lines):
    """Lets jobs of one document run into each other."""

    __slots__ = ()

    def run(self, key: str, work: Callable[[], Awaitable[Any]]) -> Any:
        from twisted.internet.defer import Deferred

        async def at_once() -> Any:
            return await work()

        return Deferred.fromCoroutine(at_once())


class TrustsTickets(Admission):
    """Does not look into the access list of the document."""

    __slots__ = ()

    def _check(self, ticket: Any, right: Right, metadata: Metadata, renamed: bool) -> None:
        self._check_epoch(ticket.epoch)


class DescribesBackwards(Orders):
    """Takes older metadata for newer."""

    __slots__ = ()

    async def _describe(self, request: PutMetadata, metadata: Metadata) -> Outcome:
        document = self._store.document(request.id)
        if document is None or document.deleted:
            return await super()._describe(request, metadata)
        return await self._changes.obey(evolve(document, metadata=metadata), request.epoch)


class ReplacesLocked(Sessions):
    """Lets copies and deletions come under an open session."""

    def may_replace(self, document_id: str) -> None:
        pass


class CommitsOvertaken(Sessions):
    """Keeps sessions of an older epoch."""

    def overtaken(self) -> None:
        pass


class NeverDrained(Draining):
    """Says that it has finished, and changes things all the same."""

    __slots__ = ()

    async def drain(self, seconds: float) -> int:
        return self._last_seq()


class Unfenced(NMChanges):
    """Does not wait until a server knows whose right is gone."""

    __slots__ = ()

    async def _fence(self, entry: Entry) -> None:
        pass


class OwesNothing(Teller):
    """Lets a server serve before it knows what it must."""

    __slots__ = ()

    def owes(self, server: Server) -> bool:
        return False


# ---------------------------------------------------------------------------- who has what


class BelievesCopied(Copying):
    """Takes what is wanted by now for what was copied."""

    __slots__ = ()

    def learn(self, applied: Any, member: Server) -> None:
        super().learn(evolve(applied, version=str(self.entry.version)), member)


class Careless(Replicator):
    """Begins copies that believe too much."""

    __slots__ = ()

    def _jobs(self, *arguments: Any) -> Iterator[Any]:
        for job in super()._jobs(*arguments):
            if isinstance(job, Copying):
                become(job, BelievesCopied)
            yield job


class EqualOneWay(Replicator):
    """Does not mind what only the peer has."""

    __slots__ = ()

    def equal(self, place: Place) -> bool:
        return not place.dirty and not place.graves


class EqualAlways(Replicator):
    """Takes both members for equal whatever they have."""

    __slots__ = ()

    def equal(self, place: Place) -> bool:
        return True


class NeverDrains(Switching):
    """Hands back without a drain."""

    __slots__ = ()

    async def finish(self, place: Place) -> None:
        pass


class ForgetsGraves(Index):
    """Does not remember what is gone."""

    def haunt(self, grave: Grave) -> None:
        pass


class ForgetsTail(Notes):
    """Never repeats a note."""

    __slots__ = ()

    def begin(self, connection: Any, noted: int, on_trouble: Any) -> None:
        super().begin(connection, self._store.last_seq(), on_trouble)


class KeepsPositionsFirst(NMNotes):
    """Writes down positions before the documents."""

    __slots__ = ()

    def take(self, server: Server, note: WriteComplete) -> None:
        super().take(server, note)
        self._fresh.clear()


class IgnoresMissed(NMNotes):
    """Does not see that a deleted document was changed elsewhere."""

    __slots__ = ()

    def _missed(self, server: Server, note: WriteComplete, document_id: int) -> None:
        pass


class AcksEarly(Acks):
    """Answers before the peer has it."""

    __slots__ = ()

    def answer(self, server: Server, note: WriteComplete) -> Any:
        from dfs.wire.messages import Heard

        return Heard()


class CompleteAtOnce(Server):
    """Takes a member that has just come for one whose notes are known."""

    __slots__ = ()

    @property
    def complete(self) -> bool:
        return self.here


class Hasty(Fleet):
    """Relies on members before they have told everything."""

    __slots__ = ()

    def admit(self, *arguments: Any) -> Server:
        server = super().admit(*arguments)
        become(server, CompleteAtOnce)
        return server


def deaf_to_failure(server: StorageServer) -> None:
    """Goes on after an fsync has failed."""
    store: Any = server._store
    store.when_fatal = None


def unverified(server: StorageServer) -> None:
    """Serves bytes without comparing them with their hash."""
    from tests.simulation.unverified import Unverified

    become(server._store, Unverified)


def forgets_epochs(server: StorageServer) -> None:
    """Obeys an epoch that is not durable."""
    become(server.membership, ForgetsEpochs)


class ForgetsEpochs(Membership):
    """Obeys an epoch that is not durable."""

    __slots__ = ()

    async def _keep(self, cluster_id: str, epoch: int) -> None:
        if cluster_id != self.cluster_id:
            await super()._keep(cluster_id, epoch)
        self.epoch = max(self.epoch, epoch)


def _of(path: str, kind: type[Any], request: type[Any] | None = None) -> Callable[[Any], None]:
    """Let a part of a server become another one."""

    def change(server: Any) -> None:
        thing = server if request is None else answering(server, request)
        for name in path.split(".") if path else ():
            thing = getattr(thing, name)
        become(thing, kind)

    return change


RULES: Sequence[Rule] = (
    Rule("the lease is looked at before a commit", ss(_of("serving.lease", Unleased)), seed=17),
    Rule("and again before OK", ss(_of("serving", SpeaksAnyway))),
    Rule("what may not be kept is in doubt", ss(_of("serving", SaysNothingWasDone)), seed=0),
    Rule("whoever says goodbye serves no more", ss(_of("serving", ServesOn))),
    Rule("orders and tickets of the past are refused", ss(_of("membership", TakesAnyEpoch))),
    Rule("epochs are durable before they are obeyed", ss(forgets_epochs), seed=7),
    Rule("no lease while another one becomes active", nm(_of("fleet", GrantsAlways))),
    Rule("only the active member has a lease", nm(_of("fleet", LetsEverybodyServe)), seed=0),
    Rule("nobody is promoted before a lease is over", nm(impatient)),
    Rule("only newer copies are applied", ss(_of("", Overwrites, PutFileContent))),
    Rule("concurrent copies are refused", ss(_of("", OverwritesBeside, PutFileContent))),
    Rule("what lost is kept as a conflict", ss(_of("", KeepsNoConflict, PutFileContent)), seed=7),
    Rule(
        "what only the other one has is adopted", ss(_of("", DropsOrphans, PutFileContent)), seed=2
    ),
    Rule("changes of a document stand in line", ss(_of("changes.lines", Unordered)), seed=2),
    Rule(
        "the access list counts, not only the ticket",
        ss(_of("_admission", TrustsTickets, Append)),
    ),
    Rule("older metadata changes nothing", ss(_of("", DescribesBackwards, PutMetadata))),
    Rule("sessions end with their epoch", ss(_of("sessions", CommitsOvertaken))),
    Rule("what is drained changes nothing", ss(_of("serving.draining", NeverDrained))),
    Rule("hashes are verified", ss(unverified), faults=("rot",), seed=0),
    Rule("a failed fsync is the end", ss(deaf_to_failure), faults=("broken",)),
    Rule("the un-noted tail is repeated", ss(_of("notes", ForgetsTail))),
    Rule("dirty until wanted <= applied", nm(_of("replicator", Careless)), seed=1),
    Rule("equal means both ways", nm(_of("replicator", EqualOneWay))),
    Rule("equal means nothing is dirty", nm(_of("replicator", EqualAlways))),
    Rule("drained before handed back", nm(_of("pairing._switching", NeverDrains))),
    Rule("graves are kept until both know", nm(_of("index", ForgetsGraves)), seed=2),
    Rule("positions are kept after documents", nm(_of("_notes", KeepsPositionsFirst)), seed=10),
    Rule("what a deletion missed is rescued", nm(_of("_notes", IgnoresMissed))),
    Rule("with replica, OK means both", nm(_of("_acks", AcksEarly, WriteComplete)), seed=1),
    Rule("notes are complete before anything is judged", nm(_of("fleet", Hasty))),
    Rule("metadata that is owed comes before serving", nm(_of("_teller", OwesNothing))),
    Rule("REMACCESS waits for the server or its lease", nm(_of("", Unfenced, RemAccess))),
)
