"""
People at work while servers crash, restart and lose connections, in many random orders.

Decides who does what and what may be true afterwards.  A run is repeated by its number.
"""

from __future__ import annotations

from collections.abc import Awaitable
from random import Random
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from dfs.client.failures import Unanswered
from dfs.client.session import Session
from dfs.errors import DFSError, Exists, Internal, NotFound
from dfs.sim.cluster import Cluster
from dfs.sim.network import Link

#: How many orders are tried, and seconds of the clock that people work in each.
RUNS, SECONDS = 10, 30.0


@define(eq=False)
class Words:
    """
    What was said about words that were added to one document.

    @ivar kept: acknowledged.
    @ivar doubtful: nobody knows.
    @ivar refused: they are not there.
    """

    kept: set[str] = field(factory=set)
    doubtful: set[str] = field(factory=set)
    refused: set[str] = field(factory=set)


@define(eq=False)
class Value:
    """
    What a document that one person replaces may say.

    @ivar possible: the last acknowledged text, and those in doubt since; None: no document.
    """

    possible: set[bytes | None] = field(factory=lambda: {None})

    def done(self, text: bytes | None) -> None:
        """It says this."""
        self.possible = {text}

    def doubtful(self, text: bytes | None) -> None:
        """It may say this."""
        self.possible.add(text)


def ends(link: Link) -> tuple[str, str]:
    """What a link is known by."""
    return str(link.getHost()), str(link.getPeer())


