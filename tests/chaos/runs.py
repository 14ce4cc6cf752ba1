"""
One run: people work, a storm comes, everything is healed, settles, and is judged.

Decides the order of things, how long each may take, and what is kept of a run that failed.  Must
not know how anything is broken or judged.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from dfs.errors import DFSError
from dfs.wire.records import ServerLine
from tests.chaos.cluster import STORAGES, Cluster
from tests.chaos.people import People
from tests.chaos.storm import Storm, kinds, no_strace, schedule, targets
from tests.chaos.verdicts import Verdict
from tests.process.processes import reactor
from tests.process.stores import read_disk

T = TypeVar("T")

#: Seconds: to begin, for everybody to get the last answer, for everything to be as it was (I12).
BEGIN, ANSWERED, SETTLED = 120.0, 90.0, 90.0

#: Seconds from one look to the next.
LOOK = 0.5

#: Complaints that are shown.
SHOWN = 20


@define(eq=False)
class Run:
    """
    A run.

    @ivar seconds: that the storm lasts; up to twice as long, until there were enough C{failovers}.
    @ivar folder: for stores, logs, schedule and ledger.
    @ivar tell: gets lines for whoever watches.
    @ivar wrong: what is not as it was promised.
    @ivar settled: seconds from the healing until everything was as before.
    """

    seed: int
    seconds: float
    folder: Path
    tell: Callable[[str], None]
    options: tuple[str, ...] = ()
    failovers: int = 0
    wrong: list[str] = field(factory=list, init=False)
    settled: float = field(default=0.0, init=False)
    cluster: Cluster = field(init=False)
    people: People = field(init=False)
    storm: Storm = field(init=False)
    _lines: list[str] = field(factory=list, init=False)
    _last: list[ServerLine] = field(factory=list, init=False)
    _begun: float = field(factory=reactor.seconds, init=False)

    def __attrs_post_init__(self) -> None:
        self.cluster = Cluster(self.folder, self.options)
        self.people = People(self.cluster, self.seed)

    async def all(self) -> None:
        """All of it; complaints are in C{wrong} afterwards, and everything is kept if there are."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            await self._story()
        except Exception:
            self.wrong.append(Failure().getTraceback())
        finally:
            try:
                await self.cluster.stop()
            except Exception:
                self.wrong.append(Failure().getTraceback())
        if self.wrong:
            self._keep()
        else:
            shutil.rmtree(self.folder)

    async def _story(self) -> None:
        reason = await no_strace(self.cluster)
        if reason:
            self._say(f"no fault of disks: {reason}")
        names = targets(self.cluster)
        self.storm = Storm(
            self.cluster, schedule(self.seed, 2 * self.seconds, names, kinds(reason)), self._say
        )
        await self._within(BEGIN, self.cluster.start(), "to start")
        await self._within(BEGIN, self._settle(), "to be protected")
        await self._within(BEGIN, self.people.arrive(), "to make the documents")
        self._say(f"the storm of seed {self.seed} begins")
        working = Deferred.fromCoroutine(self.people.work())
        await self._within(2 * self.seconds + 60.0, self.storm.rage(self._enough), "for the storm")
        await self._within(60.0, self.storm.calm(), "to heal everything")
        self._say("everything is healed")
        healed = reactor.seconds()
        await deferLater(reactor, 3.0)
        self.people.over = True
        await self._within(ANSWERED, working, "for the last answer (I12)")
        await self._within(SETTLED, self._settle(), "to be as it was (I12)")
        self.settled = reactor.seconds() - healed
        self._say(f"everything is as it was, {self.settled:.1f} s after it was healed")
        await self._judge(await self.people.shown())

    def _enough(self, seconds: float) -> bool:
        failovers = self.events()["failover_complete"]
        return seconds > self.seconds and failovers >= self.failovers

    async def _judge(self, shown: frozenset[str]) -> None:
        switches = self.cluster.switches()
        await self._within(60.0, self.cluster.stop(), "to end")
        disks = {name: await read_disk(self.folder / name, name) for name in STORAGES}
        people = self.people
        self.wrong += Verdict(people.ledger, people.things, disks, switches, shown).all()
        self.wrong += self.storm.defects
        self.wrong += self.cluster.faults
        self.wrong += self.cluster.defects()

    async def _settle(self) -> None:
        """I12: every pair is protected, and its home primary serves."""
        while True:
            try:
                lines = await self.people.servers()
            except DFSError as error:
                self._say(f"SERVERS: {error}")
            else:
                if settled(lines):
                    return
                self._last = lines
            await deferLater(reactor, LOOK)

    async def _within(self, seconds: float, doing: Awaitable[T], what: str) -> T:
        async def done() -> T:
            return await doing

        waiting = Deferred.fromCoroutine(done())
        try:
            return await waiting.addTimeout(seconds, reactor)
        except TimedOut:
            opened = "; ".join(str(deed) for deed in self.people.ledger.open())
            raise AssertionError(
                f"{seconds:g} s were not enough {what}: {self._last}; open: {opened}"
            ) from None

    def _say(self, line: str) -> None:
        line = f"{reactor.seconds() - self._begun:7.2f} {line}"
        self._lines.append(line)
        self.tell(line)

    # ------------------------------------------------------------------------------- reporting

    def _keep(self) -> None:
        """What somebody needs who wants to know what went wrong."""
        self.cluster.write_logs()
        (self.folder / "seed").write_text(f"{self.seed}\n")
        (self.folder / "schedule").write_text("\n".join(self._lines) + "\n")
        deeds = "\n".join(map(str, self.people.ledger.deeds))
        (self.folder / "ledger").write_text(deeds + "\n")
        (self.folder / "wrong").write_text("\n".join(self.wrong) + "\n")

    def events(self) -> Counter[str]:
        """How often which event was logged."""
        return self.cluster.counts()

    def report(self) -> str:
        """What happened, in some lines."""
        events = self.events()
        done = Counter((deed.verb, deed.outcome.value) for deed in self.people.ledger.deeds)
        verbs = sorted({verb for verb, _ in done})
        told = ("done", "refused", "doubt", "odd", "open")
        rows = [[verb, *(str(done[verb, outcome]) for outcome in told)] for verb in verbs]
        sums = [sum(done[verb, outcome] for verb in verbs) for outcome in told]
        rows = [["operation", *told], *rows, ["all", *map(str, sums)]]
        faults = ", ".join(f"{kind} {count}" for kind, count in sorted(self.storm.counts.items()))
        return "\n".join(
            [
                f"seed {self.seed}, {self.seconds:g} s, settled {self.settled:.1f} s after that",
                f"failovers {events['failover_complete']}, "
                f"handbacks {events['handback_complete']}, "
                f"adopted {events['recovery_adopted']}, conflicts {events['recovery_conflict']}, "
                f"restored {events['recovery_restored']}",
                f"faults: {faults}",
                *(f"{row[0]:<14}" + "".join(f"{cell:>9}" for cell in row[1:]) for row in rows),
            ]
        )

    def complaints(self) -> str:
        """What is wrong, and where to look; empty if nothing is."""
        if not self.wrong:
            return ""
        more = len(self.wrong) - SHOWN
        return "\n".join(
            [
                *self.wrong[:SHOWN],
                *([f"and {more} more"] if more > 0 else []),
                f"logs, stores, schedule and ledger of seed {self.seed} are in {self.folder}",
            ]
        )


def settled(lines: list[ServerLine]) -> bool:
    """Both pairs are as they were at first."""
    return len(lines) == len(STORAGES) and all(
        line.state == "LIVE"
        and line.protection == "PROTECTED"
        and line.active == (line.name == line.pair)
        and not line.lag_documents
        and not line.behind
        for line in lines
    )
