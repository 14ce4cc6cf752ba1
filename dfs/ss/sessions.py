"""
Editing sessions: one writer, one sentence, one commit.

Decides how long a sentence stays locked, whose edits are whose, and what becomes of them when the
writer goes away, is silent, or loses the right to write.  Must not know how requests travel, nor
what a sentence is (L{dfs.core.editing} does).

Note [Two lines]
================
What happens within one session happens one after the other, too: its edits and its end stand in a
line that has the session's name.  A commit stands in the line of its document while it has the
first place in the line of its session; never the other way round, so nobody waits in a circle.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from functools import partial

from attrs import define, field
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from dfs.core.access import Right
from dfs.core.documents import Content, Document
from dfs.core.editing import Draft, Lock, Locks
from dfs.core.sentences import Span
from dfs.core.tickets import Ticket
from dfs.errors import Busy, Moved, NotFound, TooLarge, Unauthorized, Unavailable
from dfs.ss.admission import Admission
from dfs.ss.changes import Changes, Outcome
from dfs.ss.drafting import Drafted, Drafting, inserted, shown
from dfs.timing import steady
from dfs.wire.exchange import Exchange, Peer
from dfs.wire.messages import Opened, Sentence

#: Sessions of one connection, and of one document.
PER_CONNECTION = 32
PER_DOCUMENT = 256

#: Bytes that one session may insert.
SESSION_BYTES = 8 * 1024 * 1024

#: Bytes that the drafts of all sessions may take.
DRAFT_BYTES = 512 * 1024 * 1024

#: Bytes of a sentence in a list of locks.
LABEL_BYTES = 60


@define(eq=False)
class Session:
    """
    One open session.

    @ivar id: what its owner calls it.
    @ivar ticket: what it was opened with.
    @ivar peer: the connection that it belongs to.
    @ivar touched: when its owner last did something, on the clock.
    @ivar since: when it began, on the clock.
    @ivar label: the sentence as it was, shortened.
    @ivar inserted: bytes of all its edits.
    @ivar committing: its end has begun; it is no longer given up when its owner goes away.
    @ivar overtaken: there is a new epoch: it has ended, or ends with its commit.
    """

    id: str
    ticket: Ticket
    peer: Peer
    touched: float
    draft: Draft
    label: str
    since: float
    inserted: int = 0
    committing: bool = False
    overtaken: bool = False

    @property
    def document(self) -> str:
        """The id of the document."""
        return self.ticket.document

    @property
    def line(self) -> str:
        """The key of its line; ids of documents contain no space."""
        return f"session {self.id}"


@define(eq=False)
class Sessions(MultiService):
    """
    All open sessions of a server.

    @ivar timeout: seconds of silence after which a session ends.
    """

    _clock: IReactorTime
    _entropy: Callable[[int], bytes]
    _admission: Admission
    _changes: Changes
    _drafting: Drafting
    timeout: float
    _sessions: dict[str, Session] = field(factory=dict, init=False)
    _locks: dict[str, Locks] = field(factory=dict, init=False)
    _by_peer: dict[int, list[Session]] = field(factory=dict, init=False)
    _overtaken: dict[int, set[str]] = field(factory=dict, init=False)
    _draft_bytes: int = field(default=0, init=False)
    _log = Logger(namespace="dfs.ss.sessions")

    def __attrs_post_init__(self) -> None:
        super().__init__()
        often = max(0.1, min(5.0, self.timeout / 4))
        steady(self._clock, often, self._sweep).setServiceParent(self)

    def __len__(self) -> int:
        return len(self._sessions)

    def __bool__(self) -> bool:
        return True

    def stopService(self) -> Deferred[None] | None:
        """End all sessions; nothing of them is kept."""
        for session in list(self._sessions.values()):
            if not session.committing:
                self._end(session, "session_aborted", "the server stops")
        stopping: Deferred[None] | None = super().stopService()
        return stopping

    def all(self) -> list[Session]:
        """Every open session."""
        return list(self._sessions.values())

    # ------------------------------------------------------------------------------- locks

    def locked(self, document_id: str) -> bool:
        """Whether a sentence of the document is held."""
        return document_id in self._locks

    def may_replace(self, document_id: str) -> None:
        """
        Whether a document may be deleted, or its content replaced as a whole.

        @raise Locked: a sentence is held.
        """
        locks = self._locks.get(document_id)
        if locks is not None:
            locks.may_replace()

    def may_touch(self, document_id: str, spans: Iterable[Span]) -> None:
        """
        Whether these places of a document may be changed directly.

        @raise Locked: somebody holds one of them.
        """
        locks = self._locks.get(document_id)
        if locks is not None:
            locks.may_touch(spans)

    def held(self, document_id: str) -> list[tuple[Lock, str]]:
        """The locks of a document in its order, with the sentence that each was taken for."""
        locks = self._locks.get(document_id)
        if locks is None:
            return []
        return [(lock, self._sessions[lock.session].label) for lock in locks.held()]

    # ----------------------------------------------------------------------------- opening

    def open(self, ticket: Ticket, index: int, exchange: Exchange) -> Deferred[Opened]:
        """
        Lock a sentence.

        @param index: which one.
        @return: fails with L{dfs.errors.Locked}, L{dfs.errors.Invalid} …
        """
        job = partial(self._open, ticket, index, exchange)
        return self._changes.lines.run(ticket.document, job)

    async def _open(self, ticket: Ticket, index: int, exchange: Exchange) -> Opened:
        content = self._admission.head(ticket, Right.WRITE).current.content
        self._changes.serving.may_begin()
        self._check_room(ticket, exchange.peer)
        span, drafted = await self._drafting.locate(content, index)
        if exchange.lost:
            raise Unavailable("the writer has gone")
        self._admission.head(ticket, Right.WRITE)
        self._changes.serving.may_begin()
        self._check_room(ticket, exchange.peer, len(span))
        session = self._begin(ticket, exchange.peer, span, drafted.draft)
        return Opened(session.id, drafted.words, drafted.sentence)

    def _check_room(self, ticket: Ticket, peer: Peer, size: int = 0) -> None:
        if len(self._by_peer.get(peer.number, ())) >= PER_CONNECTION:
            raise Busy(f"{PER_CONNECTION} sessions are open on this connection; end one first")
        locks = self._locks.get(ticket.document)
        if locks is not None and len(locks.held()) >= PER_DOCUMENT:
            raise Busy(f"{PER_DOCUMENT} sentences of this document are edited; try again later")
        if self._draft_bytes + size > DRAFT_BYTES:
            raise Busy("too much is being edited on this server; try again later")

    def _begin(self, ticket: Ticket, peer: Peer, span: Span, draft: Draft) -> Session:
        """
        Lock a sentence for a new session.

        @raise Locked: somebody holds it.
        """
        name = self._entropy(4).hex()
        while name in self._sessions:
            name = self._entropy(4).hex()
        locks = self._locks.get(ticket.document) or Locks()
        locks.take(Lock(name, ticket.user, self._admission.wall(), span))
        self._locks[ticket.document] = locks
        label = shown(draft.text, LABEL_BYTES)
        now = self._clock.seconds()
        session = Session(name, ticket, peer, now, draft, label, now)
        self._sessions[name] = session
        self._draft_bytes += len(draft.text)
        if peer.number not in self._by_peer:
            self._by_peer[peer.number] = []
            peer.when_lost(partial(self._lost, peer.number))
        self._by_peer[peer.number].append(session)
        self._tell(self._log.debug, "session_opened", session)
        return session

    # ----------------------------------------------------------------------------- editing

    def edit(self, peer: Peer, name: str, word: int, text: bytes) -> Sentence | Deferred[Sentence]:
        """
        Insert text into the sentence of a session.

        @param name: of the session; empty for the newest one of this connection.
        @raise Invalid: there is no such word; nothing was changed.
        """
        session = self._find(peer, name)
        lines = self._changes.lines
        if not self._drafting.is_small(session.draft) or lines.busy(session.line):
            return lines.run(session.line, partial(self._edit, session, word, text))
        self._check_edit(session, text)
        return self._edited(session, len(text), inserted(session.draft, word, text))

    async def _edit(self, session: Session, word: int, text: bytes) -> Sentence:
        self._check_edit(session, text)
        drafted = await self._drafting.insert(session.draft, word, text)
        self._check_edit(session, text)
        return self._edited(session, len(text), drafted)

    def _check_edit(self, session: Session, text: bytes) -> None:
        self._check_open(session)
        self._check_right(session)
        if session.inserted + len(text) > SESSION_BYTES:
            raise TooLarge(f"one session may insert {SESSION_BYTES} bytes; commit it first")
        if self._draft_bytes + len(text) > DRAFT_BYTES:
            raise Busy("too much is being edited on this server; commit, or try again later")

    def _check_right(self, session: Session) -> None:
        """
        A writer who may not write any more loses the session: others wait for its sentence.

        @raise Unauthorized: it has ended.
        """
        try:
            # Moved, Unavailable: whether this server serves is asked when it is committed.
            with contextlib.suppress(Moved, Unavailable):
                self._admission.head(session.ticket, Right.WRITE, renamed=True)
        except Unauthorized as error:
            self._end(session, "session_aborted", str(error))
            raise

    def _edited(self, session: Session, size: int, drafted: Drafted) -> Sentence:
        session.inserted += size
        session.touched = self._clock.seconds()
        self._draft_bytes += len(drafted.draft.text) - len(session.draft.text)
        session.draft = drafted.draft
        return Sentence(drafted.words, drafted.sentence)

    # -------------------------------------------------------------------------- committing

    def commit(self, peer: Peer, name: str) -> Deferred[Outcome]:
        """
        Make all edits of a session one change, and end it.

        If that fails for want of room or time the session goes on; a writer who may not write
        any more loses it.
        """
        session = self._find(peer, name)
        return self._changes.lines.run(session.line, partial(self._commit, session))

    async def _commit(self, session: Session) -> Outcome:
        self._check_open(session)
        session.committing = True
        try:
            return await self._changes.change(session.document, partial(self._splice, session))
        except (Unauthorized, Moved) as error:
            if isinstance(error, Moved) and self._only_paused(session):
                raise Unavailable(f"{error}; the session goes on") from error
            if session.id in self._sessions:
                self._end(session, "session_aborted", str(error))
            if session.overtaken:
                raise _overtaken() from error
            raise
        finally:
            session.committing = False
            session.touched = self._clock.seconds()
            if session.id in self._sessions and session.peer.number not in self._by_peer:
                self._end(session, "session_aborted", "the connection was lost")

    def _only_paused(self, session: Session) -> bool:
        """This server may not serve now, but nobody else does in this epoch."""
        open_still = session.id in self._sessions and not session.overtaken
        return open_still and not self._changes.serving.serves

    async def _splice(self, session: Session) -> Outcome:
        """The job in the line of the document."""
        document = self._admission.document(session.ticket, Right.WRITE, renamed=True)
        if not session.draft.edits:
            self._end(session, "session_committed", "without edits")
            return Outcome(document)
        old = document.current.content
        locks = self._locks[session.document]
        span = locks.span(session.id)
        then = partial(self._write, session, document)
        outcome: Outcome = await self._drafting.splice(old, span, session.draft, then)
        locks.moved(session.id, span, outcome.document.current.content.size - old.size)
        self._end(session, "session_committed", str(outcome.document.version))
        return outcome

    async def _write(
        self, session: Session, document: Document, content: Content, data: bytes | None
    ) -> Outcome:
        if data is None:
            # Work on a large text takes a while: the right is asked for at the last moment.
            self._admission.head(session.ticket, Right.WRITE, renamed=True)
        return await self._changes.write(document, content, session.ticket.user, data)

    # ------------------------------------------------------------------------------ ending

    def abort(self, peer: Peer, name: str) -> None:
        """
        End a session; nothing changes.

        @raise NotFound: there is no such session.
        @raise Busy: it is being committed.
        """
        session = self._find(peer, name)
        if session.committing:
            raise Busy("this session is being committed")
        self._end(session, "session_aborted", "asked to")

    def overtaken(self) -> None:
        """There is a new epoch: end every session; one that is being committed ends with that."""
        for session in list(self._sessions.values()):
            session.overtaken = True
            self._overtaken.setdefault(session.peer.number, set()).add(session.id)
            if not session.committing:
                self._end(session, "session_aborted", "another server has taken over")

    def _lost(self, number: int) -> None:
        """A connection has gone."""
        self._overtaken.pop(number, None)
        for session in self._by_peer.pop(number, []):
            if not session.committing:
                self._end(session, "session_aborted", "the connection was lost")

    def _sweep(self) -> None:
        """End the sessions of those who were silent for too long, or may not write any more."""
        before = self._clock.seconds() - self.timeout
        for session in list(self._sessions.values()):
            if session.committing:
                continue
            if session.touched <= before:
                self._end(session, "session_timed_out", "it was silent")
                continue
            with contextlib.suppress(Unauthorized):
                self._check_right(session)

    def _end(self, session: Session, event: str, why: str) -> None:
        """Forget a session and free its sentence."""
        del self._sessions[session.id]
        self._draft_bytes -= len(session.draft.text)
        locks = self._locks[session.document]
        locks.release(session.id)
        if not locks.held():
            del self._locks[session.document]
        mine = self._by_peer.get(session.peer.number)
        if mine is not None:
            mine.remove(session)
        if event == "session_committed":
            self._overtaken.get(session.peer.number, set()).discard(session.id)
        # A commit is logged as a request, too; what ends otherwise is worth a line of its own.
        emit = self._log.debug if event == "session_committed" else self._log.info
        self._tell(emit, event, session, why)
        self._changes.serving.draining.settle()

    def _find(self, peer: Peer, name: str) -> Session:
        mine = self._by_peer.get(peer.number, [])
        if not name and mine:
            return mine[-1]
        for session in mine:
            if session.id == name:
                return session
        overtaken = self._overtaken.get(peer.number, set())
        if name in overtaken or (not name and overtaken):
            raise _overtaken()
        raise _gone()

    def _check_open(self, session: Session) -> None:
        if session.id not in self._sessions:
            raise _overtaken() if session.overtaken else _gone()

    def _tell(self, emit: Callable[..., None], event: str, session: Session, why: str = "") -> None:
        emit(
            "{user} {document} {session} {why}",
            log_event=event,
            user=session.ticket.user,
            document=session.document,
            session=session.id,
            peer=session.peer.address,
            why=why,
        )


def _gone() -> NotFound:
    return NotFound("no such session: it ended, or was silent for too long; WRITE opens one")


def _overtaken() -> Moved:
    return Moved(
        "the session ended because another server has taken over; nothing of it was committed: ask"
        " the name server again, open it there with WRITE and send what was typed again"
    )
