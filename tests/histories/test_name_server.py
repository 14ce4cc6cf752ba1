"""The name server: its size, its restarts, and what it is told."""

from __future__ import annotations

import random
import re

from twisted.internet.defer import Deferred

from dfs.client.session import Session
from dfs.errors import Exists, NotFound
from tests.histories.case import HistoryCase

#: What may stand on a line that answers.
ANSWER = re.compile(
    rb"(#[!-~]{1,32}\|)?(OK(\|.*)?|ERROR\|[A-Z_]+\|[^|]+|ITEM\|.+|DATA\|\d+|STOP\|\d+\|[0-9a-f]+)\Z"
)

#: Lines that mean nothing, in every way that came to mind.
SENSELESS = [
    b"\x00",
    b"\xff\xfe\xfd",
    b"|",
    b"||||||||||",
    b"#",
    b"#|",
    b"#x",
    b"#x|",
    b"#" + b"t" * 200 + b"|WHOAMI",
    b"CREATE",
    b"CREATE|",
    b"CREATE||",
    b"CREATE|a|b|c|d",
    b"CREATE|%",
    b"CREATE|%zz",
    b"CREATE|%ff",
    b"CREATE|a%00b",
    b"CREATE|a%0Ab",
    b"CREATE|\x01",
    b"CREATE|a|bytes=-1",
    b"CREATE|a|bytes=x",
    b"CREATE|a|nothing=1",
    b"LOCATE|a",
    b"LOCATE|a|rw",
    b"ADDACCESS|a|b",
    b"VIEW|all=maybe",
    b"VIEW|all=1|all=1",
    b"HELLO",
    b"HELLO|x|client|mallory",
    b"HELLO|999|client|mallory",
    b"HELLO|1|god|mallory",
    b"HELLO|1|ss|ss1|nonce=1",
    b"PROVE|",
    b"PROVE|00",
    b"ERROR|INTERNAL|yours",
    b"OK",
    b"DATA|5",
    b"STOP|0|0",
    b"GET / HTTP/1.1",
    b"%s%n%x",
    b"../../../etc/passwd",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "\uff23\uff32\uff25\uff21\uff34\uff25|a".encode(),
    b"create a.txt",
    b"NOSUCHVERB|x",
]

NAMES = [
    "a|b",
    "a%7Cb",
    "c,d",
    "x=y",
    "all=1",
    "with spaces in it",
    "it's",
    '"quoted"',
    "`sh`; rm -rf $HOME",
    "back\\slash",
    "#tag",
    "%",
    "%2F",
    "%00",
    "r:bob",
    "zoë",
    "Ещё раз",
    "日本語.txt",
    "🙂",
    "CON",
    "nul.txt",
    "-rf",
    "--all",
    "~",
    "{}",
    "x",
    "y" * 255,
    "é" * 127,
    "OK",
    "ERROR|NOT_FOUND|x",
]


class RegistrationTests(HistoryCase):
    """Storage servers that come back."""

    def registers_again(self, count: int) -> None:
        """So many documents are all there when their server comes back on another port."""
        names = ["x", "y" * 255, *(f"folder {n % 7}/{n}" for n in range(count))][:count]

        async def fill() -> None:
            for name in names:
                await self.alice.put(name, name.encode())

        self.get(fill())
        before = self.get(self.alice.servers())[0]
        self.restart()
        after = self.get(self.alice.servers())[0]
        self.assertNotEqual(before.address, after.address)
        self.assertEqual((after.state, after.documents), ("LIVE", count))
        lines = self.get(self.alice.view())
        self.assertEqual(sorted(line.path for line in lines), sorted(names))
        for line in lines:
            self.assertEqual(line.size, len(line.path))
        for name in (*names[:3], names[-1]):
            self.assertEqual(self.text(name), name.encode())

    def test_one(self) -> None:
        """H40: a server with one document, on another port."""
        self.registers_again(1)

    def test_seventy(self) -> None:
        """H40: a server with 70 documents, on another port."""
        self.registers_again(70)

    def test_thousand(self) -> None:
        """H40: a server with 1,000 documents, on another port."""
        self.registers_again(1_000)

    def test_changed_while_nobody_listened(self) -> None:
        """H40: what was committed while the name server was away is shown when it is back."""
        self.get(self.alice.put("d.txt", b"old"))
        session = self.get(self.alice.write("d.txt", 0))
        self.get(session.edit(0, "new and"))
        self.cluster.stop_nm()
        self.get(session.commit())
        self.cluster.start_nm()
        self.cluster.advance(20.0)
        line = self.shown("d.txt")
        self.assertEqual((line.size, line.words, line.modified_by), (11, 3, "alice"))


