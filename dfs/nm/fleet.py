"""
The storage servers: which there are, which of them serves what, which are gone.

Decides whether a server that registers is the one that it says, and who is asked about a document.
Must not know what is asked, or how a connection is made.

Note [Who speaks for a server].  A server's name is proved by the cluster's secret, its identity by
the C{store_id} of its disk.  The newest connection with both wins: an older one is of a life that
ended without our noticing.  Another disk under a known name, or a disk that is older than what it
told before, is held off (C{HELD}): serving it could pass for "all deleted".  So is a server with
metadata that this name server never decided: the journal is an old copy, and what it decides now
would be ignored there.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator

from attrs import define, evolve, field
from twisted.logger import Logger

from dfs.core import placement
from dfs.core.liveness import Liveness
from dfs.core.pairs import pair_of, role_of
from dfs.core.placement import Candidate
from dfs.errors import Conflict, Unavailable
from dfs.nm.index import Entry, Index, Place
from dfs.nm.journal import Known
from dfs.nm.storage import StorageLink
from dfs.wire.exchange import Peer
from dfs.wire.messages import ServerLine, SSRegister


class State(enum.Enum):
    """
    How a storage server is.

    @cvar AWAITED: known from the journal, not heard since this name server started.
    @cvar JOINING: registered, but it lacks metadata that it must have before it serves.
    @cvar LIVE: it serves.
    @cvar FAILED: silent for too long, or it said GOODBYE.
    @cvar HELD: somebody came under its name with a store that cannot be its own, or its store is
        newer than the journal.
    """

    AWAITED = "AWAITED"
    JOINING = "JOINING"
    LIVE = "LIVE"
    FAILED = "FAILED"
    HELD = "HELD"


@define(eq=False)
class Server:
    """
    A storage server.

    @ivar known: what the journal says of it.
    @ivar peer: the connection that speaks for it, if there is one.
    @ivar applied: the newest of its changes that is shown here.
    @ivar goal: its newest change when it registered.
    @ivar documents: how many it has, as it said last; C{size} likewise, in bytes.
    @ivar unknown: documents that it told of since it registered and nobody knows here.
    """

    known: Known
    place: Place
    link: StorageLink
    state: State
    peer: Peer | None = None
    applied: int = 0
    goal: int = 0
    documents: int = 0
    size: int = 0
    unknown: int = 0

    @property
    def name(self) -> str:
        """Its name."""
        return self.known.name

    @property
    def here(self) -> bool:
        """It is registered and not given up."""
        return self.state in (State.LIVE, State.JOINING)

    def was_noted(self, seq: int) -> None:
        """Its changes up to this one are in the journal."""
        self.known = evolve(self.known, noted=max(seq, self.known.noted))


@define(eq=False)
class Fleet:
    """
    All storage servers.

    @ivar cluster_id: of this cluster.
    """

    cluster_id: str
    liveness: Liveness
    _index: Index
    _link: Callable[[str], StorageLink]
    servers: dict[str, Server] = field(factory=dict, init=False)
    _log = Logger(namespace="dfs.nm")

    def load(self, known: Iterable[Known]) -> None:
        """Take over who registered once."""
        for one in known:
            place = self._index.places[pair_of(one.name)]
            self.servers[one.name] = Server(
                one, place, self._link(one.name), State.AWAITED, applied=one.noted
            )

    def await_all(self, now: float) -> None:
        """Give everybody the time to come back that a silent server has."""
        for name in self.servers:
            self.liveness.expected(name, now)

    # ------------------------------------------------------------------------- registration

    def refuse_stranger(self, name: str, request: SSRegister) -> None:
        """
        Make sure that a server which registers is the one that it says.

        @raise Conflict: it is not, see Note [Who speaks for a server].
        """
        if request.cluster_id and request.cluster_id != self.cluster_id:
            raise Conflict(
                f"the store of {name} belongs to another cluster ({request.cluster_id}; this one "
                f"is {self.cluster_id}); start it with a storage folder of its own"
            )
        server = self.servers.get(name)
        if server is None:
            return
        reason = ""
        if request.store_id != server.known.store_id:
            reason = (
                f"{name} is known with another store ({server.known.store_id}, not "
                f"{request.store_id}): start it on its own storage folder, or under a new name"
            )
        elif request.last_seq < server.known.noted:
            reason = (
                f"the store of {name} is older than it was: it ends at change {request.last_seq}, "
                f"but {server.known.noted} was seen; was an old copy of it put back?"
            )
        elif request.epoch > server.place.pair.epoch:
            reason = (
                f"{name} has seen epoch {request.epoch}, but the name server's journal knows only "
                f"{server.place.pair.epoch}; was an old copy of the journal put back?"
            )
        if reason:
            if not server.here:
                server.state = State.HELD
            self._log.warn("{reason}", log_event="ss_held", server=name, reason=reason)
            raise Conflict(reason)

    def admit(self, known: Known, peer: Peer, now: float) -> Server:
        """A server was found to be the one that it says, and that is written down."""
        server = self.servers.get(known.name)
        if server is None:
            place = self._index.places[pair_of(known.name)]
            server = Server(known, place, self._link(known.name), State.JOINING)
            self.servers[known.name] = server
        # What was noted meanwhile is newer than what the registration began with.
        server.known = evolve(known, noted=server.known.noted)
        older, server.peer = server.peer, peer
        if older is not None and older is not peer:
            older.close()
        server.state = State.JOINING
        server.unknown = 0
        self.liveness.heard(known.name, now)
        return server

    def speaker(self, peer: Peer) -> Server:
        """
        The server that a connection speaks for.

        @raise Conflict: it has to register first, or again.
        """
        server = self.servers.get(peer.machine)
        if server is None or server.peer is not peer:
            raise Conflict("this connection does not speak for a registered server: SS_REGISTER")
        return server

    # ------------------------------------------------------------------------------ serving

    def active(self, entry: Entry) -> Server:
        """
        The server that serves a document.

        @raise Unavailable: it is away; the message says who.
        """
        server = self.servers.get(entry.place.pair.active)
        if server is None or server.state is not State.LIVE:
            raise Unavailable(
                f"{entry.path!r} is on {entry.place.pair.active}, which is away; try again later"
            )
        return server

    def choose(self) -> Server:
        """
        The server that takes a new document.

        @raise Unavailable: none can.
        """
        candidates = [
            Candidate(place.pair.name, place.documents)
            for place in self._index.places.values()
            if self._serves(place)
        ]
        name = placement.choose(candidates)
        if name is None:
            raise Unavailable("no storage server can take a new document now; try again later")
        return self.servers[self._index.places[name].pair.active]

    def _serves(self, place: Place) -> bool:
        server = self.servers.get(place.pair.active)
        return server is not None and server.state is State.LIVE

    def peer_of(self, place: Place) -> str:
        """The other member of a pair, if it ever registered; else nothing."""
        name = place.pair.peer
        return name if name in self.servers else ""

    def lines(self, now: float) -> Iterator[ServerLine]:
        """Everybody, sorted."""
        for name in sorted(self.servers):
            server = self.servers[name]
            pair = server.place.pair
            silent = self.liveness.silence(name, now)
            yield ServerLine(
                name,
                role_of(name).value,
                server.state.value,
                pair.name,
                "UNPROTECTED",
                pair.epoch,
                server.known.address,
                server.documents,
                server.size,
                -1.0 if silent is None else round(silent, 3),
                name == pair.active,
                0,
                0.0,
                0,
                0,
            )
