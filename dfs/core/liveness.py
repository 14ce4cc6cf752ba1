"""
Who has been silent for too long.

Decides which servers have failed from when they were heard.  Must not know how they are heard, or
what follows when they are not; the time is an argument.

Note [Own stalls].  A process that was stopped and continued, or was busy for seconds, was not
listening meanwhile, so the silence it finds proves nothing.  L{Liveness.tick} is called every
second; what is missing between two calls was a stall of our own and is added to every deadline.
"""

from __future__ import annotations

import enum

from attrs import define, field, frozen

#: Seconds between two ticks.
TICK_SECONDS = 1.0

#: A tick that comes later than this after its time tells of a stall.
STALL_SECONDS = 1.0


class State(enum.Enum):
    """
    How a storage server is.

    @cvar AWAITED: known from the journal, not heard since this name server started.
    @cvar JOINING: registered, but it lacks metadata that it must have before it serves.
    @cvar LIVE: it serves.
    @cvar FAILED: silent for too long, or it said GOODBYE.
    @cvar HELD: somebody came under its name with a store that cannot be its own, or its store is
        newer than the journal.
    """

    AWAITED = "AWAITED"
    JOINING = "JOINING"
    LIVE = "LIVE"
    FAILED = "FAILED"
    HELD = "HELD"


@frozen
class Intervals:
    """
    How often who is heard, in seconds.

    A silent server has failed only when its lease is over for sure.

    @ivar heartbeat: from one heartbeat to the next.
    @ivar lease: for which the answer to one lets a server serve.
    @ivar failure: of silence after which a server has failed.
    @ivar crash_grace: for which its port must refuse before a server that was lost has crashed.
    """

    heartbeat: float = 5.0
    lease: float = 10.0
    failure: float = 15.0
    crash_grace: float = 1.0

    def complaint(self) -> str:
        """What is wrong with them; empty if nothing is."""
        if not 0 < self.heartbeat < self.lease < self.failure:
            return (
                "--heartbeat-interval must be shorter than --lease, and --lease shorter than "
                "--failure-after"
            )
        return ""


@define
class Liveness:
    """
    When each server was last heard, and until when it has time to be heard again.

    @ivar patience: seconds of silence after which a server has failed.
    """

    patience: float
    _ticked: float
    _heard: dict[str, float] = field(factory=dict, init=False)
    _deadlines: dict[str, float] = field(factory=dict, init=False)

    def heard(self, server: str, now: float) -> None:
        """A server gave a sign of life."""
        self._heard[server] = now
        self._deadlines[server] = now + self.patience

    def expected(self, server: str, now: float) -> None:
        """A server that was not heard yet is given as much time as if it had been."""
        self._deadlines[server] = now + self.patience

    def forget(self, server: str) -> None:
        """Nothing is expected of a server any more."""
        self._deadlines.pop(server, None)

    def expects(self, server: str) -> bool:
        """A server still has time to be heard."""
        return server in self._deadlines

    def left(self, server: str, now: float) -> float | None:
        """Seconds that a server still has to be heard; None: nothing is expected of it."""
        deadline = self._deadlines.get(server)
        return None if deadline is None else max(0.0, deadline - now)

    def tick(self, now: float) -> float:
        """
        Notice whether this process was stopped; see Note [Own stalls].

        @return: seconds that were added to every deadline.
        """
        late = now - self._ticked - TICK_SECONDS
        self._ticked = max(now, self._ticked)
        if late <= STALL_SECONDS:
            return 0.0
        for server in self._deadlines:
            self._deadlines[server] += late
        return late

    def silent(self, now: float) -> list[str]:
        """
        The servers that have newly failed, sorted; nothing is expected of them any more.

        Call L{tick} before.
        """
        failed = sorted(name for name, deadline in self._deadlines.items() if now >= deadline)
        for name in failed:
            self.forget(name)
        return failed

    def silence(self, server: str, now: float) -> float | None:
        """Seconds since a server was heard; None if it never was."""
        heard = self._heard.get(server)
        return None if heard is None else max(0.0, now - heard)
