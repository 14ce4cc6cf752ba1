"""
Rules that must always hold, each of which can be switched off, from outside.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from dfs.sim.cluster import Built
from dfs.wire.messages import (
    Append,
    PutFileContent,
    RemAccess,
)
from tests.simulation.careless_name_server import (
    Careless,
    EqualAlways,
    ForgetsGraves,
    KeepsPositionsFirst,
    LetsBothTalk,
    LetsEverybodyServe,
    NeverDrains,
    OwesNothing,
    Unfenced,
    acks_early,
    impatient,
)
from tests.simulation.careless_storage import (
    AsksForNothing,
    DropsOrphans,
    ForgetsTail,
    KeepsNoConflict,
    NeverDrained,
    SaysNothingWasDone,
    ServesOn,
    SpeaksAnyway,
    TrustsTickets,
    Unleased,
    Unordered,
    unverified,
)
from tests.simulation.sabotage import nm, part, ss


@frozen
class Rule:
    """
    Something that must always be so.

    @ivar name: what is switched off.
    @ivar seed: of a history that needs it.
    @ivar off: makes a server that does not keep it, of one that does.
    @ivar faults: that this history has; if None those that its seed says.
    """

    name: str
    seed: int
    off: Built
    faults: tuple[str, ...] | None = None


RULES: Sequence[Rule] = (
    Rule("the lease is looked at before a commit", 7, ss(part("serving.lease", Unleased))),
    Rule("and again before OK", 91, ss(part("serving", SpeaksAnyway))),
    Rule("what may not be kept is in doubt", 28, ss(part("serving", SaysNothingWasDone))),
    Rule(
        "whoever says goodbye serves no more",
        27,
        ss(part("serving", ServesOn)),
        ("stop", "slow_disk"),
    ),
    Rule("only the active member has a lease", 0, nm(part("fleet", LetsEverybodyServe))),
    Rule("nobody is promoted before a lease is over", 4, nm(impatient)),
    Rule("what lost is kept as a conflict", 7, ss(part("", KeepsNoConflict, PutFileContent))),
    Rule("what only the other one has is adopted", 7, ss(part("", DropsOrphans, PutFileContent))),
    Rule("changes of a document stand in line", 2, ss(part("changes.lines", Unordered))),
    Rule(
        "the access list counts, not only the ticket",
        0,
        ss(part("_admission", TrustsTickets, Append)),
    ),
    Rule("what is drained changes nothing", 94, ss(part("serving.draining", NeverDrained))),
    Rule("hashes are verified", 3, ss(unverified)),
    Rule("the un-noted tail is repeated", 12, ss(part("notes", ForgetsTail))),
    Rule("dirty until wanted <= applied", 6, nm(part("replicator", Careless))),
    Rule("handed back only when both are equal", 296, nm(part("replicator", EqualAlways))),
    Rule("drained before handed back", 264, nm(part("pairing._switching", NeverDrains))),
    Rule("graves are kept until both know", 0, nm(part("index", ForgetsGraves))),
    Rule("positions are kept after documents", 41, nm(part("_notes", KeepsPositionsFirst))),
    Rule("with replica, OK means both", 60, nm(acks_early)),
    Rule("metadata that is owed comes before serving", 12, nm(part("_teller", OwesNothing))),
    Rule("REMACCESS waits for the server or its lease", 968, nm(part("", Unfenced, RemAccess))),
    Rule(
        "whoever comes back is not heard twice",
        1255,
        nm(part("reception._reconnects", LetsBothTalk)),
    ),
    Rule("what is damaged is brought from the other", 3, ss(part("mending", AsksForNothing))),
)
