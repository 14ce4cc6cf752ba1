"""
The active member of a pair finishes, so that the other one can serve.

Decides when both have the same and nothing more is coming.  Must not know what is switched then.

Note [Drained].  A member that answered DRAIN commits nothing until it hears otherwise from this
name server (the answer to a heartbeat, or a new epoch); and it hears nothing of the kind while the
pair is in HANDBACK or C{Place.draining} is set.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import define, evolve
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from dfs.errors import Busy, DFSError
from dfs.nm.entries import Place
from dfs.nm.fleet import Fleet, Server
from dfs.nm.replicator import Replicator
from dfs.wire.messages import Drain

#: Seconds that the active member has to finish what it began.
DRAIN_SECONDS = 0.8

#: Seconds that everything then has to reach the other member; both together are the pause that a
#: writer may see.
FLUSH_SECONDS = 1.0

#: Seconds that its answer may take on top.
GRACE_SECONDS = 1.0

#: Seconds between two looks at whether both have the same.
PAUSE = 0.01


@define(eq=False)
class Switching:
    """Finishes."""

    _fleet: Fleet
    _replicator: Replicator
    _clock: IReactorTime
    _pause: Callable[[float], Awaitable[None]]
    _log = Logger(namespace="dfs.nm")

    async def ready(self, place: Place) -> bool:
        """Have the active member finish; whether it has, and both have the same."""
        try:
            await self.finish(place)
        except DFSError as error:
            self._log.info(
                "{pair} cannot be handed back yet: {reason}",
                log_event="handback_undone",
                pair=place.pair.name,
                reason=str(error),
            )
            return False
        return True

    async def finish(self, place: Place) -> None:
        """
        Have the active member finish.

        @raise Busy: it has not, or the other one did not get everything in time.
        @raise DFSError: it did not answer.
        """
        server = self._server(place, place.pair.active)
        epoch = place.pair.epoch
        order = Drain(epoch, DRAIN_SECONDS)
        if server.answered is not None:
            # By that it knows, so that it is told when it may go on.
            server.answered = evolve(server.answered, drain=True)
        drained = await server.link.ask(order, DRAIN_SECONDS + GRACE_SECONDS)
        end = self._clock.seconds() + FLUSH_SECONDS
        while server.applied < drained.last_seq or not self.settled(place):
            if self._clock.seconds() >= end or place.pair.epoch != epoch:
                raise Busy(f"{place.pair.peer} did not catch up within {FLUSH_SECONDS:g} s")
            await self._pause(PAUSE)

    def settled(self, place: Place) -> bool:
        """
        Both members are here and have the same of everything [handback_no_check].
        """
        members = [self._fleet.servers.get(name) for name in (place.pair.home, place.pair.backup)]
        complete = all(one is not None and one.complete for one in members)
        return complete and self._replicator.equal(place)

    def demand_settled(self, place: Place) -> None:
        """
        Make sure of L{settled}.

        @raise Busy: it is not so.
        """
        if not self.settled(place):
            raise Busy(f"{place.pair.peer} has not caught up; try again in a moment")

    def _server(self, place: Place, name: str) -> Server:
        server = self._fleet.servers.get(name)
        if server is None or not server.here:
            raise Busy(f"{name} is away; try again later")
        return server
