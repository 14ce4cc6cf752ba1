"""
Telling the name server what was committed.

Decides which note is sent when, that none is left out and none overtakes another, and how long a
client waits for the name server to have heard.  Must not know how a connection is made.

Note [One position]
===================
The change log of the store is the only queue.  Notes before L{Notes._sent} were sent on this
connection, the others were not; whoever has room reads on from there.  A fresh commit that finds
everything before it sent is sent at once, from memory.  Nothing is kept twice, nothing can be full,
and after a new registration the position is simply what the name server says that it has.

Note [Waiting for the peer]
===========================
Where clients wait for both members (C{--ack replica}) the answer to a note is the only proof that
the peer has the change.  That a note was durable at the name server proves nothing, so the notes
that somebody waits for are sent again after a registration.  These clients wait as long as this
server may serve.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.core.documents import Summary
from dfs.errors import DFSError, Unavailable
from dfs.ss.serving import in_doubt
from dfs.store.interfaces import IStore
from dfs.wire.client import Connection
from dfs.wire.messages import Heard, WriteComplete

#: Notes that may be unanswered.
WINDOW = 256

#: Notes that are read from the store at a time.
PAGE = 500

#: Seconds that a client waits at most for the name server to have heard of its change.
PATIENCE = 1.0


def note_of(summary: Summary) -> WriteComplete:
    """What travels."""
    figures = summary.content.measure
    return WriteComplete(
        seq=summary.seq,
        id=summary.id,
        version=str(summary.version),
        epoch=summary.epoch,
        sha256=summary.content.sha256.hex(),
        size=figures.size,
        words=figures.words,
        characters=figures.characters,
        sentences=figures.sentences,
        is_text=figures.is_text,
        modified=summary.modified,
        modified_by=summary.modified_by,
        metadata_number=summary.metadata_number,
        checkpoints=summary.checkpoints,
        conflicts=summary.conflicts,
        deleted=summary.deleted,
    )


@frozen(eq=False)
class _Strict:
    """A client that waits for the answer to one note."""

    seq: int
    answered: Deferred[bool]


@define(eq=False)
class Notes:
    """
    The notes of one server.

    @ivar _live: everything that was committed before the registration was answered.
    @ivar _behind: the store may hold changes after C{_sent} that nobody announced.
    @ivar _tired: a client waited in vain, and the name server has not answered since.
    """

    _clock: IReactorTime
    _store: IStore
    _connection: Connection | None = field(default=None, init=False)
    _sent: int = field(default=0, init=False)
    _live: bool = field(default=False, init=False)
    _behind: bool = field(default=False, init=False)
    _tired: bool = field(default=False, init=False)
    _unanswered: dict[int, None] = field(factory=dict, init=False)
    _page: deque[Summary] = field(factory=deque, init=False)
    _waiting: deque[tuple[int, float, Deferred[bool]]] = field(factory=deque, init=False)
    _strict: dict[str, list[_Strict]] = field(factory=dict, init=False)
    _on_trouble: Callable[[DFSError], None] | None = field(default=None, init=False)
    _log = Logger(namespace="dfs.ss.notes")

    @property
    def acknowledged(self) -> int:
        """The position up to which the name server shows everything."""
        return next(iter(self._unanswered)) - 1 if self._unanswered else self._sent

    @property
    def unanswered(self) -> int:
        """How many were sent and are not answered."""
        return len(self._unanswered)

    @property
    def live(self) -> bool:
        """Whether the name server knew everything once since it was found."""
        return self._live

    def begin(
        self, connection: Connection, noted: int, on_trouble: Callable[[DFSError], None]
    ) -> None:
        """
        The name server is there.

        @param noted: the newest change that it has.
        @param on_trouble: called when the connection is of no use any more.
        """
        self._connection = connection
        self._on_trouble = on_trouble
        # It may know more than we do: this disk was put back to an older state.  Say it all.
        self._sent = noted if noted <= self._store.last_seq() else 0
        if self._strict:
            first = min(one.seq for every in self._strict.values() for one in every)
            self._sent = min(self._sent, first - 1)
        self._live = self._tired = False
        self._behind = True
        self._advance()

    def end(self) -> None:
        """The name server is not there any more; nobody waits for it."""
        self._connection = None
        self._unanswered.clear()
        self._page.clear()
        self._release(None)

    def note(self, summary: Summary, *, strict: bool = False) -> Deferred[bool] | None:
        """
        Something was committed.

        @param strict: wait for the answer to this very note, however long it takes.
        @return: fires when the name server has heard of it, or does not answer; None if nobody
            need wait.  It tells whether only this server has it, because its peer is away.  A
            strict one fails with L{Internal} if the note is refused, and fires also when
            L{give_up} is called.
        """
        if strict:
            waiter = _Strict(summary.seq, Deferred())
            self._strict.setdefault(summary.id, []).append(waiter)
            self._tell(summary)
            return waiter.answered
        if not self._tell(summary) or not self._live or self._tired:
            return None
        heard: Deferred[bool] = Deferred()
        self._waiting.append((summary.seq, self._clock.seconds() + PATIENCE, heard))
        return heard

    async def renote(self, summary: Summary) -> None:
        """
        Say something again, until it was heard; what was not said yet will be said anyway.

        @raise DFSError: it was not heard; whoever wants to know asks again.
        """
        if self._connection is None:
            raise Unavailable("the name server is not there to be told; try again later")
        if summary.seq <= self._sent:
            await self._connection.ask(note_of(summary), timeout=None)

    def give_up(self) -> None:
        """This server may not serve now: nobody waits any more for what the peer has."""
        strict, self._strict = self._strict, {}
        for every in strict.values():
            for one in every:
                one.answered.callback(False)

    def _tell(self, summary: Summary) -> bool:
        """Send a note if it is its turn; whether an answer to it is still to come."""
        if self._connection is None:
            return False
        if summary.seq > self._sent:
            if self._behind or len(self._unanswered) >= WINDOW:
                self._behind = True
            else:
                self._send(summary)
        return summary.seq > self.acknowledged

    def sweep(self) -> None:
        """Let those go who have waited long enough; to be called several times a second."""
        now = self._clock.seconds()
        while self._waiting and self._waiting[0][1] <= now:
            self._tired = True
            self._waiting.popleft()[2].callback(False)

    def _advance(self) -> None:
        """Send what the store holds, as far as the window allows."""
        while self._connection is not None and len(self._unanswered) < WINDOW:
            if not self._page:
                if not self._behind:
                    return
                self._page.extend(self._store.changes_after(self._sent, PAGE))
                if not self._page:
                    self._behind = False
                    self._caught_up()
                    return
            self._send(self._page.popleft())

    def _send(self, summary: Summary) -> None:
        assert self._connection is not None
        self._sent = summary.seq
        self._unanswered[summary.seq] = None
        asked = self._connection.ask(note_of(summary), timeout=None)
        asked.addCallbacks(
            self._answered,
            self._refused,
            callbackArgs=(summary, self._connection),
            errbackArgs=(summary, self._connection),
        )

    def _answered(self, heard: Heard, summary: Summary, connection: Connection) -> None:
        if connection is not self._connection:
            return
        seq = summary.seq
        self._tired = False
        self._unanswered.pop(seq, None)
        if self._waiting:
            self._release(self.acknowledged)
        if self._strict:
            for one in self._satisfied(summary):
                one.answered.callback(heard.solo)
        if self._behind or self._page:
            self._advance()

    def _refused(self, failure: Failure, summary: Summary, connection: Connection) -> None:
        if connection is not self._connection:
            return
        error = failure.value
        if not isinstance(error, DFSError) or isinstance(error, Unavailable):
            # Later notes must not stand for this one: begin again where the name server says.
            assert self._on_trouble is not None
            why = error if isinstance(error, DFSError) else Unavailable(str(error))
            self._on_trouble(why)
            return
        # To repeat it would only bring the same answer, and stop all others for ever.
        self._log.error(
            "the name server refused the note {seq}: {code} {reason}",
            log_event="note_refused",
            seq=summary.seq,
            code=error.code,
            reason=str(error),
        )
        for one in self._satisfied(summary):
            one.answered.errback(in_doubt(error))
        self._answered(Heard(), summary, connection)

    def _satisfied(self, summary: Summary) -> list[_Strict]:
        """Who waited for the answer to this note; a newer note of a document stands for older."""
        every = self._strict.pop(summary.id, [])
        later = [one for one in every if one.seq > summary.seq]
        if later:
            self._strict[summary.id] = later
        return [one for one in every if one.seq <= summary.seq]

    def _caught_up(self) -> None:
        if not self._live:
            self._live = True
            self._log.info(
                "the name server has heard of everything up to {seq}",
                log_event="notes_caught_up",
                seq=self._sent,
            )

    def _release(self, seq: int | None) -> None:
        """Let those go who wait for a note up to C{seq}, or everybody."""
        while self._waiting and (seq is None or self._waiting[0][0] <= seq):
            self._waiting.popleft()[2].callback(False)