class World:
    """
    One run.

    @ivar wrong: what was seen and may not be.
    """

    def __init__(self, number: int) -> None:
        self.random = Random(number)
        self.cluster = Cluster("ss1", "ss2", fsync=self.random.choice([None, 0.005, 0.3]))
        self.over = False
        self.words: dict[str, Words] = {}
        self.values: dict[str, Value] = {}
        self.grants: dict[str, Value] = {}
        self.wrong: list[str] = []

    def run(self) -> None:
        """Work, crash, repair, and look."""
        cluster = self.cluster
        people = [cluster.session(name) for name in ("alice", "bob", "carol")]
        for person in people:
            cluster.run(person.whoami())
        for path in ("w0", "w1"):
            cluster.run(people[0].put(path, b"A. B. C."))
            self.words[path] = Words()
            for person in people[1:]:
                cluster.run(people[0].add_access(path, person.user, "w"))
        tasks = [Deferred.fromCoroutine(self.add_words(person)) for person in people]
        tasks += [Deferred.fromCoroutine(self.replace(person)) for person in people]
        tasks.append(Deferred.fromCoroutine(self.grant(people[0])))
        tasks.append(Deferred.fromCoroutine(self.destroy()))
        cluster.run(gatherResults(tasks, consumeErrors=True))
        for _ in range(2):
            self.repair()
            cluster.run(self.look(people))
            cluster.crash_nm()
            cluster.crash("ss1")
            cluster.crash("ss2")
        self.repair()

    async def pause(self, most: float) -> None:
        """Wait a little."""
        clock: Any = self.cluster.clock
        await deferLater(clock, self.random.uniform(0.0, most), lambda: None)

    async def destroy(self) -> None:
        """Crash, start, cut; at the end nothing happens any more."""
        cluster = self.cluster
        end = cluster.clock.seconds() + SECONDS
        while cluster.clock.seconds() < end:
            await self.pause(2.0)
            target = self.random.choice(["nm", "ss1", "ss2"])
            deed = self.random.choice(["crash", "crash", "cut", "stop"])
            if deed == "cut":
                links = sorted(cluster.network.links, key=ends)
                for link in self.random.sample(links, min(2, len(links))):
                    link.cut()
                continue
            # The clock is moved by whoever waits; a server must end between two of its events.
            self.later(self.end, target, deed == "crash")
            await self.pause(2.0)
            await self.pause(4.0)
            self.later(self.begin, target)
        self.over = True

    def later(self, call: Any, *arguments: Any) -> None:
        """Do something at the next moment."""
        self.cluster.clock.callLater(0.0, call, *arguments)

    def end(self, target: str, crash: bool) -> None:
        """End a server that runs."""
        cluster = self.cluster
        if target == "nm" and cluster.nm is not None:
            cluster.crash_nm()
        elif target in cluster.servers:
            cluster.crash(target)

    def begin(self, target: str) -> None:
        """Start a server that does not run."""
        cluster = self.cluster
        if target == "nm":
            if cluster.nm is None:
                cluster.start_nm()
        elif target not in cluster.servers:
            cluster.start(target)

    def repair(self) -> None:
        """Everything runs, and has settled."""
        for target in ("nm", "ss1", "ss2"):
            self.begin(target)
        self.cluster.advance(30.0)

    async def add_words(self, person: Session) -> None:
        """Append and write to what others write to, too."""
        number = 0
        while not self.over:
            await self.pause(0.1)
            path = self.random.choice(sorted(self.words))
            words = self.words[path]
            number += 1
            word = f"{person.user}{number}"
            deed = self.append if self.random.random() < 0.4 else self.write
            try:
                await deed(person, path, word)
            except (Unanswered, Internal):
                words.doubtful.add(word)
            except DFSError:
                words.refused.add(word)
            else:
                words.kept.add(word)

    async def append(self, person: Session, path: str, word: str) -> None:
        """One word at the end."""
        await person.append(path, f" {word}.")

    async def write(self, person: Session, path: str, word: str) -> None:
        """One word in some sentence."""
        session = await person.write(path, self.random.randrange(3))
        try:
            await self.pause(0.1)
            await session.edit(0, word)
            await self.pause(0.1)
            await session.commit()
        finally:
            await session.abort()

    async def replace(self, person: Session) -> None:
        """Make, replace, undo, delete and read documents of one's own."""
        mine = [f"{person.user}/{number}" for number in range(2)]
        for path in mine:
            self.values[path] = Value()
        number = 0
        while not self.over:
            await self.pause(0.1)
            path = self.random.choice(mine)
            number += 1
            text = b"%d " % number * self.random.choice([1, 10, 50_000])
            await self.one_change(person, path, text, self.random.random())

    async def one_change(self, person: Session, path: str, text: bytes, chance: float) -> None:
        """Do one thing with a document of one's own."""
        value = self.values[path]
        if chance < 0.4:
            await self.attempt(value, text, person.put(path, text))
            # PUT makes a document first: that much of it may have been done.
            if None in value.possible:
                value.doubtful(b"")
        elif chance < 0.5:
            await self.attempt(value, None, person.delete(path))
        else:
            # What is in doubt stays so: it may be on its way to the disk.
            try:
                found: bytes | None = await person.read(path)
            except NotFound:
                found = None
            except DFSError:
                return
            possible = value.possible
            self.claim(found in possible, f"READ {path}: {found!r:.40}, not {possible!r:.200}")

    async def attempt(self, value: Value, text: bytes | None, doing: Awaitable[Any]) -> None:
        """Change a value, or not, or nobody knows."""
        try:
            await doing
        except (Unanswered, Internal):
            value.doubtful(text)
        except NotFound:
            self.claim(None in value.possible, f"NOT_FOUND, but {value.possible!r:.200}")
        except Exists:
            self.wrong.append("EXISTS, but nobody else makes it")
        except DFSError:
            pass
        else:
            value.done(text)

    async def grant(self, owner: Session) -> None:
        """Give and take rights."""
        state = self.grants["bob"] = Value({b"w"})
        while not self.over:
            await self.pause(2.0)
            if self.random.random() < 0.5:
                await self.attempt(state, b"r", owner.add_access("w0", "bob", "r"))
            else:
                await self.attempt(state, b"w", owner.add_access("w0", "bob", "w"))

    async def look(self, people: list[Session]) -> None:
        """Compare what there is with what was said."""
        alice = people[0]
        shown = {line.path: line for line in await alice.view(True)}
        for path, words in self.words.items():
            text = await alice.read(path)
            found = [word.rstrip(".") for word in text.decode().split()]
            self.claim(len(found) == len(set(found)), f"{path}: something twice")
            self.claim(words.kept <= set(found), f"{path}: lost {words.kept - set(found)}")
            stray = words.refused & set(found)
            self.claim(not stray, f"{path}: refused, but there: {stray}")
            line = shown[path]
            self.claim((line.size, line.words) == (len(text), len(found)), f"{path}: {line}")
        for person in people:
            for path in (path for path in self.values if path.startswith(f"{person.user}/")):
                await self.look_at(person, path, path in shown)
        info = await alice.info("w0")
        granted = {one.partition(":")[0].encode() for one in info.index.grants if "bob" in one}
        self.claim(granted <= self.grants["bob"].possible, f"{granted} {self.grants['bob']}")

    async def look_at(self, person: Session, path: str, shown: bool) -> None:
        """One document that one person replaced."""
        try:
            found: bytes | None = await person.read(path)
        except NotFound:
            found = None
        possible = self.values[path].possible
        self.claim(found in possible, f"{path}: {found!r:.40} instead of {possible!r:.200}")
        self.claim(shown == (found is not None), f"{path} is shown or is not")
        self.values[path].done(found)

    def claim(self, true: bool, otherwise: str) -> None:
        """Remember what is wrong."""
        if not true:
            self.wrong.append(otherwise)


class CrashTests(SynchronousTestCase):
    """Crashes, in a certain order and in any."""

    def test_delete_in_doubt(self) -> None:
        """A DELETE that may have been carried out is not answered as if nothing was done."""
        cluster = Cluster("ss1", fsync=0.3)
        self.addCleanup(cluster.close)
        alice = cluster.session("alice")
        cluster.run(alice.put("a.txt", b"text"))
        deleting = alice.delete("a.txt")
        cluster.advance(0.1)
        cluster.network.cut(cluster.servers["ss1"].address)
        self.assertIn("INFO", cluster.refused(deleting, Internal))
        cluster.advance(1.0)
        cluster.refused(alice.read("a.txt"), NotFound)

    def test_any_order(self) -> None:
        """H14: what was acknowledged is there, what was refused is not, nothing is cut or twice."""
        for number in range(RUNS):
            world = World(number)
            world.run()
            self.assertEqual(world.wrong, [], f"run {number}")
            done = sum(len(words.kept) for words in world.words.values())
            self.assertGreater(done, 20, f"run {number}: hardly anything was done")
            world.cluster.close()
