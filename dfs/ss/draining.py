"""
Finishing, so that the other member of the pair can serve.

Decides when nothing is being changed any more, what is refused until then and from then on, and
what ends it.  Must not know why the other one is to serve, nor what a change is.

Note [Which answer ends it]
===========================
The name server asks for it on its own connection; that it is over stands in the answer to a
heartbeat, on ours.  The two may overtake each other.  So only the answer to a heartbeat that was
sent after the order came, or after it was given up, says anything about it.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from dfs.errors import Busy, DFSError, Moved, Unavailable


class Stage(enum.Enum):
    """
    How far it has come.

    @cvar NO: everything is allowed.
    @cvar DRAINING: what is open may be finished, nothing else is begun.
    @cvar DRAINED: nothing is being changed, and nothing may be; nor is anything read, because the
        other member may serve by now.
    """

    NO = "no"
    DRAINING = "draining"
    DRAINED = "drained"


@define(eq=False)
class Draining:
    """
    Who may begin a change and who may still finish one.

    @ivar stage: see L{Stage}.
    @ivar beats: heartbeats that were sent so far.
    @ivar open: how many editing sessions are open.
    @ivar _since: heartbeats that had been sent when this stage began.
    """

    _clock: IReactorTime
    _name: str
    _last_seq: Callable[[], int]
    open: Callable[[], int] = field(default=lambda: 0, init=False)
    stage: Stage = field(default=Stage.NO, init=False)
    beats: int = field(default=0, init=False)
    _since: int = field(default=0, init=False)
    _under_way: int = field(default=0, init=False)
    _closed: bool = field(default=False, init=False)
    _waiting: list[Deferred[None]] = field(factory=list, init=False)
    _closing: Deferred[None] | None = field(default=None, init=False)
    _log = Logger(namespace="dfs.ss.draining")

    async def drain(self, seconds: float) -> int:
        """
        Finish.

        @param seconds: that it may take.
        @return: the position of the newest change.
        @raise Busy: it took longer; everything is allowed again.
        """
        self.begin()
        if self.stage is not Stage.DRAINED:
            finished: Deferred[None] = Deferred()
            self._waiting.append(finished)
            finished.addTimeout(seconds, self._clock, self._too_late)
            await finished
        return self._last_seq()

    def begin(self) -> None:
        """Let nothing new begin."""
        if self.stage is Stage.NO:
            self.stage = Stage.DRAINING
        self._since = self.beats
        self.settle()

    def told(self, beat: int, *, drain: bool) -> None:
        """
        The answer to a heartbeat came; this server serves.

        @param beat: which heartbeat it was.
        @param drain: the name server still wants to have it finished: a server that was started
            anew does not know that.
        """
        if beat <= self._since:
            return
        if drain:
            if self.stage is Stage.NO:
                self.begin()
        elif self.stage is not Stage.NO:
            self.resume(Busy("the name server has called it off"))

    def resume(self, why: DFSError) -> None:
        """
        Everything is allowed again.

        @param why: for the name server, if it still waits.
        """
        self.stage = Stage.NO
        self._since = self.beats
        waiting, self._waiting = self._waiting, []
        for finished in waiting:
            finished.errback(why)

    def settle(self) -> None:
        """Something has ended: a session, a change."""
        if self._under_way:
            return
        if self._closing is not None:
            closing, self._closing = self._closing, None
            closing.callback(None)
        if self.stage is not Stage.DRAINING or self.open():
            return
        self.stage = Stage.DRAINED
        self._log.info(
            "{name} has finished; {seq} is the newest change",
            log_event="drained",
            name=self._name,
            seq=self._last_seq(),
        )
        waiting, self._waiting = self._waiting, []
        for finished in waiting:
            finished.callback(None)

    # ----------------------------------------------------------------------- for changes

    def entered(self) -> None:
        """A change of a client stands in its line now; L{left} follows, whatever happens."""
        self._under_way += 1

    def left(self) -> None:
        """It is over, and its client was told."""
        self._under_way -= 1
        self.settle()

    def may_begin(self) -> None:
        """
        Whether a session may be opened, or something changed outside of one.

        @raise Busy: not now.
        @raise Moved: not here any more.
        """
        self._check_closed()
        self.may_answer()
        if self.stage is Stage.DRAINING:
            raise Busy(f"{self._name} hands over to its peer; try again in a moment")

    def may_finish(self) -> None:
        """
        Whether what was begun may be committed.

        @raise Moved: not here any more.
        """
        self._check_closed()
        self.may_answer()

    def may_answer(self) -> None:
        """
        Whether anybody may be told what is here; see C{docs/decisions/0018}.

        @raise Moved: the other member may have more by now.
        """
        if self.stage is Stage.DRAINED:
            raise Moved(f"{self._name} has handed over to its peer; ask the name server again")

    def close(self, seconds: float) -> Deferred[None]:
        """
        The server stops: let nothing new be committed.

        @return: fires when what was being changed is done, or after that time.
        """
        self._closed = True
        closed: Deferred[None] = Deferred()
        if not self._under_way:
            closed.callback(None)
            return closed
        self._closing = closed
        return closed.addTimeout(seconds, self._clock, self._given_up)

    # --------------------------------------------------------------------------- details

    def _check_closed(self) -> None:
        if self._closed:
            raise Unavailable(f"{self._name} stops; try again later")

    def _too_late(self, result: object, seconds: float) -> None:
        # The other ones who wait, if there are any, asked for it later.
        self._waiting = [one for one in self._waiting if not one.called]
        if not self._waiting:
            self.resume(Busy("over"))
        raise Busy(f"{self._name} could not finish within {seconds:g} s: somebody is still editing")

    def _given_up(self, result: object, seconds: float) -> None:
        self._closing = None
