"""
What people ask the name server: where a document is, what is known of it, who and what there is.

Decides what is answered and to whom.  Nothing here changes anything.  Must not know how requests
travel.

Note [Giving way].  A list may have 200,000 entries.  Every so many of them others get their turn,
and the list goes on when its reader has taken what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from dfs.core import paths
from dfs.core.access import Right
from dfs.core.namespace import Folder
from dfs.core.tickets import TICKET_SECONDS, Ticket, seal
from dfs.nm.changes import user_of
from dfs.nm.entries import Entry, Place, demand
from dfs.nm.fleet import Fleet, State
from dfs.nm.index import Index
from dfs.nm.notes import Notes
from dfs.nm.people import People
from dfs.wire.exchange import Exchange
from dfs.wire.messages import (
    Count,
    GetInfo,
    Info,
    ListUsers,
    Locate,
    Located,
    Record,
    Request,
    Servers,
    Status,
    StatusLine,
    View,
    ViewFolder,
    ViewLine,
)
from dfs.wire.reception import Handler

T = TypeVar("T")

#: Entries of a list between two moments for others.
SLICE = 128


@define(eq=False)
class Questions:
    """
    LOCATE, INFO, VIEW, VIEWFOLDER, LIST, SERVERS, STATUS.

    @ivar _wall: seconds since the epoch.
    @ivar _key: for tickets.
    @ivar _stubborn: what of a pair fails again and again; empty if nothing does.
    """

    _index: Index
    _fleet: Fleet
    _people: People
    _notes: Notes
    _clock: IReactorTime
    _wall: Callable[[], float]
    _key: bytes
    _connections: Callable[[], int]
    _stubborn: Callable[[Place], str]
    _started: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._started = self._clock.seconds()

    def handlers(self) -> dict[type[Request[Any]], Handler]:
        """Which method answers what."""
        return {
            Locate: self.locate,
            GetInfo: self.info,
            View: self.view,
            ViewFolder: self.view_folder,
            ListUsers: self.users,
            Servers: self.servers,
            Status: self.status,
        }

    # ------------------------------------------------------------------------ one document

    def locate(self, request: Locate, exchange: Exchange) -> Located:
        """Say where a document is, with a ticket for it."""
        user = user_of(exchange)
        right = Right.parse(request.right)
        entry = self._index.document(request.path)
        demand(entry, user, right)
        server = self._fleet.active(entry)
        pair = entry.place.pair
        expires = int(self._wall() + TICKET_SECONDS)
        key = entry.key
        ticket = seal(self._key, Ticket(key, user, right, pair.epoch, entry.number, expires))
        address = server.known.address
        behind = entry in entry.place.behind
        return Located(key, pair.name, pair.active, address, pair.epoch, expires, ticket, behind)

    def info(self, request: GetInfo, exchange: Exchange) -> Info:
        """Say what is known about a document."""
        user = user_of(exchange)
        entry = self._index.document(request.path)
        demand(entry, user, Right.READ)
        noted = entry.noted
        place = entry.place
        server = self._fleet.servers.get(place.pair.active)
        return Info(
            entry.key,
            entry.path,
            entry.access.owner,
            entry.created,
            noted.modified,
            noted.modified_by,
            noted.size,
            noted.words,
            noted.characters,
            noted.sentences,
            f"{noted.a}.{noted.b}",
            noted.sha256.hex(),
            entry.grants(),
            entry.right_of(user),
            place.pair.active,
            State.AWAITED.value if server is None else server.state.value,
            self._fleet.peer_of(place),
            place.pair.copying and entry not in place.dirty and entry not in place.behind,
            noted.checkpoints,
            noted.conflicts,
            place.pair.protection,
            entry in place.behind,
        )

    # ------------------------------------------------------------------------------- lists

    async def view(self, request: View, exchange: Exchange) -> Count:
        """List the documents that somebody may read, or all."""
        user = user_of(exchange)

        def line(entry: Entry) -> ViewLine | None:
            right = entry.right_of(user)
            if not entry.live or (right == "-" and not request.all):
                return None
            return _view(entry, right)

        return await self._list(self._index.names.walk(), line, exchange)

    async def view_folder(self, request: ViewFolder, exchange: Exchange) -> Count:
        """List what stands in a folder; of a document only itself."""
        user = user_of(exchange)
        path = paths.folder(request.path)
        found = self._index.names.find(path) if path else self._index.names.root
        if not isinstance(found, Folder):
            exchange.item(self._own_line(self._index.document(request.path), user))
            return Count(1)

        if request.itself:
            exchange.item(_folder(found, user))
            return Count(1)

        def line(thing: Entry | Folder) -> ViewLine | None:
            if isinstance(thing, Folder):
                return _folder(thing, user) if thing.kept else None
            right = thing.right_of(user)
            if not thing.live or (right == "-" and not request.all):
                return None
            return _view(thing, right)

        return await self._list(self._index.names.tree(found, deep=request.deep), line, exchange)

    def _own_line(self, entry: Entry, user: str) -> ViewLine:
        """A document that is asked for by name."""
        demand(entry, user, Right.READ)
        return _view(entry, entry.right_of(user))

    async def users(self, request: ListUsers, exchange: Exchange) -> Count:
        """List everybody."""
        return await self._list(self._people.lines(), lambda line: line, exchange)

    async def servers(self, request: Servers, exchange: Exchange) -> Count:
        """List the storage servers."""
        lines = tuple(self._fleet.lines(self._clock.seconds()))
        return await self._list(lines, lambda line: line, exchange)

    async def _list(
        self, things: Iterable[T], line: Callable[[T], Record | None], exchange: Exchange
    ) -> Count:
        return await write_list(self._clock, things, line, exchange)

    def status(self, request: Status, exchange: Exchange) -> Count:
        """Say how this name server is."""
        facts = self.facts()
        for name, value in facts.items():
            exchange.item(StatusLine(name, str(value)))
        return Count(len(facts))

    def facts(self) -> dict[str, object]:
        """How this name server is; nothing that needs a right."""
        places = list(self._index.places.values())
        states = [server.state for server in self._fleet.servers.values()]
        return {
            "role": "nm",
            "cluster": self._fleet.cluster_id,
            "uptime_seconds": round(self._clock.seconds() - self._started),
            "documents": len(self._index),
            "folders": len(self._index.names.folders) - 1,
            "pairs": len(self._index.places),
            "servers": len(states),
            **{
                f"servers_{state.value.lower()}": states.count(state)
                for state in State
                if state in states
            },
            "users": len(self._people),
            "users_online": self._people.online,
            "connections": self._connections(),
            "notes_heard": self._notes.heard,
            "notes_waiting": self._notes.waiting,
            "metadata_owed": sum(len(place.owed) for place in places),
            "lag_documents": sum(len(place.dirty) for place in places),
            "behind": sum(len(place.behind) for place in places),
            "conflicts": sum(place.conflicts for place in places),
            **{f"pair {place.pair.name}": _pair(place) for place in places},
            "unknown_documents": self._notes.unknown,
            **{
                f"stubborn {place.pair.name}": problem
                for place in places
                if (problem := self._stubborn(place))
            },
        }


async def write_list(
    clock: IReactorTime,
    things: Iterable[T],
    line: Callable[[T], Record | None],
    exchange: Exchange,
) -> Count:
    """
    Write a list, see Note [Giving way].

    @param line: what is written of a thing; None: nothing.
    """
    count = 0
    for place, thing in enumerate(things, 1):
        record = line(thing)
        if record is not None:
            exchange.item(record)
            count += 1
        if place % SLICE == 0:
            room = exchange.room()
            if room is not None:
                await room
            await deferLater(clock, 0)
    return Count(count)


def _folder(folder: Folder, user: str) -> ViewLine:
    """A folder in a list."""
    right = "o" if folder.owner == user else "-"
    return ViewLine(
        *(folder.path, folder.owner, right, 0, 0, 0, folder.created, folder.owner, "", ""),
        folder=True,
    )


def _pair(place: Place) -> str:
    """A pair in few words."""
    pair = place.pair
    return f"{pair.protection}, active {pair.active}, epoch {pair.epoch}"


def _view(entry: Entry, right: str) -> ViewLine:
    """
    A document in a list; of one that may not be read only that it is there, and whose it is.
    """
    if right == "-":
        return ViewLine(entry.path, entry.access.owner, right, 0, 0, 0, 0.0, "", "", "")
    noted, place = entry.noted, entry.place
    return ViewLine(
        entry.path,
        entry.access.owner,
        right,
        noted.words,
        noted.characters,
        noted.size,
        noted.modified,
        noted.modified_by,
        place.pair.active,
        "LAGS" if entry in place.dirty else place.pair.protection,
    )
