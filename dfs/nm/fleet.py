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

from collections.abc import Callable, Iterable, Iterator

from attrs import define, evolve, field, frozen
from twisted.logger import Logger

from dfs.core import placement
from dfs.core.liveness import Liveness, State
from dfs.core.pairs import TOGETHER, PairState, Presence, Role, pair_of
from dfs.core.placement import Candidate
from dfs.errors import Conflict, Corrupt, Unavailable
from dfs.nm.entries import Entry, Place
from dfs.nm.index import Index
from dfs.nm.journal import Known
from dfs.nm.storage import StorageLink
from dfs.wire.exchange import Peer
from dfs.wire.messages import Beaten, ServerLine, SSRegister

__all__ = ["Fleet", "Promise", "Server", "State"]

#: Seconds for which a pair that could not make a document is chosen after all others.
PASSED_SECONDS = 60.0


@frozen
class Promise:
    """
    What OK promises.

    @ivar replica: the peer has the change too (C{--ack replica}), as long as it is there.
    @ivar refuse_solo: where it is not there nothing is changed (C{--solo refuse}).
    """

    replica: bool = False
    refuse_solo: bool = False


@define(eq=False)
class Server:
    """
    A storage server.

    @ivar known: what the journal says of it.
    @ivar peer: the connection that speaks for it, if there is one.
    @ivar folders: the number up to which it has every folder.
    @ivar applied: the newest of its changes that is shown here.
    @ivar goal: its newest change when it registered.
    @ivar documents: how many it has, as it said last; C{size} likewise, in bytes.
    @ivar unknown: documents that it told of since it registered and nobody knows here.
    @ivar answered: what its last heartbeat was answered.
    """

    known: Known
    place: Place
    link: StorageLink
    state: State
    peer: Peer | None = None
    folders: int = 0
    applied: int = 0
    goal: int = 0
    documents: int = 0
    size: int = 0
    unknown: int = 0
    answered: Beaten | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.known.name

    @property
    def here(self) -> bool:
        """It is registered and not given up."""
        return self.state in (State.LIVE, State.JOINING)

    @property
    def complete(self) -> bool:
        """It is here, and everything that it had when it registered is known."""
        return self.here and not self.goal

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
    _promise: Promise = field(factory=Promise)
    servers: dict[str, Server] = field(factory=dict, init=False)
    _log = Logger(namespace="dfs.nm")

    def load(self, known: Iterable[Known]) -> None:
        """
        Take over who registered once.

        @raise Corrupt: somebody has no pair.
        """
        for one in known:
            place = self.place_of(one.name)
            if place is None:
                raise Corrupt(f"the storage server {one.name} belongs to no pair")
            self.servers[one.name] = Server(
                one, place, self._link(one.name), State.AWAITED, applied=one.noted
            )

    def await_all(self, now: float) -> None:
        """Give everybody the time to come back that a silent server has."""
        for name in self.servers:
            self.liveness.expected(name, now)

    def place_of(self, name: str) -> Place | None:
        """The pair of a server, if it was ever founded."""
        return self._index.place_of(name) or self._index.places.get(pair_of(name))

    def presence(self, name: str) -> Presence:
        """
        Whether a member is here, as far as its pair is concerned; one that never came is gone.

        One that is held off may have a lease for as long as a silent one: see L{heard}.
        """
        server = self.servers.get(name)
        if server is not None and server.here:
            return Presence.HERE
        return Presence.UNKNOWN if self.liveness.expects(name) else Presence.GONE

    def heard(self, server: Server, now: float) -> None:
        """A server gave a sign of life; one that is held off gets no more time by that."""
        if server.state is not State.HELD:
            self.liveness.heard(server.name, now)

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
        place = self.place_of(name)
        if place is not None and name not in (place.pair.home, place.pair.backup):
            raise Conflict(
                f"the backup of {place.pair.home} is {place.pair.backup}, not {name}; start it "
                "under another name"
            )
        home = pair_of(name)
        if place is None and home != name and self._index.place_of(home) is not None:
            raise Conflict(
                f"{home} is a backup itself and can have none; start {name} under another name"
            )
        server = self.servers.get(name)
        if server is None:
            return
        reason = ""
        if server.known.store_id not in ("", request.store_id):
            reason = (
                f"{name} is known with another store ({server.known.store_id}, not "
                f"{request.store_id}): start it on its own storage folder, or under a new name"
            )
        elif request.last_seq < server.applied:
            reason = (
                f"the store of {name} is older than it was: it ends at change {request.last_seq}, "
                f"but {server.applied} was seen; was an old copy of it put back?"
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
            place = self.place_of(known.name)
            assert place is not None, "its pair was founded before"
            server = Server(known, place, self._link(known.name), State.JOINING)
            self.servers[known.name] = server
        # What was noted, or ordered, meanwhile is newer than what the registration began with.
        server.known = evolve(known, noted=server.known.noted, drained=server.known.drained)
        older, server.peer = server.peer, peer
        if older is not None and older is not peer:
            older.close()
        server.state = State.JOINING
        server.unknown = 0
        server.answered = None
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

    def withhold(self, server: Server) -> None:
        """A server that lacks what it must know gets no new lease before it is told."""
        if server.state is State.LIVE:
            server.state = State.JOINING

    def fail(self, server: Server) -> None:
        """A server is given up; if it comes back it has to register again."""
        peer, server.peer = server.peer, None
        if server.state is not State.HELD:
            server.state = State.FAILED
        server.link.stop()
        self.liveness.forget(server.name)
        if peer is not None:
            peer.close()

    # ------------------------------------------------------------------------------ serving

    def beaten(self, server: Server) -> Beaten:
        """
        What a server's heartbeat is answered; see L{dfs.core.leases}.

        While another member is about to become active nobody's lease is renewed.
        """
        place = server.place
        pair = place.pair
        serve = (
            server.state is State.LIVE
            and server.name == pair.active
            and pair.state is not PairState.DOWN
            and not place.moving
        )
        drain = place.draining or pair.state is PairState.HANDBACK
        refuse = self._promise.refuse_solo and pair.state not in TOGETHER
        return Beaten(
            pair.epoch,
            serve,
            drain=serve and drain,
            wait=serve and self._promise.replica,
            refuse=serve and refuse,
        )

    def active(self, entry: Entry) -> Server:
        """
        The server that serves a document.

        @raise Unavailable: it is away; the message says who.
        """
        pair = entry.place.pair
        server = self.servers.get(pair.active)
        if server is None or server.state is not State.LIVE or pair.state is PairState.DOWN:
            raise Unavailable(f"{entry.path!r} is on {pair.active}, which is away; try again later")
        if entry.elsewhere:
            raise Unavailable(
                f"{entry.path!r} is on {pair.peer} only, which is away; try again later"
            )
        return server

    @property
    def takers(self) -> int:
        """How many pairs can take a new document."""
        return sum(1 for place in self._index.places.values() if self._serves(place))

    def choose(self, now: float) -> Server:
        """
        The server that takes a new document.

        @param now: seconds on a steady clock.
        @raise Unavailable: none can.
        """
        candidates = [
            Candidate(
                place.pair.name,
                place.documents,
                # Its disk may be full.
                now - place.refused < PASSED_SECONDS or place.pair.state is PairState.HANDBACK,
            )
            for place in self._index.places.values()
            if self._serves(place)
        ]
        name = placement.choose(candidates)
        if name is None:
            raise Unavailable("no storage server can take a new document now; try again later")
        return self.servers[self._index.places[name].pair.active]

    def _serves(self, place: Place) -> bool:
        server = self.servers.get(place.pair.active)
        if server is None or place.pair.state is PairState.DOWN:
            return False
        busy = place.moving or place.draining or server.known.drained
        return server.state is State.LIVE and not busy

    def peer_of(self, place: Place) -> str:
        """The other member of a pair, if it ever registered; else nothing."""
        name = place.pair.peer
        return name if name in self.servers else ""

    def lines(self, now: float) -> Iterator[ServerLine]:
        """Everybody, sorted."""
        for name in sorted(self.servers):
            server = self.servers[name]
            place = server.place
            pair = place.pair
            since = next(iter(place.dirty.values()), now)
            silent = self.liveness.silence(name, now)
            yield ServerLine(
                name,
                (Role.PRIMARY if place.is_home(name) else Role.BACKUP).value,
                server.state.value,
                pair.name,
                pair.protection,
                pair.epoch,
                server.known.address,
                server.documents,
                server.size,
                -1.0 if silent is None else round(silent, 3),
                name == pair.active,
                len(place.dirty),
                round(max(0.0, now - since), 3),
                len(place.behind),
                place.conflicts,
            )
