"""
All connections of one server: how many there may be, how patient it is, and what is logged.

Decides when a connection is too much.  Must not know what any request does; a
L{dfs.wire.exchange.Receiver} does.
"""

from __future__ import annotations

from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from dfs.errors import Busy, DFSError, Unauthenticated
from dfs.timing import steady
from dfs.wire.crowd import Crowd
from dfs.wire.exchange import Exchange, Outcome, Peer, Receiver
from dfs.wire.limits import Limits
from dfs.wire.protocol import Refused, ServerProtocol
from dfs.wire.refusals import Refusals
from dfs.wire.rounds import Rounds

__all__ = ["Exchange", "Limits", "Outcome", "Peer", "Receiver", "ServerFactory", "ServerProtocol"]

_log = Logger(namespace="dfs.wire")


class ServerFactory(Factory):
    """
    Every connection of one server.

    @ivar limits: see L{Limits}.
    @ivar connections: all that there are.
    @ivar rounds: how they share the time.
    """

    noisy = False

    def __init__(
        self,
        clock: IReactorTime,
        receiver: Receiver,
        limits: Limits | None = None,
        *,
        log_reads: bool = False,
    ) -> None:
        """
        @param log_reads: log also requests that change nothing (level debug).
        """
        self._clock = clock
        self._receiver = receiver
        self._log_reads = log_reads
        self._number = 0
        self.limits = limits or Limits()
        self.connections: set[ServerProtocol] = set()
        self.rounds = Rounds(clock)
        self._crowd = Crowd(self.limits)
        self._refusals = Refusals()
        self._sweeper = steady(clock, 5.0, self._sweep)

    def doStart(self) -> None:
        first = not self.numPorts
        super().doStart()
        if first:
            self._sweeper.startService()

    def doStop(self) -> None:
        super().doStop()
        if not self.numPorts:
            self._sweeper.stopService()

    def buildProtocol(self, addr: IAddress | None) -> ServerProtocol:  # type: ignore[override]
        protocol = ServerProtocol(self._clock, self._receiver, self.limits)
        protocol.factory = self
        return protocol

    def next_number(self) -> int:
        """A number for a connection."""
        self._number += 1
        return self._number

    def admitted(self, protocol: ServerProtocol) -> DFSError | None:
        """A connection has come; why it may not stay, if so."""
        self.connections.add(protocol)
        error = self._crowd.come(protocol.origin)
        if error is not None:
            self.refused(protocol.peer, error)
        return error

    def left(self, protocol: ServerProtocol) -> None:
        """A connection has gone."""
        self.connections.discard(protocol)
        self._crowd.leave(protocol.origin)

    def _sweep(self) -> None:
        """End the connections that ask for too much patience."""
        self._refusals.look()
        now = self._clock.seconds()
        strangers = []
        for protocol in list(self.connections):
            clogged = protocol.stuck_since()
            if clogged is not None:
                if now - clogged > self.limits.stall_seconds:
                    self.refused(protocol.peer, Busy("the answers were not read"))
                    protocol.abort()
            elif not protocol.peer.known:
                strangers.append(protocol)
        strangers.sort(key=lambda protocol: protocol.since)
        surplus = len(strangers) - self.limits.strangers
        for place, protocol in enumerate(strangers):
            late = now - protocol.since > self.limits.login_seconds and not protocol.busy
            if late or place < surplus:
                error = Unauthenticated(
                    f"no LOGIN or HELLO within {self.limits.login_seconds:g} s; connect again"
                )
                self.refused(protocol.peer, error)
                protocol.refuse_all(error)

    def refused(self, peer: Peer, error: DFSError) -> None:
        """Log what was no request at all, unless there is very much of that."""
        if not self._refusals.may_write():
            return
        _log.info(
            "{peer} refused: {code} {reason}",
            log_event="connection_refused",
            peer=peer.address,
            user=peer.user,
            code=error.code,
            reason=str(error),
        )

    def answered(self, exchange: Exchange, outcome: str, message: str) -> None:
        """Log a request and its answer."""
        request = exchange.request
        if outcome == "OK" and not request.changes:
            if not self._log_reads:
                return
            emit = _log.debug
        elif isinstance(request, Refused) or (outcome != "OK" and not self._refusals.may_write()):
            return
        else:
            emit = _log.info
        emit(
            "{peer} {user} {verb} {document} {outcome} {message} {ms} ms",
            log_event="request",
            peer=exchange.peer.address,
            user=exchange.peer.user or exchange.peer.machine,
            verb=request.verb,
            document=request.subject,
            outcome=outcome,
            message=message,
            ms=round((self._clock.seconds() - exchange.started) * 1000, 3),
        )
