"""
People: each with the real library, and all with one ledger.

Decides who there is, what is whose, and how long somebody rests.  Must not know what becomes of
documents.

Note [One after the other].  Whoever moves something, or makes and deletes, does that alone and one
thing after the other, each time with a name that nothing ever had: so what was answered says where
everything is, even if a request comes late.
"""

from __future__ import annotations

import time
from random import Random

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater

from dfs.wire.records import ServerLine
from tests.chaos.cluster import Cluster
from tests.chaos.ledger import Deed, Ledger, Outcome
from tests.chaos.operations import CREATE, Hand, Operation, Thing, choose, version_of
from tests.process.processes import reactor

#: Who is there; the first four own what all write.
NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi")

#: What is everybody's.
SHARED = ("log", "line", "page", "shared")

#: Seconds from one deed of somebody to the next, on average.
REST = 0.1


@define(eq=False)
class People:
    """
    Everybody.

    @ivar things: all documents and folders there ever were, by subject.
    @ivar over: they begin nothing more.
    """

    _cluster: Cluster
    _seed: int
    ledger: Ledger = field(factory=Ledger, init=False)
    things: dict[str, Thing] = field(factory=dict, init=False)
    over: bool = field(default=False, init=False)
    _hands: list[Hand] = field(factory=list, init=False)
    _briefs: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        tags: dict[str, list[str]] = {}
        for name in NAMES:
            random = Random(f"{self._seed} {name}")
            session = self._cluster.session(name, random.random)
            others = tuple(other for other in NAMES if other != name)
            self._hands.append(Hand(name, session, random, others, tags))

    async def arrive(self) -> None:
        """Log in, make the documents, and let everybody in."""
        for hand in self._hands:
            await hand.session.whoami()
        for kind in SHARED:
            for index, owner in enumerate(self._hands[:4]):
                thing = await self._made(owner, f"{kind}-{index}")
                for other in owner.others:
                    await owner.session.add_access(thing.places[0], other, "w")
        for hand in self._hands:
            for index in range(2):
                await self._made(hand, f"moved-{hand.name}-{index}")
            folder = self._thing(hand, f"folder-{hand.name}")
            await hand.session.folders.make(folder.places[0])
            inner = self._thing(hand, f"inner-{hand.name}")
            inner.id = await hand.session.create(f"{folder.places[0]}/{inner.places[0]}")
            inner.within = folder

    def _thing(self, hand: Hand, subject: str) -> Thing:
        thing = self.things[subject] = Thing(subject, hand.name, [subject])
        return thing

    async def _made(self, hand: Hand, subject: str) -> Thing:
        thing = self._thing(hand, subject)
        thing.id = await hand.session.create(subject)
        return thing

    async def work(self) -> None:
        """Work until it is over."""
        working = [self._share(hand) for hand in self._hands]
        working += [self._keep(hand) for hand in self._hands]
        await gatherResults([Deferred.fromCoroutine(one) for one in working])

    async def _share(self, hand: Hand) -> None:
        """Work on what is everybody's."""
        things = [thing for thing in self.things.values() if thing.kind in SHARED]
        while await self._rested(hand):
            thing = hand.random.choice(things)
            await self._do(hand, choose(hand.random, thing, hand.name), thing)

    async def _keep(self, hand: Hand) -> None:
        """Work on what is one's own; see Note [One after the other]."""
        own = [one for one in self.things.values() if one.owner == hand.name]
        own = [thing for thing in own if thing.kind not in SHARED]
        briefs: list[Thing] = []
        while await self._rested(hand):
            if hand.random.random() < 0.2 and len(briefs) < 4:
                briefs.append(await self._brief(hand))
                continue
            thing = hand.random.choice(own + briefs)
            operation = choose(hand.random, thing, hand.name)
            await self._do(hand, operation, thing)
            if operation.verb == "DELETE":
                briefs.remove(thing)

    async def _rested(self, hand: Hand) -> bool:
        """Rest; whether there is more to do then."""
        await deferLater(reactor, hand.random.expovariate(1.0 / REST))
        return not self.over

    async def _brief(self, hand: Hand) -> Thing:
        self._briefs += 1
        thing = self._thing(hand, f"brief-{hand.name}-{self._briefs}")
        await self._do(hand, CREATE, thing)
        return thing

    async def _do(self, hand: Hand, operation: Operation, thing: Thing) -> Deed:
        deed = self.ledger.begin(hand.name, operation.verb, thing.subject, time.monotonic())
        try:
            deed.version = version_of(await operation.does(hand, deed, thing))
            outcome = Outcome.DONE
        except Exception as error:
            outcome = Outcome.of(error)
            deed.error = f"{type(error).__name__}: {error}"
        deed.ended = time.monotonic()
        deed.outcome = outcome
        return deed

    # ------------------------------------------------------------------------------ looking on

    @property
    def _operator(self) -> Hand:
        return self._hands[0]

    def servers(self) -> Deferred[list[ServerLine]]:
        """The storage servers."""
        return self._operator.session.servers()

    async def shown(self) -> frozenset[str]:
        """Paths of all documents."""
        lines = await self._operator.session.view(all=True)
        return frozenset(line.path for line in lines if not line.folder)
