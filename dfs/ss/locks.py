"""
Who holds which sentence here, and for how long: for the name server and for operators.

Decides what is told of a lock, and how many are told.  Must not know who may lock what.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import nsmallest

from attrs import define

from dfs.core.folders import path_of
from dfs.errors import Unauthorized
from dfs.ss.sessions import Session, Sessions
from dfs.store.interfaces import IStore
from dfs.wire.exchange import Exchange
from dfs.wire.locks import LockLine, Locks
from dfs.wire.messages import Count

#: Locks that are told at most.
MOST = 1_000


@define(eq=False)
class LockList:
    """
    LOCKS.

    @ivar _now: seconds on the clock of the sessions.
    """

    _store: IStore
    _sessions: Sessions
    _now: Callable[[], float]

    def locks(self, request: Locks, exchange: Exchange) -> Count:
        """Answer the name server."""
        if exchange.peer.role != "nm":
            raise Unauthorized("only the name server may ask this")
        lines, total = self.lines(request.most, request.id)
        for line in lines:
            exchange.item(line)
        return Count(total)

    def lines(self, most: int, document: str = "") -> tuple[list[LockLine], int]:
        """
        The locks that were taken first, and how many there are in all.

        @param document: of this one only, unless it is empty.
        """
        held = [one for one in self._sessions.all() if document in ("", one.document)]
        first = nsmallest(max(0, min(most, MOST)), held, key=lambda one: one.since)
        return [self._line(one) for one in first], len(held)

    def _line(self, session: Session) -> LockLine:
        now = self._now()
        idle = now - session.touched
        return LockLine(
            session.document,
            self.path(session.document),
            session.ticket.user,
            session.id,
            round(now - session.since, 1),
            round(idle, 1),
            round(max(0.0, self._sessions.timeout - idle), 1),
            session.label,
        )

    def path(self, document: str) -> str:
        """Where a document stands, as far as this server was told."""
        head = self._store.head(document)
        if head is None:
            return ""
        metadata = head.metadata
        return path_of(metadata.folder, metadata.name, self._store.folder) or metadata.name
