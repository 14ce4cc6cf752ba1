"""
What operators order about pairs and storage servers.

Decides what is refused because it would lose the only copy of something, and says so.  How a pair
takes its steps is L{dfs.nm.pairing}'s affair.  Must not know how orders travel.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from functools import partial
from itertools import islice
from typing import Any

from attrs import define, evolve, field

from dfs.core import names
from dfs.core.pairs import PairState
from dfs.errors import Conflict, DFSError, Invalid, NotFound, Unauthorized
from dfs.nm.entries import Entry, Place
from dfs.nm.fleet import Fleet, Server
from dfs.nm.index import Index
from dfs.nm.journal import ForgetCopies, IJournal, LayGraves, PutServer
from dfs.nm.pairing import Pairing
from dfs.nm.promotions import named
from dfs.nm.turns import Turns
from dfs.wire.exchange import Exchange
from dfs.wire.messages import Admin, Request
from dfs.wire.reception import Handler

#: How many documents a refusal names.
NAMED = 5


@define(eq=False)
class Operators:
    """
    ADMIN.

    @ivar _turns: of servers, by their names: what is answered about one is in the journal.
    """

    _index: Index
    _journal: IJournal
    _fleet: Fleet
    _pairing: Pairing
    _turns: Turns = field(factory=Turns, init=False)

    def handlers(self) -> dict[type[Request[Any]], Handler]:
        """Which method answers what."""
        return {Admin: self.admin}

    async def admin(self, request: Admin, exchange: Exchange) -> None:
        """Do what an operator orders."""
        if exchange.peer.role != "admin":
            raise Unauthorized("only an operator may order this; use 'dfs admin'")
        await self.order(request)

    async def order(self, request: Admin) -> None:
        """
        Do it, for somebody who may order it.

        @raise DFSError: it is refused; the message says what it would lose.
        """
        deeds: dict[str, Callable[[Admin], Awaitable[None]]] = {
            "failover": self._failover,
            "handback": self._handback,
            "drain": self._drain,
            "promote": self._promote,
            "replace": self._replace,
            "pair": self._pair,
        }
        deed = deeds.get(request.deed)
        if deed is None:
            raise Invalid(f"{request.deed!r} is none of {', '.join(sorted(deeds))}")
        await deed(request)

    async def _failover(self, request: Admin) -> None:
        """The backup takes over, and nothing is lost."""
        await self._pairing.switch(self._place(request.target))

    async def _handback(self, request: Admin) -> None:
        """The home primary serves again, and no member of its pair is drained any more."""
        place = self._place(request.target)
        ended = [await self._undrained(name) for name in (place.pair.home, place.pair.backup)]
        if any(ended) and place.pair.home_active:
            return  # whoever could not finish goes on
        self._pairing.hasten(place)

    async def _undrained(self, name: str) -> bool:
        """A server takes new documents again; whether it had been drained."""
        server = self._fleet.servers.get(name)
        if server is None:
            return False
        async with self._turns.at(name):
            drained = server.known.drained
            if drained:
                await self._keep(server, drained=False)
        return drained

    async def _drain(self, request: Admin) -> None:
        """A server gets nothing new and, if it serves, gives its place away for good."""
        server = self._server(request.target)
        place = server.place
        async with self._turns.at(server.name):
            await self._keep(server, drained=True)
        if place.pair.active != server.name or place.pair.state is PairState.SOLO:
            return
        if place.pair.state is not PairState.PROTECTED:
            raise Conflict(
                f"{server.name} gets no new documents any more, but its pair is "
                f"{place.pair.state.value}: nobody can take its place now"
            )
        try:
            await self._pairing.switch(place)
        except DFSError as error:
            raise type(error)(
                f"{server.name} gets no new documents any more, but still serves: {error}"
            ) from error

    async def _promote(self, request: Admin) -> None:
        """The member that is here serves, although the other one may have more."""
        server = self._server(request.target)

        def check() -> None:
            self._may_lead(server, accept_loss=request.accept_loss)

        check()
        await self._pairing.force(server, check)

    def _may_lead(self, server: Server, *, accept_loss: bool) -> None:
        place = server.place
        if place.pair.active == server.name:
            raise Conflict(f"{server.name} is the active member of its pair already")
        if place.pair.state is not PairState.DOWN or not server.here:
            raise Conflict(
                f"the pair {place.pair.name} is {place.pair.state.value} and {server.name} is "
                f"{server.state.value}: only a member that is here can be promoted, when nobody "
                "serves; else use 'dfs admin failover'"
            )
        lacking = list(place.lacking())
        if (lacking or not place.pair.synced) and not accept_loss:
            unfilled = "" if place.pair.synced else f"{server.name} has not got everything yet; "
            raise Conflict(
                f"{unfilled}{_documents(lacking)} on {place.pair.active} only, which is away; "
                "wait for it, or use --accept-loss (what it has is judged when it returns)"
            )

    async def _replace(self, request: Admin) -> None:
        """The store of a server is gone; the next one under its name is taken for it."""
        server = self._server(request.target)

        def check() -> None:
            self._is_lost(server, accept_loss=request.accept_loss)

        check()
        await self._pairing.replaced(server, partial(self._forgetting, server), check)

    def _is_lost(self, server: Server, *, accept_loss: bool) -> None:
        place, pair = server.place, server.place.pair
        if server.here:
            raise Conflict(f"{server.name} is {server.state.value}: stop it first")
        if pair.active == server.name:
            raise Conflict(
                f"{server.name} was the last to serve its pair, so its store is the only one that "
                f"surely has everything; if it is lost, promote {pair.peer} first "
                f"('dfs admin promote {pair.peer}')"
            )
        if place.behind and not accept_loss:
            raise Conflict(
                f"{_documents(place.behind)} on {server.name} only, and would be lost with its "
                "store; use --accept-loss if it is lost"
            )

    def _forgetting(self, server: Server) -> list[ForgetCopies | LayGraves | PutServer]:
        home, pair = server.place.is_home(server.name), server.place.pair.name
        known = evolve(server.known, store_id="", noted=0)
        return [ForgetCopies(pair, home), LayGraves(pair, home), PutServer(known)]

    async def _pair(self, request: Admin) -> None:
        """A server without documents becomes the backup of another one."""
        place = self._place(names.server(request.target))
        other = self._server(names.server(request.other))

        def check() -> None:
            self._may_pair(place, other)

        check()
        await self._pairing.paired(place, other, check)

    def _may_pair(self, place: Place, other: Server) -> None:
        own = other.place
        if place.pair.state is not PairState.SOLO or place.pair.backup in self._fleet.servers:
            raise Conflict(f"{place.pair.name} has a backup already, {place.pair.backup}")
        if own is place or own.pair.home != other.name or own.documents or own.graves:
            raise Conflict(
                f"{other.name} has documents, or is a member of another pair: only an empty "
                "server can become a backup"
            )
        if own.pair.backup in self._fleet.servers:
            raise Conflict(f"{other.name} has a backup of its own, {own.pair.backup}")
        if own.pair.epoch > place.pair.epoch:
            raise Conflict(
                f"{other.name} knows epoch {own.pair.epoch}, and {place.pair.name} is in epoch "
                f"{place.pair.epoch} only: start an empty server under another name"
            )

    async def _keep(self, server: Server, *, drained: bool) -> None:
        before = server.known.drained
        # First, so that a registration that is under way writes nothing else.
        server.known = evolve(server.known, drained=drained)
        try:
            await self._journal.commit([PutServer(server.known)])
        except DFSError:
            server.known = evolve(server.known, drained=before)
            raise

    def _place(self, name: str) -> Place:
        place = self._index.places.get(name)
        if place is None:
            raise NotFound(f"there is no pair {name!r}; SERVERS shows them")
        return place

    def _server(self, name: str) -> Server:
        server = self._fleet.servers.get(name)
        if server is None:
            raise NotFound(f"there is no storage server {name!r}; SERVERS shows them")
        return server


def _documents(entries: Collection[Entry]) -> str:
    """How many, and the first of them by name."""
    if not entries:
        return "something may be"
    paths = named(islice(entries, NAMED))
    more = "" if len(entries) <= NAMED else " …"
    shown = ", ".join(repr(path) for path in paths)
    return f"the newest version of {len(entries)} documents ({shown}{more}) is"
