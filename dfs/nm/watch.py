"""
Who looks whether storage servers live, and whether this name server was awake to hear them.

Decides how often, and how a crash is told from a broken connection.  Who was silent for too long is
decided by L{dfs.core.liveness}.  Must not know what follows when a server has failed.

Note [Crashed].  A connection that breaks proves nothing.  But a port that refuses, on every try
for C{crash_grace} seconds, has no process behind it, and a process that is gone holds no lease.
One that is started again in that time is not given up.  A port that answers says nothing either: a
process that is about to die may still answer once.  So it is asked again, until the server is back
or has failed.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.application.service import IService
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.core.liveness import TICK_SECONDS, Intervals
from dfs.nm.entries import Place
from dfs.nm.fleet import Fleet, Server, State
from dfs.timing import steady
from dfs.wire.client import Connection

#: Seconds between two tries to reach a server that may have crashed, and for one of them.
PROBE_PAUSE, PROBE_SECONDS = 0.1, 1.0


@define(eq=False)
class Watch:
    """
    Sweeps and probes.

    @ivar _dial: connects to an address.
    @ivar _changed: called when a member of a pair has failed.
    """

    _fleet: Fleet
    _clock: IReactorTime
    _intervals: Intervals
    _dial: Callable[[str], Deferred[Connection]]
    _changed: Callable[[Place], None]
    _probes: dict[str, Deferred[None]] = field(factory=dict, init=False)
    _stopped: bool = field(default=False, init=False)
    _log = Logger(namespace="dfs.nm")

    def loops(self) -> list[IService]:
        """What has to run."""
        return [steady(self._clock, TICK_SECONDS, self.sweep)]

    def stop(self) -> None:
        """Probe nobody any more."""
        self._stopped = True
        probes, self._probes = self._probes, {}
        for probe in probes.values():
            probe.cancel()

    def sweep(self) -> None:
        """Notice own stalls, and give up who was silent for too long."""
        now = self._clock.seconds()
        stall = self._fleet.liveness.tick(now)
        if stall:
            self._log.warn(
                "this name server stood still for {seconds} s; every deadline is moved",
                log_event="stalled",
                seconds=round(stall, 3),
            )
        for name in self._fleet.liveness.silent(now):
            server = self._fleet.servers[name]
            if server.state is State.HELD:
                self._changed(server.place)  # a lease that it may have had is over
            else:
                self._fail(server, "it was not heard for too long")

    def _fail(self, server: Server, reason: str) -> None:
        silence = self._fleet.liveness.silence(server.name, self._clock.seconds())
        self._fleet.fail(server)
        self._log.warn(
            "{server} has failed: {reason} ({seconds} s)",
            log_event="heartbeat_monitor_failure",
            server=server.name,
            reason=reason,
            seconds=None if silence is None else round(silence, 3),
            documents=server.place.documents,
        )
        self._changed(server.place)

    # ------------------------------------------------------------------------------- probes

    def probe(self, server: Server) -> None:
        """The connection of a server is lost: find out whether it has crashed."""
        if self._stopped or not server.here:
            return
        older = self._probes.get(server.name)
        if older is not None:
            older.cancel()  # it asks about a life that is over
        probing = Deferred.fromCoroutine(self._probe(server))
        self._probes[server.name] = probing
        probing.addErrback(self._probed_in_vain, server)
        probing.addBoth(self._probed, server, probing)

    async def _probe(self, server: Server) -> None:
        grace, address = self._intervals.crash_grace, server.known.address
        end = self._clock.seconds() + grace
        while True:
            refused = await self._refuses(address)
            if not server.here or server.peer is not None:
                return  # it has come back, or was given up for another reason
            now = self._clock.seconds()
            if not refused:
                end = now + grace
            elif now >= end:
                self._fail(server, "its process is gone")
                return
            await deferLater(self._clock, PROBE_PAUSE)

    async def _refuses(self, address: str) -> bool:
        dialling = self._dial(address)
        dialling.addTimeout(PROBE_SECONDS, self._clock)
        try:
            connection = await dialling
        except ConnectionRefusedError:
            return True
        except CancelledError:
            raise
        except Exception:  # no answer, no route: nothing is known
            return False
        connection.close(abort=True)
        return False

    def _probed(self, result: None, server: Server, probing: Deferred[None]) -> None:
        if self._probes.get(server.name) is probing:
            del self._probes[server.name]

    def _probed_in_vain(self, failure: Failure, server: Server) -> None:
        """It is found out by its silence, then."""
        if not failure.check(CancelledError):
            self._log.failure(
                "{server} could not be probed",
                failure,
                log_event="internal_error",
                server=server.name,
            )
