"""
Simulated time: one clock for everybody, and the clock of each process on it.

Decides in which order things happen, and that nothing happens in a process that is stopped or
dead.  Must not know what happens.

Note [Event by event].  The time is set to that of each call before it is made, so a loop of five
seconds ticks twelve times in a minute, however that minute is passed.  What is due at the same time
happens in the order in which it was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from math import inf, nextafter
from typing import Any

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

#: Cancelled calls that are kept before they are thrown away together.
_KEPT = 1_000


@implementer(IDelayedCall)
class Call:
    """Something that is to be done."""

    __slots__ = ("_arguments", "_clock", "_function", "_keywords", "_late", "due", "owner", "state")

    def __init__(
        self,
        clock: Clock,
        owner: ProcessClock | None,
        due: float,
        function: Callable[..., object],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> None:
        self._clock = clock
        self.owner = owner
        self.due = due
        self._function = function
        self._arguments = arguments
        self._keywords = keywords
        self._late = False
        self.state = ""  # or "called", or "cancelled"

    @property
    def _rate(self) -> float:
        return 1.0 if self.owner is None else self.owner.rate

    def getTime(self) -> float:
        """When it is due, on the clock of its process."""
        return self.due * self._rate

    def cancel(self) -> None:
        """Do not do it."""
        self._check()
        self.state = "cancelled"
        self._clock.drop(self)

    def delay(self, secondsLater: float) -> None:
        """Do it so much later."""
        self._check()
        self._move(self.due + secondsLater / self._rate)

    def reset(self, secondsFromNow: float) -> None:
        """Do it so long from now."""
        self._check()
        now = self._clock.seconds()
        self._move(now + secondsFromNow if self.owner is None else self.owner.due(secondsFromNow))

    def active(self) -> bool:
        """It is still to be done."""
        return not self.state

    def _check(self) -> None:
        if self.state == "called":
            raise AlreadyCalled
        if self.state == "cancelled":
            raise AlreadyCancelled

    def _move(self, due: float) -> None:
        self.due = due
        if self._late and self.owner is not None:
            self._late = False
            self.owner.late.remove(self)
        self._clock.push(self)

    def is_late(self) -> None:
        """Its process is stopped."""
        assert self.owner is not None
        self._late = True
        self.owner.late.append(self)

    def hasten(self) -> None:
        """Its process goes on."""
        if not self.state:
            self._late = False
            self._move(self._clock.seconds())

    def make(self) -> None:
        """Do it."""
        self.state = "called"
        self._function(*self._arguments, **self._keywords)

    def __repr__(self) -> str:
        return f"<{self._function!r} at {self.due:.6f}>"


@implementer(IReactorTime)
class Clock:
    """
    Everybody's time; takes the place of Twisted's C{task.Clock}, which sorts all at each call.

    @ivar running: the process in which something happens now, if it is in one.
    @ivar events: how much has happened.
    """

    def __init__(self) -> None:
        self.running: ProcessClock | None = None
        self.events = 0
        self._now = 0.0
        self._number = 0
        self._heap: list[tuple[float, int, Call]] = []
        self._dropped = 0

    def seconds(self) -> float:
        """The time."""
        return self._now

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> Call:
        """Do something later, in no process."""
        return self.call(None, self._now + delay, callable, args, kw)

    def call(
        self,
        owner: ProcessClock | None,
        due: float,
        function: Callable[..., object],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> Call:
        """
        Do something at a time.

        @param due: on this clock.
        """
        call = Call(self, owner, due, function, arguments, keywords)
        self.push(call)
        return call

    def push(self, call: Call) -> None:
        """Remember when a call is due; what was remembered of it before does not count."""
        self._number += 1
        heappush(self._heap, (call.due, self._number, call))

    def drop(self, call: Call) -> None:
        """A call was cancelled."""
        self._dropped += 1
        if self._dropped > _KEPT and 2 * self._dropped > len(self._heap):
            self._dropped = 0
            self._heap = [one for one in self._heap if self._counts(one)]
            heapify(self._heap)

    @staticmethod
    def _counts(entry: tuple[float, int, Call]) -> bool:
        due, _, call = entry
        gone = call.owner is not None and call.owner.dead
        return not call.state and call.due == due and not gone

    def getDelayedCalls(self) -> list[IDelayedCall]:
        """What is to be done, in order."""
        waiting: list[IDelayedCall] = []
        waiting += [entry[2] for entry in sorted(self._heap) if self._counts(entry)]
        return waiting

    def step(self, end: float) -> bool:
        """
        Let the next thing happen.

        @return: False when nothing does before C{end}; it is that time then.
        """
        heap = self._heap
        while heap and heap[0][0] <= end:
            due, _, call = heappop(heap)
            if call.state or call.due != due:
                continue
            owner = call.owner
            if owner is not None:
                if owner.dead:
                    continue
                if owner.stopped:
                    call.is_late()
                    continue
            if due > self._now:
                self._now = due
            self.events += 1
            self.running = owner
            try:
                call.make()
            finally:
                self.running = None
            return True
        self._now = max(self._now, end)
        return False

    def advance(self, amount: float) -> None:
        """Let time pass; see Note [Event by event]."""
        end = self._now + amount
        while self.step(end):
            pass


@implementer(IReactorTime)
class ProcessClock:
    """
    The clock of one process, from its start to its end.

    @ivar clock: everybody's.
    @ivar name: of the process.
    @ivar rate: seconds of its clock in one of everybody's.
    @ivar stopped: nothing happens until L{go_on}, as between SIGSTOP and SIGCONT.
    @ivar dead: nothing happens any more.
    @ivar late: what should have happened while it was stopped.
    """

    def __init__(self, clock: Clock, name: str = "", rate: float = 1.0) -> None:
        self.clock = clock
        self.name = name
        self.rate = rate
        self.stopped = False
        self.dead = False
        self.late: list[Call] = []

    def seconds(self) -> float:
        """Its time, which goes on while it is stopped."""
        return self.clock.seconds() * self.rate

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> Call:
        """Do something later, if it is still running then."""
        return self.clock.call(self, self.due(delay), callable, args, kw)

    def due(self, delay: float) -> float:
        """When, for everybody, so many seconds of its own will have passed; never less."""
        when = self.seconds() + delay
        due = when / self.rate
        while due * self.rate < when:
            due = nextafter(due, inf)
        return due

    def getDelayedCalls(self) -> list[IDelayedCall]:
        """What everybody is to do."""
        return self.clock.getDelayedCalls()

    def go_on(self) -> None:
        """Do what should have been done meanwhile, in its order, before anything else."""
        self.stopped = False
        late, self.late = self.late, []
        for call in late:
            call.hasten()
