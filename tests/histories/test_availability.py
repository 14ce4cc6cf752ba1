"""Many people, slow people, silent people: everybody else is served."""

from __future__ import annotations

from typing import Any

from dfs.client.session import Session
from dfs.errors import DFSError, Invalid, Locked
from dfs.ss.service import Settings
from dfs.wire.greeting import greet_as_client
from dfs.wire.messages import Locate
from tests.histories.case import HistoryCase, Line

#: Bytes that may wait for one slow reader.
BACKLOG = 1024 * 1024


class CrowdTests(HistoryCase):
    """People who do little, badly, or all at once."""

    def served(self) -> None:
        """Alice does her work without noticing anybody."""
        begun = self.cluster.clock.seconds()
        session = self.get(self.alice.write("d.txt", 0))
        self.get(session.edit(0, "x"))
        self.get(session.commit())
        self.assertTrue(self.text("d.txt").startswith(b"x "))
        self.get(self.alice.undo("d.txt"))
        self.get(self.alice.info("d.txt"))
        self.get(self.alice.view())
        self.assertLess(self.cluster.clock.seconds() - begun, 2.0)

    def waiting(self, line: Line) -> int:
        """Bytes that are kept for somebody who does not read."""
        transport: Any = line.transport
        return int(transport.other._in_flight)

    def test_idle(self) -> None:
        """H50: hundreds of idle connections and half-typed lines do not keep others waiting."""
        self.get(self.alice.put("d.txt", b"text"))
        lines = [self.line(server) for server in ("", "ss1") for _ in range(250)]
        for number, line in enumerate(lines):
            line.write((b"", b"LOG", b"LOGIN|eve\nCREATE|x", b"#1|READ|t|bytes=")[number % 4])
        self.cluster.advance(1.0)
        self.served()
        self.cluster.advance(300.0)
        self.served()
        # Strangers are not kept for ever; who logged in may be silent.
        gone = [line.lost for line in lines]
        self.assertTrue(all(gone[0::4]) and all(gone[1::4]))
        self.assertEqual(len(self.get(self.alice.view())), 1)

    def test_slow_readers(self) -> None:
        """H50: who does not read what they asked for costs a bounded backlog, and then leaves."""
        self.get(self.alice.put("d.txt", b"text"))
        self.get(self.alice.put("large.bin", b"\x00\xff" * 4_000_000))
        connection = self.cluster.dial()
        self.get(greet_as_client(connection, "alice"))
        ticket = self.get(connection.ask(Locate("large.bin", "r"))).ticket.encode()
        connection.close()
        lines = [self.line("ss1") for _ in range(50)]
        for number, line in enumerate(lines):
            transport: Any = line.transport
            transport.pauseProducing()
            verb = b"READ" if number % 2 else b"STREAM"
            line.write(b"%b|%b\n" % (verb, ticket) * 3)
        for _ in range(20):
            self.cluster.advance(0.5)
            self.assertLess(max(map(self.waiting, lines)), BACKLOG)
        self.served()
        self.cluster.advance(200.0)
        self.served()
        # They are told off, not waited for for ever.
        transports: list[Any] = [line.transport for line in lines]
        self.assertTrue(all(one.other.closed for one in transports[1::2]))

    def test_abandoned(self) -> None:
        """H50: STREAMs that nobody wants any more, and sessions of the vanished, leave nothing."""
        self.get(self.alice.put("d.txt", b"text " * 1_000 + b". " + b"One. " * 40))
        people = [self.person(f"user{number}") for number in range(20)]
        for number, person in enumerate(people):
            self.get(self.alice.add_access("d.txt", person.user, "w"))
            stream = person.stream("d.txt", 0.1)
            self.get(stream.read())
            session = self.get(person.write("d.txt", number + 1))
            self.get(session.edit(0, "lost"))
        self.served_beside()
        for person in people:
            person.close()
        self.cluster.advance(10.0)
        self.assertNotIn(b"lost", self.text("d.txt"))
        self.get(self.alice.put("d.txt", b"free"))
        server = self.cluster.servers["ss1"]
        self.assertEqual((len(server.sessions), len(server.streams)), (0, 0))

    def served_beside(self) -> None:
        """Alice edits a sentence of her own among twenty that are held."""
        session = self.get(self.alice.write("d.txt", 30))
        self.get(session.edit(0, "mine"))
        self.get(session.commit())
        self.assertIn(b"mine One.", self.text("d.txt"))

    def test_hundreds(self) -> None:
        """H52: hundreds of people come at once and work; each is answered, none is turned away."""
        self.get(self.alice.put("d.txt", b"text"))
        names = [f"user{number}" for number in range(256)]
        people = [self.cluster.session(name) for name in names]
        begun = self.cluster.clock.seconds()

        async def come(person: Session) -> str:
            user = await person.whoami()
            await person.put(f"of {user}", user.encode())
            self.assertEqual(await person.read(f"of {user}"), user.encode())
            return user

        self.assertEqual(self.together(*map(come, people)), names)
        self.assertLess(self.cluster.clock.seconds() - begun, 5.0)
        self.assertEqual(len(self.get(self.alice.users())), 258)
        self.assertEqual(len(self.get(self.alice.view(all=True))), 257)


class SilenceTests(HistoryCase):
    """Writers who say nothing any more."""

    settings = Settings(session_timeout=60.0)

    def test_lock_ends(self) -> None:
        """H51: a silent writer's lock ends; the writer is told, and the old text stands."""
        self.get(self.alice.put("d.txt", b"One. Two."))
        self.get(self.alice.add_access("d.txt", "bob", "w"))
        session = self.get(self.bob.write("d.txt", 0))
        self.get(session.edit(0, "bob"))
        self.cluster.advance(50.0)
        self.refused(self.alice.write("d.txt", 0), Locked)
        self.refused(self.alice.put("d.txt", b"x"), Locked)
        self.cluster.advance(20.0)
        mine = self.get(self.alice.write("d.txt", 0))
        self.get(mine.edit(0, "alice"))
        said = self.refused(session.commit(), DFSError)
        self.assertTrue(said)
        self.get(mine.commit())
        self.assertEqual(self.text("d.txt"), b"alice One. Two.")

    def test_against_an_open_session(self) -> None:
        """H51: UNDO and PUT against a session are refused; its edits can be committed."""
        self.get(self.alice.put("d.txt", b"One. Two."))
        self.get(self.alice.append("d.txt", " Three."))
        self.get(self.alice.add_access("d.txt", "bob", "w"))
        session = self.get(self.bob.write("d.txt", 1))
        self.get(session.edit(0, "bob"))
        for deed in (self.alice.undo("d.txt"), self.alice.put("d.txt", b"")):
            self.assertIn("bob", self.refused(deed, Locked))
        self.get(session.commit())
        self.assertEqual(self.text("d.txt"), b"One. bob Two. Three.")
        self.get(self.alice.undo("d.txt"))
        self.assertEqual(self.text("d.txt"), b"One. Two. Three.")

    def test_server_restarts(self) -> None:
        """H51: a session whose server was restarted is over, and the writer is told."""
        self.get(self.alice.put("d.txt", b"One."))
        session = self.get(self.alice.write("d.txt", 0))
        self.get(session.edit(0, "lost"))
        self.restart()
        self.assertIn("over", self.refused(session.commit(), DFSError))
        self.refused(session.edit(0, "x"), Invalid)
        self.assertEqual(self.text("d.txt"), b"One.")
        self.get(self.get(self.alice.write("d.txt", 0)).abort())
