"""
The connections of one session.

Decides who shares a connection, which name server is tried next, and when a connection is made
again.  Must not know what is asked on them, nor what a network is: dialling is an argument.

Everything small shares one connection to a name server and one to each storage server.  A bulk
transfer borrows a connection of its own, so that nothing small waits behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.interfaces import IReactorTime

from dfs.client.failures import NoNameServer, Unreachable
from dfs.errors import Busy, DFSError, Unavailable
from dfs.wire.client import Connection
from dfs.wire.greeting import greet_as_client

#: What connects to C{host:port}; an argument of everything that needs connections.
Dial = Callable[[str], Deferred[Connection]]

#: Seconds for making a connection and for the greeting on it.
CONNECT_SECONDS = 2.0

#: Borrowed connections that are kept for the next borrower, for each server.
MOST_IDLE = 2


class Shared:
    """
    One connection that many use: made when it is first wanted, and again after it was lost.
    """

    def __init__(self, make: Callable[[], Coroutine[Deferred[Any], Any, Connection]]) -> None:
        self._make = make
        self._connection: Connection | None = None
        self._making: Deferred[None] | None = None
        self._waiting: list[Deferred[Connection]] = []

    def get(self) -> Deferred[Connection]:
        """A connection that was not lost when last heard of."""
        waiting: Deferred[Connection] = Deferred(self._waiting_no_more)
        if self._connection is not None and not self._connection.lost:
            waiting.callback(self._connection)
            return waiting
        self._waiting.append(waiting)
        if self._making is None:
            making = Deferred.fromCoroutine(self._make())
            self._making = making.addCallbacks(self._made, self._failed)
            if making.called:
                # It was over before it could be noted that it had begun.
                self._making = None
        return waiting

    def close(self) -> None:
        """End it; whoever waits for it is told."""
        if self._making is not None:
            self._making.cancel()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _waiting_no_more(self, waiting: Deferred[Connection]) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    def _made(self, connection: Connection) -> None:
        self._making = None
        self._connection = connection
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(connection)

    def _failed(self, reason: Any) -> None:
        self._making = None
        error = reason.value
        if not isinstance(error, DFSError):
            error = Unavailable(f"no connection: {reason.getErrorMessage()}")
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.errback(error)


class Links:
    """Every connection of one user's session."""

    def __init__(
        self,
        clock: IReactorTime,
        dial: Dial,
        name_servers: Sequence[str],
        user: str,
        session: str,
    ) -> None:
        """
        @param session: says to servers that the newest shared connection takes the place of the
            ones before; see L{dfs.wire.reconnects}.
        @param name_servers: C{host:port} each; the one that answered last is tried first.
        """
        self._clock = clock
        self._dial = dial
        self._name_servers = list(name_servers)
        self._user = user
        self._session = session
        self._name_server = Shared(lambda: self._find_name_server(session))
        self._storage: dict[str, Shared] = {}
        self._idle: dict[str, list[Connection]] = {}
        self._borrowed: set[Connection] = set()

    def name_server(self) -> Deferred[Connection]:
        """
        The shared connection to a name server.

        @raise NoNameServer: none could be reached (Deferred failure).
        """
        return self._name_server.get()

    def storage(self, address: str) -> Deferred[Connection]:
        """
        The shared connection to a storage server.

        @raise Unreachable: there is nobody (Deferred failure).
        """
        shared = self._storage.get(address)
        if shared is None:
            shared = self._storage[address] = Shared(
                lambda: self._greeted(address, "ss", self._session)
            )
        return shared.get()

    async def borrow(self, address: str) -> Connection:
        """A connection to a storage server that nobody else uses until it is given back."""
        idle = self._idle.get(address, [])
        while idle:
            connection = idle.pop()
            if not connection.lost:
                break
        else:
            connection = await self._greeted(address, "ss")
        self._borrowed.add(connection)
        return connection

    async def borrow_name_server(self) -> Connection:
        """
        A connection to a name server that nobody else uses; L{drop} ends it.

        @raise NoNameServer: none could be reached.
        """
        connection = await self._find_name_server()
        self._borrowed.add(connection)
        return connection

    def give_back(self, address: str, connection: Connection) -> None:
        """A borrowed connection is free again."""
        self._borrowed.discard(connection)
        idle = self._idle.setdefault(address, [])
        idle[:] = [other for other in idle if not other.lost]
        if connection.lost or len(idle) >= MOST_IDLE:
            connection.close()
        else:
            idle.append(connection)

    def drop(self, connection: Connection) -> None:
        """End a borrowed connection that is in the middle of something."""
        self._borrowed.discard(connection)
        connection.close(abort=True)

    def close(self) -> None:
        """End every connection."""
        self._name_server.close()
        for shared in self._storage.values():
            shared.close()
        for connection in list(self._borrowed):
            connection.close(abort=True)
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._borrowed.clear()
        self._idle.clear()
        self._storage.clear()

    async def _find_name_server(self, session: str = "") -> Connection:
        complaints: list[DFSError] = []
        for address in list(self._name_servers):
            try:
                connection = await self._greeted(address, "nm", session)
            except (Unreachable, Busy) as error:
                complaints.append(error)
                # Next time the others come first.
                self._name_servers.remove(address)
                self._name_servers.append(address)
            else:
                return connection
        for complaint in complaints:
            if isinstance(complaint, Busy):
                raise complaint
        raise NoNameServer("; ".join(str(complaint) for complaint in complaints))

    async def _greeted(self, address: str, role: str, session: str = "") -> Connection:
        """
        Connect, and say who we are.

        @raise Unreachable: nobody answered, or somebody else than expected.
        """
        try:
            connection = await self._dial(address).addTimeout(CONNECT_SECONDS, self._clock)
        except CancelledError:
            raise
        except Exception as error:
            why = (
                f"no answer in {CONNECT_SECONDS:g} s"
                if isinstance(error, TimedOut)
                else _reason(error)
            )
            raise Unreachable(f"cannot reach {address}: {why}") from None
        try:
            greeting = Deferred.fromCoroutine(greet_as_client(connection, self._user, session))
            welcome = await greeting.addTimeout(CONNECT_SECONDS, self._clock)
        except (Unavailable, TimedOut) as error:
            connection.close()
            why = "it does not answer" if isinstance(error, TimedOut) else str(error)
            raise Unreachable(f"no greeting from {address}: {why}") from None
        except BaseException:
            connection.close()
            raise
        if welcome.role != role:
            connection.close()
            raise Unreachable(f"{address} is no {_ROLES[role]} but says it is {welcome.role!r}")
        return connection


_ROLES = {"nm": "name server", "ss": "storage server"}


def _reason(error: Exception) -> str:
    """What Twisted says about a connection that was not made, without its decorations."""
    text = str(error) or type(error).__name__
    return text.rstrip(".")
