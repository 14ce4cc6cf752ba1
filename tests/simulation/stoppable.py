"""
The clock of one process that can be stopped and continued, as SIGSTOP and SIGCONT do.

Decides that nothing that is due happens while it is stopped, and that all of it happens, in order,
when it goes on.  Must not know what the process does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import Clock
from zope.interface import implementer


@implementer(IDelayedCall)
@define(eq=False)
class Call:
    """Something that is to be done."""

    _owner: StoppableClock
    _function: Callable[[], object]
    _due: IDelayedCall
    _done: bool = field(default=False, init=False)
    _late: bool = field(default=False, init=False)

    def getTime(self) -> float:
        return self._due.getTime()

    def cancel(self) -> None:
        assert not self._done
        self._done = True
        if not self._late:
            self._due.cancel()

    def delay(self, secondsLater: float) -> None:
        self._due.delay(secondsLater)

    def reset(self, secondsFromNow: float) -> None:
        if self._late:
            self._late = False
            self._owner.late.remove(self)
            self._due = self._owner.clock.callLater(secondsFromNow, self.ring)
        else:
            self._due.reset(secondsFromNow)

    def active(self) -> bool:
        return not self._done

    def ring(self) -> None:
        """It is due."""
        if self._owner.stopped:
            self._late = True
            self._owner.late.append(self)
        else:
            self.run()

    def run(self) -> None:
        """Do it, unless somebody thought better of it."""
        if not self._done:
            self._done = True
            self._function()


@implementer(IReactorTime)
@define(eq=False)
class StoppableClock:
    """
    The clock of one process.

    @ivar clock: everybody's.
    @ivar late: what should have happened while it was stopped.
    """

    clock: Clock
    stopped: bool = False
    late: list[Call] = field(factory=list)

    def seconds(self) -> float:
        return self.clock.seconds()

    def callLater(
        self, delay: float, callable: Callable[..., Any], *args: Any, **kw: Any
    ) -> IDelayedCall:
        call = Call(self, lambda: callable(*args, **kw), None)  # type: ignore[arg-type]
        call._due = self.clock.callLater(delay, call.ring)
        return call

    def getDelayedCalls(self) -> list[IDelayedCall]:
        return list(self.clock.getDelayedCalls())

    def go_on(self) -> None:
        """Do what should have been done meanwhile."""
        self.stopped = False
        late, self.late = self.late, []
        for call in late:
            call._late = False
            call.run()
