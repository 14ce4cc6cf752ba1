"""
Faults: a schedule that a seed decides, and how each is brought about.

Decides what comes when and whom it strikes.  Must not know what people do meanwhile.
"""

from __future__ import annotations

import shutil
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from random import Random

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from tests.chaos.cluster import NM, PAIRS, STORAGES, Cluster
from tests.chaos.links import FRO, TO, Link, Trouble
from tests.process.processes import Ended, Process, reactor

#: Faults of processes, with how often each comes compared with others.
DEATHS = {"kill": 5.0, "term": 3.0, "stop": 2.0, "fsync": 1.5}
OF_NM = {"kill": 2.0, "term": 1.0, "stop": 1.0}
#: Faults of links.
TROUBLES = ("reset", "refuse", "pause", "hold", "lose", "delay", "throttle", "pieces")

#: Seconds that a fault waits for a pair that can lose its active member without being DOWN, and
#: states in which it can.
WAITS, SAFE = 5.0, ("PROTECTED", "REVERSED")

#: Seconds from one fault to the next of one pair, of the name server, of the links; on average.
PAIR_PAUSE, NM_PAUSE, LINK_PAUSE = 2.5, 40.0, 2.0


@frozen
class Fault:
    """
    One fault of a schedule.

    @ivar at: seconds after the storm began.
    @ivar target: name of a pair, whose active member is struck or, if C{peer}, the other one; of
        the name server; of a link.
    @ivar lasts: seconds.
    @ivar waits: it comes when the peer can take the place, if that is soon.
    """

    at: float
    kind: str
    target: str
    lasts: float
    peer: bool = False
    waits: bool = False
    direction: str = TO

    def __str__(self) -> str:
        whom = f"the peer in {self.target}" if self.peer else self.target
        return f"{self.at:7.2f} {self.kind} {whom} {self.direction} for {self.lasts:.2f} s"


def schedule(seed: int, seconds: float, links: list[str], kinds: frozenset[str]) -> list[Fault]:
    """
    What happens when; the same for the same arguments.

    @param kinds: those that this machine cannot do are left out.
    """
    faults: list[Fault] = []
    for pair in PAIRS:
        random = Random(f"{seed} {pair}")
        for at in _times(random, PAIR_PAUSE, seconds):
            kind = _drawn(random, DEATHS)
            lasts = random.uniform(0.2, 1.5) if kind != "stop" else random.uniform(0.5, 6.0)
            peer, waits = random.random() < 0.15, random.random() < 0.6
            faults.append(Fault(at, kind, pair, lasts, peer, waits))
    random = Random(f"{seed} {NM}")
    for at in _times(random, NM_PAUSE, seconds):
        faults.append(Fault(at, f"{_drawn(random, OF_NM)}", NM, random.uniform(0.1, 5.0)))
    random = Random(f"{seed} links")
    for at in _times(random, LINK_PAUSE, seconds):
        kind, direction = random.choice(TROUBLES), random.choice((TO, FRO))
        lasts = 0.2 * (40.0 ** random.random())
        faults.append(Fault(at, kind, random.choice(links), lasts, direction=direction))
    faults = [fault for fault in faults if fault.kind in kinds]
    return sorted(faults, key=lambda fault: fault.at)


def _times(random: Random, pause: float, seconds: float) -> Iterator[float]:
    at = random.uniform(0.0, pause)
    while at < seconds:
        yield at
        at += max(0.3, random.expovariate(1.0 / pause))


def _drawn(random: Random, weights: dict[str, float]) -> str:
    [kind] = random.choices(list(weights), list(weights.values()))
    return kind


