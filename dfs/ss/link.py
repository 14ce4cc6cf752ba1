"""
The connection to the name server: found, registered, kept, found again.

Decides when to dial, whom to believe, and when a silent name server is given up.  Must not know
what notes say (L{dfs.ss.notes} does), nor what the name server orders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from attrs import define, field
from twisted.application.service import MultiService
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.errors import Conflict, DFSError, Moved, Unauthenticated, Unavailable, Unsupported
from dfs.ss.membership import Membership
from dfs.ss.notes import Notes
from dfs.ss.serving import Beat, Serving
from dfs.store.interfaces import IStore
from dfs.timing import steady
from dfs.wire.client import Connection
from dfs.wire.greeting import greet
from dfs.wire.messages import (
    Beaten,
    Goodbye,
    Heartbeat,
    Record,
    Registered,
    Request,
    SSRegister,
)

A = TypeVar("A", bound=Record)

#: Dials an address, C{host:port}.
Dial = Callable[[str], Deferred[Connection]]

#: Heartbeats that may be unanswered, one after the other, before nobody is taken to be there.
UNANSWERED = 2

#: Seconds to wait before dialling again, at first, at most (a lease may be ending), and when we are
#: not wanted.
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 0.5
UNWANTED_PAUSE = 15.0

#: Seconds for dialling, greeting and registering together.
REGISTER_SECONDS = 20.0

#: Seconds that GOODBYE may take, and finishing what was begun before it.
GOODBYE_SECONDS = 1.0
FINISH_SECONDS = 1.0

#: Answers that will not be others a moment later: somebody has to do something.
_UNWANTED = (Conflict, Unauthenticated, Unsupported)


@define(eq=False)
class Link(MultiService):
    """
    Keeps a server known to the name server, from L{startService} to L{stopService}.

    @ivar registered: whether the name server knows this server at the moment.
    """

    _clock: IReactorTime
    _addresses: Sequence[str]
    _dial: Dial
    _advertised: Callable[[], str]
    _store: IStore
    _membership: Membership
    _serving: Serving
    _notes: Notes
    _secret: bytes = field(repr=False)
    _entropy: Callable[[int], bytes]
    _connection: Connection | None = field(default=None, init=False)
    _over: Deferred[None] | None = field(default=None, init=False)
    _silence: float = field(default=0.0, init=False)
    _keeping: Deferred[None] | None = field(default=None, init=False)
    _parted: bool = field(default=False, init=False)
    _stopping: bool = field(default=False, init=False)
    _complaint: str = field(default="", init=False)
    _log = Logger(namespace="dfs.ss.link")

    def __attrs_post_init__(self) -> None:
        super().__init__()
        steady(self._clock, 0.25, self._sweep).setServiceParent(self)

    @property
    def registered(self) -> bool:
        """Whether the name server knows this server at the moment."""
        return self._connection is not None

    def startService(self) -> None:
        """Begin to look for the name server."""
        super().startService()
        self._keeping = Deferred.fromCoroutine(self._keep())
        self._keeping.addErrback(self._ended)

    def stopService(self) -> Deferred[None]:
        """Stop on purpose: say so, if anybody listens."""
        return Deferred.fromCoroutine(self._stop("the server stops"))

    def goodbye(self, reason: str) -> Deferred[None]:
        """
        Tell the name server that this server will not serve any more; takes a second at most.

        @param reason: for its log.
        """
        return Deferred.fromCoroutine(self._goodbye(reason))

    async def _stop(self, reason: str) -> None:
        self._stopping = True
        if self._connection is None:
            self._give_up()
        await self._serving.draining.close(FINISH_SECONDS)
        await self._goodbye(reason)
        self._give_up()
        stopping = super().stopService()
        if stopping is not None:
            await stopping

    def _give_up(self) -> None:
        """Look for no name server any more."""
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()

    async def _goodbye(self, reason: str) -> None:
        # The other member may serve as soon as it is said.
        self._serving.part()
        if self._connection is None or self._parted:
            return
        self._parted = True
        with suppress(DFSError):  # it will find out
            await self._connection.ask(Goodbye(reason), timeout=GOODBYE_SECONDS)

    # ---------------------------------------------------------------------------- keeping

    async def _keep(self) -> None:
        """Find the name server again and again."""
        tries = 0
        while not self._stopping:
            address = self._addresses[tries % len(self._addresses)]
            tries += 1
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries - 1, 10))
            try:
                await self._visit(address)
                tries, pause = 0, FIRST_PAUSE
            except DFSError as error:
                if isinstance(error, _UNWANTED):
                    pause = UNWANTED_PAUSE
                self._complain(address, error)
            except CancelledError:
                raise
            except Exception:
                pause = UNWANTED_PAUSE
                self._log.failure("the link failed; trying on", log_event="loop_failed")
            # Not all servers of a cluster at the same moment.
            share = int.from_bytes(self._entropy(2)) / 65_536
            await deferLater(self._clock, pause * (0.5 + share / 2))

    async def _visit(self, address: str) -> None:
        """
        Register with a name server and stay as long as it is there.

        @raise DFSError: it cannot be reached, or does not want us.
        """
        dialling = Deferred.fromCoroutine(self._arrive(address))
        dialling.addTimeout(REGISTER_SECONDS, self._clock, _too_late)
        connection, answer = await dialling
        over: Deferred[None] = Deferred()
        self._over = over
        self._connection = connection
        self._parted = False
        connection.when_lost().addCallback(lambda _: self._drop(connection, "it was closed"))
        self._complaint = ""
        self._log.info(
            "registered with the name server at {address}",
            log_event="registered",
            address=address,
            epoch=answer.epoch,
            noted=answer.noted,
        )
        self._notes.begin(connection, answer.noted, lambda why: self._drop(connection, str(why)))
        self._silence = answer.heartbeat * UNANSWERED
        beating = steady(self._clock, answer.heartbeat, self.beat)
        beating.startService()
        try:
            await over
        finally:
            beating.stopService()
            self._connection = None
            self._notes.end()
            connection.close(abort=True)

    async def _arrive(self, address: str) -> tuple[Connection, Registered]:
        connection = await self._connect(address)
        try:
            await greet(
                connection,
                role="ss",
                name=self._membership.name,
                peer_role="nm",
                secret=self._secret,
                entropy=self._entropy,
            )
            answer = await connection.ask(self._registration(), timeout=None)
            # Nothing is obeyed before it is durable.
            await self._membership.join(answer.cluster_id, answer.epoch, home=answer.home)
        except BaseException:
            connection.close(abort=True)
            raise
        self._serving.lease.seconds = answer.lease
        return connection, answer

    async def _connect(self, address: str) -> Connection:
        try:
            return await self._dial(address)
        except (DFSError, CancelledError):
            raise
        except Exception as error:
            raise Unavailable(str(error) or type(error).__name__) from error

    def _registration(self) -> SSRegister:
        documents, size = self._store.counts()
        identity = self._store.identity()
        return SSRegister(
            address=self._advertised(),
            store_id=identity.store_id,
            cluster_id=identity.cluster_id,
            epoch=identity.epoch,
            last_seq=self._store.last_seq(),
            documents=documents,
            size=size,
            folders=self._store.folders_number(),
        )

    def ask(self, request: Request[A]) -> Deferred[A]:
        """
        Ask the name server something, however long that takes.

        @raise Unavailable: it is not there, or lost before it answered (Deferred failure).
        """
        if self._connection is None:
            return fail(Unavailable("the name server is not there"))
        return self._connection.ask(request, timeout=None)

    # -------------------------------------------------------------------------- heartbeats

    def beat(self) -> None:
        """Ask now whether to serve, if there is anybody to ask."""
        connection = self._connection
        if connection is None or self._parted:
            return
        documents, size = self._store.counts()
        beat = self._serving.beat()
        heartbeat = Heartbeat(self._membership.epoch, documents, size)
        asked = connection.ask(heartbeat, timeout=self._silence)
        asked.addCallback(self._heard, beat)
        asked.addErrback(self._unheard, connection)

    def _heard(self, answer: Beaten, beat: Beat) -> Deferred[None] | None:
        try:
            waiting = self._membership.obey(answer.epoch)
        except Moved:
            return None  # an order has brought a newer epoch meanwhile
        if waiting is None:
            self._serving.told(beat, answer)
            return None
        return waiting.addCallback(lambda _: self._serving.told(beat, answer))

    def _sweep(self) -> None:
        self._notes.sweep()
        self._serving.watch()

    def _unheard(self, failure: Failure, connection: Connection) -> None:
        self._drop(connection, failure.getErrorMessage())

    def _drop(self, connection: Connection, why: str) -> None:
        """Give a connection up, once."""
        if connection is not self._connection:
            return
        self._log.warn(
            "the connection to the name server is over: {reason}",
            log_event="name_server_lost",
            reason=why,
        )
        self._connection = None
        assert self._over is not None
        self._over.callback(None)

    # ----------------------------------------------------------------------------- telling

    def _complain(self, address: str, error: DFSError) -> None:
        """Say once why there is no name server."""
        complaint = f"{error.code} {error}"
        if complaint == self._complaint:
            return
        self._complaint = complaint
        unwanted = isinstance(error, _UNWANTED)
        tell = self._log.error if unwanted else self._log.info
        tell(
            "no name server at {address}: {code} {reason}; trying on",
            log_event="registration_refused" if unwanted else "name_server_awaited",
            address=address,
            code=error.code,
            reason=str(error),
        )

    def _ended(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("the link ended", failure, log_event="loop_failed")


def _too_late(result: object, seconds: float) -> object:
    """The result of dialling and registering that took too long."""
    raise Unavailable(f"no registration within {seconds:g} s")
