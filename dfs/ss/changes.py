"""
One document changes one step at a time.

Decides what a commit is surrounded by and when a client may be told.  Must not know what a change
consists of, nor who asks.

Note [A line for each document]
===============================
"Read the committed state, decide, commit" of one document is never interleaved with another such
job: every job stands in the line of its document.  Jobs of different documents run side by side,
so that the store can put their commits into one transaction.  A job that only asks whether the
present state allows something (opening an editing session) stands in the same line: the state it
sees must not be about to change.

What comes after the commit, waiting for the name server to have heard of it, happens outside of the
line: it keeps this client waiting, nobody else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import define, evolve, frozen
from twisted.internet.defer import Deferred

from dfs.core.documents import Content, Document
from dfs.core.history import Stamp, written
from dfs.errors import DFSError
from dfs.ss.lines import Lines
from dfs.ss.notes import Notes
from dfs.ss.serving import Serving, in_doubt
from dfs.store.interfaces import IStore


@frozen
class Outcome:
    """
    What a job has made of its document.

    @ivar document: its state now, durable.
    @ivar noted: fires when the name server has heard of it, or will not soon; None if there is
        nothing to wait for.  Fails with L{dfs.errors.Internal} if the change may not be kept.
    @ivar solo: the peer should have it too, and is away.
    @ivar epoch: in which a client's change was committed; None if none was.
    """

    document: Document
    noted: Deferred[bool] | None = None
    epoch: int | None = None
    solo: bool = False


@define(eq=False)
class Changes:
    """
    The only way in which documents change.

    @ivar lines: the order of jobs; ids of documents are keys here.
    @ivar stamp: who changes something, now and here.
    @ivar serving: whether this server may commit now, and tell a client about it.
    @ivar notes: takes what the name server is to be told.
    @ivar undo_depth: changes of a document that can be taken back.
    """

    _store: IStore
    lines: Lines
    stamp: Callable[[str], Stamp]
    serving: Serving
    notes: Notes
    undo_depth: int

    async def commit(self, document: Document, data: bytes | None = None) -> Outcome:
        """
        Make a client's change durable; only to be called by a job in the document's line.

        @param data: as for L{IStore.commit}.
        """
        serving = self.serving
        serving.may_commit()
        summary = await self._store.commit(document, data)
        # Commits are answered in the order of their positions, and nothing was awaited since:
        # so notes leave in that order too.
        noted = self.notes.note(summary, strict=serving.wait and serving.serves)
        return Outcome(document, noted, document.epoch)

    async def obey(self, document: Document, epoch: int, data: bytes | None = None) -> Outcome:
        """
        Make durable what the name server orders; only to be called as L{commit} is.

        @param epoch: of the order.
        @raise Moved: there is a newer epoch by now.
        """
        self.serving.check_disk()
        self.serving.check_order(epoch)
        self.notes.note(await self._store.commit(document, data))
        return Outcome(document)

    async def write(
        self, document: Document, content: Content, user: str, data: bytes | None = None
    ) -> Outcome:
        """Commit a new text as one change that can be taken back."""
        new = written(document, content, self.stamp(user), self.undo_depth)
        return await self.commit(new, data)

    async def change(self, document_id: str, job: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """
        Run a client's job in the document's line, and wait for its note.

        @return: what to tell the client about.
        """
        self.serving.draining.entered()
        try:
            outcome = await self.lines.run(document_id, job)
            if outcome.noted is not None:
                outcome = evolve(outcome, solo=await outcome.noted)
            if outcome.epoch is not None:
                self.serving.may_speak(outcome.epoch, document_id)
        except Exception:
            self.serving.draining.left()
            raise
        # Not "finally": what a crash leaves is thrown away at any moment, and must do nothing then.
        self.serving.draining.left()
        return outcome

    async def order(self, document_id: str, job: Callable[[], Awaitable[Outcome]]) -> Document:
        """
        Run a job of the name server in the document's line.

        It shows what it orders already: there is nothing to wait for but the disk.

        @raise Internal: the disk has failed meanwhile.
        """
        outcome = await self.lines.run(document_id, job)
        try:
            self.serving.check_disk()
        except DFSError as error:
            raise in_doubt(error) from error
        return outcome.document
