"""
What operators order in a simulated history: at any moment, or because a disk is gone.

Decides which orders there are, whom they are about, and that whoever was drained is taken back.
Must not know what a name server refuses: nothing is lost by an order that accepts no loss, whenever
it comes.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.task import deferLater

from dfs.client.operator import Operator
from dfs.core.pairs import pair_of
from dfs.errors import DFSError
from dfs.nm.fleet import Server, State
from dfs.sim.chance import drawn
from dfs.sim.cluster import NAME_SERVER, SECRET, Cluster
from dfs.sim.faults import Fault
from dfs.sim.storm import Strike
from dfs.wire.messages import Admin

#: Orders about a pair, and about a server; C{pair} makes other pairs than the histories have.
PAIRS, SERVERS = ("failover", "handback"), ("drain", "promote", "replace")

#: Seconds from one look of an operator to the next.
ROUND = 2.0


async def order(strike: Strike, target: str) -> None:
    """Somebody orders something, whether this is the moment for it or not."""
    cluster = strike.cluster
    deed = strike.random.choice([*PAIRS, *SERVERS])
    name = target if target in cluster.disks else strike.random.choice(strike.servers())
    about = pair_of(name) if deed in PAIRS else name
    strike.tell("order", f"{deed} {about}")
    try:
        await ordered(cluster, Admin(deed, about))
        await strike.lasts()
    finally:
        if deed == "drain":
            strike.storm.repair(taken_back(cluster, name))


async def ordered(cluster: Cluster, request: Admin) -> None:
    """Order something; it may be refused, or get lost."""
    operator = Operator(
        cluster.clock,
        partial(cluster.network.dial, owner="operator"),
        [NAME_SERVER],
        "operator",
        drawn(f"operator {request.target} {cluster.clock.seconds()}"),
        lambda _: SECRET,
    )
    with suppress(DFSError, TimedOut):
        await operator.order(request, "")


async def taken_back(cluster: Cluster, name: str) -> None:
    """Order, until it is so, that a server is drained no longer."""
    while True:
        await deferLater(cluster.clock, ROUND)
        server = cluster.nm.fleet.servers.get(name) if cluster.nm is not None else None
        if server is None:
            continue
        if not server.known.drained:
            return
        await ordered(cluster, Admin("handback", pair_of(name)))


async def replaced(cluster: Cluster, name: str) -> None:
    """Order, until it is so, that a server is taken with the disk that it has now."""
    while True:
        await deferLater(cluster.clock, ROUND)
        life, nm = cluster.lives.get(name), cluster.nm
        server = nm.fleet.servers.get(name) if nm is not None else None
        if server is None or life is None:
            continue
        if server.state is State.LIVE and server.known.address == life.address:
            return
        if server.state is State.HELD:
            await ordered(cluster, _needed(server))


def _needed(server: Server) -> Admin:
    pair = server.place.pair
    if pair.active == server.name:
        # A name server cannot know that its peer, which was away for a moment, missed nothing.
        return Admin("promote", pair.peer, accept_loss=True)
    return Admin("replace", server.name)


#: By name; whether a history has them is drawn apart from the others, which mean what they meant.
ORDERS: dict[str, Fault] = {"order": order}
