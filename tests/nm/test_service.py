"""
The name server as a whole: start, end, bad journals; and its options.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.application.service import IService
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.liveness import Intervals
from dfs.core.versions import Version
from dfs.errors import Corrupt, Invalid, Unavailable
from dfs.nm.index import Index
from dfs.nm.journal import Change, Disk, Known, MemoryJournal, PutDocument, PutPair, PutServer
from dfs.nm.kept import Copy, Noted, Stored
from dfs.nm.service import NameServer
from dfs.nm.tap import Options, makeService
from dfs.wire.greeting import greet_as_client
from dfs.wire.messages import Create, GetInfo, Login, WhoAmI
from tests.nm.documents import PAIR, document
from tests.nm.rig import SECRET, Rig


def name_server(disk: Disk, clock: Clock | None = None) -> NameServer:
    """A name server that is not started."""
    return NameServer(
        clock or Clock(),
        wall=lambda: 0.0,
        journal=MemoryJournal(disk),
        dial=lambda address: fail(Unavailable("nowhere")),
        secret=SECRET,
        entropy=bytes,
    )


class StartTests(SynchronousTestCase):
    """
    From a journal to a name server.
    """

    def test_quiet(self) -> None:
        """Nothing ticks before the start, nor after the end."""
        clock = Clock()
        node = name_server(Disk("c" * 32), clock)
        self.assertEqual(clock.getDelayedCalls(), [])
        node.startService()
        self.assertNotEqual(clock.getDelayedCalls(), [])
        self.successResultOf(node.stopService())
        self.assertEqual(clock.getDelayedCalls(), [])

    def refused(self, *changes: Change) -> None:
        """A journal that contradicts itself is refused."""
        disk = Disk("c" * 32)
        for change in changes:
            disk.apply(change)
        self.assertRaises(Corrupt, name_server, disk)

    def test_contradictions(self) -> None:
        """A journal that contradicts itself is refused, and nothing is guessed."""
        one = document(1, "a.txt")
        self.refused(PutDocument(one))
        self.refused(PutPair(PAIR), PutDocument(one), PutDocument(document(2, "a.txt")))
        self.refused(PutPair(PAIR), PutDocument(one), PutDocument(evolve(one, id=3, folder=9)))
        self.refused(PutPair(PAIR), PutDocument(evolve(one, noted=evolve(one.noted, size=2**80))))
        self.refused(PutServer(Known("ss1", "5" * 32, "h:1")))


class JournalFailureTests(Rig):
    """
    A journal that keeps nothing any more.
    """

    def test_refused(self) -> None:
        """H4: nobody is told OK for what is not kept, and it is not shown."""
        ss1, alice = self.registered(), self.person("alice")
        made = self.ask(alice, Create("a.txt"))
        before = dict(self.disk.documents)
        self.disk.trouble = "disk full"
        self.refused(Unavailable, alice, Create("b.txt"), "disk full")
        with self.assertRaises(Unavailable):
            self.person("bob")
        ss1.note(made.id, "1.0", size=5)
        self.wait(3)
        self.assertEqual(self.ask(alice, GetInfo("a.txt")).size, 5)
        self.disk.trouble = ""
        self.assertEqual(self.disk.documents, before)
        self.wait(10)
        self.assertEqual(self.disk.documents[int(made.id, 16)].noted.size, 5)
        self.ask(alice, Create("b.txt"))
        self.person("bob")


class LoginTests(Rig):
    """
    Who is let in.
    """

    def test_kept_first(self) -> None:
        """Somebody new is answered when the journal knows them."""
        self.holding = True
        answers: list[object] = []
        connection = self.get(self.network.dial("127.0.0.1:5000"))
        greeting = Deferred.fromCoroutine(greet_as_client(connection, "alice"))
        greeting.addCallback(answers.append)
        self.wait(1)
        self.assertEqual((answers, self.disk.users), ([], {}))
        self.release()
        self.assertEqual((len(answers), list(self.disk.users)), (1, ["alice"]))

    def test_bad_names(self) -> None:
        """H43: what cannot be a user's name is refused, and nobody is in."""
        for name in ("", " ", "a\nb", "a\0b", "x" * 65, " alice"):
            with self.assertRaises(Invalid):
                self.person(name)
        self.assertEqual(self.disk.users, {})

    def test_gone_meanwhile(self) -> None:
        """Who hangs up while they are written down is not here."""
        self.holding = True
        connection = self.get(self.network.dial("127.0.0.1:5000"))
        connection.ask(Login("alice")).addErrback(lambda failure: None)
        self.wait(0.1)
        connection.close(abort=True)
        self.wait(0.1)
        self.release()
        self.assertEqual((self.nm.people.online, "alice" in self.nm.people), (0, True))

    def test_somebody_else(self) -> None:
        """Who says another name is that one from then on."""
        connection = self.get(self.network.dial("127.0.0.1:5000"))
        self.ask(connection, Login("alice"))
        self.ask(connection, Login("bob"))
        self.assertEqual(self.ask(connection, WhoAmI()).user, "bob")
        self.assertEqual(self.nm.people.online, 1)
        connection.close()
        self.wait(0.1)
        self.assertEqual(self.nm.people.online, 0)


