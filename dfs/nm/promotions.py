"""
What follows when another member of a pair has become active, and that is in the journal.

Decides when it serves, what the log says of documents that are behind, and that what is shown of
them becomes what is served.  Must not know why another member is active.

Note [Shown].  INFO shows what the active member said last.  That was the other one if a document is
behind, or if only the new one has its newest version; so the new one is asked for its note, until
that is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.core.pairs import Event, Pair
from dfs.errors import DFSError
from dfs.nm.entries import Entry, Place
from dfs.nm.fleet import Fleet, Server, State
from dfs.nm.index import Index
from dfs.nm.teller import Teller
from dfs.wire.messages import Renote

#: Seconds that a member has for its note.
RENOTE_SECONDS = 5.0

#: How many documents an event names.
NAMED = 20


@define(eq=False)
class Promotions:
    """
    Promotes.

    @ivar _asking: those whose active member is being asked.
    """

    _index: Index
    _fleet: Fleet
    _teller: Teller
    _asking: set[Place] = field(factory=set, init=False)
    _log = Logger(namespace="dfs.nm")

    def promoted(self, place: Place, old: Pair, event: Event) -> None:
        """Another member is active: let it serve, as soon as it knows what it must."""
        pair = place.pair
        server = self._fleet.servers[pair.active]
        if server.here:  # it may have been lost while the journal was busy
            server.state = State.JOINING
            self._teller.catch_up(server)
        fields = {
            "pair": pair.name,
            "server": pair.active,
            "before": old.active,
            "epoch": pair.epoch,
            "behind": len(place.behind),
            "documents": named(islice(place.behind, NAMED)),
        }
        if event is Event.SWITCHED and pair.home_active:
            self._log.info(
                "{pair} is served by {server} again", log_event="handback_complete", **fields
            )
        else:
            self._log.warn(
                "{pair} is served by {server} now, not by {before}; of {behind} documents only "
                "{before} has the newest version: {documents}",
                log_event="failover_complete",
                **fields,
            )
        self._renote(place)

    def sweep(self) -> None:
        """Ask again where it was in vain."""
        for place in self._index.places.values():
            self._renote(place)

    def _renote(self, place: Place) -> None:
        server = self._fleet.servers.get(place.pair.active)
        if not place.unshown or place in self._asking:
            return
        if server is None or server.state is not State.LIVE:
            return
        self._asking.add(place)
        asking = Deferred.fromCoroutine(self._ask(place, server))
        asking.addCallbacks(self._asked, self._in_vain, (place,), {}, (place,))

    async def _ask(self, place: Place, server: Server) -> None:
        epoch = place.pair.epoch
        for entry in list(place.unshown):
            if place.pair.epoch != epoch or server.state is not State.LIVE:
                return
            if entry.shown:
                place.unshown.pop(entry, None)
            else:
                await server.link.ask(Renote(entry.key, epoch), RENOTE_SECONDS)

    def _asked(self, result: None, place: Place) -> None:
        self._asking.discard(place)

    def _in_vain(self, failure: Failure, place: Place) -> None:
        """It is asked again within a second, or when it is here again."""
        self._asking.discard(place)
        if not failure.check(DFSError):
            self._log.failure("a defect", failure, log_event="internal_error")


def named(entries: Iterable[Entry]) -> list[str]:
    """Documents by path, sorted."""
    return sorted(entry.path for entry in entries)
