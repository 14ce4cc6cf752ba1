"""
People in a simulated history: each with the real library, and all with one ledger.

Decides how many things somebody does at once and how long they rest.  Must not know what becomes of
documents.
"""

from __future__ import annotations

from collections.abc import Awaitable

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from dfs.client.session import Session
from dfs.core.pairs import BACKUP
from dfs.core.versions import Version
from dfs.sim.chance import Random, seeded
from dfs.sim.cluster import Cluster
from dfs.sim.eras import Eras
from dfs.sim.ledger import Deed, Ledger, Outcome
from dfs.sim.operations import (
    BRIEF,
    CREATE,
    FOLDERS,
    KINDS,
    Hand,
    Operation,
    Pause,
    choose,
    kind_of,
    version_of,
)
from dfs.sim.trace import Trace

#: Who is there; the first one owns everything.
NAMES = ("alice", "bob", "carol")

#: Things that somebody does at once, at most.
LANES = 2

#: How much one kind of document is liked in one history: what all like equally never gets far into
#: anything.  "Swarm testing", Groce et al., ISSTA 2012.
LIKINGS = (0.2, 1.0, 1.0, 6.0)


@frozen
class Said:
    """
    How things were when something was said.

    @ivar era: see L{Deed.era}.
    @ivar past: whoever said it had an older epoch than its peer.
    """

    era: int
    past: bool


@define(eq=False)
class Person:
    """Somebody."""

    name: str
    session: Session
    hand: Hand


@define(eq=False)
class People:
    """
    Everybody.

    @ivar rest: seconds from one deed of somebody to the next, on average.
    @ivar paths: the documents that there are at first, and how much each is liked.
    """

    _cluster: Cluster
    _trace: Trace
    _seed: object
    rest: float
    ledger: Ledger = field(factory=Ledger, init=False)
    paths: dict[str, float] = field(factory=dict, init=False)
    _persons: list[Person] = field(factory=list, init=False)
    _eras: Eras = field(init=False)
    _over: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        random = seeded(self._seed, "people")
        self._eras = Eras(self._cluster.journal.pairs)
        self._cluster.network.mark = self._said
        clock = self._cluster.clock
        for name in NAMES:
            own = seeded(self._seed, name)
            session = self._cluster.session(name, name, own.random)
            others = tuple(other for other in NAMES[1:])
            hand = Hand(session, own, self._pause, clock.seconds, others)
            self._persons.append(Person(name, session, hand))
        for kind in KINDS:
            liking = random.choice(LIKINGS)
            for number in range(random.randrange(1, 3)):
                self.paths[f"{kind}{number}"] = liking

    @property
    def _pause(self) -> Pause:
        clock = self._cluster.clock
        return lambda seconds: deferLater(clock, seconds)

    async def arrive(self) -> None:
        """Log in, make the documents, and let everybody in."""
        owner, *others = self._persons
        for person in self._persons:
            await person.session.whoami()
        for folder in FOLDERS:
            await owner.session.folders.make(folder)
        for path in self.paths:
            await self._do(owner, CREATE, path)
            for other in others:
                if kind_of(path) != BRIEF:
                    await owner.session.add_access(path, other.name, "w")

    def view(self) -> Deferred[object]:
        """What there is, as the first of them sees it."""
        return self._persons[0].session.view(all=True)  # type: ignore[return-value]

    def begin(self) -> None:
        """Work, until L{end}."""
        for person in self._persons:
            for lane in range(LANES):
                random = seeded(self._seed, f"{person.name} {lane}")
                self._background(self._work(person, random))

    def end(self) -> None:
        """Begin nothing more."""
        self._over = True

    def close(self) -> None:
        """Go."""
        for person in self._persons:
            person.session.close()

    async def _work(self, person: Person, random: Random) -> None:
        while True:
            await self._pause(random.expovariate(1.0 / self.rest))
            if self._over:
                return
            operation, path = choose(random, self.paths, NAMES[0], person.name)
            await self._do(person, operation, path)

    async def _do(self, person: Person, operation: Operation, path: str) -> Deed:
        clock = self._cluster.clock
        deed = self.ledger.begin(person.name, operation.verb, path, clock.seconds())
        self._trace.tell(person.name, f"{deed.number} {deed.verb} {path}")
        try:
            deed.answer = await operation.does(person.hand, deed)
            deed.outcome = Outcome.DONE
        except Exception as error:
            deed.outcome = Outcome.of(error)
            deed.error = f"{type(error).__name__}: {error}"
        deed.ended = clock.seconds()
        answer = self._cluster.network.heard
        if isinstance(answer, Said):
            deed.era, deed.past = answer.era, answer.past
        else:
            deed.era = self._eras.now()
        self._note(deed)
        self._trace.tell(person.name, str(deed))
        return deed

    def _note(self, deed: Deed) -> None:
        """What else the answer says."""
        version = version_of(deed.answer)
        if version:
            deed.version = Version.parse(version)
        deed.solo = bool(getattr(deed.answer, "solo", False))

    def _said(self, owner: str) -> Said:
        """How things are when a server says something."""
        disks = self._cluster.disks
        home = owner.removesuffix(BACKUP)
        members = [disks[name] for name in (home, home + BACKUP) if name in disks]
        newest = max((member.identity.epoch for member in members), default=0)
        past = owner in disks and disks[owner].identity.epoch < newest
        return Said(self._eras.now(), past)

    def _background(self, doing: Awaitable[None]) -> None:
        async def guarded() -> None:
            await doing

        Deferred.fromCoroutine(guarded()).addErrback(self._defect)

    def _defect(self, failure: Failure) -> None:
        self._trace.defects.append(failure.getTraceback())
