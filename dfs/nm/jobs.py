"""
What is done with one document of a pair: copied, judged, laid to rest, or rescued.

Decides the stages of each, and what is learned from the answers.  Must not know which is done when,
or what follows when one fails.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import ClassVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.core.versions import Version
from dfs.errors import Conflict, NotFound
from dfs.nm.entries import Entry
from dfs.nm.fleet import Server
from dfs.nm.index import Index
from dfs.nm.kept import Grave
from dfs.nm.notes import Notes
from dfs.nm.relay import CutOff, Relay, content_from
from dfs.nm.rescue import Rescuer
from dfs.nm.teller import TELL_SECONDS, Teller
from dfs.wire.client import Connection
from dfs.wire.messages import Applied, GetFileContent, PutFileContent, Renote
from dfs.wire.parts import header, part

#: Seconds that either side has for a small question.
SMALL_SECONDS = 10.0

#: Bytes that are fetched and pushed at one go; more of them flow.
SMALL_BYTES = 256 * 1024


class Job:
    """
    Something that is done with one document.

    @cvar kind: for people.
    @cvar buried: the document is gone.
    @ivar id: of the document.
    @ivar size: bytes that were pushed.
    @ivar version: which was pushed.
    """

    kind: ClassVar[str]
    buried: ClassVar[bool] = False
    id: int
    size: int
    version: str

    def start(self) -> Deferred[None]:
        """
        Do it.

        @return: fails with the L{DFSError} that stood against it.
        """
        raise NotImplementedError


@define(eq=False)
class Transfer(Job):
    """
    A document goes from one member to the other.

    @ivar epoch: of the pair when it began; every order carries it.
    @ivar _stores: of both members when it began, by their names.
    """

    _index: Index
    _notes: Notes
    _clock: IReactorTime
    entry: Entry
    _active: Server
    _peer: Server
    id: int = field(init=False)
    epoch: int = field(init=False)
    size: int = field(default=0, init=False)
    version: str = field(default="", init=False)
    _stores: dict[str, str] = field(init=False)
    _log = Logger(namespace="dfs.nm")

    def __attrs_post_init__(self) -> None:
        self.id = self.entry.id
        self.epoch = self.entry.place.pair.epoch
        members = (self._active, self._peer)
        self._stores = {one.name: one.known.store_id for one in members}

    def transfer(self, source: Server, target: Server, orphan: str = "") -> Deferred[Applied]:
        """Fetch from one, push to the other, with what that lacks."""
        request = PutFileContent(self.entry.key, self.epoch, orphan)
        return self._fetch(source).addCallback(self._push, request, source, target)

    def _fetch(self, source: Server, sha256: str = "") -> Deferred[bytes]:
        asked = GetFileContent(self.entry.key, self.epoch, sha256)
        return Deferred.fromCoroutine(source.link.content(asked, SMALL_SECONDS))

    def _push(
        self, copy: bytes, request: PutFileContent, source: Server, target: Server
    ) -> Deferred[Applied]:
        self.size += len(copy)
        pushing = Deferred.fromCoroutine(target.link.ask(request, SMALL_SECONDS, copy))
        pushing.addCallback(self._complete, copy, request, source, target)
        return pushing

    def _complete(
        self,
        applied: Applied,
        copy: bytes,
        request: PutFileContent,
        source: Server,
        target: Server,
    ) -> Applied | Deferred[Applied]:
        """If the target lacks contents, push everything again and them with it."""
        if not applied.lacks:
            return applied
        wanted = [(sha256, int(size)) for sha256, _, size in map(_split, applied.lacks)]
        relay = Relay(self._clock, source.link.another, target.link.another)
        if sum(size for _, size in wanted) <= SMALL_BYTES:
            pushing = Deferred.fromCoroutine(
                self._push_small(copy, wanted, request, source, target)
            )
        else:

            def flow(connection: Connection) -> AsyncIterator[bytes]:
                return self._parts(connection, copy, wanted)

            pushing = Deferred.fromCoroutine(relay.run(request, flow))
        pushing.addCallback(self._whole, relay)
        return pushing

    async def _parts(
        self, source: Connection, copy: bytes, wanted: list[tuple[str, int]]
    ) -> AsyncIterator[bytes]:
        yield copy
        for sha256, size in wanted:
            yield header(bytes.fromhex(sha256), size)
            asked = GetFileContent(self.entry.key, self.epoch, sha256)
            # The receiver compares the hash of each part before anything refers to it.
            async for data in content_from(source, asked, verified=False):
                yield data

    async def _push_small(
        self,
        copy: bytes,
        wanted: list[tuple[str, int]],
        request: PutFileContent,
        source: Server,
        target: Server,
    ) -> Applied:
        parts = [copy]
        for sha256, _ in wanted:
            parts.append(part(await self._fetch(source, sha256)))
        everything = b"".join(parts)
        self.size += len(everything)
        return await target.link.ask(request, SMALL_SECONDS, everything)

    def _whole(self, applied: Applied, relay: Relay) -> Applied:
        self.size += relay.size
        if applied.lacks:
            raise CutOff("the document changed while it was copied")
        return applied

    def learn(self, applied: Applied, member: Server) -> None:
        """A member has this now."""
        self.version = applied.version
        entry = self.entry
        if self._index.by_id(entry.id) is not entry:
            return  # it was deleted meanwhile; its grave is seen to
        if member.known.store_id != self._stores[member.name]:
            return  # an operator gave that store up meanwhile
        home = entry.place.is_home(member.name)
        self._index.learn(entry, Version.parse(applied.version), applied.number, home=home)
        self._notes.keep(entry)


@define(eq=False)
class Copying(Transfer):
    """The peer gets what it lacks of a document."""

    kind: ClassVar[str] = "the copy"
    _teller: Teller

    def start(self) -> Deferred[None]:
        """See L{Job.start}."""
        entry = self.entry
        copy = entry.copy
        if copy.number and copy.version >= entry.version:
            return self._describe()
        return self._whole_document()

    def _whole_document(self) -> Deferred[None]:
        chain = self.transfer(self._active, self._peer)
        chain.addErrback(self._refused)
        return chain.addCallback(self._confirm)

    def _describe(self) -> Deferred[None]:
        """Only who may see it, or where it stands, is new: nobody need be asked for that."""
        number, version = self.entry.number, self.entry.copy.version
        order = self._teller.metadata(self.entry)
        telling = Deferred.fromCoroutine(self._peer.link.ask(order, TELL_SECONDS))
        return telling.addCallbacks(
            lambda _: self.learn(Applied(str(version), number), self._peer), self._unknown
        )

    def _unknown(self, failure: Failure) -> Deferred[None]:
        """The peer does not have what it had: then it gets all of it."""
        failure.trap(NotFound)
        return self._whole_document()

    def _confirm(self, applied: Applied) -> None:
        self.learn(applied, self._peer)

    def _refused(self, failure: Failure) -> Deferred[Applied]:
        """
        The peer has something of its own, which it has to tell us.

        It may be that it has been told to us already and has to be judged: then this fails no more.
        """
        error = failure.value
        if not isinstance(error, Conflict):
            failure.raiseException()
        asking = Deferred.fromCoroutine(
            self._peer.link.ask(Renote(self.entry.key, self.epoch), SMALL_SECONDS)
        )

        def told(_: object) -> Applied:
            raise Conflict(f"{self._peer.name} has a version of its own: {error}")

        return asking.addCallback(told)


@define(eq=False)
class Judging(Transfer):
    """What only the peer has of a document is adopted by the active member, or kept beside."""

    kind: ClassVar[str] = "the judgement"

    def start(self) -> Deferred[None]:
        """See L{Job.start}."""
        own, orphan = self.entry.active, self.entry.copy
        adopted = not own.number or orphan.version >= own.version
        chain = self.transfer(self._peer, self._active, self._peer.name)
        return chain.addCallback(self._judged, adopted, str(orphan.version))

    def _judged(self, applied: Applied, adopted: bool, orphan: str) -> None:
        self.learn(applied, self._active)
        if adopted:
            self._log.info(
                "what only {server} had of {path} was adopted",
                log_event="recovery_adopted",
                server=self._peer.name,
                document=self.entry.key,
                path=self.entry.path,
                version=applied.version,
                orphan=orphan,
            )
        else:
            self._log.warn(
                "what {server} had of {path} is kept as a conflict: it was changed here too",
                log_event="recovery_conflict",
                server=self._peer.name,
                document=self.entry.key,
                path=self.entry.path,
                version=applied.version,
                orphan=orphan,
            )


@define(eq=False)
class Graveside(Job):
    """Something that is done about a document that is gone."""

    buried: ClassVar[bool] = True
    _grave: Grave
    id: int = field(init=False)
    size: int = field(default=0, init=False)
    version: str = field(default="", init=False)

    def __attrs_post_init__(self) -> None:
        self.id = self._grave.id

    def ask_again(self, member: Server) -> Deferred[None]:
        """Have a member say again, as a note, what it has; that may be nothing any more."""
        asking = Deferred.fromCoroutine(
            member.link.ask(Renote(f"{self.id:016x}", member.place.pair.epoch), SMALL_SECONDS)
        )

        def unknown(failure: Failure) -> None:
            failure.trap(NotFound)
            place = member.place
            missed = place.missed.get(self.id)
            if missed is not None and missed.home == place.is_home(member.name):
                del place.missed[self.id]

        return asking.addCallbacks(lambda _: None, unknown)


@define(eq=False)
class Laying(Graveside):
    """A document that is gone is removed from the peer."""

    kind: ClassVar[str] = "the deletion"
    _teller: Teller
    _peer: Server

    def start(self) -> Deferred[None]:
        """See L{Job.start}."""
        return Deferred.fromCoroutine(self._teller.remove(self._peer, self._grave))


@define(eq=False)
class Asking(Graveside):
    """
    A member is asked what it has of a document that is gone, before that is removed.

    Its deletion is known not to have seen everything, or may not have: what there is more comes as
    a note, and is rescued.
    """

    kind: ClassVar[str] = "the question"
    _member: Server

    def start(self) -> Deferred[None]:
        """See L{Job.start}."""
        return self.ask_again(self._member).addCallback(self._answered)

    def _answered(self, _: object) -> None:
        place = self._member.place
        place.doubted.discard((self.id, place.is_home(self._member.name)))


@define(eq=False)
class Rescuing(Graveside):
    """
    What the peer has of a document that is gone is kept; then it can be laid to rest.

    It is asked before anything is made: it may have deleted the document after the note that told
    of it, and what that note said is nothing that anybody misses.
    """

    kind: ClassVar[str] = "the rescue"
    _rescuer: Rescuer
    _active: Server
    _peer: Server

    def start(self) -> Deferred[None]:
        """See L{Job.start}."""
        return self.ask_again(self._peer).addCallback(self._rescue)

    def _rescue(self, _: object) -> Deferred[None] | None:
        missed = self._peer.place.missed.get(self.id)
        if missed is None:
            return None
        rescue = self._rescuer.rescue(self._grave, missed, self._peer, self._active)
        return Deferred.fromCoroutine(rescue).addCallback(self._rescued)

    def _rescued(self, size: int) -> None:
        self.size = size
        self._peer.place.missed.pop(self.id, None)


def _split(lacking: str) -> tuple[str, str, str]:
    return lacking.partition(":")