class RestartTests(HistoryCase):
    """A name server that is restarted alone."""

    def test_nothing_is_forgotten(self) -> None:
        """H41: documents, folders, times, rights and users are there; nobody else is restarted."""
        self.get(self.alice.put("a/b/c.txt", b"One. Two."))
        self.get(self.alice.add_access("a/b/c.txt", "bob", "w"))
        self.get(self.bob.put("bobs.txt", b"own"))
        self.get(self.bob.delete("bobs.txt"))
        self.cluster.advance(1_000.0)
        before = self.get(self.alice.info("a/b/c.txt")).index
        views = [self.get(person.view()) for person in (self.alice, self.bob)]
        users = [line.user for line in self.get(self.alice.users())]
        servers = [(line.name, line.role, line.state) for line in self.get(self.alice.servers())]
        for _ in range(3):
            self.restart_nm()
            self.assertEqual(self.get(self.alice.info("a/b/c.txt")).index, before)
            self.assertEqual([self.get(one.view()) for one in (self.alice, self.bob)], views)
            self.assertEqual([line.user for line in self.get(self.bob.users())], users)
            now = [(line.name, line.role, line.state) for line in self.get(self.alice.servers())]
            self.assertEqual(now, servers)
        self.assertEqual(self.text("a/b/c.txt"), b"One. Two.")
        self.refused(self.bob.read("bobs.txt"), NotFound)
        self.get(self.bob.append("a/b/c.txt", " Three."))

    def test_people_at_work(self) -> None:
        """H41: who reads and writes meanwhile goes on; an open session commits."""
        self.get(self.alice.put("d.txt", b"One. Two."))
        session = self.get(self.alice.write("d.txt", 0))
        self.get(session.edit(0, "before"))
        self.cluster.stop_nm()
        self.assertEqual(self.text("d.txt"), b"One. Two.")
        self.get(session.edit(1, "during"))
        self.cluster.start_nm()
        self.cluster.advance(20.0)
        self.get(session.edit(2, "after"))
        self.get(session.commit())
        self.assertEqual(self.text("d.txt"), b"before during after One. Two.")
        self.assertEqual(self.shown("d.txt").words, 5)

    def test_asked_while_away(self) -> None:
        """H41: a question that is asked while the name server is away is answered by the next."""
        self.get(self.alice.put("d.txt", b"text"))
        self.cluster.stop_nm()
        asked: Deferred[str] = self.bob.whoami()
        self.cluster.advance(2.0)
        self.assertNoResult(asked)
        self.cluster.start_nm()
        self.assertEqual(self.get(asked), "bob")

    def test_both(self) -> None:
        """H41: with the storage server restarted too, in either order, all is there."""
        self.get(self.alice.put("d.txt", b"text"))
        for first in ("nm", "ss1"):
            self.cluster.stop("ss1")
            self.cluster.stop_nm()
            self.cluster.advance(30.0)
            if first == "nm":
                self.cluster.start_nm()
                self.cluster.advance(5.0)
                self.cluster.start("ss1")
            else:
                self.cluster.start("ss1")
                self.cluster.advance(5.0)
                self.cluster.start_nm()
            self.cluster.advance(20.0)
            self.assertEqual(self.text("d.txt"), b"text")
            self.get(self.alice.append("d.txt", ""))


