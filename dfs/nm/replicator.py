"""Placeholder until the real one lands: copies nothing."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define
from twisted.internet.interfaces import IReactorTime

from dfs.nm.fleet import Fleet
from dfs.nm.index import Index, Place
from dfs.nm.notes import Notes
from dfs.nm.teller import Teller


@define(eq=False)
class Replicator:
    _index: Index
    _fleet: Fleet
    _teller: Teller
    _notes: Notes
    _clock: IReactorTime
    _random: Callable[[], float]

    def wake(self, place: Place) -> None:
        pass

    def stop(self) -> None:
        pass

    def equal(self, place: Place) -> bool:
        return not place.dirty and not place.behind and not place.graves

    def lag(self, place: Place, now: float) -> tuple[int, float]:
        since = next(iter(place.dirty.values()), now)
        return len(place.dirty), now - since
