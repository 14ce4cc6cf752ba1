"""
PUT, APPEND, UNDO, REDO and the editing verbs: what people change.

Decides when a change is refused and what is answered.  Must not know how a change becomes durable,
nor how a sentence is edited.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import define

from dfs.core import history
from dfs.core.access import Right
from dfs.core.documents import Content, Document
from dfs.core.editing import MAX_EDIT_BYTES
from dfs.core.tickets import Ticket
from dfs.errors import Invalid
from dfs.ss.admission import Admission
from dfs.ss.changes import Changes, Outcome
from dfs.ss.contents import coming, cut, gathered, joined, keep, pieces_of
from dfs.ss.drafting import Drafting
from dfs.ss.intake import Intake, Share
from dfs.ss.sessions import Sessions
from dfs.store.interfaces import INLINE_BYTES, IStore
from dfs.wire.exchange import Exchange
from dfs.wire.messages import (
    Abort,
    Append,
    Committed,
    Edit,
    Etirw,
    Opened,
    Put,
    Redo,
    Sentence,
    Undo,
    Write,
)

#: Bytes that one APPEND may bring; they are held in memory until it is their turn.
APPEND_BYTES = 16 * 1024 * 1024


def committed(outcome: Outcome) -> Committed:
    """What a writer is told."""
    document = outcome.document
    figures = document.current.content.measure
    version = str(document.version)
    return Committed(version, figures.size, figures.words, figures.characters, outcome.solo)


@define(eq=False)
class Writing:
    """Answers those who write."""

    _store: IStore
    _admission: Admission
    _changes: Changes
    _drafting: Drafting
    _sessions: Sessions
    _intake: Intake

    async def put(self, request: Put, exchange: Exchange) -> Committed:
        """Replace the text; what was uploaded is nowhere before it is committed."""
        ticket = self._admission.verify(request.ticket)
        body, source = exchange.body, exchange.content
        if body is not None:
            self._drafting.check_size(len(body))
            return await self._put(ticket, body, history.content_of(body))
        if source is None:
            raise Invalid("PUT is followed by content: end its line with bytes= and how many")
        # All this is asked again at the end; it is asked now to spare the upload.
        self._replaceable(ticket)
        self._drafting.check_size(source.size or 0)
        # The store makes a hash of it, in a thread; that is compared, so one is enough.
        source.leave_hash()
        pieces = coming(source, self._drafting.max_document)

        async def confirmed(content: Content) -> Committed:
            source.confirm(content.sha256.hex())
            return await self._put(ticket, None, content)

        return await keep(self._store, source.size, pieces, confirmed)

    async def _put(self, ticket: Ticket, data: bytes | None, content: Content) -> Committed:
        job = partial(self._replace, ticket, data, content)
        return committed(await self._changes.change(ticket.document, job))

    async def _replace(self, ticket: Ticket, data: bytes | None, content: Content) -> Outcome:
        document = self._replaceable(ticket)
        return await self._changes.write(document, content, ticket.user, data)

    async def append(self, request: Append, exchange: Exchange) -> Committed:
        """Add bytes at the end."""
        ticket = self._admission.verify(request.ticket)
        self._admission.head(ticket, Right.WRITE)
        with Share(self._intake) as share:
            addition = await gathered(request.text, exchange, APPEND_BYTES, share.take)
            job = partial(self._append, ticket, addition)
            return committed(await self._changes.change(ticket.document, job))

    async def _append(self, ticket: Ticket, addition: bytes) -> Outcome:
        document = self._writable(ticket)
        if not addition:
            return Outcome(document)
        old = document.current.content
        size = old.size + len(addition)
        self._drafting.check_size(size)
        if self._sessions.locked(document.id):
            # Then it is small enough to have been opened for editing.
            spans = await self._drafting.touched(old, addition)
            self._sessions.may_touch(document.id, spans)
        if size <= INLINE_BYTES:
            data = (self._store.small(old) or b"") + addition
            new = history.content_of(data)
            return await self._changes.write(document, new, ticket.user, data)
        return await self._append_large(document, addition, ticket.user)

    async def _append_large(self, document: Document, addition: bytes, user: str) -> Outcome:
        """Nothing of the old text is kept in memory."""
        old = document.current.content
        reader = self._store.reader(old)
        try:
            pieces = joined(pieces_of(reader), cut(addition))
            return await keep(
                self._store,
                old.size + len(addition),
                pieces,
                lambda new: self._changes.write(document, new, user),
            )
        finally:
            reader.close()

    async def undo(self, request: Undo, exchange: Exchange) -> Committed:
        """Take the last change back."""
        return await self._step(request.ticket, history.undone)

    async def redo(self, request: Redo, exchange: Exchange) -> Committed:
        """Bring back what UNDO took."""
        return await self._step(request.ticket, history.redone)

    async def _step(
        self, text: str, step: Callable[[Document, history.Stamp], Document]
    ) -> Committed:
        ticket = self._admission.verify(text)

        async def job() -> Outcome:
            document = self._replaceable(ticket)
            return await self._changes.commit(step(document, self._changes.stamp(ticket.user)))

        return committed(await self._changes.change(ticket.document, job))

    async def write(self, request: Write, exchange: Exchange) -> Opened:
        """Lock a sentence."""
        ticket = self._admission.verify(request.ticket)
        return await self._sessions.open(ticket, request.sentence, exchange)

    async def edit(self, request: Edit, exchange: Exchange) -> Sentence:
        """Insert before a word."""
        with Share(self._intake) as share:
            text = await gathered(request.text, exchange, MAX_EDIT_BYTES, share.take)
            edited = self._sessions.edit(exchange.peer, request.session, request.word, text)
            return edited if isinstance(edited, Sentence) else await edited

    async def etirw(self, request: Etirw, exchange: Exchange) -> Committed:
        """Commit a session."""
        return committed(await self._sessions.commit(exchange.peer, request.session))

    def abort(self, request: Abort, exchange: Exchange) -> None:
        """Give a session up."""
        self._sessions.abort(exchange.peer, request.session)

    def _writable(self, ticket: Ticket) -> Document:
        """The document as it is when it is this writer's turn, who may be none any more."""
        document = self._admission.document(ticket, Right.WRITE)
        self._changes.serving.may_begin()
        return document

    def _replaceable(self, ticket: Ticket) -> Document:
        document = self._writable(ticket)
        self._sessions.may_replace(ticket.document)
        return document
