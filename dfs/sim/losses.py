"""
Disks that are gone for ever, or put back as they were.

Decides when a disk may be lost without anything of what people were told: while the other member of
a pair in which either may lead has all that is on it.  Must not know who notices, nor what is
ordered then; L{dfs.sim.orders} does.
"""

from __future__ import annotations

import copy
from hashlib import sha256

from dfs.core.pairs import BACKUP, PairState, pair_of
from dfs.sim.cluster import Cluster
from dfs.sim.faults import Fault, absent
from dfs.sim.orders import replaced
from dfs.sim.storm import Strike
from dfs.store.memory import MemoryDisk

#: States of a pair in which either member may lead.
READY = (PairState.PROTECTED, PairState.REVERSED)

#: Looks for a moment at which a disk may be lost, and seconds from one to the next.
LOOKS, PAUSE = 40, 0.25


async def lose(strike: Strike, target: str) -> None:
    """A disk is gone for ever, and a server comes with an empty one."""
    await _lost(strike, target, None)


async def old(strike: Strike, target: str) -> None:
    """A disk is put back as it was a while ago."""
    name = target if target in strike.cluster.disks else strike.random.choice(strike.servers())
    disk = strike.cluster.disks[name]
    image = _image(disk)
    await strike.lasts()
    if strike.cluster.disks[name] is disk and _whole(image):
        await _lost(strike, name, image)


def _image(disk: MemoryDisk) -> MemoryDisk:
    """What is on a disk, without what is wrong with it now."""
    image = copy.deepcopy(disk)
    image.capacity, image.broken, image.doubtful = None, False, False
    return image


async def _lost(strike: Strike, target: str, image: MemoryDisk | None) -> None:
    """
    Wait for a moment at which that costs nothing.

    @param image: what is put in the place of the disk; an empty one if None.
    """
    cluster = strike.cluster
    for _ in range(LOOKS):
        name = strike.somebody(target, nm=False)
        if name and _spare(cluster, name) and (image is None or _known(cluster, name, image)):
            break
        await strike.wait(PAUSE)
    else:
        return
    strike.tell("old" if image else "lose", name)
    cluster.kill(name)
    cluster.exchange(name, image)
    strike.storm.repair(replaced(cluster, name))
    await absent(strike, name)


def _known(cluster: Cluster, name: str, image: MemoryDisk) -> bool:
    """
    Whether an image is of that disk, and older than what is in the journal.

    One that is not, of the last half second, is not noticed when the name server crashes as well.
    """
    return image.identity.name == name and image.seq < cluster.journal.servers[name].noted


def _spare(cluster: Cluster, name: str) -> bool:
    """Whether the other member is here, may lead, and has all that is on a disk."""
    home = pair_of(name)
    other = home if name != home else home + BACKUP
    pair = cluster.journal.pairs.get(home)
    if pair is None or pair.state not in READY or other not in cluster.servers:
        return False
    return _documents(cluster, name) == _documents(cluster, other)


def _whole(disk: MemoryDisk) -> bool:
    """Whether every content is what its name says."""
    return all(sha256(data).digest() == name for name, data in disk.contents.items())


def _documents(cluster: Cluster, name: str) -> dict[str, object]:
    return {one.id: one for _, one in cluster.disks[name].documents.values() if not one.deleted}


#: By name; whether a history has them is drawn apart from the others, which mean what they meant.
LOSSES: dict[str, Fault] = {"lose": lose, "old": old}
