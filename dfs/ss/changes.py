"""
One document changes one step at a time.

Decides in which order jobs on the same document run, what a commit is surrounded by, and when a
client may be told.  Must not know what a change consists of, nor who asks.

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

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from dfs.core.documents import Content, Document, Summary
from dfs.core.history import Stamp, written
from dfs.errors import Busy, DFSError, Internal
from dfs.store.interfaces import IStore

T = TypeVar("T")

#: Jobs that may wait in one line; more are refused.
WAITING = 1_000


@frozen(eq=False)
class _Job:
    """One place in a line."""

    work: Callable[[], Awaitable[Any]]
    done: Deferred[Any]


@define(eq=False)
class Lines:
    """
    Jobs with the same key, one after the other; jobs with different keys, side by side.

    A line exists only while it has a job.
    """

    _lines: dict[str, deque[_Job]] = field(factory=dict, init=False)

    def busy(self, key: str) -> bool:
        """Whether a job with that key runs or waits."""
        return key in self._lines

    def run(self, key: str, work: Callable[[], Awaitable[T]]) -> Deferred[T]:
        """
        Do something when everything before it with the same key is over; at once if nothing is.

        Who asked may go away: the job is done all the same.

        @raise Busy: the line is too long (Deferred failure).
        """
        done: Deferred[T] = Deferred()
        line = self._lines.get(key)
        if line is None:
            self._lines[key] = line = deque([_Job(work, done)])
            Deferred.fromCoroutine(self._serve(key, line))
        elif len(line) >= WAITING:
            return fail(Busy("too many wait to change this; try again in a moment"))
        else:
            line.append(_Job(work, done))
        return done

    async def _serve(self, key: str, line: deque[_Job]) -> None:
        while line:
            job = line.popleft()
            try:
                result = await job.work()
            except Exception:
                job.done.errback(Failure())
            else:
                job.done.callback(result)
        del self._lines[key]


@frozen
class Outcome:
    """
    What a job has made of its document.

    @ivar document: its state now, durable.
    @ivar noted: fires when the name server has heard of it, or will not soon; None if there is
        nothing to wait for.  Never fails.
    """

    document: Document
    noted: Deferred[None] | None = None


@define(eq=False)
class Changes:
    """
    The only way in which documents change.

    @ivar lines: the order of jobs; ids of documents are keys here.
    @ivar stamp: who changes something, now and here.
    @ivar may_commit: called before each commit, where what it raises is the answer, and again
        before a client is told.
    @ivar note: takes what the name server is to be told; returns as L{Outcome.noted}.
    @ivar undo_depth: changes of a document that can be taken back.
    """

    _store: IStore
    lines: Lines
    stamp: Callable[[str], Stamp]
    may_commit: Callable[[], None]
    note: Callable[[Summary], Deferred[None] | None]
    undo_depth: int

    async def commit(self, document: Document, data: bytes | None = None) -> Outcome:
        """
        Make a state durable; only to be called by a job in the document's line.

        @param data: as for L{IStore.commit}.
        """
        self.may_commit()
        summary = await self._store.commit(document, data)
        # Commits are answered in the order of their positions, and nothing was awaited since:
        # so notes leave in that order too.
        return Outcome(document, self.note(summary))

    async def write(
        self, document: Document, content: Content, user: str, data: bytes | None = None
    ) -> Outcome:
        """Commit a new text as one change that can be taken back."""
        new = written(document, content, self.stamp(user), self.undo_depth)
        return await self.commit(new, data)

    async def change(
        self, document_id: str, job: Callable[[], Awaitable[Outcome]], *, wait: bool = True
    ) -> Document:
        """
        Run a job in the document's line.

        @param wait: whether to wait for its note.
        @return: the state to tell the client about.
        """
        outcome = await self.lines.run(document_id, job)
        if wait and outcome.noted is not None:
            await outcome.noted
        self._may_speak()
        return outcome.document

    def _may_speak(self) -> None:
        """
        Ask once more, after the commit.

        @raise Internal: nobody may be told that it was done.  Not the reason itself: a client that
            reads C{UNAVAILABLE} knows that nothing was done, and does it again.
        """
        try:
            self.may_commit()
        except DFSError as error:
            raise Internal(
                f"{error}; whether the change will be kept is not known, so look before repeating"
            ) from error
