"""
One simulated history: people work, a storm comes, everything is healed, and is judged.

Decides what a seed means, and in which order things happen.  Must not know how anything is broken
or judged.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Sequence

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from dfs.nm.fleet import Promise
from dfs.nm.service import Settings as NMSettings
from dfs.sim.chance import Random, seeded
from dfs.sim.cluster import NM, Built, Cluster, Conditions, _as_it_is
from dfs.sim.disks import Seconds
from dfs.sim.faults import FAULTS, TRAITS
from dfs.sim.links import Link
from dfs.sim.losses import LOSSES
from dfs.sim.network import Weather
from dfs.sim.orders import ORDERS
from dfs.sim.people import People
from dfs.sim.storm import Storm
from dfs.sim.trace import Trace
from dfs.sim.verdicts import Verdict
from dfs.sim.watching import Watching
from dfs.ss.service import Settings
from dfs.wire.records import ServerLine, ViewLine

#: Seconds from one look at everything to the next.
LOOK = 0.25

#: Seconds in which everybody has to have come, and made what there is at first.
ARRIVAL = 240.0

#: Seconds in which everything has to have settled.
SETTLE = 1200.0

#: Events of a history; ordinary ones have ten or twenty thousand.
EVENTS = 200_000

#: Changes that can be taken back; enough for all that a history has.
UNDO_DEPTH = 1000


@frozen
class Options:
    """
    Which history.

    @ivar seed: decides everything else.
    @ivar faults: kinds and traits; if None each there is may come or not, as the seed says.
    @ivar seconds: that the storm lasts.
    @ivar spared: numbers of faults that do not come.
    @ivar built: is shown each server before it starts.
    """

    seed: int
    faults: tuple[str, ...] | None = None
    seconds: float = 45.0
    spared: frozenset[int] = frozenset()
    built: Built = _as_it_is


@frozen
class Result:
    """
    What came of it.

    @ivar wrong: what is not as it was promised.
    @ivar digest: equal when the same happened.
    @ivar last: the newest lines of what happened.
    @ivar faults: how often each kind struck; C{events}, what the servers logged.
    @ivar struck: how many faults there were.
    @ivar virtual: seconds that it took.
    """

    options: Options
    wrong: tuple[str, ...]
    digest: str
    last: tuple[str, ...]
    faults: Counter[str]
    events: Counter[str]
    outcomes: Counter[str]
    struck: int
    virtual: float
    steps: int
    setting: str


@define(eq=False)
class History:
    """
    A history that is on its way.

    @ivar echo: is told each line.
    """

    options: Options
    echo: Callable[[str], None]
    cluster: Cluster = field(init=False)
    trace: Trace = field(init=False)
    people: People = field(init=False)
    storm: Storm = field(init=False)
    watching: Watching = field(init=False)
    setting: str = field(default="", init=False)
    _jitter: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        seed = self.options.seed
        random = seeded(seed, "history")
        known = [*FAULTS, *TRAITS]
        chosen = [name for name in known if random.random() < random.choice([0.15, 0.4])]
        losses, orders = seeded(seed, "losses"), seeded(seed, "orders")
        chosen += [name for name in LOSSES if losses.random() < 0.2]
        chosen += [name for name in ORDERS if orders.random() < 0.2]
        if self.options.faults is not None:
            chosen = list(self.options.faults)
        traits = [name for name in chosen if name in TRAITS]
        kinds = [name for name in chosen if name not in TRAITS]
        replica = random.random() < 0.3
        nm_settings = NMSettings(
            handback_after=random.choice([0.0, 2.0, 8.0]), promise=Promise(replica=replica)
        )
        self.cluster = Cluster(
            settings=Settings(undo_depth=UNDO_DEPTH, session_timeout=20.0),
            nm_settings=nm_settings,
            conditions=conditions(traits, seeded(seed, "weather"), self.options.built),
        )
        # Who comes does so in good weather: a library gives up a greeting that takes too long.
        weather = self.cluster.conditions.weather
        self._jitter, weather.jitter = weather.jitter, 0.0
        self.trace = Trace(self.cluster, self.echo)
        self.watching = Watching(self.cluster)
        self.cluster.network.arrived = self._arrived
        if "drift" in traits:
            for name in (NM, "ss1", "ss1_backup", "ss2", "ss2_backup"):
                self.cluster.rates[name] = random.uniform(0.95, 1.05)
        rest, pause = random.choice([0.3, 1.0, 2.0, 4.0]), random.choice([0.3, 1.0, 2.0])
        self.people = People(self.cluster, self.trace, seed, rest)
        known_faults = FAULTS | LOSSES | ORDERS
        self.storm = Storm(
            self.cluster, self.trace, seed, kinds, pause, known_faults, self.options.spared
        )
        self.setting = (
            f"{'replica' if replica else 'local'} handback={nm_settings.handback_after:g} "
            f"rest={rest:g} pause={pause:g} {','.join([*traits, *kinds])}"
        )

    def _arrived(self, link: Link, data: bytes) -> None:
        self.trace.arrived(link, data)
        self.storm.arrived(link)

    # -------------------------------------------------------------------------------- running

    def run(self) -> Result:
        """All of it."""
        self.trace.tell("*", f"seed {self.options.seed}: {self.setting}")
        wrong: list[str] = []
        try:
            wrong += self._story()
        except AssertionError as error:
            wrong.append(str(error))
        wrong = [*self.watching.wrong, *wrong]
        wrong += [f"a defect: {defect}" for defect in self.trace.defects]
        return Result(
            evolve(self.options),
            tuple(wrong),
            self.trace.digest,
            tuple(self.trace.last),
            self.storm.counts,
            self.trace.counts,
            Counter(f"{one.verb} {one.outcome.value}" for one in self.people.ledger.deeds),
            self.storm.number,
            self.cluster.clock.seconds(),
            self.cluster.clock.events,
            self.setting,
        )

    def _story(self) -> Sequence[str]:
        cluster, people = self.cluster, self.people
        cluster.start_nm()
        for name in ("ss1", "ss1_backup", "ss2", "ss2_backup"):
            cluster.start(name)
        self._pass(3.0)
        self._await(Deferred.fromCoroutine(people.arrive()), ARRIVAL)
        self.trace.tell("*", "the storm begins")
        cluster.conditions.weather.jitter = self._jitter
        people.begin()
        self.storm.begin()
        self._pass(self.options.seconds)
        self.trace.tell("*", "the storm is over")
        self.storm.calm()
        cluster.calm()
        for name in (NM, *sorted(cluster.disks)):
            cluster.begin(name)
        self._pass(5.0)
        people.end()
        self._settle()
        self._verify()
        self.trace.tell("*", "it has settled")
        shown: list[ViewLine] = self._await(people.view(), 60.0)
        replica = cluster.nm_settings.promise.replica
        buried = self.watching.buried
        verdict = Verdict(cluster, people.ledger, tuple(people.paths), buried, replica)
        return list(verdict.all(shown))

    def _pass(self, seconds: float) -> None:
        """Let time pass, and look on."""
        clock = self.cluster.clock
        end = clock.seconds() + seconds
        while clock.seconds() < end:
            soon = min(end, clock.seconds() + LOOK)
            while self._step(soon):
                pass
            self.watching.look()

    def _step(self, end: float) -> bool:
        """
        The next event; what it raises is a defect of whoever it belongs to.

        @raise AssertionError: there is no end of them.
        """
        assert self.cluster.clock.events < EVENTS, f"I12: {EVENTS} events, and no end"
        try:
            return self.cluster.clock.step(end)
        except Exception:
            self.trace.defects.append(Failure().getTraceback())
            return True

    def _await(self, waiting: Deferred[object], seconds: float) -> list[ViewLine]:
        results: list[object] = []
        waiting.addBoth(results.append)
        end = self.cluster.clock.seconds() + seconds
        while not results and self.cluster.clock.seconds() < end:
            self._pass(LOOK)
        assert results, f"I12: nothing came of it within {seconds:g} s"
        assert not isinstance(results[0], Failure), f"I12: {results[0]}"
        return results[0]  # type: ignore[return-value]

    def _settle(self) -> None:
        """
        I12: everything is as it was before.

        @raise AssertionError: it is not.
        """
        end = self.cluster.clock.seconds() + SETTLE
        while True:
            self._pass(5.0)
            lines = self._lines()
            sessions = sum(len(server.sessions) for server in self.cluster.servers.values())
            still = not self.people.ledger.open() and not sessions and not self._owing()
            if self._settled(lines) and still:
                self._pass(6.0)
                if self._settled(self._lines()):
                    return
            assert self.cluster.clock.seconds() < end, (
                f"I12: not settled: {lines}, open: {[str(d) for d in self.people.ledger.open()]}"
            )

    def _verify(self) -> None:
        """
        I5: nothing is damaged any more when everything was read again.

        @raise AssertionError: something is.
        """
        for server in self.cluster.servers.values():
            self._await(Deferred.fromCoroutine(server.verifying.verify()), SETTLE)
        end = self.cluster.clock.seconds() + SETTLE
        while damaged := {
            name: [sha256.hex() for sha256 in server.mending.damaged]
            for name, server in self.cluster.servers.items()
            if len(server.mending)
        }:
            assert self.cluster.clock.seconds() < end, f"I5: still damaged: {damaged}"
            self._pass(1.0)

    def _owing(self) -> bool:
        """Whether storage servers have not been told yet of documents, names and rights."""
        nm = self.cluster.nm
        assert nm is not None
        places = nm.index.places.values()
        return any(place.owed for place in places) or any(
            not entry.live for entry in nm.index.entries()
        )

    def _lines(self) -> list[ServerLine]:
        nm = self.cluster.nm
        assert nm is not None
        return list(nm.fleet.lines(self.cluster.lives[NM].clock.seconds()))

    @staticmethod
    def _settled(lines: list[ServerLine]) -> bool:
        return len(lines) == 4 and all(
            line.state == "LIVE"
            and line.protection == "PROTECTED"
            and not line.lag_documents
            and not line.behind
            for line in lines
        )


def conditions(traits: Sequence[str], random: Random, built: Built) -> Conditions:
    """What a history runs on."""
    latency = random.choice([0.0002, 0.001, 0.01])
    weather = Weather(latency, random=random)
    if "pieces" in traits:
        weather.cut, weather.join = 0.3, 0.3
    if "jitter" in traits:
        weather.jitter = random.choice([0.01, 0.1, 1.0])
    fsync = random.choice([0.001, 0.01, 0.1])
    made = Conditions(weather, _about(fsync, random), _about(0.0005, random), built=built)
    if "threads" in traits:
        made.thread = _about(random.choice([0.005, 0.05, 0.5]), random)
    if "survives" in traits:
        made.survives = lambda: random.random() < 0.5
    if "lingers" in traits:
        made.lingers = lambda: random.random() < 0.5
    return made


def _about(seconds: float, random: Random) -> Seconds:
    """So many seconds, more or less."""
    return lambda: seconds * (0.5 + random.random() ** 4 * 5.0)


def run(options: Options, echo: Callable[[str], None] = lambda line: None) -> Result:
    """
    One history.

    The collector does not run meanwhile: what it throws away could do something, at any moment.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        history = History(options, echo)
        globalLogPublisher.addObserver(history.trace)
        try:
            return history.run()
        finally:
            globalLogPublisher.removeObserver(history.trace)
            history.people.close()
            history.cluster.abandon()
    finally:
        if collecting:
            gc.enable()