class IndexTests(SynchronousTestCase):
    """
    What an entry keeps.
    """

    def index(self, *documents: Stored) -> Index:
        """An index with these documents."""
        index = Index()
        index.load([PAIR], documents)
        return index

    def test_noted(self) -> None:
        """What is packed comes out as it was, at its limits too."""
        one = document(1, "a.txt", bob="r")
        most, some = 2**63 - 1, 2**32 - 1
        large = Noted(b"\xff" * 32, *(most,) * 6, some, -0.5, some, some, False, "bob")
        for noted in (one.noted, large, Noted.new(PAIR, 0.1, "\u00e9")):
            entry = self.index(evolve(one, noted=noted)).document("a.txt")
            self.assertEqual(entry.noted, noted)
            self.assertEqual(entry.with_access(one.access, 7), evolve(one, noted=noted))

    def test_shared(self) -> None:
        """Owners who let nobody in share one access list each."""
        index = self.index(document(1, "a"), document(2, "b"), document(3, "c", "bob"))
        self.assertIs(index.document("a").access, index.document("b").access)
        self.assertIsNot(index.document("a").access, index.document("c").access)

    def test_owed(self) -> None:
        """A document is owed to its server until that has its newest metadata."""
        index = self.index(evolve(document(1, "a"), home=Copy(4, 0, 6)), document(2, "b"))
        place = index.places["ss1"]
        entry = index.document("a")
        self.assertEqual((place.owed, place.documents), ({entry}, 2))
        index.learn(entry, Version(4, 0), 5, home=True)
        self.assertEqual(place.owed, {entry})
        index.learn(entry, Version(4, 0), 7, home=True)
        self.assertEqual(place.owed, set())
        index.describe(entry, entry.access, 8)
        index.remove(entry)
        self.assertEqual((place.owed, place.documents, len(index)), (set(), 1, 1))


class OptionTests(SynchronousTestCase):
    """
    The command line.
    """

    def parsed(self, *words: str) -> Options:
        """What these words mean."""
        options = Options()
        options.parseOptions(list(words))
        return options

    def test_defaults(self) -> None:
        """Without a word: port 5000 on loopback, folder and secret here."""
        options = self.parsed()
        self.assertEqual(options["listen"], "tcp:5000:interface=127.0.0.1")
        self.assertEqual((options["data"], options["secret"]), ("dfs-nm", "cluster.secret"))
        self.assertEqual((options["heartbeat-interval"], options["failure-after"]), (5.0, 15.0))

    def test_refused(self) -> None:
        """What makes no sense is refused with a sentence."""
        for words in (
            ["--listen", "tcp:5000"],
            ["--listen", "nonsense"],
            ["--failure-after", "0"],
            ["--failure-after", "x"],
            ["--failure-after", "5"],
            ["--heartbeat-interval", "20"],
            ["--heartbeat-interval", "10"],
            ["--lease", "15"],
            ["--lease", "5"],
            ["--lease", "0"],
            ["--failure-after", "10"],
            ["--crash-grace", "-1"],
            ["--handback-after", "-1"],
            ["--handback-after", "inf"],
            ["--handback-after", "sometimes"],
            ["--ack", "both"],
            ["--solo", "refuse"],
            ["--ack", "local", "--solo", "refuse"],
            ["--ack", "replica", "--solo", "maybe"],
            ["--heartbeat-interval", "nan"],
            ["--max-connections", "0"],
            ["--max-connections", "1.5"],
            ["surplus"],
        ):
            with self.assertRaises(UsageError, msg=words):
                self.parsed(*words)

    def test_pairs(self) -> None:
        """How long, how often, and what OK promises."""
        words = ["--heartbeat-interval", "0.5", "--lease", "1", "--failure-after", "1.5"]
        options = self.parsed(*words, "--ack", "replica", "--solo", "refuse")
        self.assertEqual(options.intervals, Intervals(0.5, 1.0, 1.5, 1.0))
        for text, seconds in (("never", None), ("0", 0.0), ("2.5", 2.5)):
            self.assertEqual(self.parsed("--handback-after", text)["handback-after"], seconds)


class MakeServiceTests(SynchronousTestCase):
    """
    What C{twistd} is given.
    """

    def made(self, folder: Path) -> Any:
        """A service with its files in a folder."""
        options = Options()
        options.parseOptions(
            [
                *("--data", str(folder / "nm"), "--secret", str(folder / "cluster.secret")),
                *("--listen", "tcp:0:interface=127.0.0.1"),
            ]
        )
        from twisted.internet import reactor

        return makeService(options, reactor)

    def test_made(self) -> None:
        """A first start makes secret and journal, a second one keeps both."""
        folder = Path(self.mktemp())
        folder.mkdir()
        service = self.made(folder)
        self.assertTrue(IService.providedBy(service))
        secret = (folder / "cluster.secret").read_text()
        [node] = [one for one in service if isinstance(one, NameServer)]
        cluster = node.fleet.cluster_id
        with self.assertRaisesRegex(SystemExit, "another name server"):
            self.made(folder)
        self.successResultOf(node._journal.close())
        again = self.made(folder)
        [node] = [one for one in again if isinstance(one, NameServer)]
        self.assertEqual(node.fleet.cluster_id, cluster)
        self.assertEqual((folder / "cluster.secret").read_text(), secret)
        self.successResultOf(node._journal.close())

    def test_refused(self) -> None:
        """A secret that others can read ends the start with a sentence."""
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "cluster.secret").write_text("5" * 64)
        (folder / "cluster.secret").chmod(0o644)
        with self.assertRaisesRegex(SystemExit, "chmod 600"):
            self.made(folder)
