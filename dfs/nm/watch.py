"""
Who looks whether storage servers live, and whether this name server was awake to hear them.

Decides how often.  Who has failed is decided by L{dfs.core.liveness}.  Must not know what a failed
server served.
"""

from __future__ import annotations

from attrs import define
from twisted.application.service import IService
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from dfs.core.liveness import TICK_SECONDS
from dfs.nm.fleet import Fleet, State
from dfs.timing import steady


@define(eq=False)
class Watch:
    """
    Sweeps.

    @ivar _interval: seconds between two looks at who is silent.
    """

    _fleet: Fleet
    _clock: IReactorTime
    _interval: float
    _log = Logger(namespace="dfs.nm")

    def loops(self) -> list[IService]:
        """What has to run."""
        return [
            steady(self._clock, TICK_SECONDS, self.tick),
            steady(self._clock, self._interval, self.sweep),
        ]

    def tick(self) -> None:
        """Notice own stalls."""
        stall = self._fleet.liveness.tick(self._clock.seconds())
        if stall:
            self._log.warn(
                "this name server stood still for {seconds} s; every deadline is moved",
                log_event="stalled",
                seconds=round(stall, 3),
            )

    def sweep(self) -> None:
        """Give up who was silent for too long."""
        self.tick()
        now = self._clock.seconds()
        for name in self._fleet.liveness.silent(now):
            server = self._fleet.servers[name]
            if server.state is not State.HELD:
                server.state = State.FAILED
            silence = self._fleet.liveness.silence(name, now)
            self._log.warn(
                "{server} was not heard for {seconds} s; its documents are unavailable",
                log_event="heartbeat_monitor_failure",
                server=name,
                seconds=None if silence is None else round(silence, 3),
                documents=server.place.documents,
            )
