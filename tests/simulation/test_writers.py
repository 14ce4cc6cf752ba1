"""People who edit while servers come and go, with nothing that is not real but the network."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dfs.client.drafts import SessionEnded
from dfs.sim.cluster import Cluster
from tests.client.desk import Desk, Typed


class WriterTests(SynchronousTestCase):
    """What becomes of an editing session."""

    def setUp(self) -> None:
        self.cluster = Cluster("ss1")
        self.addCleanup(self.cluster.close)
        self.alice = self.cluster.session("alice")
        self.cluster.run(self.alice.create("a.txt"))

    def test_lease_is_renewed(self) -> None:
        """A commit waits until the server may serve again, and is made in the same session."""
        run = self.cluster.run
        session = run(self.alice.write("a.txt", 0))
        run(session.edit(0, "Hello."))
        self.cluster.crash_nm()
        self.cluster.advance(12.0)
        committed = session.commit()
        self.cluster.advance(5.0)
        self.assertNoResult(committed)
        self.cluster.start_nm()
        run(committed)
        self.assertEqual(run(self.alice.read("a.txt")), b"Hello.")

    def test_server_restarts(self) -> None:
        """A session whose server crashed ends; what was typed goes into the next one."""
        run = self.cluster.run
        session = run(self.alice.write("a.txt", 0))
        run(session.edit(0, "Hello."))
        self.cluster.crash("ss1")
        self.cluster.refused(session.edit(1, "Bye."), SessionEnded)
        self.cluster.start("ss1")
        again = run(self.alice.write(session.draft.path, session.draft.sentence))
        for word, text in session.draft.edits:
            run(again.edit(word, text))
        run(again.commit())
        self.assertEqual(run(self.alice.read("a.txt")), b"Hello. Bye.")

    def test_retry(self) -> None:
        """At the shell RETRY does that."""
        desk = Desk(self.alice, self.cluster.run, terminal=True)
        typed = Waits(["0 Hello.", "1 Bye.", "ETIRW"])
        desk.work.lines = typed
        writing = Deferred.fromCoroutine(desk.interpreter.line("WRITE a.txt 0"))
        self.cluster.advance(1.0)
        typed.go_on()
        self.cluster.advance(1.0)
        self.cluster.crash("ss1")
        typed.go_on()
        self.assertEqual(self.cluster.run(writing), 1)
        self.assertIn("nothing that you typed is lost", desk.complaints)
        self.cluster.start("ss1")
        self.assertIn("Write Successful!", desk.type("RETRY", "ETIRW"))
        self.assertEqual(desk.type("READ a.txt"), "Hello. Bye.\n")


class Waits(Typed):
    """Somebody who types the next line when a test says so."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(lines, interactive=True)
        self._asked: list[Deferred[str | None]] = []

    def next(self, prompt: str) -> Deferred[str | None]:
        """The next line, later."""
        waiting: Deferred[str | None] = Deferred()
        self._asked.append(waiting)
        return waiting

    def go_on(self) -> None:
        """Type it."""
        super().next("").chainDeferred(self._asked.pop())
