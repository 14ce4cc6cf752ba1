"""
The way of an order to the name server.

Decides which name server gets it, and what is told when nobody knows whether it was done.  Must not
know what orders there are, nor the reactor: clock, chance, dialling and reading are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.interfaces import IReactorTime

from dfs.client.failures import NoNameServer, Unanswered
from dfs.client.links import CONNECT_SECONDS, Dial
from dfs.errors import Busy, NotFound, Unauthenticated, Unavailable
from dfs.wire.client import Connection
from dfs.wire.greeting import greet
from dfs.wire.messages import Admin

#: Seconds that an order may take: a server that is drained finishes what people do there.
ORDER_SECONDS = 120.0


@frozen
class Operator:
    """
    Somebody who may read the secret of the cluster.

    @ivar name_servers: C{host:port} each, tried in turn.
    @ivar name: who it is, for the log of the name server.
    @ivar entropy: so many random bytes.
    @ivar read_secret: the secret in a file; None if there is no such file.
    """

    clock: IReactorTime
    dial: Dial
    name_servers: Sequence[str]
    name: str
    entropy: Callable[[int], bytes]
    read_secret: Callable[[str], bytes | None]

    async def order(self, request: Admin, secret_file: str) -> None:
        """
        Have something done.

        @raise NotFound: there is no secret.
        @raise Unauthenticated: it is not that of this cluster.
        @raise NoNameServer: none answers.
        @raise Unanswered: whether it was done is not known.
        """
        secret = self.read_secret(secret_file)
        if secret is None:
            raise NotFound(
                f"there is no file {secret_file}: say --secret FILE; the name server has one"
            )
        connection = await self._greeted(secret, secret_file)
        try:
            await connection.ask(request, None, None).addTimeout(ORDER_SECONDS, self.clock)
        except (TimedOut, Unavailable) as error:
            if isinstance(error, TimedOut) or connection.lost:
                raise Unanswered(
                    "the name server was lost before it answered; whether it was done is not "
                    "known: SERVERS tells"
                ) from None
            raise
        finally:
            connection.close()

    async def _greeted(self, secret: bytes, secret_file: str) -> Connection:
        """A connection to the first name server that answers."""
        complaints: list[str] = []
        for address in self.name_servers:
            try:
                connection = await self.dial(address).addTimeout(CONNECT_SECONDS, self.clock)
            except CancelledError:
                raise
            except Exception as error:
                complaints.append(f"{address}: {error or type(error).__name__}")
                continue
            greeting: Deferred[Any] = Deferred.fromCoroutine(
                greet(
                    connection,
                    role="admin",
                    name=self.name,
                    peer_role="nm",
                    secret=secret,
                    entropy=self.entropy,
                )
            )
            try:
                await greeting.addTimeout(CONNECT_SECONDS, self.clock)
            except Unauthenticated:
                connection.close()
                raise Unauthenticated(
                    f"{address} does not know the secret in {secret_file}, or is no name server"
                ) from None
            except (Unavailable, Busy, TimedOut) as error:
                connection.close()
                complaints.append(f"{address}: {error or 'it does not answer'}")
            except BaseException:
                connection.close()
                raise
            else:
                return connection
        raise NoNameServer("; ".join(complaints))
