"""
The name server, put together.

Decides which parts there are, how they find each other, and in which order they start and end.
Must not know where it listens, how it dials, or where time and chance come from.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from attrs import field, frozen
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from dfs.core import names
from dfs.core.liveness import Intervals, Liveness
from dfs.core.tickets import key_from_secret
from dfs.errors import Corrupt, DFSError, Invalid, Unauthenticated
from dfs.nm.acks import Acks
from dfs.nm.admin import Operators
from dfs.nm.arrangement import Arrangement
from dfs.nm.branches import Branches
from dfs.nm.burials import Burials
from dfs.nm.changes import Changes
from dfs.nm.console import NameServerConsole
from dfs.nm.execution import Execution
from dfs.nm.explanations import Explanations
from dfs.nm.fleet import Fleet, Promise, Server
from dfs.nm.folders import Folders
from dfs.nm.inbox import Inbox
from dfs.nm.index import Index
from dfs.nm.journal import (
    TOMBSTONE_SECONDS,
    ForgetFolders,
    ForgetTombstones,
    IJournal,
    Snapshot,
)
from dfs.nm.mending import Mender
from dfs.nm.notes import FLUSH_SECONDS, Notes
from dfs.nm.pairing import Pairing, Policy
from dfs.nm.people import People
from dfs.nm.questions import Questions
from dfs.nm.registry import Registry
from dfs.nm.replicator import Replicator
from dfs.nm.requests import Requests
from dfs.nm.rescue import Rescuer
from dfs.nm.runs import Sandbox
from dfs.nm.storage import StorageLink
from dfs.nm.teller import Teller
from dfs.nm.turns import Turns
from dfs.nm.watch import Watch
from dfs.timing import steady
from dfs.wire.client import Connection
from dfs.wire.exchange import Peer
from dfs.wire.greeting import greet
from dfs.wire.reception import Reception
from dfs.wire.server import Limits, ServerFactory

#: Connects to C{host:port}.
Dial = Callable[[str], Deferred[Connection]]

#: Seconds from one look at all pairs to the next, and from one try of what failed to the next.
LOOK_SECONDS, REPEAT_SECONDS = 1.0, 5.0

#: What a name server calls itself.
NAME = "nm"


@frozen
class Settings:
    """
    What an operator may choose.

    @ivar handback_after: seconds for which a home primary follows; None: it is never handed back.
    @ivar log_reads: log also requests that change nothing (level debug).
    @ivar sandbox: how documents are run as scripts; None: they are not.
    """

    intervals: Intervals = field(factory=Intervals)
    handback_after: float | None = 30.0
    promise: Promise = field(factory=Promise)
    limits: Limits = field(factory=Limits)
    log_reads: bool = False
    sandbox: Sandbox | None = None


class NameServer(MultiService):
    """
    Everything but the door.

    @ivar factory: to be listened with.
    @ivar index: every document.
    @ivar fleet: every storage server.
    @ivar people: every user.
    @ivar console: what operators are told; to be listened for elsewhere.
    """

    _log = Logger(namespace="dfs.nm")

    def __init__(
        self,
        clock: IReactorTime,
        *,
        wall: Callable[[], float],
        journal: IJournal,
        dial: Dial,
        secret: bytes,
        entropy: Callable[[int], bytes],
        settings: Settings | None = None,
    ) -> None:
        """
        Read the journal and get ready.

        @param clock: for everything that waits.
        @param wall: seconds since the epoch, for what is written down.
        @param secret: of the cluster.
        @param entropy: so many random bytes.
        @raise DFSError: the journal cannot be used; the message says why.
        """
        super().__init__()
        settings = settings or Settings()
        self._clock = clock
        self._wall = wall
        self._journal = journal
        self._dial = dial
        self._secret = secret
        self._entropy = entropy
        snapshot = journal.load()
        self.index = Index(clock.seconds)
        self.people = People(journal)
        self._requests = Requests()
        self.index.on_gone = lambda entry: self._requests.forget(entry.id)
        liveness = Liveness(settings.intervals.failure, clock.seconds())
        self.fleet = Fleet(
            snapshot.cluster_id, liveness, self.index, self._make_link, settings.promise
        )
        acks = Acks(self.index)
        self.index.on_copy = acks.copied
        self._teller = Teller(self.index, self.fleet, journal, self._live)
        turns = Turns()
        self._folders = Folders(self.index.names, journal, wall, entropy)
        self._branches = Branches(self._folders, self.fleet)
        self._folders.on_news = self._branches.sweep
        self._burials = Burials(self.index, journal, turns, wall)
        self._notes = Notes(self.index, journal, self._burials, self._teller)
        self._load(snapshot)
        changes = Changes(
            self.index,
            journal,
            self.fleet,
            self._teller,
            self._burials,
            self._folders,
            self.people,
            self._requests,
            turns,
            clock,
            settings.intervals.lease,
            wall,
            entropy,
        )
        self.replicator = Replicator(
            self.index,
            self.fleet,
            self._teller,
            self._notes,
            Rescuer(self.index, changes, clock, key_from_secret(secret), wall),
            clock,
            lambda: int.from_bytes(entropy(4)) / 2**32,
        )
        self.index.on_work = self.replicator.wake
        self.pairing = Pairing(
            self.index,
            journal,
            self.fleet,
            self._teller,
            self.replicator,
            clock,
            Policy(settings.handback_after, settings.promise.replica),
            acks.settle,
        )
        self.replicator.on_equal = self.pairing.look
        self._watch = Watch(self.fleet, clock, settings.intervals, dial, self.pairing.look)

        questions = Questions(
            self.index,
            self.fleet,
            self.people,
            self._notes,
            clock,
            wall,
            key_from_secret(secret),
            lambda: len(self.factory.connections),
            self.replicator.stubborn,
        )
        registry = Registry(
            self.index,
            journal,
            self.fleet,
            self._notes,
            self._teller,
            self._branches,
            self.pairing,
            self._watch,
            clock,
            settings.intervals,
            acks if settings.promise.replica else None,
        )
        operators = Operators(self.index, journal, self.fleet, self.pairing)
        self.console = NameServerConsole(
            NAME,
            self.index,
            self.fleet,
            self.pairing,
            self.replicator,
            operators,
            Explanations(
                self.index,
                self.fleet,
                self.pairing,
                self._notes,
                clock,
                settings.promise,
                settings.intervals.heartbeat,
            ),
            clock,
            questions.facts,
            lambda: [(one.peer, one.since) for one in self.factory.connections],
        )
        self._mender = Mender(self.fleet, clock)
        execution = Execution(
            self.index, self.fleet, clock, wall, key_from_secret(secret), settings.sandbox
        )
        execution.setServiceParent(self)
        self.reception = Reception(
            role="nm",
            name=NAME,
            secret=secret,
            entropy=entropy,
            handlers={
                **questions.handlers(),
                **changes.handlers(),
                **Inbox(
                    self.index, journal, self._requests, changes, turns, clock, wall
                ).handlers(),
                **Arrangement(
                    self.index, self._folders, self._teller, changes, turns, clock
                ).handlers(),
                **registry.handlers(),
                **self._mender.handlers(),
                **execution.handlers(),
                **operators.handlers(),
            },
            log_in=self._log_in,
        )
        self.factory = ServerFactory(
            clock, self.reception, settings.limits, log_reads=settings.log_reads
        )
        for loop in (
            *self._watch.loops(),
            steady(clock, FLUSH_SECONDS, self._flush),
            steady(clock, LOOK_SECONDS, self.pairing.sweep),
            steady(clock, REPEAT_SECONDS, self._repeat),
        ):
            loop.setServiceParent(self)

    def startService(self) -> None:
        """Begin to watch; whoever was there before has time to come back."""
        now = self._clock.seconds()
        self.fleet.liveness.tick(now)
        self.fleet.await_all(now)
        self._log.info(
            "this name server knows {documents} documents",
            log_event="starting",
            documents=len(self.index),
            servers=len(self.fleet.servers),
            users=len(self.people),
            cluster=self.fleet.cluster_id,
        )
        before = self._wall() - TOMBSTONE_SECONDS
        forgetting = self._journal.commit([ForgetTombstones(before), ForgetFolders(before)])
        forgetting.addErrback(lambda failure: None)  # at the next start, then
        super().startService()

    async def _stop(self, stopped: Deferred[None] | None) -> None:
        self._watch.stop()
        self.replicator.stop()
        self._mender.stop()
        self.pairing.stop()
        for server in self.fleet.servers.values():
            server.link.stop()
        if stopped is not None:
            await stopped
        await self._notes.finish()
        await self._journal.close()

    def stopService(self) -> Deferred[None]:
        """End: keep what was shown, and let go of everything."""
        self._log.info("this name server stops", log_event="stopping")
        return Deferred.fromCoroutine(self._stop(super().stopService()))

    def _load(self, snapshot: Snapshot) -> None:
        """
        Take over what was kept.

        @raise Corrupt: it contradicts itself.
        """
        try:
            folders = [one for one in snapshot.folders if not one.gone]
            self.index.load(snapshot.pairs, snapshot.documents, snapshot.graves, folders)
            self._folders.load(snapshot.folders)
            self.fleet.load(snapshot.servers)
            self.people.load(snapshot.users)
            self._requests.load(snapshot.requests, snapshot.last_request)
        except Corrupt:
            raise
        except (DFSError, KeyError, TypeError, ValueError, struct.error) as error:
            raise Corrupt(
                f"the journal contradicts itself ({type(error).__name__}: {error}); restore it "
                "from a copy"
            ) from None

    def _log_in(self, peer: Peer, text: str) -> Deferred[None]:
        return Deferred.fromCoroutine(self._arrive(peer, text))

    async def _arrive(self, peer: Peer, text: str) -> None:
        """
        Let a person in.

        @raise Invalid: nobody can be called so, or the name has another spelling (NFC).
        """
        if names.user(text) != text:
            raise Invalid(f"the name {text!r} must be written in its composed form (NFC)")
        await self.people.arrive(peer, text)

    def _flush(self) -> None:
        self._notes.flush()

    def _repeat(self) -> None:
        """Try again what failed."""
        self._burials.sweep()
        self._teller.sweep()
        self._branches.sweep()

    # ------------------------------------------------------------------- to storage servers

    def _live(self, server: Server) -> None:
        """A storage server knows what it must know."""
        self.pairing.look(server.place)
        self.replicator.wake(server.place)

    def _make_link(self, name: str) -> StorageLink:
        return StorageLink(name, self._clock, self._reach, self._linked)

    def _linked(self, name: str) -> None:
        """The connection to a storage server is there: it may be owed something."""
        self._teller.catch_up(self.fleet.servers[name])
        self._branches.catch_up(self.fleet.servers[name])

    def _reach(self, name: str, address: str) -> Deferred[Connection]:
        return Deferred.fromCoroutine(self._greet(name, address))

    async def _greet(self, name: str, address: str) -> Connection:
        """
        Connect to a storage server.

        @raise Unauthenticated: another server answers.
        """
        connection = await self._dial(address)
        try:
            welcome = await greet(
                connection,
                role="nm",
                name=NAME,
                peer_role="ss",
                secret=self._secret,
                entropy=self._entropy,
            )
            if welcome.name != name:
                raise Unauthenticated(f"{welcome.name} answers at {address}, not {name}")
        except BaseException:
            connection.close()
            raise
        return connection
