"""Documents of the specification: their content, their end, and their servers away."""

from __future__ import annotations

import hashlib

from dfs.errors import (
    DFSError,
    NotFound,
    Unauthorized,
)
from dfs.wire.messages import (
    Append,
    Locate,
    Login,
    Read,
)
from tests.spec.people import PeopleCase

CONTENTS = {
    "nothing": b"",
    "every byte": bytes(range(256)),
    "NUL": b"a\0b",
    "0x01": b"a\x01b",
    "0xFF": b"\xff\xff.\xff",
    "CR": b"a\rb\r",
    "LF": b"a\nb\n\n",
    "CR LF": b"a\r\nb",
    "lines of the protocol": b"OK|\nDATA|5\nSTOP|0|\nERROR|INTERNAL|no\n#1|QUIT\n",
    "escapes": b"%7C%0A|||\\n\\t\\\\",
    "no white space": b"x" * 70_000,
    "white space alone": b" \t\r\n" * 1_000,
    "above the inline limit": bytes(range(256)) * 1_024,
}


class ContentTests(PeopleCase):
    """Content is bytes."""

    def test_every_way_out(self) -> None:
        """H7: content is stored exactly, and comes back so from READ, GET, STREAM and UNDO."""
        for path, content in CONTENTS.items():
            self.run_(self.alice.create(path))
            committed = self.run_(self.alice.put(path, content))
            with self.subTest(path):
                self.assertEqual(committed.size, len(content))
                self.assertEqual(self.read(path), content)
                self.assertEqual(self.download(path), content)
                self.assertEqual(b"".join(self.words(path, delay=0.0)), content)
                self.put(path, b"other")
                self.run_(self.alice.undo(path))
                self.assertEqual(self.read(path), content)
        self.restart()
        for path, content in CONTENTS.items():
            self.assertEqual(self.read(path), content, path)
            info = self.run_(self.alice.info(path))
            self.assertEqual(info.index.sha256, hashlib.sha256(content).hexdigest())

    def test_append(self) -> None:
        """H7: APPEND adds exactly what it was given, as one change."""
        self.run_(self.alice.create("a.txt"))
        content = b""
        for piece in CONTENTS.values():
            self.run_(self.alice.append("a.txt", piece))
            content += piece
            self.assertEqual(self.read("a.txt"), content)
        self.run_(self.alice.append("a.txt", "ä|\n"))
        self.run_(self.alice.undo("a.txt"))
        self.assertEqual(self.read("a.txt"), content)

    def download(self, path: str) -> bytes:
        """What GET gets."""
        download = self.run_(self.alice.open_read(path))
        pieces = []
        while piece := self.run_(download.read()):
            pieces.append(piece)
        return b"".join(pieces)

    def restart(self) -> None:
        """Everything stops and starts again."""
        self.cluster.stop("ss1")
        self.cluster.stop_nm()
        self.cluster.start_nm()
        self.cluster.start("ss1")
        self.cluster.advance(5.0)


class DeletedTests(PeopleCase):
    """DELETE."""

    def test_nothing_left(self) -> None:
        """H9: a name that is used again is another document: no text, undo or right of the old."""
        self.shared("a.txt", b"old", "carol", writers=["bob"])
        self.put("a.txt", b"older")
        self.read("a.txt", self.bob)
        old = self.run_(self.alice.info("a.txt")).index.id
        self.run_(self.alice.delete("a.txt"))
        self.refused(self.bob.read("a.txt"), NotFound)
        self.assertNotEqual(self.run_(self.carol.create("a.txt")), old)
        self.assertEqual(self.read("a.txt", self.carol), b"")
        self.refused(self.carol.undo("a.txt"), DFSError)
        self.refused(self.carol.redo("a.txt"), DFSError)
        for stranger in (self.alice, self.bob):
            self.refused(stranger.read("a.txt"), Unauthorized)
            self.refused(stranger.append("a.txt", "mine"), Unauthorized)
            self.refused(stranger.info("a.txt"), Unauthorized)
        self.assertEqual(self.run_(self.carol.info("a.txt")).index.grants, ())

    def test_open_ticket(self) -> None:
        """A ticket for a deleted document opens nothing, also when its name is used again."""
        self.put("a.txt", b"old")
        desk = self.cluster.dial()
        self.run_(desk.ask(Login("alice")))
        ticket = self.run_(desk.ask(Locate("a.txt", "w"))).ticket
        self.run_(self.alice.delete("a.txt"))
        self.run_(self.carol.create("a.txt"))
        server = self.cluster.dial("ss1")
        self.refused(server.ask(Append(ticket, "x")), DFSError)
        self.refused(server.ask_content(Read(ticket)).read(), DFSError)
        desk.close()
        server.close()
        self.assertEqual(self.read("a.txt", self.carol), b"")

    def test_stays_deleted(self) -> None:
        """After a restart of both servers a deleted document is still gone."""
        self.put("a.txt", b"old")
        self.run_(self.alice.delete("a.txt"))
        self.cluster.stop("ss1")
        self.cluster.stop_nm()
        self.cluster.start("ss1")
        self.cluster.start_nm()
        self.cluster.advance(5.0)
        self.assertEqual(self.run_(self.alice.view(True)), [])
        self.refused(self.alice.read("a.txt"), NotFound)
        [line] = self.run_(self.alice.servers())
        self.assertEqual(line.documents, 0)


