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
    PutMetadata,
    RemAccess,
)
from tests.simulation.careless_name_server import (
    Careless,
    EqualAlways,
    EqualOneWay,
    ForgetsGraves,
    GrantsAlways,
    Hasty,
    IgnoresMissed,
    KeepsPositionsFirst,
    LetsEverybodyServe,
    NeverDrains,
    OwesNothing,
    Unfenced,
    acks_early,
    impatient,
)
from tests.simulation.careless_storage import (
    CommitsOvertaken,
    DescribesBackwards,
    DropsOrphans,
    ForgetsTail,
    KeepsNoConflict,
    NeverDrained,
    Overwrites,
    OverwritesBeside,
    ReplacesLocked,
    SaysNothingWasDone,
    ServesOn,
    SpeaksAnyway,
    TakesAnyEpoch,
    TrustsTickets,
    Unleased,
    Unordered,
    deaf_to_failure,
    forgets_epochs,
    unverified,
)
from tests.simulation.sabotage import nm, part, ss


@frozen
class Rule:
    """
    Something that must always be so.

    @ivar name: what is switched off.
    @ivar off: makes a server that does not keep it, of one that does.
    @ivar seed: of a history that needs it; one is not known yet if it is negative.
    @ivar faults: that this history has.
    """

    name: str
    off: Built
    seed: int = -1
    faults: tuple[str, ...] = ("kill", "part", "deaf", "pause", "survives", "lingers")


RULES: Sequence[Rule] = (
    Rule("the lease is looked at before a commit", ss(part("serving.lease", Unleased)), seed=17),
    Rule("and again before OK", ss(part("serving", SpeaksAnyway))),
    Rule("what may not be kept is in doubt", ss(part("serving", SaysNothingWasDone)), seed=0),
    Rule("whoever says goodbye serves no more", ss(part("serving", ServesOn))),
    Rule("orders and tickets of the past are refused", ss(part("membership", TakesAnyEpoch))),
    Rule("epochs are durable before they are obeyed", ss(forgets_epochs), seed=7),
    Rule("no lease while another one becomes active", nm(part("fleet", GrantsAlways))),
    Rule("only the active member has a lease", nm(part("fleet", LetsEverybodyServe)), seed=0),
    Rule("nobody is promoted before a lease is over", nm(impatient)),
    Rule("only newer copies are applied", ss(part("", Overwrites, PutFileContent))),
    Rule("concurrent copies are refused", ss(part("", OverwritesBeside, PutFileContent))),
    Rule("what lost is kept as a conflict", ss(part("", KeepsNoConflict, PutFileContent)), seed=7),
    Rule(
        "what only the other one has is adopted",
        ss(part("", DropsOrphans, PutFileContent)),
        seed=2,
    ),
    Rule("changes of a document stand in line", ss(part("changes.lines", Unordered)), seed=2),
    Rule(
        "the access list counts, not only the ticket",
        ss(part("_admission", TrustsTickets, Append)),
    ),
    Rule("older metadata changes nothing", ss(part("", DescribesBackwards, PutMetadata))),
    Rule("what is edited is not replaced", ss(part("sessions", ReplacesLocked))),
    Rule("sessions end with their epoch", ss(part("sessions", CommitsOvertaken))),
    Rule("what is drained changes nothing", ss(part("serving.draining", NeverDrained))),
    Rule("hashes are verified", ss(unverified), faults=("rot",), seed=0),
    Rule("a failed fsync is the end", ss(deaf_to_failure), faults=("broken",)),
    Rule("the un-noted tail is repeated", ss(part("notes", ForgetsTail))),
    Rule("dirty until wanted <= applied", nm(part("replicator", Careless)), seed=1),
    Rule("equal means both ways", nm(part("replicator", EqualOneWay))),
    Rule("equal means nothing is dirty", nm(part("replicator", EqualAlways))),
    Rule("drained before handed back", nm(part("pairing._switching", NeverDrains))),
    Rule("graves are kept until both know", nm(part("index", ForgetsGraves)), seed=2),
    Rule("positions are kept after documents", nm(part("_notes", KeepsPositionsFirst)), seed=10),
    Rule("what a deletion missed is rescued", nm(part("_notes", IgnoresMissed))),
    Rule("with replica, OK means both", nm(acks_early), seed=1),
    Rule("notes are complete before anything is judged", nm(part("fleet", Hasty))),
    Rule("metadata that is owed comes before serving", nm(part("_teller", OwesNothing))),
    Rule("REMACCESS waits for the server or its lease", nm(part("", Unfenced, RemAccess))),
)
