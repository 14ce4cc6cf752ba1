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


#: A number that stands in no other command line.
MARK = "86399.25"


def processes() -> list[int]:
    """All processes of this machine."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def told(pid: int, name: str) -> bytes:
    """What /proc says of a process; nothing if it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""


def left() -> list[int]:
    """Processes of scripts: those with the mark, and those of users that nobody else is."""
    found = []
    for pid in processes():
        users = told(pid, "status").partition(b"\nUid:")[2].split()[:1]
        if MARK.encode() in told(pid, "cmdline") or (users and int(users[0]) > NOBODY):
            found.append(pid)
    return found


def children(pid: int) -> list[int]:
    """The children of a process, however they are called."""
    return [
        one
        for one in processes()
        if told(one, "stat").rpartition(b")")[2].split()[1:2] == [str(pid).encode()]
    ]


async def until(true: Callable[[], bool], what: str) -> None:
    """Return when this is true of processes that are not our children."""
    for _ in range(150):
        if true():
            return
        await deferLater(reactor, 0.1)
    raise AssertionError(f"not within 15 s: {what}")


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

    @property
    def nm(self) -> Daemon:
        """The name server, as it runs now."""
        assert self.cluster.nm is not None
        return self.cluster.nm

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
        assert left() == []
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
        assert left() == []
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
