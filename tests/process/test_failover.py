"""
A pair of real processes: one dies, the other one serves, the first comes back.

The first four tests are the mission's, with the intervals that are in force by default; the others
do the same many times with short ones.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from typing import Any

import pytest
from attrs import define
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from dfs.client.session import Session
from dfs.errors import DFSError
from tests.process.people import person
from tests.process.processes import Cluster, within
from tests.process.stores import Disk, read_disk
from tests.process.test_kill import Diary

reactor: Any = _reactor

#: A backup that hands back as soon as it can.
SOON = ("--handback-after", "1")

#: Intervals for tests that do it often.
SHORT = (
    *("--heartbeat-interval", "1", "--lease", "3", "--failure-after", "5"),
    # Who fails often would have to wait longer and longer for its place.
    *("--handback-after", "0"),
)

#: A text that stands in a file of its own in a store.
LARGE = "Word. " * 20_000

#: Looks at the state of a pair before a test gives up, and seconds between two of them.
LOOKS, PAUSE = 400, 0.25


@define(eq=False)
class Pair:
    """A cluster and what a person sees of its pair."""

    cluster: Cluster

    @classmethod
    async def started(cls, cluster: Cluster, options: Sequence[str]) -> Pair:
        """A pair that protects."""
        # The same object: its fixture ends whatever a test starts again, too.
        cluster.options = options
        await cluster.start("ss1", "ss1_backup")
        pair = cls(cluster)
        await pair.until("PROTECTED")
        return pair

    async def do(self, *words: str, typed: str = "") -> str:
        """What a command prints; it has to succeed."""
        done = await self.cluster.dfs(*words, typed=typed)
        assert done.status == 0, done.text
        return done.stdout

    async def servers(self) -> dict[str, dict[str, Any]]:
        """What SERVERS says, by name."""
        said = await self.do("--json", "SERVERS")
        return {one["name"]: one for one in map(json.loads, said.splitlines())}

    async def until(self, state: str, active: str = "") -> None:
        """Wait for a state of the pair, whose peer follows closely."""
        seen: dict[str, dict[str, Any]] = {}
        for _ in range(LOOKS):
            seen = await self.servers()
            line = seen.get(active or "ss1", {})
            # Under a writer there is always something on its way.
            lagging = line.get("lag_seconds", 0.0) > 1.0 and state in ("PROTECTED", "REVERSED")
            if line.get("protection") == state and not lagging and (not active or line["active"]):
                return
            await deferLater(reactor, PAUSE)
        raise AssertionError(f"not {state}: {seen}")

    async def until_current(self, path: str) -> dict[str, Any]:
        """Wait until the peer has the newest version; what INFO says."""
        for _ in range(LOOKS):
            info: dict[str, Any] = json.loads(await self.do("--json", "INFO", path))
            if info["replica_current"]:
                return info
            await deferLater(reactor, PAUSE)
        raise AssertionError(f"{path} is not copied")

    async def write(self, path: str, *texts: str) -> None:
        """A document that was written several times."""
        await self.do("CREATE", path)
        for text in texts:
            await self.do("PUT", "-", path, typed=text)
        await self.until_current(path)

    async def fail(self, number: int, name: str = "ss1") -> None:
        """End a server, or stop it, and wait until the other one serves."""
        nm = self.cluster.nm
        assert nm is not None
        after = len(nm.events)
        self.cluster.servers[name].signal(number)
        await nm.logged("failover_complete", after=after)

    async def on_disk(self, name: str) -> Disk:
        """What a server has, which is ended for that."""
        await self.cluster.servers[name].stop()
        return await read_disk(self.cluster.path / name, name)

    async def back(self, name: str = "ss1") -> None:
        """Let a server come back and wait until all is as it was."""
        server = self.cluster.servers[name]
        if server.running:
            server.signal(signal.SIGCONT)
        else:
            await self.cluster.start_ss(name)
        await self.until("PROTECTED", "ss1")


@within(300)
async def test_copied(empty_cluster: Cluster) -> None:
    """Mission 1: what is created and written on ss1 appears on ss1_backup."""
    pair = await Pair.started(empty_cluster, SOON)
    await pair.do("CREATE", "a.txt")
    await pair.do("WRITE", "a.txt", "0", typed="0 Written by a person.\nETIRW\n")
    info = await pair.until_current("a.txt")
    assert (info["server"], info["replica"]) == ("ss1", "ss1_backup")
    await pair.write("large.txt", LARGE)
    await pair.fail(signal.SIGKILL)
    assert await pair.do("READ", "a.txt") == "Written by a person."
    assert json.loads(await pair.do("--json", "INFO", "a.txt"))["server"] == "ss1_backup"
    disk = await pair.on_disk("ss1_backup")
    assert disk.text(disk.at("a.txt")) == b"Written by a person."
    assert disk.text(disk.at("large.txt")) == LARGE.encode()


@within(300)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
async def test_detected(empty_cluster: Cluster, number: signal.Signals) -> None:
    """Mission 2: a primary that is killed, ended or stopped is found out and replaced."""
    pair = await Pair.started(empty_cluster, SOON)
    await pair.write("a.txt", "One.")
    await pair.fail(number)
    assert await pair.do("READ", "a.txt") == "One."
    await pair.do("APPEND", "a.txt", " Two.")
    await pair.back()
    assert await pair.do("READ", "a.txt") == "One. Two."


@within(300)
async def test_served_meanwhile(empty_cluster: Cluster) -> None:
    """
    Mission 3: the backup serves READ, STREAM, INFO, VIEW -l and what can be undone; whoever reads
    before the failure was noticed gets the text, too.
    """
    pair = await Pair.started(empty_cluster, SOON)
    await pair.write("a.txt", "First text.", "Second  text\tis\nhere.")
    pair.cluster.servers["ss1"].signal(signal.SIGKILL)
    assert await pair.do("READ", "a.txt") == "Second  text\tis\nhere."
    assert await pair.do("STREAM", "a.txt") == "Second  text\tis\nhere."
    info = json.loads(await pair.do("--json", "INFO", "a.txt"))
    assert (info["server"], info["words"], info["replica_current"]) == ("ss1_backup", 4, True)
    head, line = (await pair.do("VIEW", "-l")).splitlines()
    assert "WORDS" in head
    assert line.split()[:4] == ["a.txt", "4", "21", "21"]
    assert "ss1_backup" in line.split()
    await pair.do("UNDO", "a.txt")
    assert await pair.do("READ", "a.txt") == "First text."
    await pair.do("REDO", "a.txt")
    assert await pair.do("READ", "a.txt") == "Second  text\tis\nhere."


@within(300)
async def test_returned(empty_cluster: Cluster) -> None:
    """Mission 4: a primary that comes back catches up and serves again, and nothing is lost."""
    pair = await Pair.started(empty_cluster, SOON)
    await pair.write("a.txt", "One.")
    await pair.write("b.txt", "Gone soon.")
    await pair.fail(signal.SIGKILL)
    await pair.do("APPEND", "a.txt", " Two.")
    await pair.do("DELETE", "b.txt")
    await pair.do("CREATE", "c.txt")
    await pair.do("PUT", "-", "c.txt", typed="New.")
    await pair.back()
    assert await pair.do("READ", "a.txt") == "One. Two."
    assert await pair.do("READ", "c.txt") == "New."
    assert "b.txt" not in await pair.do("VIEW", "-a")
    info = await pair.until_current("a.txt")
    assert (info["server"], info["replica"]) == ("ss1", "ss1_backup")


@within(600)
@pytest.mark.parametrize(
    "numbers",
    [
        (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGKILL),
        (signal.SIGKILL,) * 4,
        (signal.SIGTERM, signal.SIGKILL) * 2,
    ],
)
async def test_many_times(empty_cluster: Cluster, numbers: Sequence[signal.Signals]) -> None:
    """
    R6: whatever is killed or stopped under two writers, in a pair with short intervals, every
    acknowledged word is there afterwards, in the text or in a conflict that is listed, and once.
    """
    pair = await Pair.started(empty_cluster, SHORT)
    diary = Diary()
    sessions: list[Session] = []
    writers: list[Deferred[None]] = []
    for number in range(2):
        session = person(pair.cluster)
        await session.create(f"d{number}")
        sessions.append(session)
        writers.append(Deferred.fromCoroutine(diary.write(session, f"d{number}")))
    for number in numbers:
        await diary.more(20)
        await pair.fail(number)
        await diary.more(20)
        await pair.back()
    diary.over = True
    for writer in writers:
        await writer
    await pair.until("PROTECTED", "ss1")
    listed: dict[str, int] = {}
    for path, kept in diary.kept.items():
        await pair.until_current(path)
        words = (await sessions[0].read(path)).decode().split()
        assert len(words) == len(set(words)), "something was done twice"
        assert not set(words) - set(kept) - set(diary.doubtful[path])
        listed[path] = (await sessions[0].info(path)).index.conflicts
    for session in sessions:
        session.close()
    for name in ("ss1_backup", "ss1"):
        disk = await pair.on_disk(name)
        for path, kept in diary.kept.items():
            document = disk.at(path)
            conflicts = disk.conflicts(document)
            assert len(conflicts) == listed[path]
            found = b" ".join([disk.text(document), *conflicts]).decode().split()
            missing = set(kept) - set(found)
            assert not missing, f"lost without a word on {name}: {sorted(missing)}"


@within(300)
async def test_stopped_and_woken(empty_cluster: Cluster) -> None:
    """A primary that wakes up after its failover commits nothing of what its clients ask for."""
    pair = await Pair.started(empty_cluster, (*SHORT[:-1], "never"))
    await pair.write("a.txt", "One.")
    session = person(pair.cluster)
    editing = await session.write("a.txt", 0)
    await editing.edit(0, "Mine")
    await pair.fail(signal.SIGSTOP)
    await pair.do("APPEND", "a.txt", " Two.")
    pair.cluster.servers["ss1"].signal(signal.SIGCONT)
    with pytest.raises(DFSError):
        await editing.commit()
    await pair.until("REVERSED")
    assert await pair.do("READ", "a.txt") == "One. Two."
    session.close()
