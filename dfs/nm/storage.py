"""
The name server's own connection to one storage server.

Decides that there is one, that it is made again when it is lost, and that nobody waits for ever
for an answer through it.  Must not know what is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.errors import Busy, DFSError, TooLarge, Unavailable
from dfs.wire.client import Connection
from dfs.wire.messages import Record, Request

A = TypeVar("A", bound=Record)

#: Seconds to connect and to greet.
REACH_SECONDS = 5.0

#: Seconds before the first new try after a failed one; doubled from try to try.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0

#: Questions that may be on their way; more are refused.
OUTSTANDING = 10_000


class NoAnswer(Unavailable):
    """A storage server was asked and did not answer: it may have done what was asked."""


@define(eq=False)
class StorageLink:
    """
    One greeted connection, or the attempt to have one.

    @ivar name: of the storage server.
    @ivar _reach: connects to an address and makes sure that the server of that name answers.
    @ivar _ready: called with the name each time the connection is there.
    """

    name: str
    _clock: IReactorTime
    _reach: Callable[[str, str], Deferred[Connection]]
    _ready: Callable[[str], None]
    address: str = field(default="", init=False)
    _connection: Connection | None = field(default=None, init=False)
    _keeper: Deferred[None] | None = field(default=None, init=False)
    _trying: bool = field(default=False, init=False)
    _waiting: list[Deferred[Connection]] = field(factory=list, init=False)
    _outstanding: int = field(default=0, init=False)
    _log = Logger(namespace="dfs.nm")

    @property
    def connected(self) -> bool:
        """Questions can be asked without waiting."""
        return self._connection is not None

    def aim(self, address: str) -> None:
        """Be connected to this address; tried at once if there is no connection to it now."""
        if self._connection is not None and not self._connection.lost and address == self.address:
            return
        self.stop()
        self.address = address
        self._trying = True
        self._keeper = Deferred.fromCoroutine(self._keep())
        self._keeper.addErrback(self._ended)

    def stop(self) -> None:
        """Be connected to nothing; what was asked fails."""
        keeper, self._keeper = self._keeper, None
        connection, self._connection = self._connection, None
        self._trying = False
        if keeper is not None:
            keeper.cancel()
        if connection is not None:
            connection.close()
        self._fail(Unavailable(f"{self.name} is away; try again later"))

    def another(self) -> Deferred[Connection]:
        """
        One more connection to the same server, for something large; whoever asks closes it.

        @raise Unavailable: it cannot be reached (Deferred failure).
        """
        reaching = self._reach(self.name, self.address)
        reaching.addTimeout(REACH_SECONDS, self._clock)
        return reaching.addErrback(self._unreached)

    def _unreached(self, failure: Failure) -> Connection:
        if failure.check(CancelledError, DFSError):
            failure.raiseException()
        raise Unavailable(f"{self.name} cannot be reached: {_why(failure.value)}")

    async def content(
        self, request: Request[Any], seconds: float, most: int | None = None
    ) -> bytes:
        """
        Ask the storage server for content that fits into memory.

        @param most: bytes that are taken.
        @raise TooLarge: there are more.
        @raise DFSError: as L{ask}.
        """
        connection = await self._connected_one()
        contents = connection.ask_content(request, None)
        pieces: list[bytes] = []
        try:
            while piece := await contents.read().addTimeout(seconds, self._clock):
                pieces.append(piece)
                if most is not None and contents.size > most:
                    raise TooLarge(f"there are more than {most} bytes")
        except TimeoutError:
            raise self._silent(connection, seconds) from None
        finally:
            contents.close()
        return b"".join(pieces)

    async def items(self, request: Request[Any], seconds: float) -> list[Any]:
        """
        Ask the storage server for a list that fits into memory.

        @param seconds: for all of it.
        @raise DFSError: as L{ask}.
        """
        connection = await self._connected_one()
        items = connection.ask_items(request, None)
        end = self._clock.seconds() + seconds
        found: list[Any] = []
        try:
            while True:
                left = max(0.0, end - self._clock.seconds())
                batch = await items.read().addTimeout(left, self._clock)
                if not batch:
                    return found
                found += batch
        except TimeoutError:
            raise NoAnswer(f"{self.name} did not answer within {seconds:g} s") from None
        finally:
            items.close()

    async def ask(self, request: Request[A], seconds: float, body: bytes | None = None) -> A:
        """
        Ask the storage server.

        @param seconds: for its answer; reaching it has a limit of its own.
        @param body: content to send along.
        @raise NoAnswer: it did not answer; whether it did what was asked is not known.
        @raise Unavailable: it cannot be reached, or so it answered; it did nothing.
        @raise Busy: too much was asked already.
        @raise DFSError: what it answered.
        """
        if self._outstanding >= OUTSTANDING:
            raise Busy(f"{self.name} has too much to do; try again in a moment")
        self._outstanding += 1
        try:
            return await self._ask(await self._connected_one(), request, seconds, body)
        finally:
            self._outstanding -= 1

    async def _connected_one(self) -> Connection:
        connection = self._connection
        if connection is None or connection.lost:
            connection = await self._connecting()
        return connection

    def _silent(self, connection: Connection, seconds: float) -> NoAnswer:
        # A new connection finds out whether anybody is there; this one may be dead for long.
        connection.close(abort=True)
        return NoAnswer(f"{self.name} did not answer within {seconds:g} s")

    async def _ask(
        self, connection: Connection, request: Request[A], seconds: float, body: bytes | None
    ) -> A:
        try:
            answer = connection.ask(request, body, timeout=None)
            return await answer.addTimeout(seconds, self._clock)
        except TimeoutError:
            raise self._silent(connection, seconds) from None
        except Unavailable as error:
            if connection.lost:
                raise NoAnswer(f"{self.name} was lost before it answered") from error
            raise

    def _connecting(self) -> Deferred[Connection]:
        waiting: Deferred[Connection] = Deferred()
        if self._trying:
            self._waiting.append(waiting)
        else:
            waiting.errback(Unavailable(f"{self.name} cannot be reached; try again later"))
        return waiting

    async def _keep(self) -> None:
        """Connect, wait for the end, connect again, until cancelled."""
        pause = FIRST_PAUSE
        told = False
        while True:
            self._trying = True
            try:
                reaching = self._reach(self.name, self.address)
                connection = await reaching.addTimeout(REACH_SECONDS, self._clock)
            except Exception as error:
                if not self._trying:
                    raise  # cancelled by stop()
                self._trying = False
                self._complain(error, told)
                told = True
                await deferLater(self._clock, pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause, told = FIRST_PAUSE, False
            self._connected(connection)
            await connection.when_lost()
            self._connection = None

    def _ended(self, failure: Failure) -> None:
        """The attempts are over: because of stop(), or of a defect."""
        if not failure.check(CancelledError):
            self._log.failure(
                "{server} is given up",
                failure,
                log_event="internal_error",
                server=self.name,
            )

    def _connected(self, connection: Connection) -> None:
        self._trying = False
        self._connection = connection
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(connection)
        self._ready(self.name)

    def _complain(self, error: Exception, told: bool) -> None:
        """Somebody may be waiting; and the log is told once for each outage."""
        if not told:
            self._log.warn(
                "{server} cannot be reached at {address}: {reason}",
                log_event="ss_unreachable",
                server=self.name,
                address=self.address,
                reason=_why(error),
            )
        self._fail(Unavailable(f"{self.name} cannot be reached at {self.address}; try again later"))

    def _fail(self, error: Unavailable) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.errback(error)


def _why(error: BaseException | None) -> str:
    """What stands in the way of a connection."""
    if isinstance(error, TimeoutError):
        return f"no answer within {REACH_SECONDS:g} s"  # its own text is of no use to anybody
    return str(error) or type(error).__name__
