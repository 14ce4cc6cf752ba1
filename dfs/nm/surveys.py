"""
What of very many documents is dirty, behind or owed, found out without keeping others waiting.

Decides in how small slices.  What is found stands in the index.  Must not know why it is asked.
"""

from __future__ import annotations

from collections.abc import Collection

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from dfs.core.pairs import Pair
from dfs.errors import Unavailable
from dfs.nm.entries import Entry, Place
from dfs.nm.index import Index
from dfs.nm.kept import NOTHING

#: Documents that are looked at before others have their turn; a few milliseconds.
SLICE = 500


@define(eq=False)
class Surveys:
    """Goes through documents of pairs."""

    _index: Index
    _clock: IReactorTime
    _pauses: set[Deferred[None]] = field(factory=set, init=False)
    _stopped: bool = field(default=False, init=False)

    def stop(self) -> None:
        """Go through nothing any more."""
        self._stopped = True
        for pause in list(self._pauses):
            pause.cancel()

    async def pause(self, seconds: float = 0.0) -> None:
        """
        Let others have their turn.

        @raise Unavailable: this name server stops.
        """
        if not self._stopped:
            pause: Deferred[None] = deferLater(self._clock, seconds)
            self._pauses.add(pause)
            try:
                await pause
                return
            except CancelledError:
                pass
            finally:
                self._pauses.discard(pause)
        raise Unavailable("the name server stops")

    async def after_step(self, place: Place, old: Pair) -> None:
        """
        A pair has taken a step: see what is dirty, behind and owed now.

        When another member is active, what was neither dirty nor behind nor owed is the same on
        both members, so the rest need not be looked at; unless nobody remembered what is dirty.
        """
        swapped = place.pair.active != old.active
        if not old.copying and (swapped or place.pair.copying):
            await self.everything(place)
        elif swapped:
            await self._assess([*place.owed, *place.dirty, *place.behind])

    async def everything(self, place: Place) -> None:
        """Look at all documents of a pair."""
        await self._assess([entry for entry in self._index.entries() if entry.place is place])

    async def forget(self, place: Place, *, home: bool) -> None:
        """A member of a pair has nothing any more."""
        entries = [entry for entry in self._index.entries() if entry.place is place]
        for entry in entries:
            entry.hold(NOTHING, home=home)
        for grave in list(place.graves.values()):
            self._index.haunt(grave.laid(home=home))
        await self._assess(entries)

    async def _assess(self, entries: Collection[Entry]) -> None:
        for number, entry in enumerate(entries, 1):
            self._index.assess(entry)
            if number % SLICE == 0:
                await self.pause()
