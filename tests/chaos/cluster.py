"""
A cluster of real processes, with a link on every way from one to the other.

Decides how its servers are started, found and ended, and what they logged.  Must not know which
troubles there are.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import HostnameEndpoint

from dfs.client.asking import Waiting
from dfs.client.session import Session
from dfs.wire.client import Connection, connect
from tests.chaos.links import Link
from tests.process.processes import Daemon, Ended, reactor

#: Name of the name server, and of the storage servers.
NM = "nm"
PAIRS = ("ss1", "ss2")
STORAGES = ("ss1", "ss1_backup", "ss2", "ss2_backup")

#: Short intervals, so that much happens.
NM_OPTIONS = (
    *("--heartbeat-interval", "0.7", "--lease", "2", "--failure-after", "3.5"),
    *("--crash-grace", "0.5", "--handback-after", "0"),
)
#: Nothing that was acknowledged falls out of the history; nobody locks a sentence for long.
SS_OPTIONS = ("--undo-depth", "1000", "--session-timeout", "20")

#: Seconds in which a server listens.
STARTED = 150.0

#: Seconds that a client tries again.
PATIENCE = 10.0


@define(eq=False)
class Machine:
    """
    One server: its process, and all those before.

    @ivar links: ways to it, refused while there is no process.
    @ivar wanted: it is not to end by itself.
    """

    name: str
    links: list[Link] = field(factory=list)
    runs: list[Daemon] = field(factory=list)
    wanted: bool = False

    @property
    def process(self) -> Daemon | None:
        """The process that runs, if one does."""
        return self.runs[-1] if self.runs and self.runs[-1].running else None

    def signal(self, number: int) -> None:
        """Send a signal to its process, by pid."""
        if self.process is not None:
            self.process.signal(number)

    def events(self) -> Iterator[dict[str, Any]]:
        """Everything that it logged."""
        for run in self.runs:
            yield from run.events


@define(eq=False)
class Cluster:
    """
    A name server, two pairs, and people.

    @ivar folder: for stores and logs.
    @ivar faults: who ended although nobody wanted it.
    """

    folder: Path
    options: tuple[str, ...] = ()
    machines: dict[str, Machine] = field(factory=dict, init=False)
    links: dict[str, Link] = field(factory=dict, init=False)
    faults: list[str] = field(factory=list, init=False)
    _people: dict[str, str] = field(factory=dict, init=False)
    _sessions: list[Session] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        nm = self.machines[NM] = Machine(NM)
        for name in STORAGES:
            machine = self.machines[name] = Machine(name)
            nm.links.append(self._link(f"{name}>nm"))
            advertised, people = self._link(f"nm>{name}"), self._link(f"people>{name}")
            machine.links += [advertised, people]
            self._people[advertised.address] = people.address

    def _link(self, name: str) -> Link:
        link = self.links[name] = Link(reactor, name)
        return link

    # ---------------------------------------------------------------------------- processes

    async def start(self) -> None:
        """Start everybody."""
        await self.begin(NM)
        await gatherResults([Deferred.fromCoroutine(self.begin(name)) for name in STORAGES])

    async def begin(self, name: str) -> None:
        """Start a server, unless it runs, and wait until it listens."""
        machine = self.machines[name]
        if machine.process is not None:
            return
        daemon = Daemon(self._words(name), self.folder)
        machine.runs.append(daemon)
        machine.wanted = True
        daemon.at_end(lambda: self._ended(machine, daemon))
        event = await daemon.logged("listening", STARTED)
        for link in machine.links:
            link.open(event["port"])

    def _words(self, name: str) -> list[str]:
        secret = ("--secret", str(self.folder / "cluster.secret"))
        store = str(self.folder / name)
        if name == NM:
            listen = ("--listen", "tcp:0:interface=127.0.0.1")
            return ["dfs-nm", *listen, "--data", store, *secret, *NM_OPTIONS, *self.options]
        to_nm, advertised = self.links[f"{name}>nm"], self.links[f"nm>{name}"]
        return [
            *("dfs-ss", "--name", name, "--nm", to_nm.address, "--advertise", advertised.address),
            *("--storage", store, *secret, *SS_OPTIONS),
        ]

    def _ended(self, machine: Machine, daemon: Daemon) -> None:
        for link in machine.links:
            link.shut()
        if machine.wanted:
            self.faults.append(f"{machine.name} ended by itself, with status {daemon.status}")

    async def end(self, name: str, number: int, seconds: float = 30.0) -> None:
        """End a server with a signal; one that does not end is killed, and that is a fault."""
        machine = self.machines[name]
        process = machine.process
        if process is None:
            return
        machine.wanted = False
        process.signal(number)
        try:
            await process.exited(seconds)
        except Ended:
            self.faults.append(f"{name} did not end within {seconds:g} s of signal {number}")
            await process.kill()
        if number == signal.SIGTERM and process.status not in (0, -number):
            self.faults.append(f"{name} ended with status {process.status}, asked to end")

    async def stop(self) -> None:
        """End everybody, storage servers first."""
        for session in self._sessions:
            session.close()
        waiting = [Deferred.fromCoroutine(self.end(name, signal.SIGTERM)) for name in STORAGES]
        await gatherResults(waiting)
        await self.end(NM, signal.SIGTERM)
        for link in self.links.values():
            link.close()

    # ------------------------------------------------------------------------------- people

    def session(self, user: str, random: Any) -> Session:
        """Somebody, with ways of their own."""
        name = f"{user}>nm"
        if name not in self.links:
            link = self._link(name)
            nm = self.machines[NM]
            nm.links.append(link)
            if nm.process is not None and nm.links[0].target:
                link.open(nm.links[0].target)
        session = Session(
            reactor,
            time.time,
            self._dial,
            [self.links[name].address],
            user,
            random=random,
            entropy=os.urandom,
            waiting=Waiting(PATIENCE),
        )
        self._sessions.append(session)
        return session

    def _dial(self, address: str) -> Deferred[Connection]:
        host, _, port = self._people.get(address, address).rpartition(":")
        return connect(HostnameEndpoint(reactor, host, int(port)), reactor)

    # --------------------------------------------------------------------------------- logs

    def counts(self) -> Counter[str]:
        """How often which event was logged."""
        return Counter(
            str(event["event"]) for machine in self.machines.values() for event in machine.events()
        )

    def switches(self) -> list[float]:
        """When another member began to serve, on the steady clock."""
        offset = time.time() - time.monotonic()
        return sorted(
            datetime.fromisoformat(event["time"]).timestamp() - offset
            for event in self.machines[NM].events()
            if event["event"] in ("failover_complete", "handback_complete")
        )

    def defects(self) -> Iterator[str]:
        """What no server may ever log."""
        for machine in self.machines.values():
            for event in machine.events():
                if event["event"] in ("internal_error", "metadata_refused") or (
                    "Traceback" in str(event.get("failure", ""))
                ):
                    yield f"{machine.name} logged {event}"

    def write_logs(self) -> None:
        """Keep what everybody logged."""
        for machine in self.machines.values():
            for number, run in enumerate(machine.runs, 1):
                path = self.folder / "logs" / f"{machine.name}.{number}.log"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(run.output)
