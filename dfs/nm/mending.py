"""
MEND: a damaged content of one member gets the bytes that the other one has.

Decides who is asked for them.  Nothing is kept here: whoever misses something asks again.  Must not
know documents; a content is named by its hash.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.errors import Unavailable
from dfs.nm.fleet import Fleet, Server
from dfs.nm.relay import Relay, content_from
from dfs.wire.exchange import Exchange
from dfs.wire.messages import GetContent, Mend, PutContent, Request
from dfs.wire.reception import Handler


@define(eq=False)
class Mender:
    """
    Has contents brought.

    @ivar _running: what is on its way; each server asks for one at a time.
    """

    _fleet: Fleet
    _clock: IReactorTime
    _running: set[Deferred[None]] = field(factory=set, init=False)
    _log = Logger(namespace="dfs.nm")

    def handlers(self) -> dict[type[Request[Any]], Handler]:
        """Which method answers what."""
        return {Mend: self.mend}

    def stop(self) -> None:
        """End everything."""
        for one in list(self._running):
            one.cancel()

    def mend(self, request: Mend, exchange: Exchange) -> Deferred[None]:
        """
        Bring a content to the server that asks for it.

        @raise Unavailable: nobody else is here who could have it.
        @raise DFSError: what one of them answered.
        """
        target = self._fleet.speaker(exchange.peer)
        mending: Deferred[None] = Deferred.fromCoroutine(self._mend(request.sha256, target))
        self._running.add(mending)
        return mending.addBoth(self._over, mending)

    def _over(self, result: Failure | None, mending: Deferred[None]) -> None:
        self._running.discard(mending)
        if isinstance(result, Failure):
            if result.check(CancelledError):
                raise Unavailable("the name server stops")
            result.raiseException()

    async def _mend(self, sha256: str, target: Server) -> None:
        source = self._other(target)
        epoch = target.place.pair.epoch
        relay = Relay(self._clock, source.link.another, target.link.another)
        asked = GetContent(sha256, epoch)
        await relay.run(
            PutContent(sha256, epoch), lambda connection: content_from(connection, asked)
        )
        self._log.info(
            "{server} got back what was damaged on its disk, {bytes} bytes from {source}",
            log_event="content_mended",
            server=target.name,
            source=source.name,
            sha256=sha256,
            bytes=relay.size,
        )

    def _other(self, server: Server) -> Server:
        pair = server.place.pair
        name = pair.backup if server.name == pair.home else pair.home
        other = self._fleet.servers.get(name)
        if other is None or not other.here:
            raise Unavailable(f"nobody else is here who could have it; {name} is not")
        return other
