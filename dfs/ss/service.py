"""
A storage server, put together.

Decides which parts there are, what they share, and in which order they start and stop.  Listens
nowhere: whoever owns an address gives L{StorageServer.reception} to a
L{dfs.wire.server.ServerFactory}.  Must not know the reactor, files, or what a verb does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import field, frozen
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.core import names
from dfs.core.history import Stamp
from dfs.core.tickets import key_from_secret
from dfs.ss.admission import Admission
from dfs.ss.changes import Changes
from dfs.ss.checkpoints import Checkpoints
from dfs.ss.console import StorageConsole
from dfs.ss.copies import Copies
from dfs.ss.drafting import Drafting
from dfs.ss.draining import Draining
from dfs.ss.intake import Intake
from dfs.ss.lines import Lines
from dfs.ss.link import Dial, Link
from dfs.ss.locks import LockList
from dfs.ss.membership import Membership
from dfs.ss.mending import Mending
from dfs.ss.notes import Notes
from dfs.ss.orders import Orders
from dfs.ss.readers import Readers
from dfs.ss.reading import Reading
from dfs.ss.serving import Serving
from dfs.ss.sessions import Sessions
from dfs.ss.streaming import Streams
from dfs.ss.verbs import handlers
from dfs.ss.verifying import Verifying
from dfs.ss.writing import Writing
from dfs.store.interfaces import IStore
from dfs.timing import steady
from dfs.wire.exchange import Exchange, Peer
from dfs.wire.messages import Count, Locks, Status, StatusLine
from dfs.wire.reception import Reception

#: Seconds from one writing down of who read what to the next.
ACCESS_SECONDS = 5.0


@frozen
class Settings:
    """
    What an operator may choose.

    @ivar max_document: bytes that a document may have.
    @ivar undo_depth: changes of a document that can be taken back.
    @ivar session_timeout: seconds of silence after which an editing session ends.
    @ivar verify_rate: bytes a second of what is read again to find damage; 0: nothing is.
    """

    max_document: int = 1024 * 1024 * 1024
    undo_depth: int = 16
    session_timeout: float = 600.0
    verify_rate: float = 4 * 1024 * 1024.0


@frozen(eq=False)
class Surroundings:
    """
    What a storage server gets from outside.

    @ivar clock: where time passes.
    @ivar steady: seconds, for leases: never set back, and goes on while the machine sleeps.
    @ivar wall: seconds since the epoch.
    @ivar entropy: so many random bytes.
    @ivar work: runs a function with arguments in a thread.
    @ivar dial: connects to an address.
    @ivar name_servers: their addresses.
    @ivar secret: of the cluster.
    """

    clock: IReactorTime
    steady: Callable[[], float]
    wall: Callable[[], float]
    entropy: Callable[[int], bytes]
    work: Callable[..., Deferred[Any]]
    dial: Dial
    name_servers: Sequence[str]
    secret: bytes = field(repr=False)


class StorageServer(MultiService):
    """
    Holds documents, and serves them to whoever has a ticket.

    The store belongs to it from L{startService} on: L{stopService} closes it.

    @ivar reception: answers every request.
    @ivar console: what operators are told; to be listened for elsewhere.
    @ivar address: C{host:port} where clients find this server; set before L{startService}.
    @ivar when_failed: called once when the disk has failed and the name server knows, or does not
        answer; this server is of no use any more.
    """

    _log = Logger(namespace="dfs.ss")

    def __init__(
        self, surroundings: Surroundings, store: IStore, settings: Settings | None = None
    ) -> None:
        super().__init__()
        self.address = ""
        self.when_failed: Callable[[], object] = _nothing
        self._store = store
        self._wall = surroundings.wall
        self._assemble(surroundings, settings or Settings())

    def _assemble(self, around: Surroundings, settings: Settings) -> None:
        clock, store = around.clock, self._store
        self.membership = Membership(store)
        self.notes = Notes(clock, store)
        draining = Draining(clock, self.membership.name, store.last_seq)
        self.serving = Serving(self.membership, draining, around.steady)
        self.changes = Changes(
            store, Lines(), self._stamp, self.serving, self.notes, settings.undo_depth
        )
        admission = Admission(
            key_from_secret(around.secret), around.wall, store, self.serving.check
        )
        drafting = Drafting(store, around.work, settings.max_document)
        self.sessions = Sessions(
            clock, around.entropy, admission, self.changes, drafting, settings.session_timeout
        )
        draining.open = self.sessions.__len__
        self.serving.on_fenced = self.notes.give_up
        self.membership.on_epoch = self._new_epoch
        self.streams, self.readers, self.intake = Streams(clock), Readers(), Intake()
        self.link = Link(
            clock,
            around.name_servers,
            around.dial,
            lambda: self.address,
            store,
            self.membership,
            self.serving,
            self.notes,
            around.secret,
            around.entropy,
        )
        self.verifying = Verifying(clock, around.wall, store, settings.verify_rate)
        self.mending = Mending(clock, store, self.membership, self.link.ask)
        locks = LockList(store, self.sessions, clock.seconds)
        self.console = StorageConsole(
            self.membership.name,
            store,
            self.serving,
            self.sessions,
            locks,
            self.notes,
            self.link,
            self.changes.lines,
            clock.seconds,
            around.wall,
            self._facts,
        )
        self.reception = Reception(
            role="ss",
            name=self.membership.name,
            secret=around.secret,
            entropy=around.entropy,
            handlers={
                Status: self._status,
                Locks: locks.locks,
                **handlers(
                    Reading(store, admission, self.sessions, self.streams, self.readers),
                    Writing(store, admission, self.changes, drafting, self.sessions, self.intake),
                    Checkpoints(store, admission, self.changes, self.sessions, self.readers),
                    Orders(store, self.changes, self.membership, self.sessions, self.link.beat),
                    Copies(store, self.changes, self.membership, self.sessions),
                    self.mending,
                ),
            },
            log_in=self._log_in,
        )
        self.sessions.setServiceParent(self)
        steady(clock, ACCESS_SECONDS, self._flush_accesses).setServiceParent(self)
        self.verifying.setServiceParent(self)
        self.mending.setServiceParent(self)
        self.link.setServiceParent(self)

    def startService(self) -> None:
        """Look for the name server and serve."""
        documents, size = self._store.counts()
        self._log.info(
            "storage server {name} starts with {documents} documents",
            log_event="starting",
            name=self.membership.name,
            store_id=self._store.identity().store_id,
            documents=documents,
            size=size,
        )
        super().startService()

    def stopService(self) -> Deferred[None]:
        """Say goodbye, end what is open, finish what was begun, let go of the disk."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._log.info(
            "storage server {name} stops", log_event="stopping", name=self.membership.name
        )
        self.streams.stop()
        stopping: Deferred[Any] | None = super().stopService()
        if stopping is not None:
            await stopping
        await self._store.close()

    def store_failed(self, failure: Failure) -> None:
        """The disk has failed: nothing is committed any more, and nobody is told that it was."""
        if self.serving.failure:
            return
        self.serving.failure = failure.getErrorMessage()
        self._log.critical(
            "the disk of {name} failed: {reason}; this server stops",
            log_event="store_failed",
            name=self.membership.name,
            reason=self.serving.failure,
        )
        gone = self.link.goodbye(f"the disk failed: {self.serving.failure}")
        gone.addBoth(lambda _: self.when_failed())

    # ---------------------------------------------------------------------------- for parts

    def _stamp(self, user: str) -> Stamp:
        return Stamp(user, self._wall(), self.membership.epoch, self.membership.home)

    def _new_epoch(self) -> None:
        self.serving.new_epoch()
        self.sessions.overtaken()

    def _flush_accesses(self) -> None:
        # Should the disk fail here, store_failed says so.
        self._store.flush_accesses().addErrback(lambda _: None)

    def _log_in(self, peer: Peer, user: str) -> None:
        names.user(user)
        self._log.info(
            "{user} at {peer}", log_event="login", user=user, peer=peer.address, role=peer.role
        )

    def _status(self, request: Status, exchange: Exchange) -> Count:
        facts = self._facts()
        for name, value in facts.items():
            exchange.item(StatusLine(name, str(value)))
        return Count(len(facts))

    def _facts(self) -> dict[str, object]:
        documents, size = self._store.counts()
        identity = self._store.identity()
        return {
            "role": "ss",
            "name": identity.name,
            "store": identity.store_id,
            "cluster": identity.cluster_id,
            "epoch": identity.epoch,
            "address": self.address,
            "registered": int(self.link.registered),
            "serves": int(self.serving.serves),
            "lease_seconds": round(self.serving.lease.left(self.serving.now()), 1),
            "draining": self.serving.draining.stage.value,
            "documents": documents,
            "bytes": size,
            "last_change": self._store.last_seq(),
            "noted": self.notes.acknowledged,
            "damaged": len(self.mending),
            "verified": round(self.verifying.finished),
            "sessions": len(self.sessions),
            "streams": len(self.streams),
        }


def _nothing() -> None:
    pass