@define(eq=False)
class Storm:
    """
    What strikes.

    @ivar tell: gets a line for each fault as it comes.
    @ivar counts: how often each kind came.
    """

    cluster: Cluster
    faults: list[Fault]
    tell: Callable[[str], None]
    counts: Counter[str] = field(factory=Counter, init=False)
    defects: list[str] = field(factory=list, init=False)
    _busy: set[str] = field(factory=set, init=False)
    _over: bool = field(default=False, init=False)
    _lasting: list[Deferred[None]] = field(factory=list, init=False)
    _waits: set[Deferred[None]] = field(factory=set, init=False)

    async def rage(self, enough: Callable[[float], bool]) -> None:
        """
        Let everything come, one after the other.

        @param enough: whether it may end after so many seconds.
        """
        begun = reactor.seconds()
        for fault in self.faults:
            if enough(fault.at):
                return
            await deferLater(reactor, max(0.0, begun + fault.at - reactor.seconds()))
            lasting = Deferred.fromCoroutine(self._strike(fault)).addErrback(self._failed, fault)
            self._lasting.append(lasting)

    async def calm(self) -> None:
        """Put everything right."""
        self._over = True
        for waiting in list(self._waits):
            waiting.cancel()
        await gatherResults(self._lasting)
        for link in self.cluster.links.values():
            link.calm()
        for name, machine in self.cluster.machines.items():
            machine.signal(signal.SIGCONT)
            await self.cluster.begin(name)
            for link in machine.links:
                link.open(link.target)

    async def _wait(self, seconds: float) -> None:
        """Wait, or until the storm is over."""
        if self._over:
            return
        waiting: Deferred[None] = deferLater(reactor, seconds)
        self._waits.add(waiting)
        with suppress(CancelledError):
            await waiting
        self._waits.discard(waiting)

    def _failed(self, failure: Failure, fault: Fault) -> None:
        self.defects.append(f"{fault}: {failure.getTraceback()}")

    async def _strike(self, fault: Fault) -> None:
        if fault.target in self.cluster.links:
            await self._trouble(fault, self.cluster.links[fault.target])
            return
        if fault.waits:
            await self._until_safe(fault.target)
        name = self._victim(fault)
        if name in self._busy or self.cluster.machines[name].process is None:
            return
        self._busy.add(name)
        try:
            self._count(f"{'nm ' if name == NM else ''}{fault.kind}", f"{fault} ({name})")
            await self._deaths[fault.kind](name, fault)
        finally:
            self._busy.discard(name)

    def _count(self, kind: str, line: str) -> None:
        self.counts[kind] += 1
        self.tell(line)

    def _victim(self, fault: Fault) -> str:
        """Whose turn it is: the member that serves, as far as one can see, or the other one."""
        if fault.target == NM:
            return NM
        _, active = self._pair(fault.target)
        backup = f"{fault.target}_backup"
        other = fault.target if active == backup else backup
        return other if fault.peer else active

    def _pair(self, name: str) -> tuple[str, str]:
        """State and active member of a pair, as far as one can see."""
        found = "DOWN", name
        for event in self.cluster.machines[NM].events():
            if event["event"] == "pair_state" and event["pair"] == name:
                found = str(event["state"]), str(event["active"])
        return found

    async def _until_safe(self, pair: str) -> None:
        end = reactor.seconds() + WAITS
        while self._pair(pair)[0] not in SAFE and reactor.seconds() < end and not self._over:
            await self._wait(0.2)

    # ----------------------------------------------------------------------------- processes

    @property
    def _deaths(self) -> dict[str, Callable[[str, Fault], Awaitable[None]]]:
        return {"kill": self._kill, "term": self._term, "stop": self._stop, "fsync": self._fsync}

    async def _kill(self, name: str, fault: Fault) -> None:
        await self.cluster.end(name, signal.SIGKILL)
        await self._wait(fault.lasts)
        await self.cluster.begin(name)

    async def _term(self, name: str, fault: Fault) -> None:
        await self.cluster.end(name, signal.SIGTERM)
        await self._wait(fault.lasts)
        await self.cluster.begin(name)

    async def _stop(self, name: str, fault: Fault) -> None:
        machine = self.cluster.machines[name]
        machine.signal(signal.SIGSTOP)
        try:
            await self._wait(fault.lasts)
        finally:
            machine.signal(signal.SIGCONT)

    async def _fsync(self, name: str, fault: Fault) -> None:
        """Its disk fails: it has to stop, and to say so."""
        machine = self.cluster.machines[name]
        process = machine.process
        assert process is not None
        machine.wanted = False
        tracer = Process(strace(process.pid, 1 + int(fault.lasts * 3)), self.cluster.folder)
        try:
            await process.exited(8.0)
        except Ended:
            self.counts["fsync without effect"] += 1
            await tracer.kill()
            machine.wanted = process.running
        finally:
            await tracer.kill()
        if not process.running:
            if process.status != 1:
                self.defects.append(
                    f"{name} ended with status {process.status}: a broken disk is 1"
                )
            await self._wait(fault.lasts)
            await self.cluster.begin(name)

    # ---------------------------------------------------------------------------------- links

    async def _trouble(self, fault: Fault, link: Link) -> None:
        if link.name in self._busy:
            return
        self._busy.add(link.name)
        self._count(fault.kind, str(fault))
        try:
            self._begin(fault, link)
            await self._wait(fault.lasts)
        finally:
            link.calm()
            if fault.kind == "refuse" and self._leads_somewhere(link):
                link.open(link.target)
            self._busy.discard(link.name)

    def _leads_somewhere(self, link: Link) -> bool:
        return any(
            link in machine.links and machine.process is not None
            for machine in self.cluster.machines.values()
        )

    @staticmethod
    def _begin(fault: Fault, link: Link) -> None:
        trouble: Trouble = link.to if fault.direction == TO else link.fro
        if fault.kind in ("reset", "refuse"):
            if fault.kind == "refuse":
                link.shut()
            link.reset()
        elif fault.kind == "pause":
            link.to.held = link.fro.held = True
        elif fault.kind == "hold":
            trouble.held = True
        elif fault.kind == "lose":
            trouble.lost = True
        elif fault.kind == "delay":
            link.to.delay = link.fro.delay = 0.02 + fault.lasts / 20
        elif fault.kind == "throttle":
            trouble.rate = 2_000.0 * (1.0 + fault.lasts)
        else:
            link.to.piece = link.fro.piece = 1 + int(fault.lasts)


