"""
A pair under whatever can happen to it, in many random orders: nothing acknowledged disappears.

Decides what happens and what must be true afterwards.  A run is repeated by its number.
"""

from __future__ import annotations

import os
from random import Random

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dfs.client.session import Session
from dfs.core.documents import Document
from dfs.errors import DFSError
from dfs.nm.fleet import Promise
from dfs.nm.service import Settings
from dfs.sim.cluster import Cluster

#: How many orders are tried, and steps of each.
RUNS, STEPS = 40, 30

MEMBERS = ("ss1", "ss1_backup")


@define(eq=False)
class Run:
    """
    One order of events.

    @ivar told: what happened, for whoever looks for the reason.
    @ivar kept: words that were acknowledged, by document.
    @ivar sent: how many words there were.
    @ivar asked: what was asked for.
    """

    number: int
    random: Random = field(init=False)
    cluster: Cluster = field(init=False)
    alice: Session = field(init=False)
    told: list[str] = field(factory=list)
    kept: dict[str, set[str]] = field(factory=dict)
    sent: int = 0
    asked: list[Deferred[None]] = field(factory=list)
    odd: list[Failure] = field(factory=list)
    frozen: set[str] = field(factory=set)
    parted: set[str] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.random = Random(self.number)
        settings = Settings(
            handback_after=self.random.choice([0.0, 5.0, 30.0]),
            promise=Promise(replica=self.random.random() < 0.3),
        )
        self.cluster = Cluster(*MEMBERS, nm_settings=settings, fsync=0.002)
        self.alice = self.cluster.session("alice")
        for path in ("a", "b", "c"):
            self.cluster.run(self.alice.create(path))
            self.kept[path] = set()

    def append(self) -> None:
        """Somebody adds a word."""
        path = self.random.choice(sorted(self.kept))
        self.sent += 1
        word = f"<{self.sent}>"
        appending = self.alice.append(path, word)

        def done(_: object) -> None:
            self.kept[path].add(word)

        def failed(failure: Failure) -> None:
            if not failure.check(DFSError):
                self.odd.append(failure)

        assert isinstance(appending, Deferred)
        self.asked.append(appending.addCallbacks(done, failed))

    def step(self) -> None:
        """Something happens."""
        chance = self.random.random()
        up = sorted(set(self.cluster.servers) - self.frozen)
        if chance < 0.5:
            self.append()
        elif chance < 0.6 and up:
            self.tell("crash", self.random.choice(up))
        elif chance < 0.64 and up:
            self.tell("stop", self.random.choice(up))
        elif chance < 0.7 and up:
            name = self.random.choice(up)
            self.frozen.add(name)
            self.tell("freeze", name)
        elif chance < 0.76:
            name = self.random.choice(MEMBERS)
            self.parted.add(name)
            self.tell("part", name)
        else:
            self.mend()

    def mend(self) -> None:
        """Something is put right, or the name server has its turn."""
        down = sorted(set(MEMBERS) - set(self.cluster.servers))
        if down and self.random.random() < 0.6:
            self.tell("start", self.random.choice(down))
        elif self.frozen and self.random.random() < 0.6:
            self.tell("thaw", self.frozen.pop())
        elif self.parted and self.random.random() < 0.6:
            self.tell("join", self.parted.pop())
        elif self.cluster.nm is None:
            self.tell("start_nm")
        elif self.random.random() < 0.3:
            self.tell("crash_nm")

    def tell(self, what: str, *names: str) -> None:
        """Do it, and remember that it was done."""
        self.told.append(" ".join((what, *names)))
        getattr(self.cluster, what)(*names)

    def heal(self) -> None:
        """Everything works again."""
        for name in sorted(self.parted):
            self.tell("join", name)
        for name in sorted(self.frozen):
            self.tell("thaw", name)
        self.frozen.clear()
        self.parted.clear()
        if self.cluster.nm is None:
            self.tell("start_nm")
        for name in sorted(set(MEMBERS) - set(self.cluster.servers)):
            self.tell("start", name)

    def settled(self) -> bool:
        """The pair is as it began."""
        for _ in range(150):
            self.cluster.advance(10.0)
            lines = {line.name: line for line in self.cluster.run(self.alice.servers())}
            home = lines["ss1"]
            copied = not home.lag_documents and not home.behind
            answered = all(one.called for one in self.asked)
            live = all(line.state == "LIVE" for line in lines.values())
            if home.protection == "PROTECTED" and live and copied and answered:
                return True
        self.told.append(f"not settled: {lines}")
        return False

    def wrong(self) -> list[str]:
        """What is not as it was promised."""
        wrong = [str(failure) for failure in self.odd]
        home, backup = (self.documents(name) for name in MEMBERS)
        if home != backup:
            wrong.append("the members differ")
        for path, kept in self.kept.items():
            [document] = [one for one in home.values() if one.metadata.name == path]
            said = self.texts("ss1", document)
            wrong += [f"{path}: {word} is lost" for word in sorted(kept) if word not in said]
            text = self.cluster.run(self.alice.read(path)).decode()
            words = text.replace("<", " <").split()
            if len(words) != len(set(words)):
                wrong.append(f"{path}: something is there twice")
        return wrong

    def documents(self, name: str) -> dict[str, Document]:
        """What a member has."""
        disk = self.cluster.disks[name]
        return {one.id: one for _, one in disk.documents.values() if not one.deleted}

    def texts(self, name: str, document: Document) -> str:
        """The text of a document, and those of its conflicts."""
        contents = self.cluster.disks[name].contents
        revisions = [document.current, *(one.revision for one in document.checkpoints)]
        return " ".join(
            contents[one.content.sha256].decode() for one in revisions if one.content.size
        )


class PairTests(SynchronousTestCase):
    """
    C{DFS_RUNS=500-900} tries other orders.
    """

    def test_nothing_is_lost(self) -> None:
        """
        I4, I5, I12: after crashes, stops, freezes and cuts of servers and the name server in any
        order the pair is as it began, both members are equal, and every acknowledged word is in
        the text or in a conflict.
        """
        first, _, last = os.environ.get("DFS_RUNS", f"0-{RUNS}").partition("-")
        for number in range(int(first), int(last)):
            run = Run(number)
            for _ in range(STEPS):
                run.step()
                run.cluster.advance(run.random.choice([0.001, 0.005, 0.1, 1.0, 3.0, 20.0]))
            run.heal()
            settled = run.settled()
            wrong = run.wrong() if settled else ["it does not settle"]
            self.assertEqual(wrong, [], f"run {number}: {'; '.join(run.told)}")
            run.cluster.close()
