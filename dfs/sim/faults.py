"""
What can go wrong, one coroutine for each kind.

Decides what each kind does, and that it undoes it: at the latest when the storm is over, by being
cancelled while it lasts.  Must not know when it comes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from dfs.sim.cluster import NM
from dfs.sim.people import NAMES
from dfs.sim.storm import Storm

# ------------------------------------------------------------------------------- processes


async def kill(storm: Storm, target: str) -> None:
    """C{kill -9}, and a start after a while."""
    name = storm.somebody(target)
    if name:
        storm.tell("kill", name)
        storm.cluster.kill(name)
        await _absent(storm, name)


async def _absent(storm: Storm, name: str) -> None:
    """Let a server be away, and start it."""
    storm.struck.add(name)
    try:
        await storm.lasts()
    finally:
        storm.struck.discard(name)
        storm.cluster.begin(name)


async def stop(storm: Storm, target: str) -> None:
    """SIGTERM, and a start after a while."""
    name = storm.somebody(target)
    if not name:
        return
    storm.tell("stop", name)
    storm.struck.add(name)
    life = storm.cluster.lives[name]
    stopping = storm.cluster.stopping(name)
    try:
        await storm.lasts()
    finally:
        if not stopping.called and storm.cluster.lives.get(name) is life:
            storm.cluster.kill(name)  # who does not stop is killed
        storm.struck.discard(name)
        storm.cluster.begin(name)


async def restart(storm: Storm, target: str) -> None:
    """Killed and started again, several times, as by an impatient supervisor."""
    name = storm.somebody(target)
    if not name:
        return
    storm.struck.add(name)
    try:
        for _ in range(storm.random.randrange(2, 5)):
            storm.tell("restart", name)
            storm.cluster.kill(name)
            await storm.lasts(3.0)
            storm.cluster.begin(name)
            await storm.lasts(3.0)
    finally:
        storm.struck.discard(name)
        storm.cluster.begin(name)


async def pause(storm: Storm, target: str) -> None:
    """SIGSTOP and SIGCONT."""
    name = storm.somebody(target)
    if name:
        storm.tell("pause", name)
        await _still(storm, name, storm.lasts())


async def _still(storm: Storm, name: str, lasts: Awaitable[None]) -> None:
    life = storm.cluster.lives[name]
    storm.struck.add(name)
    storm.cluster.freeze(name)
    try:
        await lasts
    finally:
        storm.struck.discard(name)
        if storm.cluster.lives.get(name) is life:
            storm.cluster.thaw(name)


async def stutter(storm: Storm, target: str) -> None:
    """A machine that is too busy: stopped and continued again and again."""
    name = storm.somebody(target)
    if not name:
        return
    storm.tell("stutter", name)
    for _ in range(storm.random.randrange(3, 30)):
        if storm.somebody(name) != name:
            return
        await _still(storm, name, storm.wait(storm.random.uniform(0.01, 3.0)))
        await storm.wait(storm.random.uniform(0.01, 1.0))


async def dark(storm: Storm, target: str) -> None:
    """No power: nobody is told anything, nothing refuses."""
    name = storm.somebody(target)
    if name:
        storm.tell("dark", name)
        storm.cluster.network.dark.add(name)
        storm.cluster.kill(name)
        await _absent(storm, name)


# --------------------------------------------------------------------------------- network


async def reset(storm: Storm, target: str) -> None:
    """A connection breaks."""
    links = storm.cluster.network.ends(target or None)
    if links:
        link = storm.random.choice(links)
        storm.tell("reset", f"{link.owner} {link.other.owner}")
        link.cut()


async def clog(storm: Storm, target: str) -> None:
    """Nothing more gets to one end of one connection, for a while."""
    links = storm.cluster.network.ends(target or None)
    if not links:
        return
    link = storm.random.choice(links)
    storm.tell("clog", f"{link.other.owner} {link.owner}")
    held = storm.cluster.network.held
    held.add(link)
    try:
        await storm.lasts()
    finally:
        held.discard(link)
        storm.cluster.network.opened()


async def deaf(storm: Storm, target: str) -> None:
    """One hears nothing of the other, which hears it all the same."""
    one, other = _two(storm, target)
    storm.tell("deaf", f"{one} to {other}")
    way = (other, one)
    if way in storm.cluster.network.one_way:
        return
    storm.cluster.network.one_way.add(way)
    try:
        await storm.lasts()
    finally:
        storm.cluster.network.one_way.discard(way)
        storm.cluster.network.opened()


def _two(storm: Storm, target: str) -> tuple[str, str]:
    """A storage server, and the name server or a person."""
    one = target if target in storm.cluster.disks else storm.random.choice(storm.servers())
    other = NM if storm.random.random() < 0.7 else storm.random.choice(NAMES)
    return (one, other) if storm.random.random() < 0.5 else (other, one)


async def part(storm: Storm, target: str) -> None:
    """Nothing gets through between a storage server and the name server, or a person."""
    one, other = _two(storm, target)
    wall = frozenset((one, other))
    if wall in storm.cluster.network.walls:
        return
    storm.tell("part", f"{one} {other}")
    storm.cluster.network.walls.add(wall)
    try:
        await storm.lasts()
    finally:
        storm.cluster.network.walls.discard(wall)
        storm.cluster.network.opened()


async def flap(storm: Storm, target: str) -> None:
    """A line that comes and goes."""
    one, other = _two(storm, target)
    wall = frozenset((one, other))
    walls = storm.cluster.network.walls
    if wall in walls:
        return
    storm.tell("flap", f"{one} {other}")
    try:
        for _ in range(storm.random.randrange(2, 6)):
            walls.add(wall)
            await storm.lasts(15.0)
            walls.discard(wall)
            storm.cluster.network.opened()
            await storm.lasts(5.0)
    finally:
        walls.discard(wall)
        storm.cluster.network.opened()


async def lag(storm: Storm, target: str) -> None:
    """Everything between two takes long."""
    one, other = _two(storm, target)
    between = frozenset((one, other))
    seconds = storm.random.uniform(0.05, 3.0)
    storm.tell("lag", f"{one} {other} {seconds:.2f}")
    storm.cluster.network.lag[between] = seconds
    try:
        await storm.lasts()
    finally:
        storm.cluster.network.lag.pop(between, None)


async def narrow(storm: Storm, target: str) -> None:
    """A line of a few kilobytes a second."""
    one, other = _two(storm, target)
    storm.tell("narrow", f"{one} {other}")
    storm.cluster.slow(one, other, storm.random.choice([1_000.0, 5_000.0, 30_000.0]))
    try:
        await storm.lasts()
    finally:
        storm.cluster.slow(one, other)


# ------------------------------------------------------------------------------------ disks


async def full(storm: Storm, target: str) -> None:
    """A disk is full."""
    name = target if target in storm.cluster.disks else storm.random.choice(storm.servers())
    disk = storm.cluster.disks[name]
    storm.tell("full", name)
    disk.capacity = sum(map(len, disk.contents.values())) + storm.random.randrange(2_000)
    try:
        await storm.lasts()
    finally:
        disk.capacity = None


async def full_journal(storm: Storm, target: str) -> None:
    """The disk of the name server is full."""
    storm.tell("full_journal", NM)
    storm.cluster.journal.trouble = "disk full: add space, then try again"
    try:
        await storm.lasts()
    finally:
        storm.cluster.journal.trouble = ""


async def broken(storm: Storm, target: str) -> None:
    """An fsync fails: the server has to leave.  Later it has a disk that works."""
    name = storm.somebody(target, nm=False)
    if not name:
        return
    storm.tell("broken", name)
    storm.struck.add(name)
    disk = storm.cluster.disks[name]
    disk.doubtful, disk.broken = storm.random.random() < 0.5, True
    try:
        await storm.lasts()
    finally:
        storm.struck.discard(name)
        disk.doubtful = disk.broken = False
        # It may have noticed, and be gone; if it has not yet it is started anew all the same.
        if storm.cluster.running(name):
            storm.cluster.kill(name)
        storm.cluster.begin(name)


async def slow_disk(storm: Storm, target: str) -> None:
    """A disk that needs a hundred times as long."""
    name = storm.somebody(target)
    if not name:
        return
    storm.tell("slow_disk", name)
    device = storm.cluster.lives[name].device
    device.slow = storm.random.choice([10.0, 100.0, 1000.0])
    try:
        await storm.lasts()
    finally:
        device.slow = 1.0


async def rot(storm: Storm, target: str) -> None:
    """Bits of a content are flipped; an operator restores it in the end."""
    name = target if target in storm.cluster.disks else storm.random.choice(storm.servers())
    disk = storm.cluster.disks[name]
    if not disk.contents:
        return
    sha256 = storm.random.choice(sorted(disk.contents))
    storm.tell("rot", f"{name} {sha256.hex()[:8]}")
    right = disk.contents[sha256]
    disk.damage(sha256)
    try:
        await storm.lasts()
    finally:
        if sha256 in disk.contents:
            disk.contents[sha256] = right


# ------------------------------------------------------------------------------------- time


async def jump(storm: Storm, target: str) -> None:
    """A date is wrong, and then right again."""
    name = target or storm.random.choice([*storm.servers(), NM])
    seconds = storm.random.choice([-1e9, -86400.0, -30.0, -5.0, 5.0, 30.0, 86400.0])
    storm.tell("jump", f"{name} {seconds}")
    storm.cluster.offsets[name] = seconds
    try:
        await storm.lasts()
    finally:
        storm.cluster.offsets.pop(name, None)


Fault = Callable[[Storm, str], Awaitable[None]]

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
