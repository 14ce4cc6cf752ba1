"""
Consoles of a cluster in memory: what they tell while servers come and go, and what they order.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import provider

from dfs.client.writing import WriteSession
from dfs.console.protocol import Consoles
from dfs.errors import Unauthenticated, Unauthorized
from dfs.nm.service import Settings as NMSettings
from dfs.sim.chance import drawn as chance
from dfs.sim.cluster import SECRET, Cluster
from dfs.wire.greeting import greet, greet_as_client
from dfs.wire.locks import LockLine, Locks
from tests.console.terminal import Terminal


class ConsoleCase(SynchronousTestCase):
    """
    A cluster, one console of its name server, and alice with her document.

    @ivar orders: the events of what was ordered.
    """

    names: tuple[str, ...] = ("ss1", "ss1_backup")
    settings: NMSettings | None = None

    def setUp(self) -> None:
        """Start it."""
        self.cluster = Cluster(*self.names, nm_settings=self.settings)
        self.addCleanup(self.cluster.close)
        self.alice = self.cluster.session("alice")
        self.cluster.run(self.alice.create("notes.txt"))
        self.cluster.run(self.alice.append("notes.txt", "One. Two."))
        self.cluster.advance(1.0)
        self.nm = self.console()
        self.orders: list[LogEvent] = []

        @provider(ILogObserver)
        def observe(event: LogEvent) -> None:
            if event.get("log_event") == "console_order":
                self.orders.append(event)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

    def console(self, server: str = "") -> Terminal:
        """Somebody at the console of the name server, or of a storage server."""
        assert self.cluster.nm is not None
        role = self.cluster.servers[server].console if server else self.cluster.nm.console

        def later(call: Callable[..., object], *arguments: object) -> None:
            self.cluster.clock.callLater(0, call, *arguments)

        terminal = Terminal(Consoles(role, later))
        self.addCleanup(terminal.go)
        terminal.seen()
        return terminal

    def ask(self, line: str, terminal: Terminal | None = None, seconds: float = 3.0) -> str:
        """Type a line; what comes within so many seconds, without the prompt."""
        terminal = terminal or self.nm
        shown = terminal.type(line.encode() + b"\r\n")
        end = self.cluster.clock.seconds() + seconds
        while not shown.endswith("> ") and self.cluster.clock.seconds() < end:
            self.cluster.advance(0.05)
            shown += terminal.seen()
        self.assertTrue(shown.endswith("> "), shown)
        return shown.rpartition("\r\n")[0].replace("\r\n", "\n")

    def edit(self, sentence: int = 0) -> WriteSession:
        """Alice edits a sentence."""
        return self.cluster.run(self.alice.write("notes.txt", sentence))

    def why(self) -> str:
        """Why the document can be used now, or not."""
        shown = self.ask("why notes.txt")
        self.assertNotIn("\n", shown)
        return shown

    def state(self) -> str:
        """How the pair is."""
        return self.ask("pairs").splitlines()[1].split()[1]


class NameServerTests(ConsoleCase):
    """
    What the name server tells.
    """

    def test_status(self) -> None:
        """status has what STATUS has."""
        shown = self.ask("status")
        self.assertRegex(shown, r"(?m)^documents: +1$")
        self.assertRegex(shown, r"(?m)^pair ss1: +PROTECTED, active ss1, epoch 1$")

    def test_lists(self) -> None:
        """servers and pairs have everybody; a word chooses among them."""
        self.assertRegex(self.ask("servers"), r"ss1_backup +LIVE +peer +ss1 .* 1 ")
        self.assertEqual(len(self.ask("servers backup").splitlines()), 2)
        self.assertEqual(self.ask("servers nobody"), "None is called nobody.")
        self.assertRegex(self.ask("pairs"), r"ss1 +PROTECTED +ss1 +1 +1 +0 +0 +0")
        self.assertEqual(self.ask("pairs nobody"), "There is no such pair.")

    def test_sessions(self) -> None:
        """sessions has who is connected, what they are, and since when."""
        self.cluster.dial()
        shown = self.ask("sessions")
        self.assertRegex(shown, r"alice +program +127\.0\.0\.1:\d+ +\d+ s")
        self.assertRegex(shown, r"ss1 +storage server ")
        self.assertRegex(shown, r"- +has not said who it is ")
        self.assertEqual(len(self.ask("sessions alice").splitlines()), 2)

    def test_queue(self) -> None:
        """queue has what the peer lacks, the oldest first, with how long and why."""
        self.assertEqual(self.ask("queue"), "Nothing is to be copied.")
        self.cluster.crash("ss1_backup")
        self.cluster.advance(5.0)
        self.cluster.run(self.alice.append("notes.txt", " Three."))
        self.cluster.advance(10.0)
        self.cluster.run(self.alice.create("later.txt"))
        self.cluster.advance(1.0)
        rows = self.ask("queue").splitlines()
        self.assertRegex(rows[1], r"^ *1\d s  ss1 +copy to ss1_backup +notes.txt +0")
        self.assertRegex(rows[2], r"^ *1 s  ss1 +copy to ss1_backup +later.txt")
        self.assertIn("… and 1 more", self.ask("queue ss1 1"))
        self.assertIn("ERROR [NOT_FOUND]", self.ask("queue ss9"))

    def test_locks(self) -> None:
        """locks has who edits which sentence, for how long, and when that ends."""
        self.assertEqual(self.ask("locks"), "Nobody edits anything.")
        self.edit(1)
        self.cluster.advance(61.0)
        self.assertRegex(
            self.ask("locks"), r"notes.txt  'Two.' +alice +1 min \d s +1 min \d s +8 min 5\d s  ss1"
        )
        self.assertIn("alice", self.ask("locks ss1"))
        self.assertIn("Nobody edits anything.", self.ask("locks ss1_backup"))
        self.assertIn("ERROR [NOT_FOUND]", self.ask("locks ss9"))

    def test_locks_of_a_stopped_server(self) -> None:
        """A server that does not answer is named, within seconds."""
        self.cluster.freeze("ss1")
        self.assertIn("Not known: ss1 did not answer within 2 s", self.ask("locks"))
        self.cluster.thaw("ss1")

    def test_locks_interrupted(self) -> None:
        """Ctrl-C ends the waiting for locks, too, and is no defect; so does hanging up."""
        self.cluster.freeze("ss1")
        self.nm.type(b"locks\n")
        self.assertIn("interrupted", self.nm.type(b"\x03"))
        self.nm.type(b"locks\n")
        self.nm.go()
        self.cluster.thaw("ss1")

    def test_tail(self) -> None:
        """tail shows what happens to a document, by its path or its id."""
        self.assertIn("an empty line", self.nm.type(b"tail notes.txt\n"))
        self.cluster.run(self.cluster.session("bob").whoami())
        self.cluster.run(self.alice.add_access("notes.txt", "bob", "r"))
        self.cluster.run(self.alice.create("other.txt"))
        self.cluster.advance(0.1)
        shown = self.nm.seen()
        self.assertIn("ADDACCESS", shown)
        self.assertNotIn("other.txt", shown)
        self.nm.type(b"\n")

    def test_names(self) -> None:
        """H44: no name of a user or document can command the terminal."""
        mallory = self.cluster.session("m\u202ey")
        self.cluster.outcome(mallory.whoami())
        self.assertTrue(self.ask("sessions").isascii())


class WhyTests(ConsoleCase):
    """
    Why, while servers come and go.
    """

    def test_nothing(self) -> None:
        """A path without a document has its sentence, too."""
        self.cluster.run(self.alice.create("folder/a.txt"))
        self.assertIn("does not exist; it can be made", self.ask("why nope.txt"))
        self.assertIn("is a folder", self.ask("why folder"))
        self.assertIn("ERROR [INVALID]", self.ask("why"))
        self.assertIn("ERROR [INVALID]", self.ask("why a//b"))

    def test_deleted(self) -> None:
        """A document that a server may still have is called deleted."""
        self.cluster.crash("ss1_backup")
        self.cluster.run(self.alice.delete("notes.txt"))
        self.assertIn("was deleted", self.ask("why notes.txt"))

    def test_edited(self) -> None:
        """Who edits it is named, and since when."""
        self.edit()
        self.assertIn("alice has been editing 'One.'", self.why())

    def test_failover(self) -> None:
        """One console tells it all from the crash to the handback, and is never lost."""
        self.assertIn("ss1 serves it; ss1_backup has the same", self.why())
        self.cluster.freeze("ss1")
        self.cluster.advance(9.0)
        self.assertRegex(
            self.why(), r"not heard for \d+ s; it will in at most \d s, when ss1_backu"
        )
        self.cluster.advance(8.0)
        self.assertIn("ss1_backup serves it; ss1 has failed", self.why())
        self.assertEqual(self.state(), "FAILED_OVER")
        self.cluster.thaw("ss1")
        self.cluster.advance(3.0)
        self.assertRegex(self.why(), r"ss1 has the same; ss1 serves again in at most \d+ s")
        self.assertRegex(self.ask("pairs"), r"REVERSED .* ss1 serves in \d+ s")
        self.cluster.advance(40.0)
        self.assertIn("ss1 serves it; ss1_backup has the same", self.why())

    def test_nobody(self) -> None:
        """When nobody serves it says who has to come."""
        self.cluster.crash("ss1_backup")
        self.cluster.run(self.alice.append("notes.txt", " Three."))
        self.cluster.crash("ss1")
        self.cluster.advance(20.0)
        self.cluster.start("ss1_backup")
        self.cluster.advance(2.0)
        shown = self.why()
        self.assertIn("ss1_backup may lack something; it can when ss1 registers, or when", shown)
        self.cluster.start("ss1")
        self.cluster.advance(5.0)
        self.assertIn("can be read and changed", self.why())

    def test_name_server(self) -> None:
        """A name server that was just started says whom it waits for."""
        self.cluster.freeze("ss1")
        self.cluster.crash_nm()
        self.cluster.start_nm()
        self.cluster.advance(2.0)
        self.nm = self.console()
        shown = self.why()
        self.assertRegex(shown, r"ss1, which serves it, was not heard since .* in at most 1\d s")
        self.cluster.thaw("ss1")

    def test_drained(self) -> None:
        """New documents need a server that takes them."""
        self.ask("drain ss1")
        self.cluster.advance(1.0)
        self.assertIn("ss1 is drained and serves again after 'handback ss1'", self.why())
        self.ask("drain ss1_backup")
        self.assertIn("when some storage server takes new documents", self.ask("why new.txt"))


class OrderTests(ConsoleCase):
    """
    What is ordered.
    """

    def test_failover_and_handback(self) -> None:
        """failover and handback do what 'dfs admin' does; a member stands for its pair."""
        self.assertEqual(self.ask("failover ss1_backup"), "Done: ss1_backup serves ss1 now.")
        self.assertEqual(self.state(), "REVERSED")
        self.assertIn("Ordered", self.ask("hand ss1"))
        self.cluster.advance(2.0)
        self.assertEqual(self.state(), "PROTECTED")
        deeds = [(one["deed"], one["target"], one["outcome"]) for one in self.orders]
        self.assertEqual(deeds, [("failover", "ss1", "OK"), ("handback", "ss1", "OK")])

    def test_refused(self) -> None:
        """A refusal is that of 'dfs admin', and is logged."""
        self.cluster.crash("ss1_backup")
        self.cluster.advance(5.0)
        shown = self.ask("failover ss1")
        self.assertRegex(shown, r"^ERROR \[CONFLICT\]: ss1 is DEGRADED: only when it is PROTECTED")
        self.assertEqual([one["outcome"] for one in self.orders], ["CONFLICT"])
        self.assertIn("ERROR [NOT_FOUND]", self.ask("failover ss9"))
        self.assertIn("ERROR [INVALID]: say which server", self.ask("drain"))

    def test_drain(self) -> None:
        """drain gives the place away, shows in servers, and handback ends it."""
        self.assertIn("ss1_backup serves its pair", self.ask("drain ss1"))
        self.assertRegex(self.ask("servers"), r"(?m)^ss1 .* drained$")
        self.cluster.advance(1.0)
        self.ask("handback ss1")
        self.cluster.advance(2.0)
        self.assertEqual(self.state(), "PROTECTED")
        self.assertNotIn("drained", self.ask("servers"))

    def test_drain_of_a_busy_server(self) -> None:
        """A server that cannot finish says that it is drained all the same; handback ends that."""
        self.edit()
        shown = self.ask("drain ss1")
        self.assertIn("gets no new documents any more, but still serves", shown)
        self.assertIn("Ordered", self.ask("handback ss1"))
        self.assertNotIn("drained", self.ask("servers"))

    def test_lost(self) -> None:
        """Whoever orders something and goes away has ordered it."""
        self.nm.type(b"failover ss1\n")
        self.nm.go()
        self.cluster.advance(3.0)
        self.assertEqual([one["outcome"] for one in self.orders], ["OK"])
        self.nm = self.console()
        self.assertEqual(self.state(), "REVERSED")

    def test_interrupted(self) -> None:
        """Ctrl-C leaves the order alone and says so."""
        self.nm.type(b"failover ss1\n")
        self.assertIn("may be done all the same", self.nm.type(b"\x03"))
        self.cluster.advance(3.0)
        self.assertEqual(self.state(), "REVERSED")

    def test_two(self) -> None:
        """Two consoles may order the same; one of them is refused."""
        other = self.console()
        self.nm.type(b"failover ss1\n")
        self.assertIn("ERROR [", self.ask("failover ss1", other))
        self.cluster.advance(3.0)
        self.assertIn("Done", self.nm.seen())


class StorageServerTests(ConsoleCase):
    """
    What a storage server tells.
    """

    def setUp(self) -> None:
        """Somebody is at both of them."""
        super().setUp()
        self.ss1, self.backup = self.console("ss1"), self.console("ss1_backup")
        assert self.cluster.nm is not None
        self.document = self.cluster.nm.index.document("notes.txt").key

    def test_status(self) -> None:
        """status has what STATUS has."""
        self.assertRegex(self.ask("status", self.ss1), r"(?m)^serves: +1$")

    def test_lease(self) -> None:
        """lease says until when it may serve, or why it may not."""
        self.assertRegex(
            self.ask("lease", self.ss1), r"^ss1 may serve for \d+ s more; .* 10 s, the"
        )
        self.assertIn("has the other member serve", self.ask("lease", self.backup))
        self.cluster.crash_nm()
        self.cluster.advance(12.0)
        self.assertIn("not heard the name server for 1", self.ask("lease", self.ss1))
        self.assertIn("no name server knows it", self.ask("lease", self.backup))

    def test_queue(self) -> None:
        """queue has what the name server has not heard of."""
        shown = self.ask("queue", self.ss1)
        self.assertIn("Nothing is being changed.", shown)
        self.assertIn("has heard of every change", shown)
        self.cluster.crash_nm()
        self.cluster.run(self.alice.append("notes.txt", " Three."))
        self.cluster.advance(2.0)
        shown = self.ask("queue", self.ss1)
        self.assertRegex(shown, rf"{self.document} notes.txt +2\.0 +\d s +alice")
        self.assertIn("1 in all; 0 notes are on the way.", shown)

    def test_editing(self) -> None:
        """locks and sessions have who edits what."""
        self.assertEqual(self.ask("sessions", self.ss1), "Nobody edits anything.")
        editing = self.edit(1)
        self.cluster.run(editing.edit(0, "More"))
        self.cluster.advance(2.0)
        self.assertRegex(self.ask("locks", self.ss1), r"notes.txt  'Two.' +alice +2 s")
        self.assertRegex(
            self.ask("sessions", self.ss1), r"\w{8}  alice  127.* notes.txt +2 s +2 s +4 B"
        )
        self.cluster.run(editing.abort())
        self.assertEqual(self.ask("locks", self.ss1), "Nobody edits anything.")

    def test_why(self) -> None:
        """why says of a document by its id whether it can be used here."""
        why = f"why {self.document}"
        self.assertIn("can be read and changed here: ss1 may serve", self.ask(why, self.ss1))
        self.assertIn("ss1_backup follows and does not serve", self.ask(why, self.backup))
        self.assertIn("is not on ss1", self.ask("why 0000000000000000", self.ss1))
        self.assertIn("the name server's console takes paths", self.ask("why notes.txt", self.ss1))
        self.edit()
        self.assertIn("alice has been editing", self.ask(why, self.ss1))
        self.cluster.crash_nm()
        self.cluster.advance(12.0)
        self.assertIn("has not heard the name server", self.ask(why, self.ss1))

    def test_orders(self) -> None:
        """Orders are given to the name server, and it says so."""
        for deed in ("failover ss1", "handback ss1", "drain ss1"):
            self.assertIn("the name server decides", self.ask(deed, self.ss1))

    def test_tail(self) -> None:
        """tail recognises a document by its id and by its path."""
        self.ss1.type(f"tail {self.document}\n".encode())
        self.edit()
        self.cluster.advance(700.0)
        self.assertIn("session_timed_out", self.ss1.seen())
        self.ss1.type(b"\n")


class LocksTests(ConsoleCase):
    """
    LOCKS on the wire.
    """

    def test_strangers(self) -> None:
        """H60: LOCKS is for the name server alone."""
        connection = self.cluster.dial("ss1")
        self.cluster.run(greet_as_client(connection, "mallory"))
        asking = connection.ask_items(Locks(5)).read()
        self.assertIn("only servers", self.cluster.refused(asking, Unauthenticated))
        other = self.cluster.dial("ss1")
        self.cluster.run(
            greet(
                other, role="ss", name="ss9", peer_role="ss", secret=SECRET, entropy=chance("ss9")
            )
        )
        asking = other.ask_items(Locks(5)).read()
        self.assertIn("only the name server", self.cluster.refused(asking, Unauthorized))

    def test_limit(self) -> None:
        """No more locks are told than were asked for, the oldest first, and none of others."""
        self.edit(0)
        self.cluster.advance(1.0)
        self.edit(1)
        [first] = self.lines(Locks(1))
        self.assertEqual(first.sentence, "One.")
        self.assertEqual(self.lines(Locks(5, id="0" * 16)), [])
        self.assertEqual(self.lines(Locks(-5)), [])
        self.assertEqual(len(self.lines(Locks(10**9))), 2)
        self.assertIn("… and 1 more", self.ask("locks 1", self.console("ss1")))

    def lines(self, request: Locks) -> list[LockLine]:
        """What the storage server tells the name server."""
        assert self.cluster.nm is not None
        link = self.cluster.nm.fleet.servers["ss1"].link
        lines: list[LockLine] = self.cluster.run(link.items(request, 2.0))
        return lines
