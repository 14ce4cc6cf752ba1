"""
Why something can be done with a document now, or cannot, and when that changes.

Decides one plain sentence for operators, from what is known.  Facts in, sentence out; must not know
where they come from.  It says what is so and decides nothing: L{dfs.core.pairs} and L{Lease
<dfs.core.leases.Lease>} do.

Note [The first one counts].  Several things may stand in the way at once.  What has to go first is
named: who serves nobody has no use for the news that its backup lags.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from attrs import frozen

from dfs.core.liveness import State
from dfs.core.pairs import TOGETHER, Pair, PairState

#: Seconds of silence that a server which sends heartbeats never reaches; of heartbeats.
SILENT_BEATS = 1.5


class Standing(enum.Enum):
    """
    What stands at a path.

    @cvar DOCUMENT: a document.
    @cvar NEW: a document that is being made.
    @cvar FOLDER: a folder.
    @cvar DELETED: nothing any more; a server may still have what stood there.
    @cvar NOTHING: nothing, or nothing that is remembered.
    """

    DOCUMENT = "document"
    NEW = "new"
    FOLDER = "folder"
    DELETED = "deleted"
    NOTHING = "nothing"


@frozen
class Member:
    """
    A member of a pair, as the name server knows it.

    @ivar state: None: it never came.
    @ivar silent: seconds since it was heard; None: not since the name server started.
    @ivar left: seconds that it has to be heard; None: nothing is expected of it.
    @ivar owed: documents whose metadata it has to be told first.
    """

    name: str
    state: State | None
    silent: float | None = None
    left: float | None = None
    owed: int = 0

    @property
    def here(self) -> bool:
        """It is registered and not given up."""
        return self.state in (State.LIVE, State.JOINING)

    @property
    def situation(self) -> str:
        """How it is, in words."""
        return _SITUATIONS[self.state]

    @property
    def comes(self) -> str:
        """What it has to do, in words."""
        own = " with the store that belongs to it" if self.state is State.HELD else ""
        return f"{self.name} registers{own}"


_SITUATIONS: dict[State | None, str] = {
    None: "has never registered",
    State.AWAITED: "was not heard since the name server started",
    State.JOINING: "is told what it missed",
    State.LIVE: "is live",
    State.FAILED: "has failed or was stopped",
    State.HELD: "is held off (its store and the journal do not belong together)",
}


@frozen
class Held:
    """
    A sentence that somebody edits.

    @ivar seconds: for so long.
    @ivar left: seconds until that ends if they do nothing.
    """

    user: str
    sentence: str
    seconds: float
    left: float


@frozen
class Situation:
    """
    What is known about one document and its pair.

    @ivar heartbeat: seconds from one heartbeat to the next.
    @ivar moving: another member is about to become active.
    @ivar draining: an operator wants the other member to serve, and the active one finishes.
    @ivar elsewhere: only the peer has the document.
    @ivar behind: the peer has a newer version of it.
    @ivar lag: seconds for which the peer has lacked something of it; None: it lacks nothing.
    @ivar clean: nothing is known that the peer lacks, of any document.
    @ivar handback: seconds until the home primary may serve again; None: not by itself.
    @ivar drained: the home primary was drained.
    @ivar replica: a change is answered when both members have it.
    @ivar refuse: without the peer nothing is changed.
    @ivar journal: why the journal takes nothing; empty if it does.
    @ivar locks: who edits it, as far as that is known.
    """

    path: str
    pair: Pair
    active: Member
    peer: Member
    heartbeat: float = 5.0
    moving: bool = False
    draining: bool = False
    elsewhere: bool = False
    behind: bool = False
    lag: float | None = None
    clean: bool = True
    handback: float | None = None
    drained: bool = False
    replica: bool = False
    refuse: bool = False
    journal: str = ""
    locks: tuple[Held, ...] = ()


def why_not_there(path: str, standing: Standing, takers: int, journal: str = "") -> str:
    """
    Why nothing can be done with a path at which no document stands.

    @param takers: how many pairs can take a new document now.
    """
    if standing is Standing.FOLDER:
        return f"{path} is a folder: it can be listed, and documents can be made in it."
    if standing is Standing.NEW:
        return f"{path} is being made and can be used in a moment, if its server takes it."
    gone = "was deleted" if standing is Standing.DELETED else "does not exist"
    return f"{path} {gone}; it can{_creating(takers, journal)}."


def _creating(takers: int, journal: str) -> str:
    if journal:
        return f"not be made before the journal of the name server can be written again ({journal})"
    if not takers:
        return (
            " be made when some storage server takes new documents: now every one is away, drained "
            "or about to hand over"
        )
    return " be made by anybody"


def why(now: Situation) -> str:
    """
    Why a document can be read and changed, or cannot, and when that changes.

    See Note [The first one counts].
    """
    for look in _IN_ORDER:
        found = look(now)
        if found:
            return f"{now.path} {found}."
    return f"{now.path} {_fine(now)}."


# ------------------------------------------------------------------------- nobody serves it


def _switching(now: Situation) -> str:
    if not now.moving:
        return ""
    return f"can be used in a moment: {now.peer.name} takes the place of {now.active.name}"


def _down(now: Situation) -> str:
    if now.pair.state is not PairState.DOWN:
        return ""
    active, peer = now.active, now.peer
    if active.here:
        return f"can be used in a moment: {active.name} is back"
    start = f"cannot be used, because {active.name}, which served last, {active.situation}"
    if not peer.here:
        return f"{start}, and {peer.name} {peer.situation}; it can when {active.comes}"
    if now.pair.synced and now.clean:
        return f"{start}; it can {_within(active.left)}, when {peer.name} is promoted"
    lacks = "may lack something" if now.pair.synced else "has not got everything yet"
    return (
        f"{start}, and {peer.name} {lacks}; it can when {active.comes}, or when an "
        f"operator orders 'dfs admin promote {peer.name}'"
    )


def _lost(now: Situation) -> str:
    """The active member is not here, and its pair has not taken the next step yet."""
    active, peer, state = now.active, now.peer, now.pair.state
    if active.here:
        return ""
    start = f"cannot be used, because {active.name}, which serves it, {active.situation}"
    if state in TOGETHER and peer.here:
        return f"{start}; it can {_within(active.left)}, when {peer.name} is promoted"
    if state in TOGETHER and peer.left is not None:
        return (
            f"{start}; it can when {active.name} or {peer.name} registers, which has "
            f"{seconds(peer.left)} left to be heard"
        )
    return f"{start}; it can when {active.comes}"


def _joining(now: Situation) -> str:
    if now.active.state is not State.JOINING:
        return ""
    owed = f"the metadata of {now.active.owed} documents" if now.active.owed else "what it missed"
    return f"can be used in a moment: {now.active.name} is told {owed} before it serves"


def _elsewhere(now: Situation) -> str:
    if not now.elsewhere:
        return ""
    start = f"cannot be used, because only {now.peer.name} has it"
    if now.peer.here:
        return f"{start}; it can in a moment, when {now.active.name} has taken it over"
    return f"{start}, which {now.peer.situation}; it can when {now.peer.comes}"


def _silent(now: Situation) -> str:
    """It may have crashed, or be cut off; its lease may be over."""
    active, peer = now.active, now.peer
    if active.silent is None or active.silent <= SILENT_BEATS * now.heartbeat:
        return ""
    start = f"may not answer, because {active.name} was not heard for {seconds(active.silent)}"
    if now.pair.state in TOGETHER and peer.here:
        return f"{start}; it will {_within(active.left)}, when {peer.name} is promoted"
    return f"{start}, and nobody can take its place; it will when {active.name} is heard again"


# ----------------------------------------------------------------- it can be read, not changed


def _finishing(now: Situation) -> str:
    if not now.draining and now.pair.state is not PairState.HANDBACK:
        return ""
    return (
        f"can be read, and changed in at most 2 s: {now.active.name} finishes, so that "
        f"{now.peer.name} can serve"
    )


def _alone(now: Situation) -> str:
    if not now.refuse or now.pair.state in TOGETHER:
        return ""
    situation = "has not caught up" if now.peer.here else now.peer.situation
    when = "has caught up" if now.peer.here else "is back and has caught up"
    return (
        f"can be read but not changed, because {now.peer.name} {situation} and nothing is changed "
        f"on one server alone (--solo refuse); it can when {now.peer.name} {when}"
    )


# --------------------------------------------------------------------------- all is possible


def _fine(now: Situation) -> str:
    remarks = [found for look in _REMARKS if (found := look(now))]
    can = f"can be read and changed: {now.active.name} serves it"
    return "; ".join([can, *remarks])


def _locked(now: Situation) -> str:
    if not now.locks:
        return ""
    first, more = now.locks[0], len(now.locks) - 1
    edited = "1 more sentence is" if more == 1 else f"{more} more sentences are"
    others = f" and {edited} edited" if more else ""
    return (
        f"but {first.user} has been editing {first.sentence!r} for {seconds(first.seconds)}"
        f"{others}, so it cannot be replaced or deleted before that ends, at the latest after "
        f"{seconds(first.left)} of silence"
    )


def _old(now: Situation) -> str:
    if not now.behind:
        return ""
    when = "in a moment" if now.peer.here else f"when {now.peer.name} is back"
    return f"but {now.peer.name} has a newer version, which is judged {when}"


def _unwritten(now: Situation) -> str:
    if not now.journal:
        return ""
    return (
        f"but its rights cannot be changed before the journal of the name server can be written "
        f"again ({now.journal})"
    )


def _copy(now: Situation) -> str:
    """Whether the peer has it, and what becomes of the pair."""
    remark = _COPIES.get(now.pair.state)
    return remark(now) if remark is not None else ""


def _follows(now: Situation) -> str:
    if now.lag is None:
        both = ", and a change is answered when both have it" if now.replica else ""
        return f"{now.peer.name} has the same{both}"
    return f"{now.peer.name} lacks its newest version, for {seconds(now.lag)} by now"


def _reversed(now: Situation) -> str:
    home = now.pair.home
    if now.drained:
        back = f"{home} is drained and serves again after 'handback {now.pair.name}'"
    elif now.handback is None:
        back = f"{home} serves again after 'handback {now.pair.name}'"
    else:
        back = f"{home} serves again {_within(now.handback)}"
    return f"{_follows(now)}; {back}"


def _unprotected(now: Situation) -> str:
    if now.peer.state is None:
        return f"there is no other copy before {now.peer.name} comes"
    if now.peer.here:
        return f"there is no other copy before {now.peer.name} is filled"
    return f"there is no other copy before {now.peer.name}, which {now.peer.situation}, is filled"


def _alone_now(now: Situation) -> str:
    if now.peer.here:
        return _reconciling(now)
    return (
        f"{now.peer.name} {now.peer.situation}, so a change is on one server only until it is back"
    )


def _filling(now: Situation) -> str:
    return f"{now.peer.name} is being filled, and cannot take its place before it has everything"


def _reconciling(now: Situation) -> str:
    return f"{now.peer.name} is back and catches up, and cannot take its place before it has"


_COPIES: dict[PairState, Callable[[Situation], str]] = {
    PairState.SOLO: _unprotected,
    PairState.SYNCING: _filling,
    PairState.PROTECTED: _follows,
    PairState.DEGRADED: _alone_now,
    PairState.FAILED_OVER: _alone_now,
    PairState.RECONCILING: _reconciling,
    PairState.REVERSED: _reversed,
}

_IN_ORDER = (_switching, _down, _lost, _joining, _elsewhere, _silent, _finishing, _alone)
_REMARKS = (_locked, _old, _unwritten, _copy)


def _within(amount: float | None) -> str:
    """When something happens that needs so many seconds at most; None: nothing is waited for."""
    return f"in at most {seconds(amount)}" if amount else "in a moment"


def seconds(amount: float) -> str:
    """A time in a sentence; never none at all."""
    return f"{max(1, round(amount))} s"