class AwayTests(PeopleCase):
    """A storage server that is away."""

    def test_codes(self) -> None:
        """Without its server a document is UNAVAILABLE; its name is known and INFO says why."""
        self.shared("a.txt", b"one", "bob")
        self.cluster.stop("ss1")
        for deed in (
            lambda: self.alice.read("a.txt"),
            lambda: self.alice.append("a.txt", "x"),
            lambda: self.alice.put("a.txt", b"x"),
            lambda: self.alice.undo("a.txt"),
            lambda: self.alice.write("a.txt", 0),
            lambda: self.alice.delete("a.txt"),
            lambda: self.alice.create("b.txt"),
        ):
            self.assertEqual(self.code(deed()), "UNAVAILABLE")
        info = self.run_(self.bob.info("a.txt"))
        self.assertEqual((info.index.size, info.facts), (3, None))
        self.assertTrue(info.note)
        self.refused(self.carol.read("a.txt"), Unauthorized)
        self.cluster.start("ss1")
        self.assertEqual(self.read("a.txt"), b"one")
        self.assertEqual([line.path for line in self.run_(self.alice.view(True))], ["a.txt"])

    def test_rights_meanwhile(self) -> None:
        """What is granted and taken away while the server is away holds when it is back."""
        self.shared("a.txt", b"one", writers=["bob"])
        self.read("a.txt", self.bob)
        self.cluster.stop("ss1")
        self.run_(self.alice.rem_access("a.txt", "bob"))
        self.run_(self.alice.add_access("a.txt", "carol", "r"))
        self.cluster.start("ss1")
        self.assertEqual(self.read("a.txt", self.carol), b"one")
        self.refused(self.bob.read("a.txt"), Unauthorized)
        self.refused(self.bob.append("a.txt", "x"), Unauthorized)

    def test_short_absence(self) -> None:
        """A person whose server restarts meanwhile sees a pause and no error."""
        self.put("a.txt", b"one")
        self.cluster.stop("ss1")
        self.cluster.advance(0.1)
        reading = self.alice.read("a.txt")
        writing = self.alice.append("a.txt", " two")
        self.cluster.advance(3.0)
        self.cluster.start("ss1")
        self.assertTrue(self.run_(reading).startswith(b"one"))
        self.run_(writing)
        self.assertEqual(self.read("a.txt"), b"one two")

    def test_back_within_seconds(self) -> None:
        """However long a server was away, documents are usable 5 s after it is back."""
        self.put("a.txt", b"one")
        for away in (1.0, 20.0, 100.0, 1_000.0):
            for target in ("nm", "ss1", "both"):
                self.end_and_begin(target, away)
                begun = self.cluster.clock.seconds()
                self.run_(self.person("dave").view())
                self.run_(self.alice.append("a.txt", "x"))
                self.run_(self.alice.create(f"{target} {away}"))
                took = self.cluster.clock.seconds() - begun
                self.assertLess(took, 5.0, f"{target} was away for {away} s")

    def end_and_begin(self, target: str, away: float) -> None:
        """Crash a server, and start it again."""
        if target != "nm":
            self.cluster.crash("ss1")
        if target != "ss1":
            self.cluster.crash_nm()
        self.cluster.advance(away)
        if target != "nm":
            self.cluster.start("ss1")
        if target != "ss1":
            self.cluster.start_nm()
