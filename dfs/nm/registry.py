"""
What storage servers say to the name server: that they are there, that they live, what they changed.

Decides what each of their requests does.  Must not know how requests travel, or what is told to
storage servers in return.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from dfs.core import names
from dfs.core.liveness import Intervals
from dfs.core.pairs import Pair, pair_of
from dfs.errors import Conflict, Invalid, Unavailable
from dfs.nm.acks import Acks
from dfs.nm.branches import Branches
from dfs.nm.fleet import Fleet, Server, State
from dfs.nm.index import Index
from dfs.nm.journal import Change, IJournal, Known, PutPair, PutServer
from dfs.nm.notes import Notes
from dfs.nm.pairing import Pairing
from dfs.nm.teller import Teller
from dfs.nm.turns import Turns
from dfs.nm.watch import Watch
from dfs.wire.exchange import Exchange
from dfs.wire.messages import (
    Beaten,
    Goodbye,
    Heard,
    Heartbeat,
    Registered,
    Request,
    SSRegister,
    WriteComplete,
)
from dfs.wire.reception import Handler


@define(eq=False)
class Registry:
    """SS_REGISTER, HEARTBEAT, WRITE_COMPLETE, GOODBYE."""

    _index: Index
    _journal: IJournal
    _fleet: Fleet
    _notes: Notes
    _teller: Teller
    _branches: Branches
    _pairing: Pairing
    _watch: Watch
    _clock: IReactorTime
    _intervals: Intervals
    _acks: Acks | None
    _turns: Turns = field(factory=Turns, init=False)
    _log = Logger(namespace="dfs.nm")

    def handlers(self) -> dict[type[Request[Any]], Handler]:
        """Which method answers what."""
        return {
            SSRegister: self.register,
            Heartbeat: self.heartbeat,
            WriteComplete: self.note,
            Goodbye: self.goodbye,
        }

    async def register(self, request: SSRegister, exchange: Exchange) -> Registered:
        """A storage server is there, perhaps again, perhaps elsewhere."""
        peer = exchange.peer
        if peer.role != "ss":
            raise Invalid("only a storage server registers")
        name = names.server(peer.machine)
        _check_identity(request)
        async with self._turns.at(name):
            self._fleet.refuse_stranger(name, request)
            known_place = self._fleet.place_of(name)
            pair = pair_of(name) if known_place is None else known_place.pair.name
            before = self._fleet.servers.get(name)
            noted = 0 if before is None else before.known.noted
            drained = before is not None and before.known.drained
            known = Known(name, request.store_id, request.address, noted, drained)
            await self._remember(known, None if before is None else before.known, pair)
            if exchange.lost:
                raise Unavailable("the connection was lost meanwhile")
            server = self._fleet.admit(known, peer, self._clock.seconds())
            server.documents, server.size = request.documents, request.size
            server.folders = request.folders
            peer.when_lost(lambda: self._lost(server, exchange))
            return self._welcome(server, request, exchange)

    async def _remember(self, known: Known, before: Known | None, pair: str) -> None:
        """Write down what is new about a server."""
        changes: list[Change] = []
        if known != before:
            changes.append(PutServer(known))
        if pair not in self._index.places:
            changes.append(PutPair(Pair.founded(pair)))
        if changes:
            await self._journal.commit(changes)
        if self._index.place_of(known.name) is None and pair not in self._index.places:
            self._index.found(Pair.founded(pair))

    def _welcome(self, server: Server, request: SSRegister, exchange: Exchange) -> Registered:
        noted = server.known.noted
        # Before anybody looks at it: until its notes are here it may have more than is known.
        server.goal = request.last_seq
        server.link.aim(request.address)
        self._teller.catch_up(server)
        self._branches.catch_up(server)
        self._log.info(
            "{server} is registered from {address}",
            log_event="ss_registered",
            server=server.name,
            address=request.address,
            peer=exchange.peer.address,
            state=server.state.value,
            documents=request.documents,
            noted=noted,
            last_seq=request.last_seq,
        )
        if request.last_seq <= noted:
            self._notes.caught_up(server)
        self._pairing.look(server.place)
        return Registered(
            self._fleet.cluster_id,
            server.place.pair.epoch,
            noted,
            server.place.is_home(server.name),
            self._intervals.heartbeat,
            self._intervals.lease,
        )

    def heartbeat(self, request: Heartbeat, exchange: Exchange) -> Beaten:
        """A storage server lives; whether it may serve is the answer."""
        server = self._fleet.speaker(exchange.peer)
        server.documents, server.size = request.documents, request.size
        self._fleet.heard(server, self._clock.seconds())
        server.answered = answer = self._fleet.beaten(server)
        return answer

    def note(self, request: WriteComplete, exchange: Exchange) -> Deferred[Heard] | Heard:
        """A document changed on a storage server."""
        server = self._fleet.speaker(exchange.peer)
        self._fleet.heard(server, self._clock.seconds())
        self._notes.take(server, request)
        if self._acks is None:
            return Heard()
        if server.state is State.HELD:
            raise Conflict(f"{server.name} is held, so what it tells of is not on both members")
        return self._acks.answer(server, request)

    def goodbye(self, request: Goodbye, exchange: Exchange) -> None:
        """A storage server stops on purpose."""
        server = self._fleet.speaker(exchange.peer)
        # The connection ends from its side, after the answer.
        server.peer = None
        self._fleet.fail(server)
        self._log.info(
            "{server} says goodbye: {reason}",
            log_event="ss_goodbye",
            server=server.name,
            reason=request.reason,
        )
        self._pairing.look(server.place)

    def _lost(self, server: Server, exchange: Exchange) -> None:
        """A connection is gone, which alone proves nothing about the server."""
        if server.peer is exchange.peer:
            server.peer = None
            self._watch.probe(server)


def _check_identity(request: SSRegister) -> None:
    """
    Refuse what cannot be registered.

    @raise Invalid: the message says what is wrong.
    """
    host, _, port = request.address.rpartition(":")
    if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise Invalid(f"{request.address[:100]!r} is not an address: it looks like 127.0.0.1:5001")
    if not request.store_id or len(request.store_id) > 64 or len(request.address) > 300:
        raise Invalid("a storage server says which store it has")
    if min(request.epoch, request.last_seq, request.documents, request.size) < 0:
        raise Invalid("numbers of a registration are not negative")
