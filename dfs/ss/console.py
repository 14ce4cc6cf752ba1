"""
What operators are told at the console of a storage server.

Decides which facts make which line.  Orders are refused here: who serves is decided by the name
server.  Must not know how a console reads and writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import define

from dfs.columns import count, span
from dfs.console.commands import MOST, Asked, Command, listed
from dfs.core.excuses import Here, why_here
from dfs.core.reasons import Held
from dfs.errors import Invalid, Unsupported
from dfs.ss.draining import Stage
from dfs.ss.lines import Lines
from dfs.ss.link import Link
from dfs.ss.locks import LockList
from dfs.ss.notes import Notes
from dfs.ss.serving import Serving
from dfs.ss.sessions import Session, Sessions
from dfs.store.interfaces import IStore


@define(eq=False)
class StorageConsole:
    """
    A L{dfs.console.commands.Role}.

    @ivar _now: seconds on the clock of the sessions.
    @ivar _wall: seconds since the epoch.
    @ivar _facts: what STATUS tells.
    """

    name: str
    _store: IStore
    _serving: Serving
    _sessions: Sessions
    _locks: LockList
    _notes: Notes
    _link: Link
    _lines: Lines
    _now: Callable[[], float]
    _wall: Callable[[], float]
    _facts: Callable[[], Mapping[str, object]]

    @property
    def greeting(self) -> str:
        """Who this is, in one sentence."""
        documents, _ = self._store.counts()
        return f"Storage server {self.name}, with {count(documents, 'document')}; type help."

    def commands(self) -> Sequence[Command]:
        """What can be asked."""
        elsewhere = "Ordered at the name server."
        return (
            Command("status", "", "How this storage server is.", self._status),
            Command("lease", "", "Until when it may serve.", self._lease),
            Command("queue", "[N]", "What is being changed, and not told yet.", self._queue),
            Command("locks", "[N]", "Who edits which sentence.", self._held),
            Command("sessions", "[N]", "The editing sessions.", self._editing),
            Command("why", "ID", "Why a document can be used here now, or not.", self._why),
            Command("failover", "PAIR", elsewhere, self._refuse),
            Command("handback", "PAIR", elsewhere, self._refuse),
            Command("drain", "SERVER", elsewhere, self._refuse),
        )

    def also(self, word: str) -> Sequence[str]:
        """Where a document stands, for its id."""
        path = self._locks.path(word)
        return [path] if path else []

    def _status(self, asked: Asked) -> Iterable[str]:
        facts = {name.replace("_", " "): str(value) for name, value in self._facts().items()}
        wide = max(map(len, facts)) + 2
        return [f"{name + ':':{wide}}{value}" for name, value in facts.items()]

    # -------------------------------------------------------------------------------- lease

    def _lease(self, asked: Asked) -> Iterable[str]:
        return [f"{self.name} {self._leased()}."]

    def _leased(self) -> str:
        serving = self._serving
        if serving.failure:
            return f"serves nobody, because its disk failed: {serving.failure}"
        left = serving.lease.left(serving.now())
        if left:
            return (
                f"may serve for {span(left)} more; each heartbeat that is answered makes that "
                f"{span(serving.lease.seconds)}, the last one {span(serving.silence)} ago"
            )
        if serving.lease.expired(serving.now()):
            return (
                f"may serve nobody: it has not heard the name server for {span(serving.silence)}, "
                "and looks for it"
            )
        if self._link.registered:
            return "serves nobody: the name server knows it and has the other member serve"
        return "serves nobody: no name server knows it yet"

    # -------------------------------------------------------------------------------- queue

    def _queue(self, asked: Asked) -> Iterable[str]:
        _, limit = asked.limit()
        standing = [one for one in self._lines.standing() if " " not in one[0]]
        rows = ((self._where(document), str(waiting)) for document, waiting in standing)
        head = ("BEING CHANGED", "WAIT")
        lines = listed(head, rows, limit, len(standing), (1,), "Nothing is being changed.")
        return [*lines, *self._unheard(limit)]

    def _unheard(self, limit: int) -> Iterable[str]:
        """What the name server has not heard of."""
        waiting = self._store.changes_after(self._notes.acknowledged, MOST)
        total = f"{MOST} or more" if len(waiting) == MOST else str(len(waiting))
        now = self._wall()
        rows = (
            (self._where(one.id), str(one.version), span(now - one.modified), one.modified_by)
            for one in waiting
        )
        head = ("NOT TOLD YET", "VERSION", "CHANGED", "BY")
        none = "The name server has heard of every change."
        lines = listed(head, rows, limit, len(waiting), (2,), none)
        if waiting:
            sent = count(self._notes.unanswered, "note is", "notes are")
            lines.append(f"{total} in all; {sent} on the way.")
        return lines

    def _where(self, document: str) -> str:
        """A document as people know it."""
        return f"{document} {self._locks.path(document)}".rstrip()

    # -------------------------------------------------------------------------------- editing

    def _held(self, asked: Asked) -> Iterable[str]:
        _, limit = asked.limit()
        found, total = self._locks.lines(limit)
        rows = (
            (line.path or line.document, repr(line.sentence), line.user, span(line.held))
            for line in found
        )
        head = ("DOCUMENT", "SENTENCE", "HELD BY", "FOR")
        return listed(head, rows, limit, total, (3,), "Nobody edits anything.")

    def _editing(self, asked: Asked) -> Iterable[str]:
        _, limit = asked.limit()
        sessions = sorted(self._sessions.all(), key=lambda one: one.since)
        head = ("SESSION", "USER", "FROM", "DOCUMENT", "FOR", "IDLE", "TYPED", "")
        rows = map(self._session, sessions)
        return listed(head, rows, limit, len(sessions), (4, 5, 6), "Nobody edits anything.")

    def _session(self, session: Session) -> Sequence[str]:
        now = self._now()
        return (
            *(session.id, session.ticket.user, session.peer.address),
            self._locks.path(session.document) or session.document,
            *(span(now - session.since), span(now - session.touched), f"{session.inserted:,} B"),
            "is being committed" if session.committing else "",
        )

    # ----------------------------------------------------------------------------------- why

    def _why(self, asked: Asked) -> Iterable[str]:
        document = asked.text
        if len(document) != 16 or not set(document) <= set("0123456789abcdef"):
            raise Invalid(
                "say the id of a document, as INFO shows it; the name server's console takes paths"
            )
        head = self._store.head(document)
        serving, now = self._serving, self._serving.now()
        locks, _ = self._locks.lines(MOST, document)
        return [
            why_here(
                Here(
                    self._where(document),
                    self.name,
                    exists=head is not None,
                    deleted=head is not None and head.deleted,
                    failure=serving.failure,
                    registered=self._link.registered,
                    lease=serving.lease.left(now),
                    expired=serving.lease.expired(now),
                    draining=serving.draining.stage is not Stage.NO,
                    drained=serving.draining.stage is Stage.DRAINED,
                    refuse=serving.refuses,
                    locks=tuple(Held(one.user, one.sentence, one.held, one.left) for one in locks),
                )
            )
        ]

    def _refuse(self, asked: Asked) -> Iterable[str]:
        raise Unsupported(
            "the name server decides who serves: order it at its console, or with 'dfs admin'"
        )
