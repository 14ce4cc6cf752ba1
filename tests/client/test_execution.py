"""EXEC as a person and a script type it, and as a program calls it."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dfs.client.failures import Unanswered
from dfs.errors import Busy, Invalid, Unavailable
from dfs.sim.cluster import Cluster
from tests.client.desk import Desk
from tests.simulation.machine import FakeProcess
from tests.simulation.scripted import ScriptedCluster


class ExecCase(SynchronousTestCase):
    """A cluster whose name server runs scripts, and alice."""

    def setUp(self) -> None:
        self.cluster = ScriptedCluster("ss1")
        self.addCleanup(self.cluster.close)
        self.session = self.cluster.session("alice")
        self.alice = Desk(self.session, self.cluster.run)

    def store(self, text: str, path: str = "a.sh") -> None:
        """A script that alice has."""
        self.cluster.run(self.session.put(path, text.encode()))

    def begun(self) -> FakeProcess:
        """The newest script, once it runs."""
        self.cluster.advance(0.2)
        return self.cluster.machine.scripts[-1]


class CommandTests(ExecCase):
    """The command."""

    def test_good(self) -> None:
        """What a script writes is printed, and nothing else; the status is its own 0."""
        self.store("echo one\nsleep 1\necho two")
        self.assertEqual(self.alice.type("exec a.sh"), "one\ntwo\n")
        self.assertEqual((self.alice.status, self.alice.complaints), (0, ""))

    def test_bad(self) -> None:
        """A script that fails is a command that fails: which status, stands on standard error."""
        self.store("echo one\nexit 3")
        self.assertEqual(self.alice.type("EXEC a.sh"), "one\n")
        self.assertEqual(self.alice.status, 1)
        self.assertEqual(self.alice.complaints, "a.sh: status 3: the script says that it failed\n")

    def test_terminated(self) -> None:
        """Why a script was ended stands on standard error, after all that it wrote."""
        self.store("echo one\nsleep 60")
        self.assertEqual(self.alice.type("EXEC a.sh"), "one\n")
        self.assertEqual(self.alice.status, 1)
        note = "a.sh: status 137: terminated: it ran for more than 10 s\n"
        self.assertEqual(self.alice.complaints, note)

    def test_json(self) -> None:
        """For programs each piece is an object, whole characters only, and the end is one, too."""
        self.store("sleep 1\nexit 4")
        whole = "schön\n".encode()
        self.cluster.clock.callLater(0.5, lambda: self.begun().says(whole[:4]))
        self.cluster.clock.callLater(0.8, lambda: self.begun().says(whole[4:] + b"\xff"))
        *pieces, end = self.alice.records("EXEC a.sh --json")
        self.assertEqual("".join(piece["text"] for piece in pieces), "schön\n\\xff")
        self.assertEqual(
            {"path": "a.sh", "size": 8, "status": 4, "note": ""}.items() - end.items(), set()
        )
        self.assertEqual(self.alice.status, 1)

    def test_terminal(self) -> None:
        """A script cannot command the terminal of whoever runs it."""
        desk = Desk(self.session, self.cluster.run, terminal=True)
        self.store("echo \x1b[31mred")
        self.assertEqual(desk.type("EXEC a.sh"), "\\x1b[31mred\n")

    def test_refused(self) -> None:
        """What cannot be run is refused as everything is."""
        self.alice.type("EXEC nothing.sh")
        self.assertIn("ERROR [NOT_FOUND]: there is no document 'nothing.sh'", self.alice.complaints)
        self.alice.type("EXEC ../a.sh")
        self.assertIn("ERROR [INVALID]", self.alice.complaints)
        self.assertEqual(self.alice.status, 1)

    def test_off(self) -> None:
        """Where EXEC is off, the refusal says who can turn it on, and how."""
        cluster = Cluster("ss1")
        self.addCleanup(cluster.close)
        desk = Desk(cluster.session("alice"), cluster.run)
        desk.type("CREATE a.sh")
        desk.type("EXEC a.sh")
        self.assertIn("ERROR [UNSUPPORTED]: EXEC is off; an operator", desk.complaints)
        self.assertIn("--enable-exec", desk.complaints)


class LibraryTests(ExecCase):
    """The library."""

    def test_pieces(self) -> None:
        """Pieces come as they are written; at the end it is known how it ended."""
        self.store("echo one\nsleep 2\necho two\nexit 5")
        output = self.session.execute("/a.sh")
        self.assertEqual(self.cluster.run(output.read()), b"one\n")
        self.assertIsNone(output.ran)
        self.assertEqual(self.cluster.run(output.read()), b"two\n")
        self.assertEqual(self.cluster.run(output.read()), b"")
        assert output.ran is not None
        self.assertEqual((output.ran.status, output.ran.size), (5, 8))

    def test_nothing_is_legal(self) -> None:
        """A path that nothing can have is refused at once."""
        with self.assertRaises(Invalid):
            self.session.execute("../a.sh")

    def test_others_go_on(self) -> None:
        """While a script runs, or is not read, the same session does other things."""
        self.store("sleep 5")
        output = self.session.execute("a.sh")
        reading = output.read()
        self.begun()
        self.assertEqual(self.cluster.run(self.session.whoami()), "alice")
        self.assertFalse(reading.called)
        self.assertEqual(self.cluster.run(reading), b"")

    def test_close(self) -> None:
        """Whoever closes it ends the script."""
        self.store("echo one\nsleep 5")
        output = self.session.execute("a.sh")
        self.cluster.run(output.read())
        output.close()
        self.cluster.advance(0.2)
        self.assertTrue(self.begun().over)

    def test_busy(self) -> None:
        """BUSY is asked again: nothing was run; with no place in 30 s it is the answer."""
        self.store("sleep 9")
        others = [self.session.execute("a.sh") for _ in range(10)]
        readings = [other.read() for other in others]
        self.cluster.advance(0.5)
        output = self.session.execute("a.sh")
        self.assertEqual(self.cluster.run(output.read()), b"")
        self.assertEqual(len(self.cluster.machine.scripts), 11)
        for reading in readings:
            self.cluster.run(reading)

    def test_name_server_lost(self) -> None:
        """A script whose name server is lost is not run again, and that is said."""
        self.store("echo one\nsleep 5")
        output = self.session.execute("a.sh")
        self.cluster.run(output.read())
        reading = output.read()
        process = self.begun()
        self.cluster.crash_nm()
        self.cluster.advance(1)
        failure = self.failureResultOf(reading, Unanswered)
        self.assertIn("the script with it", failure.getErrorMessage())
        process.stop()
        self.cluster.start_nm()
        self.cluster.advance(2)
        self.assertEqual(len(self.cluster.machine.scripts), 1)

    def test_name_server_stops(self) -> None:
        """A name server that stops says so at the end of the output, if there was a script."""
        self.store("echo one\nsleep 5")
        output = self.session.execute("a.sh")
        self.cluster.run(output.read())
        reading = output.read()
        reading.addErrback(lambda failure: failure.trap(Unavailable, Busy))
        self.begun()
        self.cluster.stop_nm()
        self.assertTrue(self.cluster.machine.scripts[-1].over)
        self.cluster.start_nm()
