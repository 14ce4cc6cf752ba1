"""
Readings of a cluster, one after the other, for C{dfs top}.

Decides when the name server is asked, and what is remembered of what it said.  It is asked on
whatever happens: while it is away, and while servers fail.  Must not know how anything is shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from dfs.client.dashboard import Reading, Scene, Sort, happened
from dfs.client.session import Session
from dfs.timing import steady

#: Events that are remembered.
EVENTS = 100

#: A reading that is older than so many intervals is old.
LATE = 2.5


@define(eq=False)
class Monitor:
    """
    What is known now.

    @ivar interval: seconds from one reading to the next.
    @ivar _wall: seconds since the epoch.
    @ivar _changed: called when something else is to be shown.
    """

    _session: Session
    _clock: IReactorTime
    _wall: Callable[[], float]
    _name_servers: str
    interval: float
    _changed: Callable[[], object]
    _reading: Reading | None = field(default=None, init=False)
    _before: Reading | None = field(default=None, init=False)
    _trouble: str = field(default="", init=False)
    _events: deque[str] = field(factory=lambda: deque(maxlen=EVENTS), init=False)
    _sort: Sort = field(default=Sort.NAME, init=False)
    _paused: bool = field(default=False, init=False)
    _help: bool = field(default=False, init=False)
    _asking: Deferred[None] | None = field(default=None, init=False)

    async def run(self, until: Deferred[None]) -> None:
        """Ask again and again, until that fires."""
        self._session.tell_waits(self._waits)
        asking = steady(self._clock, self.interval, self._ask)
        asking.startService()
        try:
            await until
        finally:
            asking.stopService()
            if self._asking is not None:
                self._asking.cancel()

    def scene(self) -> Scene:
        """What there is to show."""
        now, reading = self._clock.seconds(), self._reading
        return Scene(
            self._name_servers,
            self._moment(),
            now,
            reading,
            self._before,
            silent=reading is not None and now - reading.when > LATE * self.interval,
            trouble=self._trouble,
            events=tuple(self._events),
            sort=self._sort,
            paused=self._paused,
            help=self._help,
        )

    # --------------------------------------------------------------------------------- keys

    def sort(self) -> None:
        """Stand in another order."""
        self._sort = self._sort.next
        self._changed()

    def pause(self) -> None:
        """Stand still, or go on."""
        self._paused = not self._paused
        self._changed()

    def help(self) -> None:
        """Show what keys do, or no more."""
        self._help = not self._help
        self._changed()

    # ------------------------------------------------------------------------------- asking

    def _ask(self) -> None:
        """One question at a time: the library itself tries again while nobody answers."""
        if self._asking is None and not self._paused:
            asking = self._asking = Deferred.fromCoroutine(self.read())
            asking.addErrback(self._failed)
            asking.addBoth(self._asked)
        self._changed()

    async def read(self) -> None:
        """
        Ask once.

        @raise DFSError: there is no answer.
        """
        servers = await self._session.servers()
        status = {one.name: one.value for one in await self._session.status()}
        self._trouble = ""
        self._before, self._reading = (
            self._reading,
            Reading(tuple(servers), status, self._clock.seconds()),
        )
        if self._before is not None:
            moment = self._moment()
            news = happened(self._before, self._reading)
            self._events.extend(f"{moment}  {one}" for one in news)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._trouble = failure.getErrorMessage()

    def _asked(self, result: object) -> object:
        self._asking = None
        self._changed()
        return result

    def _waits(self, text: str) -> None:
        """The library waits for somebody."""
        self._trouble = text

    def _moment(self) -> str:
        return datetime.fromtimestamp(self._wall(), UTC).astimezone().strftime("%H:%M:%S")
