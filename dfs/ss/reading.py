"""
READ, STREAM, STAT: what changes nothing.

Decides that a reader gets one committed text, whole and undamaged, and that reading writes nothing
but who read last.  Must not know how documents change.
"""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any

from attrs import define

from dfs.core.access import Right
from dfs.core.documents import Content
from dfs.core.history import CONFLICT
from dfs.core.tickets import Ticket
from dfs.errors import Busy, NotFound
from dfs.ss.admission import Admission
from dfs.ss.readers import Readers
from dfs.ss.sessions import Sessions
from dfs.ss.streaming import Streams, check
from dfs.store.interfaces import Access, IReader, IStore
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
    _readers: Readers

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
            return self._readers.send(partial(self._open, ticket), exchange)
        self._read_by(ticket)
        if data:
            exchange.data(data)
        return Stop(len(data), content.sha256.hex())

    async def stream(self, request: Stream, exchange: Exchange) -> Stop:
        """Send the text word by word."""
        check(request)
        ticket = self._admission.verify(request.ticket)
        content, reader = self._open(ticket)
        return await self._streams.stream(request, content, reader, exchange)

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

    def _open(self, ticket: Ticket) -> tuple[Content, IReader]:
        """
        Open the present text, for somebody who is noted as its last reader.

        A commit may come between looking a document up and opening its text, and the text be
        forgotten; then there is another one.
        """
        for _ in range(TRIES):
            content = self._admission.head(ticket, Right.READ).current.content
            try:
                reader = self._store.reader(content)
            except NotFound:
                continue
            self._read_by(ticket)
            return content, reader
        raise Busy("the document changes too fast; try again in a moment")

    def _read_by(self, ticket: Ticket) -> None:
        self._store.accessed(ticket.document, Access(self._admission.wall(), ticket.user))

    def _locks(self, document_id: str) -> list[str]:
        return [
            f"{lock.user} {datetime.fromtimestamp(lock.since, UTC):%Y-%m-%dT%H:%M:%SZ} {label}"
            for lock, label in self._sessions.held(document_id)
        ]
