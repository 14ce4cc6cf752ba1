"""
CHECKPOINT, VIEWCHECKPOINT, REVERT, LISTCHECKPOINTS, DELETECHECKPOINT: named versions of a document.

Decides when one of them is refused and what is answered.  What a checkpoint is L{dfs.core.history}
knows; must not know how a change becomes durable.  Pointers move and nothing is copied, so all of
these take as long for a large document as for a small one, but VIEWCHECKPOINT, which sends it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import define

from dfs.core import history
from dfs.core.access import Right
from dfs.core.documents import Content, Document
from dfs.core.history import CONFLICT, Stamp
from dfs.core.tickets import Ticket
from dfs.errors import NotFound
from dfs.ss.admission import Admission
from dfs.ss.changes import Changes, Outcome
from dfs.ss.readers import Readers
from dfs.ss.sessions import Sessions
from dfs.ss.writing import committed
from dfs.store.interfaces import Access, IReader, IStore
from dfs.wire.exchange import Exchange
from dfs.wire.messages import (
    CheckpointLine,
    Committed,
    Count,
    DeleteCheckpoint,
    ListCheckpoints,
    MakeCheckpoint,
    Revert,
    Stop,
    ViewCheckpoint,
)

#: Entries of a list between two looks at whether its reader takes them.
SLICE = 100


@define(eq=False)
class Checkpoints:
    """Answers those who keep texts, and go back to them."""

    _store: IStore
    _admission: Admission
    _changes: Changes
    _sessions: Sessions
    _readers: Readers

    async def make(self, request: MakeCheckpoint, exchange: Exchange) -> Committed:
        """Keep the present text; an editing session is no obstacle, its text is not committed."""

        def kept(document: Document, stamp: Stamp) -> Document:
            return history.checkpointed(document, request.tag, stamp)

        return await self._change(request.ticket, kept)

    async def delete(self, request: DeleteCheckpoint, exchange: Exchange) -> Committed:
        """Keep a text no longer."""

        def without(document: Document, stamp: Stamp) -> Document:
            return history.without_checkpoint(document, request.tag, stamp)

        return await self._change(request.ticket, without)

    async def revert(self, request: Revert, exchange: Exchange) -> Committed:
        """Make a kept text the present one, unless somebody edits that."""

        def reverted(document: Document, stamp: Stamp) -> Document:
            self._sessions.may_replace(document.id)
            return history.reverted(document, request.tag, stamp, self._changes.undo_depth)

        return await self._change(request.ticket, reverted)

    async def view(self, request: ViewCheckpoint, exchange: Exchange) -> Stop:
        """Send a kept text, of any size and verified, as READ sends the present one."""
        ticket = self._admission.verify(request.ticket)
        return await self._readers.send(partial(self._open, ticket, request.tag), exchange)

    def _open(self, ticket: Ticket, tag: str) -> tuple[Content, IReader]:
        document = self._admission.document(ticket, Right.READ)
        content = history.checkpoint(document, tag).revision.content
        try:
            reader = self._store.reader(content)
        except NotFound:  # removed this moment
            raise NotFound(f"the checkpoint {tag!r} was removed") from None
        self._store.accessed(document.id, Access(self._admission.wall(), ticket.user))
        return content, reader

    async def list(self, request: ListCheckpoints, exchange: Exchange) -> Count:
        """List the kept texts, conflicts included, sorted by tag."""
        ticket = self._admission.verify(request.ticket)
        checkpoints = self._admission.document(ticket, Right.READ).checkpoints
        for place, one in enumerate(checkpoints):
            if place % SLICE == 0 and (room := exchange.room()) is not None:
                await room
            content = one.revision.content
            exchange.item(
                CheckpointLine(
                    one.tag,
                    content.size,
                    content.measure.words,
                    one.made,
                    one.made_by,
                    one.tag.startswith(CONFLICT),
                    content.sha256.hex(),
                )
            )
        return Count(len(checkpoints))

    async def _change(self, text: str, change: Callable[[Document, Stamp], Document]) -> Committed:
        ticket = self._admission.verify(text)

        async def job() -> Outcome:
            document = self._writable(ticket)
            return await self._changes.commit(change(document, self._changes.stamp(ticket.user)))

        return committed(await self._changes.change(ticket.document, job))

    def _writable(self, ticket: Ticket) -> Document:
        """The document as it is when it is this person's turn."""
        document = self._admission.document(ticket, Right.WRITE)
        self._changes.serving.may_begin()
        return document
