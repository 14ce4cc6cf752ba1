"""
EXEC at the name server: who may, when, and what comes of it.
"""

from __future__ import annotations

import gc
import hashlib
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from dfs.client.session import Session
from dfs.errors import (
    Busy,
    DFSError,
    Internal,
    NotFound,
    TooLarge,
    Unauthorized,
    Unavailable,
    Unsupported,
)
from dfs.nm.execution import OF_USER, SCRIPT_BYTES, WAITING
from dfs.nm.service import Settings
from dfs.sim.cluster import NAME_SERVER, Cluster
from dfs.wire.answers import Contents
from dfs.wire.client import Connection
from dfs.wire.greeting import greet_as_client
from dfs.wire.messages import Execute, Ran
from tests.simulation.machine import FakeProcess, Machine

MIB = 1024 * 1024


class ExecutionTests(SynchronousTestCase):
    """A cluster in memory, whose name server is on a machine in memory."""

    def setUp(self) -> None:
        self.cluster = Cluster("ss1")
        self.addCleanup(self.cluster.close)
        self.machine = Machine(self.cluster.clock)
        # What an earlier test left half done ends, and logs that, when it is collected: now.
        gc.collect()
        self.events: list[Any] = []
        observe: Any = self.events.append
        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)

    def begin(self, *backends: str, obstacle: str = "") -> Session:
        """Start the name server anew, so that it runs scripts; alice comes."""
        self.cluster.stop_nm()
        self.cluster.nm_settings = Settings(
            sandbox=self.machine.sandbox(*backends, obstacle=obstacle)
        )
        self.cluster.start_nm()
        self.cluster.advance(2.0)
        return self.cluster.session("alice")

    def store(self, alice: Session, path: str, text: str | bytes) -> None:
        """A document that alice has."""
        content = text if isinstance(text, bytes) else text.encode()
        self.cluster.run(alice.put(path, content))

    def connection(self, user: str = "alice") -> Connection:
        """Somebody at the name server, without the library."""
        connection: Connection = self.cluster.run(self.cluster.network.dial(NAME_SERVER))
        self.cluster.run(Deferred.fromCoroutine(greet_as_client(connection, user)))
        return connection

    def ask(self, path: str = "a.sh", user: str = "alice") -> tuple[Connection, Contents]:
        """Somebody types EXEC on a connection of their own."""
        connection = self.connection(user)
        return connection, connection.ask_content(Execute(path), None)

    def all_of(self, contents: Contents) -> tuple[bytes, Ran]:
        """What comes of it."""
        output = b""
        while piece := self.cluster.run(contents.read()):
            output += piece
        assert isinstance(contents.stop, Ran)
        return output, contents.stop

    def run_one(self, path: str = "a.sh") -> tuple[bytes, Ran]:
        """EXEC, from its beginning to its end."""
        return self.all_of(self.ask(path)[1])

    def refused(self, error: type[DFSError], pattern: str, path: str = "a.sh", **who: str) -> None:
        """EXEC is refused."""
        with self.assertRaisesRegex(error, pattern):
            self.cluster.run(self.ask(path, **who)[1].read())

    def logged(self, event: str) -> list[Any]:
        """What the log says."""
        return [one for one in self.events if one.get("log_event") == event]

    def running(self) -> FakeProcess:
        """The newest script, once it runs."""
        self.cluster.advance(0.2)
        return self.machine.scripts[-1]

    # --------------------------------------------------------------------------- on and off

    def test_off(self) -> None:
        """EXEC is off unless an operator says otherwise, and the refusal tells what to say."""
        alice = self.cluster.session("alice")
        self.store(alice, "a.sh", "echo hello")
        self.refused(Unsupported, "--enable-exec")

    def test_on(self) -> None:
        """It is on when the first of the backends has shown that its walls stand."""
        self.begin("good", "other")
        [event] = self.logged("exec_on")
        self.assertEqual(event["backend"], "good")
        self.assertEqual([one.backend for one in self.machine.processes], ["good"])

    def test_second(self) -> None:
        """A backend whose walls do not stand is not used; another one is."""
        self.machine.broken = ("bad",)
        alice = self.begin("bad", "good")
        self.store(alice, "a.sh", "echo hello")
        self.assertEqual(self.run_one()[0], b"hello\n")
        self.assertEqual(self.machine.scripts[-1].backend, "good")

    def test_no_walls(self) -> None:
        """Where no walls stand EXEC stays off, and whoever asks is told why."""
        self.machine.broken = ("bad",)
        alice = self.begin("bad")
        self.store(alice, "a.sh", "echo hello")
        self.refused(Unsupported, "cannot be shut in here .bad: the gate is open")
        [event] = self.logged("exec_off")
        self.assertIn("the gate is open", event["reason"])

    def test_no_process(self) -> None:
        """EXEC stays off on a machine that has no process for its test."""
        self.machine.full = True
        alice = self.begin()
        self.store(alice, "a.sh", "echo hello")
        self.refused(Unsupported, "temporarily unavailable")

    def test_obstacle(self) -> None:
        """EXEC stays off, untested, where scripts could see the data of the name server."""
        alice = self.begin(obstacle="they could see /usr/data")
        self.store(alice, "a.sh", "echo hello")
        self.refused(Unsupported, "they could see /usr/data")
        self.assertEqual(self.machine.processes, [])

    def test_not_yet(self) -> None:
        """While the sandbox is tested EXEC is answered BUSY, and the library asks again."""
        alice = self.cluster.session("alice")
        self.store(alice, "a.sh", "echo hello")
        self.cluster.stop_nm()
        self.cluster.nm_settings = Settings(sandbox=self.machine.sandbox())
        self.cluster.start_nm()
        output = alice.execute("a.sh")
        self.assertEqual(self.cluster.run(output.read()), b"hello\n")

    # ------------------------------------------------------------------------------- rights

    def test_rights(self) -> None:
        """Who may read a document may run it, and nobody else."""
        alice = self.begin()
        self.store(alice, "a.sh", "echo hello")
        self.cluster.run(self.cluster.session("bob").whoami())
        self.refused(Unauthorized, "may not read", user="bob")
        self.cluster.run(alice.add_access("a.sh", "bob", "r"))
        self.assertEqual(self.all_of(self.ask(user="bob")[1])[0], b"hello\n")
        self.refused(NotFound, "no document", path="b.sh")

    def test_right_taken_away(self) -> None:
        """Whoever loses the right while they wait for their turn runs nothing."""
        alice = self.begin()
        self.cluster.run(self.cluster.session("bob").whoami())
        self.store(alice, "a.sh", "sleep 5")
        self.cluster.run(alice.add_access("a.sh", "bob", "r"))
        self.ask()
        self.ask()
        _, third = self.ask(user="bob")
        self.cluster.advance(1)
        self.cluster.run(alice.rem_access("a.sh", "bob"))
        with self.assertRaises(Unauthorized):
            self.cluster.run(third.read())
        self.assertEqual(len(self.machine.scripts), 2)

    # ------------------------------------------------------------------------------ one run

    def test_output(self) -> None:
        """Output comes as it is written, and at the end what it adds up to, and the status."""
        alice = self.begin()
        self.store(alice, "a.sh", "echo one\nsleep 3\necho two\nexit 7")
        _, contents = self.ask()
        self.assertEqual(self.cluster.run(contents.read()), b"one\n")
        self.cluster.advance(2)
        self.assertEqual(self.logged("exec_ended"), [])
        output, ran = self.all_of(contents)
        self.assertEqual(output, b"two\n")
        whole = hashlib.sha256(b"one\ntwo\n").hexdigest()
        self.assertEqual(ran, Ran(8, whole, 7, ""))

    def test_audit(self) -> None:
        """One event says who ran which version of what, and what came of it."""
        alice = self.begin()
        self.store(alice, "a.sh", "echo one")
        self.store(alice, "a.sh", "echo two\nsleep 2\nexit 3")
        self.run_one()
        [event] = self.logged("exec_ended")
        text = b"echo two\nsleep 2\nexit 3"
        wanted = {
            "user": "alice",
            "path": "a.sh",
            "version": "2.0",
            "sha256": hashlib.sha256(text).hexdigest(),
            "status": 3,
            "size": 4,
            "note": "",
        }
        self.assertEqual({name: event[name] for name in wanted}, wanted)
        self.assertAlmostEqual(event["seconds"], 2, places=1)

    def test_snapshot(self) -> None:
        """What is run is one committed version, whatever happens to the document meanwhile."""
        alice = self.begin()
        self.store(alice, "a.sh", "sleep 2\necho old")
        _, contents = self.ask()
        self.running()
        self.store(alice, "a.sh", "echo new")
        self.assertEqual(self.all_of(contents)[0], b"old\n")

    def test_large_script(self) -> None:
        """A script of the largest size is run, one that is larger is refused."""
        alice = self.begin()
        text = b"echo hello\n" + b"#" * (SCRIPT_BYTES - 11)
        self.store(alice, "a.sh", text)
        self.run_one()
        self.assertEqual(self.machine.scripts[-1].script, text)
        self.store(alice, "a.sh", text + b"#")
        self.refused(TooLarge, "at most 1048576 bytes")

    def test_server_away(self) -> None:
        """A script whose storage server is away is not run; its turn is another's."""
        alice = self.begin()
        self.store(alice, "a.sh", "echo hello")
        self.cluster.stop("ss1")
        for _ in range(3):
            self.refused(Unavailable, "away")
        self.assertEqual(self.machine.scripts, [])

    def test_no_process_left(self) -> None:
        """A machine that has no process for a script is busy; the turn is another's."""
        alice = self.begin()
        self.store(alice, "a.sh", "echo hello")
        self.machine.full = True
        for _ in range(3):
            self.refused(Busy, "no process for it")
        self.machine.full = False
        self.assertEqual(self.run_one()[0], b"hello\n")

    def test_defect(self) -> None:
        """Whatever keeps a script from being started, the turn is another's."""
        alice = self.begin()
        self.store(alice, "a.sh", "echo hello")
        self.machine.mad = True
        for _ in range(3):
            self.refused(Internal, "")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 3)
        self.machine.mad = False
        self.assertEqual(self.run_one()[0], b"hello\n")

    def test_no_sandbox_any_more(self) -> None:
        """A script that was not run, because its sandbox failed, is answered with the reason."""
        alice = self.begin()
        self.store(alice, "a.sh", "sleep 1")
        _, contents = self.ask()
        process = self.running()
        process.reports(failed="no more namespaces")
        process.ends()
        with self.assertRaisesRegex(Internal, "no more namespaces"):
            self.cluster.run(contents.read())
        self.assertEqual(self.logged("exec_ended")[-1]["status"], -1)

    # ------------------------------------------------------------------------------- limits

    def test_late(self) -> None:
        """A script that takes 10 s is terminated, and its output until then is kept."""
        alice = self.begin()
        self.store(alice, "a.sh", "echo hello\nsleep 60")
        output, ran = self.run_one()
        self.assertEqual(output, b"hello\n")
        self.assertEqual((ran.status, ran.note), (137, "terminated: it ran for more than 10 s"))
        self.assertAlmostEqual(self.logged("exec_ended")[0]["seconds"], 10, places=1)

    def test_stubborn(self) -> None:
        """What does not end when it is told to is made to, two seconds later."""
        alice = self.begin()
        self.machine.stubborn = True
        self.store(alice, "a.sh", "sleep 60")
        self.run_one()
        self.assertEqual(self.machine.scripts[-1].signals, ["TERM", "KILL"])
        self.assertAlmostEqual(self.logged("exec_ended")[0]["seconds"], 12, places=1)

    def test_long(self) -> None:
        """Output is cut at 1 MiB, to the byte, and the script is terminated."""
        alice = self.begin()
        self.store(alice, "a.sh", "sleep 5")
        _, contents = self.ask()
        process = self.running()
        process.says(b"x" * (MIB - 1))
        self.assertEqual(process.signals, [])
        process.says(b"yz")
        process.says(b"z")
        output, ran = self.all_of(contents)
        self.assertEqual(output, b"x" * (MIB - 1) + b"y")
        self.assertEqual((ran.size, ran.note), (MIB, "terminated: its output is cut at 1 MiB"))

    def test_slow_reader(self) -> None:
        """Whoever does not read makes the script wait; nothing piles up here."""
        alice = self.begin()
        self.store(alice, "a.sh", "sleep 5\nexit 1")
        connection, contents = self.ask()
        process = self.running()
        connection._link.pauseProducing()
        written = 0
        while not process.paused and written < MIB:
            process.says(b"x" * 65536)
            written += 65536
            self.cluster.advance(0.01)
        self.assertTrue(process.paused)
        self.assertLess(written, MIB)
        connection._link.resumeProducing()
        self.cluster.advance(0.1)
        self.assertFalse(process.paused)
        output, ran = self.all_of(contents)
        self.assertEqual((len(output), ran.status), (written, 1))

    def test_reader_leaves(self) -> None:
        """A script that nobody listens to is ended, also if it is silent; that is logged."""
        alice = self.begin()
        self.store(alice, "a.sh", "sleep 5")
        connection, _ = self.ask()
        process = self.running()
        connection.close(abort=True)
        self.cluster.advance(0.1)
        self.assertEqual(process.signals, ["TERM"])
        self.assertTrue(process.over)
        [event] = self.logged("exec_ended")
        self.assertIn("nobody listens", event["note"])

    def test_slow_reader_leaves(self) -> None:
        """One that waits for a reader who leaves is read to its end, for nobody."""
        alice = self.begin()
        self.store(alice, "a.sh", "sleep 5")
        connection, _ = self.ask()
        process = self.running()
        connection._link.pauseProducing()
        while not process.paused:
            process.says(b"x" * 65536)
            self.cluster.advance(0.01)
        connection.close(abort=True)
        self.cluster.advance(0.1)
        self.assertFalse(process.paused)
        self.assertEqual(process.signals, ["TERM"])

    # -------------------------------------------------------------------------------- turns

    def readers(self, alice: Session, count: int) -> list[str]:
        """So many others who may read."""
        users = [f"reader{number}" for number in range(count)]
        for user in users:
            self.connection(user)
            self.cluster.run(alice.add_access("a.sh", user, "r"))
        return users

    def test_turns(self) -> None:
        """Two run at once, eight wait for their turn, more are BUSY and do nothing."""
        alice = self.begin()
        self.store(alice, "a.sh", "sleep 2\necho hello")
        asked = [self.ask(user=user)[1] for user in self.readers(alice, 2 + WAITING)]
        self.cluster.advance(0.5)
        self.assertEqual(len(self.machine.scripts), 2)
        self.refused(Busy, "8 scripts wait")
        for contents in asked:
            self.assertEqual(self.all_of(contents)[0], b"hello\n")
        self.assertEqual(len(self.machine.scripts), 10)

    def test_waiting_ends(self) -> None:
        """Whoever goes away while they wait gives their place to others, and runs nothing."""
        alice = self.begin()
        self.store(alice, "a.sh", "sleep 3")
        for _ in range(2):
            self.ask()
        waiting = [self.ask(user=user)[0] for user in self.readers(alice, WAITING)]
        self.cluster.advance(0.1)
        for connection in waiting:
            connection.close(abort=True)
        self.cluster.advance(0.1)
        self.assertEqual(self.run_one()[1].status, 0)
        self.assertEqual(len(self.machine.scripts), 3)

    def test_one_user(self) -> None:
        """Nobody takes all the turns: three of one user run or wait until one of them has ended."""
        alice = self.begin()
        self.store(alice, "a.sh", "sleep 3\necho hello")
        [bob] = self.readers(alice, 1)
        asked = [self.ask() for _ in range(OF_USER)]
        self.cluster.advance(0.1)
        self.refused(Busy, "3 scripts of yours")
        _, other = self.ask(user=bob)
        asked[-1][0].close(abort=True)
        self.cluster.advance(0.1)
        again = self.ask()[1]
        for contents in (asked[0][1], asked[1][1], other, again):
            self.assertEqual(self.all_of(contents)[0], b"hello\n")
        self.assertEqual(self.run_one()[1].status, 0)

    def test_slow_readers_hold_no_turn(self) -> None:
        """A script that has ended holds no turn, although its output was not read yet."""
        alice = self.begin()
        self.store(alice, "a.sh", "sleep 60")
        for _ in range(2):
            self.ask()
            self.running().exits()
        self.store(alice, "b.sh", "echo hello")
        self.assertEqual(self.run_one("b.sh")[0], b"hello\n")

    # ---------------------------------------------------------------------------------- end

    def test_stop(self) -> None:
        """A name server that stops ends its scripts first, and those that wait are told."""
        alice = self.begin()
        self.store(alice, "a.sh", "sleep 5")
        asked = [self.ask()[1].read() for _ in range(3)]
        for reading in asked:
            reading.addErrback(lambda failure: None)
        self.cluster.advance(0.5)
        self.cluster.stop_nm()
        self.assertEqual([one.over for one in self.machine.scripts], [True, True])
        notes = [event["note"] for event in self.logged("exec_ended")]
        self.assertEqual(notes, ["terminated: the name server stops"] * 2)
