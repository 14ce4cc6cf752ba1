"""
EXEC: a document is run as a shell script.

Decides who may, when it is their turn, which text is run, and what is written down about it; and
that nothing is run before a sandbox has shown that it is one.  Must not know how a sandbox is made
(L{dfs.sandbox} does), nor how a process is watched (L{dfs.nm.runs} does).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import define, field, frozen
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore, gatherResults
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from dfs.core.access import Right
from dfs.core.endings import Ending, Stopped
from dfs.core.tickets import TICKET_SECONDS, Ticket, seal
from dfs.errors import Busy, DFSError, TooLarge, Unavailable, Unsupported
from dfs.nm.changes import user_of
from dfs.nm.entries import Entry, demand
from dfs.nm.fleet import Fleet
from dfs.nm.index import Index
from dfs.nm.runs import Run, Sandbox
from dfs.wire.exchange import Exchange, Peer
from dfs.wire.messages import Execute, Ran, Read, Request, Stat
from dfs.wire.reception import Handler

#: Scripts that run at once, and that wait for their turn; more are refused.
AT_ONCE, WAITING = 2, 8

#: Scripts of one user that run or wait, so that nobody takes all the turns.
OF_USER = 3

#: Bytes of a script.
SCRIPT_BYTES = 1024 * 1024

#: Seconds that its storage server has for each answer.
FETCH_SECONDS = 10.0

#: How often a text that was changed while it was fetched is fetched again.
TRIES = 5

OFF = "EXEC is off; an operator turns it on by starting the name server with --enable-exec"


@frozen
class Script:
    """
    One committed version of a document, to be run.

    @ivar version: C{<a>.<b>}.
    @ivar sha256: of the text, hex.
    """

    entry: Entry
    text: bytes
    version: str
    sha256: str


@define(eq=False)
class Attendance:
    """Who has to be told when a peer goes away, while they want to be told."""

    _present: dict[int, list[Callable[[], None]]] = field(factory=dict)

    @contextmanager
    def attending(self, peer: Peer, call: Callable[[], None]) -> Iterator[None]:
        """Within this, call when the peer goes away; at once if it is gone."""
        calls = self._present.get(peer.number, [call])
        if peer.number not in self._present:
            self._present[peer.number] = calls
            peer.when_lost(lambda: self._left(peer.number))
        else:
            calls.append(call)
        try:
            yield
        finally:
            calls.remove(call)

    def dismiss(self) -> None:
        """Call all of them now."""
        for calls in list(self._present.values()):
            for call in list(calls):
                call()

    def _left(self, number: int) -> None:
        for call in list(self._present.pop(number, ())):
            call()


class Execution(Service):
    """
    Answers EXEC.

    @ivar backend: the one that has shown what it can; empty if none has.
    """

    _log = Logger(namespace="dfs.nm")

    def __init__(
        self,
        index: Index,
        fleet: Fleet,
        clock: IReactorTime,
        wall: Callable[[], float],
        key: bytes,
        sandbox: Sandbox | None,
    ) -> None:
        """
        @param wall: seconds since the epoch.
        @param key: for tickets.
        @param sandbox: None: EXEC is off.
        """
        self._index = index
        self._fleet = fleet
        self._clock = clock
        self._wall = wall
        self._key = key
        self._sandbox = sandbox
        self._refusal: DFSError = Unsupported(OFF)
        self._turns = DeferredSemaphore(AT_ONCE)
        self._of_user: Counter[str] = Counter()
        self._attendance = Attendance()
        self._runs: set[Run] = set()
        self.backend = ""

    def handlers(self) -> dict[type[Request[Any]], Handler]:
        """Which method answers what."""
        return {Execute: self.execute}

    # -------------------------------------------------------------------------- on and off

    def startService(self) -> None:
        """Find out whether there is a sandbox; until then nothing is run."""
        super().startService()
        if self._sandbox is not None:
            self._refusal = Busy("EXEC tests its sandbox first; try again in a moment")
            # It takes care of its failures itself.
            Deferred.fromCoroutine(self._prove(self._sandbox))

    def stopService(self) -> Deferred[Any]:
        """End all scripts; fires when none of their processes is left."""
        super().stopService()
        self.backend = ""
        self._refusal = Unavailable("the name server stops; try again later")
        for run in self._runs:
            run.stop(Stopped.CLOSING)
        self._attendance.dismiss()
        return gatherResults([run.when_exited() for run in self._runs])

    async def _prove(self, sandbox: Sandbox) -> None:
        reasons = [sandbox.obstacle] if sandbox.obstacle else []
        for backend in () if sandbox.obstacle else sandbox.backends:
            reason = await self._doubt(sandbox, backend)
            if not self.running:
                return
            if not reason:
                self.backend = backend
                self._log.info(
                    "EXEC is on: scripts are run by {backend}",
                    log_event="exec_on",
                    backend=backend,
                )
                return
            reasons.append(f"{backend}: {reason}")
        why = "; ".join(reasons)
        self._refusal = Unsupported(f"EXEC is off: scripts cannot be shut in here ({why})")
        self._log.error(
            "EXEC stays off: scripts cannot be shut in here ({reason})",
            log_event="exec_off",
            reason=why,
        )

    async def _doubt(self, sandbox: Sandbox, backend: str) -> str:
        """Why a backend cannot be trusted; empty if it can."""
        output: list[bytes] = []
        run = Run(self._clock, sandbox.test, output.append)
        try:
            known = await self._begin(run, sandbox, backend)
        except (DFSError, OSError) as error:
            return str(error)
        said = b"".join(output)
        if said == sandbox.proof and known == Ending(0):
            return ""
        return known.note or said.decode(errors="backslashreplace").strip()[:200]

    # --------------------------------------------------------------------------- answering

    async def execute(self, request: Execute, exchange: Exchange) -> Ran:
        """
        Run a document.

        @raise Unsupported: EXEC is off.
        @raise Busy: too many wait already.
        """
        user = user_of(exchange)
        self._trusted()
        demand(self._index.document(request.path), user, Right.READ)
        await self._turn(exchange.peer, user)
        try:
            script = await self._fetch(request.path, user)
            if exchange.lost:
                raise ConnectionLost()
            backend, sandbox = self._trusted()
        except BaseException:
            self._leave(user)
            raise
        return await self._run(script, user, exchange, sandbox, backend)

    def _trusted(self) -> tuple[str, Sandbox]:
        if not self.backend or self._sandbox is None:
            raise self._refusal
        return self.backend, self._sandbox

    async def _turn(self, peer: Peer, user: str) -> None:
        """
        Wait until there is a place.

        @raise Busy: too many wait already, or of this user.
        @raise ConnectionLost: nobody waits any more.
        """
        if self._of_user[user] >= OF_USER:
            raise Busy(f"{OF_USER} scripts of yours run or wait already; try again when one ended")
        if len(self._turns.waiting) >= WAITING:
            raise Busy(f"{WAITING} scripts wait for their turn already; try again in a moment")
        turn = self._turns.acquire()
        self._of_user[user] += 1
        try:
            with self._attendance.attending(peer, turn.cancel):
                await turn
        except CancelledError:
            self._forget(user)
            if not self.running:
                raise self._refusal from None
            raise ConnectionLost() from None

    def _leave(self, user: str) -> None:
        """A turn is over."""
        self._forget(user)
        self._turns.release()

    def _forget(self, user: str) -> None:
        """One script less of a user runs or waits."""
        self._of_user[user] -= 1
        if not self._of_user[user]:
            del self._of_user[user]

    async def _fetch(self, path: str, user: str) -> Script:
        """
        The text of a document as it is now.

        @raise DFSError: it cannot be had, may not be read, or is too large.
        """
        for _ in range(TRIES):
            entry = self._index.document(path)
            demand(entry, user, Right.READ)
            link = self._fleet.active(entry).link
            ticket = self._ticket(entry, user)
            facts = await link.ask(Stat(ticket), FETCH_SECONDS)
            if facts.size > SCRIPT_BYTES:
                raise TooLarge(f"a script has at most {SCRIPT_BYTES} bytes, not {facts.size}")
            text = await link.content(Read(ticket), FETCH_SECONDS, SCRIPT_BYTES)
            if hashlib.sha256(text).hexdigest() == facts.sha256:
                return Script(entry, text, facts.version, facts.sha256)
        raise Busy("the document changes too fast; try again in a moment")

    def _ticket(self, entry: Entry, user: str) -> str:
        expires = int(self._wall() + TICKET_SECONDS)
        epoch = entry.place.pair.epoch
        return seal(self._key, Ticket(entry.key, user, Right.READ, epoch, entry.number, expires))

    async def _run(
        self, script: Script, user: str, exchange: Exchange, sandbox: Sandbox, backend: str
    ) -> Ran:
        """Run a script, and write down that it was run; its turn ends when it has ended."""

        def take(piece: bytes) -> Deferred[None] | None:
            exchange.data(piece)
            return exchange.room()

        run = Run(self._clock, script.text, take)
        began = self._clock.seconds()
        known = Ending(-1, "it could not be run")
        try:
            ended = self._take_turn(run, user, sandbox, backend)
            with self._attendance.attending(exchange.peer, lambda: run.stop(Stopped.UNHEARD)):
                known = await ended
        finally:
            self._log.info(
                "{user} ran {path}: status {status}",
                log_event="exec_ended",
                user=user,
                path=script.entry.path,
                document=script.entry.key,
                version=script.version,
                sha256=script.sha256,
                status=known.status,
                note=known.note,
                size=run.size,
                seconds=round(self._clock.seconds() - began, 3),
            )
        return Ran(run.size, run.sha256, known.status, known.note)

    def _take_turn(self, run: Run, user: str, sandbox: Sandbox, backend: str) -> Deferred[Ending]:
        """
        Start something, and leave when it has ended.

        @raise Busy: this machine has no process for it.
        """
        try:
            ended = self._begin(run, sandbox, backend)
        except BaseException as error:
            self._leave(user)
            if isinstance(error, OSError):
                raise Busy(
                    f"this machine has no process for it ({error}); try again later"
                ) from None
            raise
        run.when_exited().addCallback(lambda exited: self._leave(user))
        return ended

    def _begin(self, run: Run, sandbox: Sandbox, backend: str) -> Deferred[Ending]:
        """
        Start something, and know of it until it has ended.

        @raise OSError: this machine has no process for it.
        """
        ended = run.start(sandbox.spawn, backend)
        self._runs.add(run)
        run.when_exited().addCallback(lambda exited: self._runs.discard(run))
        return ended
