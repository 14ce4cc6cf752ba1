"""
The facts from which it is told why a document can be used or not.

Decides where each fact of L{dfs.core.reasons} comes from.  Must not know what is made of them, nor
who asks.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define
from twisted.internet.interfaces import IReactorTime

from dfs.core.namespace import Folder
from dfs.core.paths import normalize
from dfs.core.reasons import SILENT_BEATS, Held, Member, Situation, Standing, why, why_not_there
from dfs.nm.entries import Entry
from dfs.nm.fleet import Fleet, Promise, Server, State
from dfs.nm.index import Index
from dfs.nm.notes import Notes
from dfs.nm.pairing import Pairing
from dfs.wire.locks import LockLine


@define(eq=False)
class Explanations:
    """
    Explains.

    @ivar _heartbeat: seconds from one heartbeat of a storage server to the next.
    """

    _index: Index
    _fleet: Fleet
    _pairing: Pairing
    _notes: Notes
    _clock: IReactorTime
    _promise: Promise
    _heartbeat: float

    def entry(self, path: str) -> Entry | None:
        """
        The document at a path; None if none stands there that people may see.

        @raise Invalid: none can.
        """
        found = self._index.names.find(normalize(path))
        return found if isinstance(found, Entry) and found.live else None

    def absent(self, path: str) -> str:
        """
        Why nothing can be done with a path at which no document stands.

        @raise Invalid: none can stand there.
        """
        path = normalize(path)
        found = self._index.names.find(path)
        standing = Standing.NOTHING
        if isinstance(found, Folder):
            standing = Standing.FOLDER
        elif found is not None:
            standing = Standing.NEW
        elif any(
            grave.path == path
            for place in self._index.places.values()
            for grave in place.graves.values()
        ):
            standing = Standing.DELETED
        return why_not_there(path, standing, self._fleet.takers, self._notes.trouble)

    def document(self, entry: Entry, locks: Iterable[LockLine] = ()) -> str:
        """
        Why a document can be used, or cannot, and when that changes.

        @param locks: who edits it.
        """
        place, pair = entry.place, entry.place.pair
        home = self._fleet.servers.get(pair.home)
        since = place.dirty.get(entry)
        return why(
            Situation(
                entry.path,
                pair,
                self._member(pair.active),
                self._member(pair.peer),
                self._heartbeat,
                moving=place.moving,
                draining=place.draining,
                elsewhere=entry.elsewhere,
                behind=entry in place.behind,
                lag=None if since is None else self._clock.seconds() - since,
                clean=not any(place.lacking()),
                handback=self._pairing.handback_in(place),
                drained=home is not None and home.known.drained,
                replica=self._promise.replica,
                refuse=self._promise.refuse_solo,
                journal=self._notes.trouble,
                locks=tuple(Held(one.user, one.sentence, one.held, one.left) for one in locks),
            )
        )

    def answers(self, server: Server) -> bool:
        """Whether a server can be expected to answer at once."""
        silent = self._fleet.liveness.silence(server.name, self._clock.seconds()) or 0.0
        live = server.state is State.LIVE and server.link.connected
        return live and silent <= SILENT_BEATS * self._heartbeat

    def _member(self, name: str) -> Member:
        server, now = self._fleet.servers.get(name), self._clock.seconds()
        return Member(
            name,
            None if server is None else server.state,
            self._fleet.liveness.silence(name, now),
            self._fleet.liveness.left(name, now),
            0 if server is None else len(server.place.owed),
        )
