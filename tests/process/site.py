"""
A cluster that runs scripts, and what is seen of these from outside.

Decides how a script is run and looked for.  Must not know what it tries.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from twisted.internet.task import deferLater

from dfs.sandbox.policy import NOBODY
from tests.process.processes import Cluster, Daemon, Process, reactor

#: Seconds of silence after which a storage server would have failed: less than a bomb takes.
FAILURE = ("--heartbeat-interval", "1", "--lease", "3", "--failure-after", "6")


#: A number that stands in no other command line, also where these tests run twice at a time.
MARK = f"86399.{os.getpid()}"


def processes() -> list[int]:
    """All processes of this machine."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def told(pid: int, name: str) -> bytes:
    """What /proc says of a process; nothing if it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""


def user(pid: int) -> int:
    """The user of a process; -1 if it is gone."""
    users = told(pid, "status").partition(b"\nUid:")[2].split()[:1]
    return int(users[0]) if users else -1


def of_others(user: int, ours: set[int]) -> bool:
    """Whether the script of this user was started by a name server that is not one of these."""
    # The user's number tells who watches the script, and that is told who wants it.
    words = told(user - NOBODY, "cmdline").split(b"\0")
    return len(words) > 1 and words[-2] not in {str(pid).encode() for pid in ours}


def is_left(pid: int, ours: set[int]) -> bool:
    """Whether this is a process of a script of these name servers, or of nobody any more."""
    who = user(pid)
    return MARK.encode() in told(pid, "cmdline") or (who > NOBODY and not of_others(who, ours))


def left(ours: set[int]) -> list[int]:
    """
    Processes of scripts of these name servers: those with the mark, and those of users that nobody
    else is.  All of them were there at one time, when the first look was over.
    """
    found = [(pid, user(pid)) for pid in processes() if is_left(pid, ours)]
    return [pid for pid, who in found if who >= 0 and user(pid) == who]


def children(pid: int) -> list[int]:
    """The children of a process, however they are called."""
    return [
        one
        for one in processes()
        if told(one, "stat").rpartition(b")")[2].split()[1:2] == [str(pid).encode()]
    ]


async def until(true: Callable[[], bool], what: str) -> None:
    """Return when this is true of processes that are not our children."""
    for _ in range(600):
        if true():
            return
        await deferLater(reactor, 0.1)
    raise AssertionError(f"not within 60 s: {what}")


class Site:
    """
    A cluster whose name server runs scripts.

    @ivar path: where its data is.
    @ivar quiet_since: how many events of the name server came before this test.
    """

    def __init__(self, cluster: Cluster, backend: str) -> None:
        self.cluster = cluster
        self.path = cluster.path
        self.backend = backend
        self.quiet_since = 0
        self._name_servers: set[int] = set()

    @property
    def nm(self) -> Daemon:
        """The name server, as it runs now."""
        assert self.cluster.nm is not None
        return self.cluster.nm

    def left(self) -> list[int]:
        """Processes of scripts of this name server, and of those that were here before it."""
        self._name_servers.add(self.nm.pid)
        return left(self._name_servers)

    async def begin(self) -> None:
        """Start it; skip the test, with the reason, where this backend cannot work."""
        options = ("--enable-exec", "--exec-backend", self.backend)
        self.cluster.options = (*options, *FAILURE)
        await self.cluster.start("ss1", "ss1_backup")
        await self.ready()

    async def restart(self) -> None:
        """Start the name server again, and wait until all is as before."""
        await self.cluster.start_nm()
        for name in self.cluster.servers:
            await self.cluster.registered(name)
        await self.ready()

    async def ready(self) -> None:
        """Return when EXEC is on."""
        self._name_servers.add(self.nm.pid)

        def look() -> object:
            events = self.nm.events
            return [one for one in events if one["event"] in ("exec_on", "exec_off")]

        [event] = await self.nm.when(look)
        if event["event"] == "exec_off":
            pytest.skip(f"EXEC BY {self.backend} IS NOT TESTED HERE: {event['reason']}")

    async def put(self, script: str, name: str = "script.sh") -> None:
        """Store a script."""
        stored = await self.cluster.dfs("PUT", "-", name, typed=script)
        assert stored.status == 0, stored.text

    async def exec(self, script: str) -> Process:
        """Store and run a script to its end; nothing of it is left then."""
        await self.put(script)
        ran = await self.cluster.dfs("EXEC", "script.sh")
        assert self.left() == []
        assert children(self.nm.pid) == []
        return ran

    async def busy(self, script: str) -> tuple[Process, int]:
        """The same, while somebody works; how many changes they made meanwhile."""
        await self.put(script)
        running = Process(self.cluster.client("EXEC", "script.sh"), self.cluster.path)
        done = 0
        while running.running:
            made = await self.cluster.dfs("PUT", "-", f"made{done}.txt", typed="more")
            assert made.status == 0, made.text
            done += 1
        assert self.left() == []
        return running, done

    def undisturbed(self) -> None:
        """Nobody was taken for dead, and no pair took a step, since all was well."""
        events = [event["event"] for event in self.nm.events]
        assert "heartbeat_monitor_failure" not in events[self.quiet_since :]
        assert "failover_complete" not in events[self.quiet_since :]

    async def started(self, script: str) -> Process:
        """A script that has begun: it said so."""
        await self.put(script)
        running = Process(self.cluster.client("EXEC", "script.sh"), self.cluster.path)
        await running.when(lambda: "begun" in running.text)
        return running
