"""
Everything that goes wrong in a simulated history, until it is over.

Decides which kinds of faults a seed has, when the next one comes and whom it strikes.  What each
kind does stands in L{dfs.sim.faults}.  Must not know what people do meanwhile.

Note [Aimed].  A fault at a random time hardly ever falls between two messages of one conversation.
So every second one comes after so many arrivals, and strikes the process that got the last one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from dfs.sim.chance import Random, seeded
from dfs.sim.cluster import NM, Cluster
from dfs.sim.links import Link
from dfs.sim.trace import Trace

#: Faults that last at once, at most.
AT_ONCE = 6

#: Arrivals between two aimed faults, at most.
ARRIVALS = 200


@define(eq=False)
class Strike:
    """
    One fault.

    @ivar number: counted from 1.
    @ivar random: its own, so that it does the same whether others come or not.
    """

    storm: Storm
    number: int
    random: Random

    @property
    def cluster(self) -> Cluster:
        """What is struck."""
        return self.storm.cluster

    @property
    def struck(self) -> set[str]:
        """Servers whose process is in somebody's hands already."""
        return self.storm.struck

    def wait(self, seconds: float) -> Deferred[None]:
        """Wait, or until the storm is over."""
        return deferLater(self.storm.cluster.clock, seconds)

    def lasts(self, longest: float = 25.0) -> Deferred[None]:
        """As long as a fault may last: mostly short, often longer than any lease."""
        if self.random.random() < 0.4:
            return self.wait(self.random.uniform(longest / 3, longest))
        return self.wait(0.01 * (longest / 0.03) ** self.random.random())

    def tell(self, kind: str, what: str) -> None:
        """A fault has come."""
        self.storm.counts[kind] += 1
        self.storm.trace.tell("*", f"{self.number} {kind} {what}")

    def servers(self) -> list[str]:
        """Every storage server there ever was."""
        return sorted(self.storm.cluster.disks)

    def somebody(self, target: str = "", *, nm: bool = True) -> str:
        """A server whose process runs and is in nobody's hands; empty if there is none."""
        free = [name for name in [*self.servers(), NM] if self._free(name) and (nm or name != NM)]
        if target in free:
            return target
        return self.random.choice(free) if free else ""

    def _free(self, name: str) -> bool:
        return name not in self.storm.struck and name in self.storm.cluster.lives


@define(eq=False)
class Storm:
    """
    What strikes.

    @ivar cluster: what is struck.
    @ivar seed: decides.
    @ivar kinds: names of the faults that this history has.
    @ivar pause: seconds from one fault to the next, on average.
    @ivar spared: numbers of faults that do not come, to find out which matter.
    @ivar counts: how often which kind came.
    @ivar struck: servers whose process is in somebody's hands already.
    """

    cluster: Cluster
    trace: Trace
    seed: object
    kinds: Sequence[str]
    pause: float
    faults: Mapping[str, Callable[[Strike, str], object]]
    spared: frozenset[int] = frozenset()
    counts: Counter[str] = field(factory=Counter, init=False)
    struck: set[str] = field(factory=set, init=False)
    number: int = field(default=0, init=False)
    _random: Random = field(init=False)
    _lasting: list[Deferred[None]] = field(factory=list, init=False)
    _countdown: int = field(default=0, init=False)
    _target: str = field(default="", init=False)
    _arrival: Deferred[None] | None = field(default=None, init=False)
    _raging: Deferred[None] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._random = seeded(self.seed, "storm")

    def begin(self) -> None:
        """Let it come."""
        if self.kinds:
            self._raging = self._lasting_one(self._rage())

    def calm(self) -> None:
        """Put everything right."""
        raging, self._raging = self._raging, None
        if raging is not None:
            raging.cancel()
        for lasting in list(self._lasting):
            lasting.cancel()
        self._lasting.clear()

    # ------------------------------------------------------------------------------ when, whom

    async def _rage(self) -> None:
        while True:
            target = await self._next()
            self.number += 1
            kind = seeded(self.seed, f"kind {self.number}").choice(list(self.kinds))
            if self.number in self.spared or len(self._lasting) >= AT_ONCE:
                continue
            strike = Strike(self, self.number, seeded(self.seed, f"fault {self.number}"))
            doing = self.faults[kind](strike, target)
            self._lasting.append(self._lasting_one(doing))
            self._lasting = [one for one in self._lasting if not one.called]

    async def _next(self) -> str:
        """Wait for the next fault; see Note [Aimed]."""
        if self._random.random() < 0.5:
            seconds = self._random.expovariate(1.0 / self.pause)
            await deferLater(self.cluster.clock, seconds)
            return ""
        self._countdown = int(ARRIVALS ** self._random.random())
        self._arrival = Deferred()
        await self._arrival
        return self._target

    def arrived(self, link: Link) -> None:
        """Something gets somewhere."""
        if self._arrival is None:
            return
        self._countdown -= 1
        if self._countdown <= 0 and link.owner in self.cluster.lives:
            arrival, self._arrival = self._arrival, None
            self._target = link.owner
            # Whoever gets it reads it first.
            self.cluster.clock.callLater(0.0, arrival.callback, None)

    def repair(self, doing: object) -> None:
        """Put something right, which goes on when the storm is over."""
        Deferred.fromCoroutine(doing).addErrback(self._ended)  # type: ignore[arg-type]

    def _lasting_one(self, doing: object) -> Deferred[None]:
        lasting: Deferred[None] = Deferred.fromCoroutine(doing)  # type: ignore[arg-type]
        return lasting.addErrback(self._ended)

    def _ended(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.trace.defects.append(f"storm: {failure.getTraceback()}")
