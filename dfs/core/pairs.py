"""
A pair of servers: which of them serves, and what happens when one goes or comes.

Decides the next state of a pair from an event, and which event is due from what is known.  The
table is drawn in C{docs/failover.rst}.  Must not know how servers are watched, told or copied to,
nor what they hold.

Note [One value].  The documents of a pair point to its L{Pair}; a failover replaces that value and
nothing else.  Whoever replaces it writes it to the journal first.

Note [Due, not told].  Nobody says "the peer is lost": L{due} compares the state with the facts, so
an event that was missed, or that came while the name server was down, is due again.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from attrs import evolve, field, frozen

from dfs.errors import Invalid

#: How the name of a backup ends.
BACKUP = "_backup"

#: The epoch of a pair that never failed over.
FIRST_EPOCH = 1


class Role(enum.Enum):
    """What a server is in its pair."""

    PRIMARY = "primary"
    BACKUP = "backup"


def pair_of(server: str) -> str:
    """
    The pair that a server belongs to by its name: that of its home primary.

    @raise Invalid: nobody could be its primary.
    """
    home = server.removesuffix(BACKUP)
    if not home or home.endswith(BACKUP):
        raise Invalid(f"{server!r} would be the backup of {home!r}, which cannot be a primary")
    return home


class PairState(enum.Enum):
    """
    How a pair is.

    @cvar SOLO: one member serves; there is no copy of it that may ever lead.
    @cvar SYNCING: the peer is being filled and may not lead yet.
    @cvar PROTECTED: the home primary serves, the backup follows.
    @cvar DEGRADED: the home primary serves, the backup is away and was in sync once.
    @cvar FAILED_OVER: the backup serves, the home primary is away.
    @cvar RECONCILING: the backup serves, the home primary is back: what only it has is judged, and
        it catches up.
    @cvar REVERSED: the backup serves, the home primary follows.
    @cvar HANDBACK: the backup finishes, so that the home primary can serve again.
    @cvar DOWN: nobody serves.
    """

    SOLO = "SOLO"
    SYNCING = "SYNCING"
    PROTECTED = "PROTECTED"
    DEGRADED = "DEGRADED"
    FAILED_OVER = "FAILED_OVER"
    RECONCILING = "RECONCILING"
    REVERSED = "REVERSED"
    HANDBACK = "HANDBACK"
    DOWN = "DOWN"


class Event(enum.Enum):
    """
    What happens to a pair.

    @cvar ACTIVE_HERE: the member that served last has registered.
    @cvar ACTIVE_LOST: it failed.
    @cvar PEER_HERE: the other member has registered.
    @cvar PEER_STALE: it has registered, and must have everything before it may lead.
    @cvar PEER_LOST: it failed.
    @cvar PEER_MAY_LEAD: it is here, the one that served last is not, and nothing is known that it
        lacks.
    @cvar EQUAL: both members have the same of every document.
    @cvar STABLE: the home primary has followed for so long that it may serve again.
    @cvar SWITCHED: the active member has finished, and both are equal.
    @cvar UNDONE: it could not finish.
    @cvar FORCED: an operator wants the peer to serve, whatever it lacks.
    @cvar REPLACED: an operator says that the store of the peer is gone.
    """

    ACTIVE_HERE = "active here"
    ACTIVE_LOST = "active lost"
    PEER_HERE = "peer here"
    PEER_STALE = "peer stale"
    PEER_LOST = "peer lost"
    PEER_MAY_LEAD = "peer may lead"
    EQUAL = "equal"
    STABLE = "stable"
    SWITCHED = "switched"
    UNDONE = "undone"
    FORCED = "forced"
    REPLACED = "replaced"


class Action(enum.Enum):
    """
    What follows from a step, once it is in the journal.

    @cvar NOTHING: nothing.
    @cvar COPY: find out what the peer lacks and copy it.
    @cvar PROMOTE: the other member becomes active, in a new epoch; it is told.
    @cvar DRAIN: the active member is asked to finish.
    @cvar RESUME: the active member is told to go on.
    """

    NOTHING = "nothing"
    COPY = "copy"
    PROMOTE = "promote"
    DRAIN = "drain"
    RESUME = "resume"


@frozen
class Pair:
    """
    Who serves the documents of a pair.

    @ivar name: of the pair, which is that of its home primary.
    @ivar epoch: raised each time another member becomes active.
    @ivar active: the member that serves, or served last.
    @ivar state: how the pair is.
    @ivar synced: the peer had everything once since it was given a disk, so it may lead.
    @ivar backup: the backup, whether it ever came or not.
    """

    name: str
    epoch: int
    active: str
    state: PairState = PairState.DOWN
    synced: bool = False
    backup: str = field(default="")

    def __attrs_post_init__(self) -> None:
        if not self.backup:  # the documented way to set an attribute of a frozen class here
            object.__setattr__(self, "backup", self.name + BACKUP)

    @classmethod
    def founded(cls, name: str) -> Pair:
        """A new pair, to be served by its home primary when that comes."""
        return cls(name, FIRST_EPOCH, name)

    @property
    def home(self) -> str:
        """The home primary."""
        return self.name

    @property
    def peer(self) -> str:
        """The member that does not serve now."""
        return self.backup if self.active == self.home else self.home

    @property
    def home_active(self) -> bool:
        """The home primary serves, or served last."""
        return self.active == self.home

    @property
    def resting(self) -> PairState:
        """The state of this pair when its active member is alone."""
        if not self.home_active:
            return PairState.FAILED_OVER
        return PairState.DEGRADED if self.synced else PairState.SOLO

    @property
    def protection(self) -> str:
        """How a pair is, in one word for people."""
        return "UNPROTECTED" if self.state is PairState.SOLO else self.state.value

    @property
    def copying(self) -> bool:
        """Whether what the peer lacks is remembered, because it has something already."""
        return self.synced or self.state in _FILLING


@frozen
class Step:
    """
    A cell of the table.

    @ivar state: the next one; None: L{Pair.resting}, the one that the pair's roles say.
    """

    state: PairState | None
    action: Action = Action.NOTHING


#: States in which the peer can take over, so that a change can be safe on both disks.
TOGETHER = frozenset({PairState.PROTECTED, PairState.REVERSED, PairState.HANDBACK})

_FILLING = frozenset({PairState.SYNCING, PairState.RECONCILING})


def _table() -> dict[tuple[PairState, Event], Step]:
    s, e, a = PairState, Event, Action
    return {
        (s.SOLO, e.PEER_HERE): Step(s.SYNCING, a.COPY),
        (s.SOLO, e.ACTIVE_LOST): Step(s.DOWN),
        (s.SOLO, e.REPLACED): Step(s.SOLO),
        (s.SYNCING, e.EQUAL): Step(s.PROTECTED),
        (s.SYNCING, e.PEER_LOST): Step(s.SOLO),
        (s.SYNCING, e.ACTIVE_LOST): Step(s.DOWN),
        (s.PROTECTED, e.ACTIVE_LOST): Step(s.FAILED_OVER, a.PROMOTE),
        (s.PROTECTED, e.PEER_LOST): Step(s.DEGRADED),
        (s.PROTECTED, e.SWITCHED): Step(s.REVERSED, a.PROMOTE),
        (s.DEGRADED, e.PEER_HERE): Step(s.PROTECTED, a.COPY),
        (s.DEGRADED, e.PEER_STALE): Step(s.SYNCING, a.COPY),
        (s.DEGRADED, e.ACTIVE_LOST): Step(s.DOWN),
        (s.DEGRADED, e.REPLACED): Step(s.SOLO),
        (s.FAILED_OVER, e.PEER_HERE): Step(s.RECONCILING, a.COPY),
        (s.FAILED_OVER, e.ACTIVE_LOST): Step(s.DOWN),
        (s.FAILED_OVER, e.REPLACED): Step(s.FAILED_OVER),
        (s.RECONCILING, e.EQUAL): Step(s.REVERSED),
        (s.RECONCILING, e.PEER_LOST): Step(s.FAILED_OVER),
        (s.RECONCILING, e.ACTIVE_LOST): Step(s.DOWN),
        (s.REVERSED, e.STABLE): Step(s.HANDBACK, a.DRAIN),
        (s.REVERSED, e.PEER_LOST): Step(s.FAILED_OVER),
        (s.REVERSED, e.ACTIVE_LOST): Step(s.DEGRADED, a.PROMOTE),
        (s.HANDBACK, e.SWITCHED): Step(s.PROTECTED, a.PROMOTE),
        (s.HANDBACK, e.UNDONE): Step(s.REVERSED, a.RESUME),
        (s.HANDBACK, e.PEER_LOST): Step(s.FAILED_OVER, a.RESUME),
        (s.HANDBACK, e.ACTIVE_LOST): Step(s.DEGRADED, a.PROMOTE),
        (s.DOWN, e.ACTIVE_HERE): Step(None),
        (s.DOWN, e.PEER_MAY_LEAD): Step(None, a.PROMOTE),
        (s.DOWN, e.FORCED): Step(None, a.PROMOTE),
    }


#: (state, event) -> step; what is not there cannot happen.
TABLE: Mapping[tuple[PairState, Event], Step] = MappingProxyType(_table())


def step(pair: Pair, event: Event) -> tuple[Pair, Action]:
    """
    The pair after an event, and what has to follow once that is written down.

    @raise ValueError: this event cannot happen in this state; a defect of the caller.
    """
    found = TABLE.get((pair.state, event))
    if found is None:
        raise ValueError(f"{event.value} cannot happen to a pair that is {pair.state.value}")
    if found.action is Action.PROMOTE:
        pair = evolve(pair, epoch=pair.epoch + 1, active=pair.peer)
    state = pair.resting if found.state is None else found.state
    # Until it has everything (again) it may not lead.
    unfilled = state is PairState.SYNCING or event is Event.REPLACED
    synced = not unfilled and (pair.synced or event is Event.EQUAL)
    return evolve(pair, state=state, synced=synced), found.action


class Presence(enum.Enum):
    """
    What is known about a member.

    @cvar HERE: it is registered.
    @cvar GONE: it failed, or it never came.
    @cvar UNKNOWN: it has not been heard since this name server started, and still has time.
    """

    HERE = "here"
    GONE = "gone"
    UNKNOWN = "unknown"


@frozen
class Facts:
    """
    What is known about a pair.

    @ivar equal: both members are known to have the same of every document.
    @ivar clean: no text is known that the peer lacks; asked for when the pair is down.
    @ivar stable: the backup has served long enough, and the home primary follows it closely.
    @ivar strict: a peer that was away must have everything before it may lead (C{--ack replica}).
    """

    active: Presence
    peer: Presence
    equal: bool = False
    clean: bool = False
    stable: bool = False
    strict: bool = False


_WITH_PEER = frozenset(state for state, event in _table() if event is Event.PEER_LOST)
_ALONE = frozenset({PairState.SOLO, PairState.DEGRADED, PairState.FAILED_OVER})


def due(pair: Pair, facts: Facts) -> Event | None:
    """
    What has happened to a pair and is not in its state yet; ask again after each step.

    The loss of the peer comes before that of the active member: nobody is promoted who is gone.
    """
    if pair.state is PairState.DOWN:
        return _due_down(pair, facts)
    if facts.peer is Presence.GONE and pair.state in _WITH_PEER:
        return Event.PEER_LOST
    if facts.active is Presence.GONE:
        promotes = TABLE[pair.state, Event.ACTIVE_LOST].action is Action.PROMOTE
        # A peer that has not come back yet may come, or be lost too.
        return None if promotes and facts.peer is not Presence.HERE else Event.ACTIVE_LOST
    # A peer that comes while the active member is only awaited may have to take its place.
    both = facts.active is facts.peer is Presence.HERE
    if both and pair.state in _ALONE:
        stale = facts.strict and pair.state is PairState.DEGRADED
        return Event.PEER_STALE if stale else Event.PEER_HERE
    if facts.equal and pair.state in _FILLING:
        return Event.EQUAL
    if facts.stable and pair.state is PairState.REVERSED:
        return Event.STABLE
    return None


def _due_down(pair: Pair, facts: Facts) -> Event | None:
    if facts.active is Presence.HERE:
        return Event.ACTIVE_HERE
    waited = facts.active is Presence.GONE
    if waited and facts.peer is Presence.HERE and pair.synced and facts.clean:
        return Event.PEER_MAY_LEAD
    return None
