"""
What can go wrong, one coroutine for each kind.

Decides what each kind does, and that it undoes it: at the latest when the storm is over, by being
cancelled while it lasts.  Must not know when it comes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable

from dfs.core.pairs import BACKUP, pair_of
from dfs.sim.cluster import NM
from dfs.sim.people import NAMES
from dfs.sim.storm import Strike

# ------------------------------------------------------------------------------- processes


async def kill(strike: Strike, target: str) -> None:
    """C{kill -9}, and a start after a while."""
    name = strike.somebody(target)
    if name:
        strike.tell("kill", name)
        strike.cluster.kill(name)
        await absent(strike, name)


async def absent(strike: Strike, name: str) -> None:
    """Let a server be away, and start it."""
    strike.struck.add(name)
    try:
        await strike.lasts()
    finally:
        strike.struck.discard(name)
        strike.cluster.begin(name)


async def stop(strike: Strike, target: str) -> None:
    """SIGTERM, and a start after a while."""
    name = strike.somebody(target)
    if not name:
        return
    strike.tell("stop", name)
    strike.struck.add(name)
    life = strike.cluster.lives[name]
    stopping = strike.cluster.stopping(name)
    try:
        await strike.lasts()
    finally:
        if not stopping.called and strike.cluster.lives.get(name) is life:
            strike.cluster.kill(name)  # who does not stop is killed
        strike.struck.discard(name)
        strike.cluster.begin(name)


async def restart(strike: Strike, target: str) -> None:
    """Killed and started again, several times, as by an impatient supervisor."""
    name = strike.somebody(target)
    if not name:
        return
    strike.struck.add(name)
    try:
        for _ in range(strike.random.randrange(2, 5)):
            strike.tell("restart", name)
            strike.cluster.kill(name)
            await strike.lasts(3.0)
            strike.cluster.begin(name)
            await strike.lasts(3.0)
    finally:
        strike.struck.discard(name)
        strike.cluster.begin(name)


async def pause(strike: Strike, target: str) -> None:
    """SIGSTOP and SIGCONT."""
    name = strike.somebody(target)
    if name:
        strike.tell("pause", name)
        await _still(strike, name, strike.lasts())


async def _still(strike: Strike, name: str, lasts: Awaitable[None]) -> None:
    life = strike.cluster.lives[name]
    strike.struck.add(name)
    strike.cluster.freeze(name)
    try:
        await lasts
    finally:
        strike.struck.discard(name)
        if strike.cluster.lives.get(name) is life:
            strike.cluster.thaw(name)


async def stutter(strike: Strike, target: str) -> None:
    """A machine that is too busy: stopped and continued again and again."""
    name = strike.somebody(target)
    if not name:
        return
    strike.tell("stutter", name)
    for _ in range(strike.random.randrange(3, 30)):
        if strike.somebody(name) != name:
            return
        await _still(strike, name, strike.wait(strike.random.uniform(0.01, 3.0)))
        await strike.wait(strike.random.uniform(0.01, 1.0))


async def dark(strike: Strike, target: str) -> None:
    """No power: nobody is told anything, nothing refuses."""
    name = strike.somebody(target)
    if name:
        strike.tell("dark", name)
        strike.cluster.network.dark.add(name)
        strike.cluster.kill(name)
        await absent(strike, name)


# --------------------------------------------------------------------------------- network


async def reset(strike: Strike, target: str) -> None:
    """A connection breaks."""
    links = strike.cluster.network.ends(target or None)
    if links:
        link = strike.random.choice(links)
        strike.tell("reset", f"{link.owner} {link.other.owner}")
        link.cut()


async def clog(strike: Strike, target: str) -> None:
    """Nothing more gets to one end of one connection, for a while."""
    links = strike.cluster.network.ends(target or None)
    if not links:
        return
    link = strike.random.choice(links)
    strike.tell("clog", f"{link.other.owner} {link.owner}")
    held = strike.cluster.network.held
    held.add(link)
    try:
        await strike.lasts()
    finally:
        held.discard(link)
        strike.cluster.network.opened()


async def deaf(strike: Strike, target: str) -> None:
    """One hears nothing of the other, which hears it all the same."""
    one, other = _two(strike, target)
    strike.tell("deaf", f"{one} to {other}")
    way = (other, one)
    if way in strike.cluster.network.one_way:
        return
    strike.cluster.network.one_way.add(way)
    try:
        await strike.lasts()
    finally:
        strike.cluster.network.one_way.discard(way)
        strike.cluster.network.opened()


def _two(strike: Strike, target: str) -> tuple[str, str]:
    """A storage server, and the name server or a person."""
    one = target if target in strike.cluster.disks else strike.random.choice(strike.servers())
    other = NM if strike.random.random() < 0.7 else strike.random.choice(NAMES)
    return (one, other) if strike.random.random() < 0.5 else (other, one)


async def part(strike: Strike, target: str) -> None:
    """Nothing gets through between a storage server and the name server, or a person."""
    one, other = _two(strike, target)
    wall = frozenset((one, other))
    if wall in strike.cluster.network.walls:
        return
    strike.tell("part", f"{one} {other}")
    strike.cluster.network.walls.add(wall)
    try:
        await strike.lasts()
    finally:
        strike.cluster.network.walls.discard(wall)
        strike.cluster.network.opened()


async def flap(strike: Strike, target: str) -> None:
    """A line that comes and goes."""
    one, other = _two(strike, target)
    wall = frozenset((one, other))
    walls = strike.cluster.network.walls
    if wall in walls:
        return
    strike.tell("flap", f"{one} {other}")
    try:
        for _ in range(strike.random.randrange(2, 6)):
            walls.add(wall)
            await strike.lasts(15.0)
            walls.discard(wall)
            strike.cluster.network.opened()
            await strike.lasts(5.0)
    finally:
        walls.discard(wall)
        strike.cluster.network.opened()


async def lag(strike: Strike, target: str) -> None:
    """Everything between two takes long."""
    one, other = _two(strike, target)
    between = frozenset((one, other))
    seconds = strike.random.uniform(0.05, 3.0)
    strike.tell("lag", f"{one} {other} {seconds:.2f}")
    strike.cluster.network.lag[between] = seconds
    try:
        await strike.lasts()
    finally:
        strike.cluster.network.lag.pop(between, None)


async def narrow(strike: Strike, target: str) -> None:
    """A line of a few kilobytes a second."""
    one, other = _two(strike, target)
    strike.tell("narrow", f"{one} {other}")
    strike.cluster.slow(one, other, strike.random.choice([1_000.0, 5_000.0, 30_000.0]))
    try:
        await strike.lasts()
    finally:
        strike.cluster.slow(one, other)


# ------------------------------------------------------------------------------------ disks


async def full(strike: Strike, target: str) -> None:
    """A disk is full."""
    name = target if target in strike.cluster.disks else strike.random.choice(strike.servers())
    disk = strike.cluster.disks[name]
    strike.tell("full", name)
    disk.capacity = sum(map(len, disk.contents.values())) + strike.random.randrange(2_000)
    try:
        await strike.lasts()
    finally:
        disk.capacity = None


async def full_journal(strike: Strike, target: str) -> None:
    """The disk of the name server is full."""
    strike.tell("full_journal", NM)
    strike.cluster.journal.trouble = "disk full: add space, then try again"
    try:
        await strike.lasts()
    finally:
        strike.cluster.journal.trouble = ""


async def broken(strike: Strike, target: str) -> None:
    """An fsync fails: the server has to leave.  Later it has a disk that works."""
    name = strike.somebody(target, nm=False)
    if not name:
        return
    strike.tell("broken", name)
    strike.struck.add(name)
    disk = strike.cluster.disks[name]
    disk.doubtful, disk.broken = strike.random.random() < 0.5, True
    try:
        await strike.lasts()
    finally:
        strike.struck.discard(name)
        disk.doubtful = disk.broken = False
        # It may have noticed, and be gone; if it has not yet it is started anew all the same.
        if strike.cluster.running(name):
            strike.cluster.kill(name)
        strike.cluster.begin(name)


async def slow_disk(strike: Strike, target: str) -> None:
    """A disk that needs a hundred times as long."""
    name = strike.somebody(target)
    if not name:
        return
    strike.tell("slow_disk", name)
    device = strike.cluster.lives[name].device
    device.slow = strike.random.choice([10.0, 100.0, 1000.0])
    try:
        await strike.lasts()
    finally:
        device.slow = 1.0


async def rot(strike: Strike, target: str) -> None:
    """Bits of a content are flipped; an operator restores it if nobody else has it."""
    name = target if target in strike.cluster.disks else strike.random.choice(strike.servers())
    disk = strike.cluster.disks[name]
    if not disk.contents:
        return
    sha256 = strike.random.choice(sorted(disk.contents))
    right = disk.contents[sha256]
    if hashlib.sha256(right).digest() != sha256:
        return  # its bits are flipped already
    home = pair_of(name)
    other = home if name != home else home + BACKUP

    def elsewhere() -> bool:
        return strike.cluster.disks[other].contents.get(sha256) == right

    strike.tell("rot", f"{name} {sha256.hex()[:8]}")
    disk.damage(sha256)
    try:
        await strike.lasts()
        # It is mended when somebody reads it.
        while elsewhere():
            await strike.wait(1.0)
    finally:
        if sha256 in disk.contents and not elsewhere():
            disk.contents[sha256] = right


# ------------------------------------------------------------------------------------- time


async def jump(strike: Strike, target: str) -> None:
    """A date is wrong, and then right again."""
    name = target or strike.random.choice([*strike.servers(), NM])
    seconds = strike.random.choice([-1e9, -86400.0, -30.0, -5.0, 5.0, 30.0, 86400.0])
    strike.tell("jump", f"{name} {seconds}")
    strike.cluster.offsets[name] = seconds
    try:
        await strike.lasts()
    finally:
        strike.cluster.offsets.pop(name, None)


Fault = Callable[[Strike, str], Awaitable[None]]

#: By name.
FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        kill,
        stop,
        restart,
        pause,
        stutter,
        dark,
        reset,
        clog,
        deaf,
        part,
        flap,
        lag,
        narrow,
        full,
        full_journal,
        broken,
        slow_disk,
        rot,
        jump,
    )
}

#: What is in the air all the time, in the histories that have it: bytes that arrive in pieces or
#: joined, slow messages, slow threads, commits that survive a crash unanswered, words of the dead
#: that arrive late, clocks of another rate.
TRAITS = ("pieces", "jitter", "threads", "survives", "lingers", "drift")