class LineTests(HistoryCase):
    """Anything at all, said to a server."""

    def answers(self, server: str, lines: list[bytes]) -> None:
        """Each line, twice on one connection, is refused in one line that holds nobody's text."""
        self.get(self.alice.put("secret.txt", b"SECRET TEXT"))
        for data in lines:
            line = self.line(server)
            self.assertEqual(self.say(line, b"LOGIN|eve\n"), b"OK|eve\n")
            for _ in range(2):
                if line.lost:
                    break
                said = self.say(line, data + b"\n")
                self.assertTrue(said.startswith(b"ERROR|") or b"|ERROR|" in said, (data, said))
                self.assertEqual(said.count(b"\n"), 1, (data, said))
                self.assertRegex(said.rstrip(b"\n"), ANSWER)
                self.assertNotIn(b"SECRET", said)
                self.assertNotIn(b"Traceback", said)
            if not line.lost:
                self.assertEqual(self.say(line, b"WHOAMI\n"), b"OK|eve\n", data)
                line.write(b"QUIT\n")
        self.cluster.advance(1.0)
        self.assertEqual(self.text("secret.txt"), b"SECRET TEXT")
        self.assertEqual(len(self.get(self.alice.view(all=True))), 1)

    def test_name_server(self) -> None:
        """H43: any line, twice, on one connection to the name server: an ERROR each; it lives."""
        self.answers("", SENSELESS)

    def test_storage_server(self) -> None:
        """H43: any line, twice, on one connection to a storage server: an ERROR each; it lives."""
        edits = [b"READ|x", b"WRITE|x|0", b"EDIT|0|x", b"EDIT|x|0", b"ETIRW", b"ABORT", b"UNDO|"]
        self.answers("ss1", SENSELESS + edits)

    def test_noise(self) -> None:
        """H43: bytes without any sense, in any pieces: only answers come back; the servers live."""
        chance = random.Random(43)
        for server in ("", "ss1"):
            for _ in range(60):
                line = self.line(server)
                for _ in range(4):
                    noise = chance.randbytes(chance.randrange(1, 400))
                    if not line.lost:
                        line.write(noise)
                        self.cluster.advance(0.01)
                for said in line.heard.split(b"\n")[:-1]:
                    self.assertRegex(said, ANSWER)
                line.hang_up()
        self.get(self.alice.put("d.txt", b"text"))
        self.assertEqual(self.text("d.txt"), b"text")

    def test_hidden(self) -> None:
        """H46: what hides in, or behind, a line that is too long is not executed."""
        for length in (1_000, 1_024, 4_096, 16_384, 65_536, 1_048_576):
            for around in (-1, 0, 1):
                for gap in (b"", b"\n", b"\r\n", b"\r"):
                    line = self.line()
                    self.say(line, b"LOGIN|eve\n")
                    filler = b"x" * (max(length, 16_386) + around)
                    said = self.say(line, filler + gap + b"CREATE|evil.txt\n")
                    self.assertTrue(said.startswith(b"ERROR|TOO_LARGE|"), said[:200])
                    if not line.lost:
                        line.hang_up()
        stranger = self.line()
        said = self.say(stranger, b"LOGIN|" + b"x" * 1_020 + b"\nLOGIN|eve\nCREATE|evil.txt\n")
        self.assertTrue(said.startswith(b"ERROR|TOO_LARGE|"), said[:200])
        self.assertEqual(self.get(self.alice.view(all=True)), [])

    def test_hidden_in_pieces(self) -> None:
        """H46: a line that is too long may come in any pieces; nothing of it is a request."""
        line = self.line()
        self.say(line, b"LOGIN|eve\n")
        for _ in range(40):
            if line.lost:
                break
            line.write(b"CREATE|evil.txt " * 64)
            self.cluster.advance(0.01)
        line.write(b"\nCREATE|evil.txt\n")
        self.cluster.advance(1.0)
        self.assertIn(b"ERROR|TOO_LARGE|", line.heard)
        self.assertEqual(self.get(self.alice.view(all=True)), [])


class NameTests(HistoryCase):
    """Names that look like something else."""

    def test_names(self) -> None:
        """H44: each name is one document, which is there with its own text after restarts."""
        for name in NAMES:
            self.get(self.alice.create(name))
            self.get(self.alice.append(name, f"I am {name}"))
            self.refused(self.alice.create(name), Exists)
        for _ in range(2):
            for name in NAMES:
                self.assertEqual(self.text(name).decode(), f"I am {name}")
                self.assertEqual(self.get(self.alice.info(name)).index.path, name)
            paths = [line.path for line in self.get(self.alice.view())]
            self.assertEqual(sorted(paths), sorted(NAMES))
            self.restart_nm()
            self.restart()
        for name in NAMES:
            self.get(self.alice.delete(name))
        self.restart_nm()
        self.assertEqual(self.get(self.alice.view()), [])

    def test_same_line_by_hand(self) -> None:
        """H44: a name typed with its escapes is the same document as the one with the sign."""
        line = self.line()
        self.say(line, b"LOGIN|eve\n")
        self.assertTrue(self.say(line, b"CREATE|a%7Cb\n").startswith(b"OK|"))
        self.assertTrue(self.say(line, b"CREATE|a%7cb\n").startswith(b"ERROR|EXISTS|"))
        session: Session = self.person("eve")
        self.assertEqual(self.get(session.read("a|b")), b"")