def strace(pid: int, when: int) -> list[str]:
    """The command that lets every fsync of a process fail, from the C{when}-th on."""
    inject = f"inject=fsync,fdatasync:error=EIO:when={when}+"
    return ["strace", "-f", "-qq", "-p", str(pid), "-e", "trace=fsync,fdatasync", "-e", inject]


async def no_strace(cluster: Cluster) -> str:
    """Why the disk cannot be made to fail here; empty if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    script = "import os, sys; sys.stdin.readline(); os.fsync(os.open('probe', os.O_CREAT))"
    victim = Process([sys.executable, "-c", script], cluster.folder)
    command = [word for word in strace(victim.pid, 1) if word != "-qq"]
    tracer = Process(command, cluster.folder)
    try:
        await tracer.when(lambda: "attached" in tracer.text, 10.0)
        victim.write("\n")
        await victim.exited(10.0)
        return "" if "Input/output error" in victim.text else "strace injects nothing"
    except Ended:
        return f"strace cannot attach: {tracer.text.strip()}"
    finally:
        for process in (tracer, victim):
            await process.kill()


def kinds(reason: str) -> frozenset[str]:
    """
    Every kind that can be done.

    @param reason: why the disk cannot be made to fail.
    """
    return frozenset({*DEATHS, *TROUBLES}) - ({"fsync"} if reason else set())


def targets(cluster: Cluster) -> list[str]:
    """Links that can be troubled; those of storage servers more often than those of people."""
    own = [name for name in cluster.links if name.split(">")[0] in STORAGES or "nm>" in name[:3]]
    return sorted(cluster.links) + sorted(own) * 2
