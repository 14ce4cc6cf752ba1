"""
READ, STREAM, STAT: what changes nothing.

Decides that a reader gets one committed text, whole and undamaged, and that reading writes nothing
but who read last.  Must not know how documents change.
"""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from attrs import define

from dfs.core.access import Right
from dfs.core.history import CONFLICT
from dfs.core.tickets import Ticket
from dfs.errors import Busy, NotFound
from dfs.ss.admission import Admission
from dfs.ss.contents import send
from dfs.ss.sessions import Sessions
from dfs.ss.streaming import Streams, check
from dfs.store.interfaces import Access, Head, IReader, IStore
from dfs.wire.exchange import Exchange
from dfs.wire.messages import Facts, Read, Stat, Stop, Stream

#: How often a text that vanished between looking it up and opening it is looked up again.
TRIES = 5


@define(eq=False)
class Reading:
    """Answers those who read."""

    _store: IStore
    _admission: Admission
    _sessions: Sessions
    _streams: Streams

    def read(self, request: Read, exchange: Exchange) -> Stop | Coroutine[Any, Any, Stop]:
        """Send the whole text; a small one at once."""
        ticket = self._admission.verify(request.ticket)
        head = self._admission.head(ticket, Right.READ)
        content = head.current.content
        try:
            data = self._store.small(content)
        except NotFound:
            data = None  # replaced this moment: see _open
        if data is None:
            return self._read_large(ticket, head, exchange)
        self._read_by(ticket)
        if data:
            exchange.data(data)
        return Stop(len(data), content.sha256.hex())

    async def stream(self, request: Stream, exchange: Exchange) -> Stop:
        """Send the text word by word."""
        check(request)
        ticket = self._admission.verify(request.ticket)
        head = self._admission.head(ticket, Right.READ)
        _, reader = self._open(ticket, head)
        self._read_by(ticket)
        return await self._streams.stream(request, reader, exchange)

    def stat(self, request: Stat, exchange: Exchange) -> Facts:
        """Everything about a document, from where it is known exactly."""
        ticket = self._admission.verify(request.ticket)
        document = self._admission.document(ticket, Right.READ)
        figures = document.current.content.measure
        access = self._store.last_access(document.id)
        tags = [checkpoint.tag for checkpoint in document.checkpoints]
        return Facts(
            version=str(document.version),
            size=figures.size,
            words=figures.words,
            characters=figures.characters,
            sentences=figures.sentences,
            is_text=figures.is_text,
            sha256=document.current.content.sha256.hex(),
            modified=document.current.modified,
            modified_by=document.current.modified_by,
            accessed=access.when if access else 0.0,
            accessed_by=access.user if access else "",
            undo=len(document.undo),
            redo=len(document.redo),
            locks=tuple(self._locks(document.id)),
            checkpoints=tuple(tags),
            conflicts=tuple(tag for tag in tags if tag.startswith(CONFLICT)),
        )

    async def _read_large(self, ticket: Ticket, head: Head, exchange: Exchange) -> Stop:
        head, reader = self._open(ticket, head)
        self._read_by(ticket)
        return await send(reader, head.current.content, exchange)

    def _open(self, ticket: Ticket, head: Head) -> tuple[Head, IReader]:
        """
        Open the present text.

        A commit may come between looking a document up and opening its text, and the text be
        forgotten; then there is another one.
        """
        for _ in range(TRIES):
            try:
                return head, self._store.reader(head.current.content)
            except NotFound:
                head = self._admission.head(ticket, Right.READ)
        raise Busy("the document changes too fast; try again in a moment")

    def _read_by(self, ticket: Ticket) -> None:
        self._store.accessed(ticket.document, Access(self._admission.wall(), ticket.user))

    def _locks(self, document_id: str) -> list[str]:
        return [
            f"{lock.user} {datetime.fromtimestamp(lock.since, UTC):%Y-%m-%dT%H:%M:%SZ} {label}"
            for lock, label in self._sessions.held(document_id)
        ]
