"""Documents, history, rights and names of the specification, as tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, ClassVar

from twisted.internet.defer import Deferred

from dfs.client.session import Session
from dfs.core import paths
from dfs.errors import (
    DFSError,
    Exists,
    Invalid,
    NotFound,
    Unauthenticated,
    Unauthorized,
    Unavailable,
)
from dfs.sim.cluster import START
from dfs.ss.service import Settings
from dfs.wire.messages import (
    AddAccess,
    Append,
    Create,
    Delete,
    GetInfo,
    ListUsers,
    Locate,
    Login,
    Read,
    RemAccess,
    Servers,
    View,
)
from tests.spec.people import PeopleCase

#: What somebody does with a document.
Deed = Callable[[Session, str], Deferred[Any]]

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


def streamed(session: Session, path: str) -> Deferred[bytes]:
    """The first word of a document."""
    return session.stream(path, 0.0).read()


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


class HistoryTests(PeopleCase):
    """UNDO and REDO."""

    def test_depth(self) -> None:
        """Sixteen changes can be taken back, one by one; then there is nothing to undo."""
        self.run_(self.alice.create("a.txt"))
        for number in range(20):
            self.run_(self.alice.append("a.txt", f"{number} "))
        seen = []
        for _ in range(16):
            self.run_(self.alice.undo("a.txt"))
            seen.append(len(self.read("a.txt").split()))
        self.assertEqual(seen, list(range(19, 3, -1)))
        self.assertIn("Nothing to undo", self.refused(self.alice.undo("a.txt"), DFSError))
        self.assertEqual(self.read("a.txt"), b"0 1 2 3 ")

    def test_new_document(self) -> None:
        """A document to which nothing happened has nothing to undo or redo."""
        self.run_(self.alice.create("a.txt"))
        self.assertIn("Nothing to undo", self.refused(self.alice.undo("a.txt"), DFSError))
        self.assertIn("Nothing to redo", self.refused(self.alice.redo("a.txt"), DFSError))

    def test_redo(self) -> None:
        """REDO goes forward as far as UNDO went back, until the next change."""
        for text in (b"1", b"2", b"3", b"4"):
            self.put("a.txt", text)
        for _ in range(3):
            self.run_(self.alice.undo("a.txt"))
        for expected in (b"2", b"3"):
            self.run_(self.alice.redo("a.txt"))
            self.assertEqual(self.read("a.txt"), expected)
        self.put("a.txt", b"new")
        self.assertIn("Nothing to redo", self.refused(self.alice.redo("a.txt"), DFSError))
        for expected in (b"3", b"2", b"1"):
            self.run_(self.alice.undo("a.txt"))
            self.assertEqual(self.read("a.txt"), expected)

    def test_whoever_made_it(self) -> None:
        """UNDO takes back the last change of the document, whoever made it."""
        self.shared("a.txt", b"first", writers=["bob"])
        self.put("a.txt", b"of alice")
        self.run_(self.bob.undo("a.txt"))
        self.assertEqual(self.read("a.txt"), b"first")
        self.run_(self.alice.redo("a.txt"))
        self.assertEqual(self.read("a.txt"), b"of alice")

    def test_every_change(self) -> None:
        """WRITE, PUT and APPEND are one change each; granting and reading are none."""
        self.put("a.txt", b"a.")
        self.write("a.txt", 0, (0, "b. c"), (0, "d"))
        self.run_(self.alice.append("a.txt", "e"))
        self.run_(self.alice.add_access("a.txt", "bob", "w"))
        self.read("a.txt", self.bob)
        seen = []
        for _ in range(2):
            self.run_(self.alice.undo("a.txt"))
            seen.append(self.read("a.txt"))
        self.assertEqual(seen, [b"d b. c a.", b"a."])
        self.assertEqual(self.read("a.txt", self.bob), b"a.")

    def test_after_a_restart(self) -> None:
        """What can be undone and redone survives the storage server."""
        for text in (b"1", b"2", b"3"):
            self.put("a.txt", text)
        self.run_(self.alice.undo("a.txt"))
        self.cluster.stop("ss1")
        self.cluster.start("ss1")
        self.cluster.advance(1.0)
        self.run_(self.alice.redo("a.txt"))
        self.assertEqual(self.read("a.txt"), b"3")
        self.run_(self.alice.undo("a.txt"))
        self.run_(self.alice.undo("a.txt"))
        self.assertEqual(self.read("a.txt"), b"1")


class ShortHistoryTests(PeopleCase):
    """The configured depth."""

    settings: ClassVar[Settings] = Settings(undo_depth=2)

    def test_depth(self) -> None:
        """With a depth of two, two changes can be taken back."""
        for text in (b"1", b"2", b"3", b"4"):
            self.put("a.txt", text)
        for expected in ("OK", "OK"):
            self.assertEqual(self.code(self.alice.undo("a.txt")), expected)
        self.assertIn("Nothing to undo", self.refused(self.alice.undo("a.txt"), DFSError))
        self.assertEqual(self.read("a.txt"), b"2")


#: Who may: owner, writer, reader, stranger.
RIGHTS: list[tuple[str, Deed, str]] = [
    ("READ", lambda who, path: who.read(path), "yyyn"),
    ("GET", lambda who, path: who.open_read(path), "yyyn"),
    ("STREAM", streamed, "yyyn"),
    ("INFO", lambda who, path: who.info(path), "yyyn"),
    ("PUT", lambda who, path: who.put(path, b"new"), "yynn"),
    ("PUT, large", lambda who, path: who.put(path, b"new" * 50_000), "yynn"),
    ("APPEND", lambda who, path: who.append(path, "more"), "yynn"),
    ("UNDO", lambda who, path: who.undo(path), "yynn"),
    ("REDO", lambda who, path: who.redo(path), "yynn"),
    ("WRITE", lambda who, path: who.write(path, 0), "yynn"),
    ("ADDACCESS -R", lambda who, path: who.add_access(path, "erin", "r"), "ynnn"),
    ("ADDACCESS -W", lambda who, path: who.add_access(path, "erin", "w"), "ynnn"),
    ("ADDACCESS, oneself", lambda who, path: who.add_access(path, who.user, "w"), "*nnn"),
    ("REMACCESS", lambda who, path: who.rem_access(path, "bob"), "ynnn"),
    ("DELETE", lambda who, path: who.delete(path), "ynnn"),
    ("CREATE", lambda who, path: who.create(path), "EEEE"),
]


class RightsTests(PeopleCase):
    """Who may do what."""

    def test_table(self) -> None:
        """Each verb is open to those whom the specification names, and to nobody else."""
        people = [self.alice, self.bob, self.carol, self.person("dave")]
        self.person("erin")
        words = {"y": ("OK",), "n": ("UNAUTHORIZED",), "E": ("EXISTS",), "*": ("OK", "INVALID")}
        for number, (verb, deed, allowed) in enumerate(RIGHTS):
            for who, may in zip(people, allowed, strict=True):
                path = f"{number} {who.user}"
                self.shared(path, b"one", "carol", writers=["bob"])
                self.put(path, b"two")
                self.put(path, b"three")
                self.run_(self.alice.undo(path))
                code = self.code(deed(who, path))
                self.assertIn(code, words[may], f"{verb} by {who.user}")
                if may == "n":
                    self.assertEqual(self.read(path), b"two")
                    grants = self.run_(self.alice.info(path)).index.grants
                    self.assertEqual(sorted(grants), ["r:carol", "w:bob"])

    def test_nobody(self) -> None:
        """Whoever did not say who they are is asked to, whatever they want."""
        self.put("a.txt", b"secret")
        nobody = self.cluster.dial()
        for request in (
            Create("b.txt"),
            Locate("a.txt", "r"),
            GetInfo("a.txt"),
            Delete("a.txt"),
            AddAccess("a.txt", "bob", "w"),
            RemAccess("a.txt", "bob"),
        ):
            self.refused(nobody.ask(request), Unauthenticated)
        for listing in (View(), View(all=True), ListUsers(), Servers()):
            self.refused(nobody.ask_items(listing).read(), Unauthenticated)
        nobody.close()
        self.assertEqual([line.path for line in self.run_(self.alice.view(True))], ["a.txt"])

    def test_missing(self) -> None:
        """A document that is not there is NOT_FOUND for everybody and every verb."""
        for verb, deed, _ in RIGHTS:
            if not verb.startswith(("PUT", "CREATE")):
                with self.subTest(verb):
                    self.assertEqual(self.code(deed(self.alice, "no.txt")), "NOT_FOUND")

    def test_taken_away(self) -> None:
        """A right that was taken away is gone at once, also for who holds a fresh ticket."""
        self.shared("a.txt", b"one", writers=["bob"])
        self.read("a.txt", self.bob)
        self.run_(self.bob.append("a.txt", " two"))
        self.run_(self.alice.rem_access("a.txt", "bob"))
        self.refused(self.bob.read("a.txt"), Unauthorized)
        self.refused(self.bob.append("a.txt", " three"), Unauthorized)
        self.assertEqual(self.read("a.txt"), b"one two")

    def test_taken_away_from_a_ticket(self) -> None:
        """A ticket from before does not outlive the right that it was given for."""
        self.shared("a.txt", b"one", writers=["bob"])
        desk = self.cluster.dial()
        self.run_(desk.ask(Login("bob")))
        ticket = self.run_(desk.ask(Locate("a.txt", "w"))).ticket
        self.run_(self.alice.rem_access("a.txt", "bob"))
        server = self.cluster.dial("ss1")
        self.refused(server.ask(Append(ticket, "more")), Unauthorized)
        self.refused(server.ask_content(Read(ticket)).read(), Unauthorized)
        desk.close()
        server.close()
        self.assertEqual(self.read("a.txt"), b"one")

    def test_write_means_read(self) -> None:
        """-W grants both; a second grant replaces the first; a right to read does not grow."""
        self.shared("a.txt", b"one", writers=["bob"])
        self.assertEqual(self.read("a.txt", self.bob), b"one")
        self.run_(self.alice.add_access("a.txt", "carol", "r"))
        self.refused(self.carol.append("a.txt", "x"), Unauthorized)
        self.run_(self.alice.add_access("a.txt", "carol", "w"))
        self.run_(self.carol.append("a.txt", "x"))

    def test_the_owner_keeps_both(self) -> None:
        """Whatever is granted or taken away, the owner reads and writes."""
        self.put("a.txt", b"one")
        for deed in (
            self.alice.rem_access("a.txt", "alice"),
            self.alice.add_access("a.txt", "alice", "r"),
        ):
            self.assertIn(self.code(deed), ("OK", "INVALID"))
            self.run_(self.alice.append("a.txt", "x"))
        self.assertEqual(self.read("a.txt"), b"onexx")

    def test_a_grant_that_cannot_be(self) -> None:
        """H12: a grant of nothing, to nobody, or of an unknown kind is an error."""
        self.put("a.txt", b"one")
        for user, right, error in (
            ("bob", "x", Invalid),
            ("bob", "", Invalid),
            ("bob", "rw", Invalid),
            ("bob", "-R", Invalid),
            ("nobody", "r", NotFound),
            ("", "r", DFSError),
        ):
            self.refused(self.alice.add_access("a.txt", user, right), error)
        self.refused(self.alice.rem_access("a.txt", "nobody"), DFSError)
        self.assertEqual(self.run_(self.alice.info("a.txt")).index.grants, ())


class ListTests(PeopleCase):
    """VIEW, LIST, SERVERS, INFO, STREAM."""

    def test_view(self) -> None:
        """VIEW shows what one may read, -a everything, with what one may do."""
        self.shared("b.txt", b"one two", "bob")
        self.shared("a.txt", b"one", writers=["bob"])
        self.put("c.txt", b"secret words here")
        lines = {line.path: line for line in self.run_(self.bob.view())}
        self.assertEqual(
            {path: line.right for path, line in lines.items()}, {"a.txt": "w", "b.txt": "r"}
        )
        line = lines["b.txt"]
        self.assertEqual(
            (line.owner, line.words, line.characters, line.size, line.server, line.modified_by),
            ("alice", 2, 7, 7, "ss1", "alice"),
        )
        self.assertEqual(
            sorted((line.path, line.right) for line in self.run_(self.bob.view(True))),
            [("a.txt", "w"), ("b.txt", "r"), ("c.txt", "-")],
        )
        self.assertEqual(self.run_(self.carol.view()), [])
        self.assertEqual({line.right for line in self.run_(self.alice.view())}, {"o"})

    def test_figures(self) -> None:
        """H15: sizes and counts are right at once after every change, in INFO and in VIEW."""
        for content, words, characters, sentences in (
            (b"", 0, 0, 0),
            (b"one", 1, 3, 1),
            (b"one two. Three\n", 3, 15, 2),
            ("ä. ö! ü?".encode(), 3, 8, 3),
            (b"e.g. this", 3, 9, 3),
            (b"Well... yes", 2, 11, 2),
            (b" \n\t ", 0, 4, 0),
        ):
            self.put("a.txt", content)
            [line] = self.run_(self.alice.view())
            info = self.run_(self.alice.info("a.txt"))
            index, facts = info.index, info.facts
            assert facts is not None
            with self.subTest(content):
                self.assertEqual(
                    (line.words, line.characters, line.size), (words, characters, len(content))
                )
                for one in (index, facts):
                    self.assertEqual(
                        (one.words, one.characters, one.sentences, one.size),
                        (words, characters, sentences, len(content)),
                    )
                    self.assertEqual(one.sha256, hashlib.sha256(content).hexdigest())

    def test_info(self) -> None:
        """INFO tells owner, times and by whom, readers, locks and access list."""
        self.shared("a.txt", b"one. two.", "carol", writers=["bob"])
        self.cluster.advance(100.0)
        self.run_(self.bob.append("a.txt", " three."))
        self.cluster.advance(100.0)
        self.read("a.txt", self.carol)
        session = self.run_(self.bob.write("a.txt", 1))
        info = self.run_(self.alice.info("a.txt"))
        index, facts = info.index, info.facts
        assert facts is not None
        self.assertEqual((index.owner, index.modified_by, index.right), ("alice", "bob", "o"))
        self.assertTrue(START <= index.created < START + 50)
        self.assertTrue(START + 100 <= index.modified < START + 150)
        self.assertTrue(START + 200 <= facts.accessed < START + 250)
        self.assertEqual((facts.accessed_by, facts.undo), ("carol", 2))
        self.assertEqual(sorted(index.grants), ["r:carol", "w:bob"])
        [lock] = facts.locks
        self.assertRegex(lock, r"^bob 2023-11-14T22:16:4\dZ two\.$")
        self.run_(session.abort())

    def test_users(self) -> None:
        """LIST shows everybody who ever logged in, and who is there now."""
        self.carol.close()
        self.cluster.advance(1.0)
        users = {line.user: line.online for line in self.run_(self.alice.users())}
        self.assertEqual(users, {"alice": True, "bob": True, "carol": False})
        self.cluster.stop_nm()
        self.cluster.start_nm()
        self.cluster.advance(2.0)
        users = {line.user: line.online for line in self.run_(self.alice.users())}
        self.assertEqual(sorted(users), ["alice", "bob", "carol"])
        self.assertEqual((users["alice"], users["carol"]), (True, False))

    def test_servers(self) -> None:
        """SERVERS shows who lives, in which role, and whether documents are protected."""
        self.put("a.txt", b"one")
        self.cluster.advance(6.0)  # a heartbeat
        [line] = self.run_(self.alice.servers())
        self.assertEqual(
            (line.name, line.role, line.state, line.pair, line.documents, line.protection),
            ("ss1", "primary", "LIVE", "ss1", 1, "UNPROTECTED"),
        )
        self.cluster.start("ss1_backup")
        self.cluster.start("ss2")
        self.cluster.advance(6.0)
        lines = {line.name: line for line in self.run_(self.alice.servers())}
        self.assertEqual(
            {name: (line.role, line.pair, line.state) for name, line in lines.items()},
            {
                "ss1": ("primary", "ss1", "LIVE"),
                "ss1_backup": ("backup", "ss1", "LIVE"),
                "ss2": ("primary", "ss2", "LIVE"),
            },
        )
        self.cluster.stop("ss2")
        self.cluster.advance(1.0)
        lines = {line.name: line for line in self.run_(self.alice.servers())}
        self.assertEqual(lines["ss2"].state, "FAILED")

    def test_backup_takes_nothing_new(self) -> None:
        """New documents go to primaries only; without a primary CREATE is refused."""
        self.cluster.start("ss2_backup")
        self.cluster.advance(2.0)
        for number in range(6):
            self.run_(self.alice.create(f"{number}.txt"))
        self.assertEqual({line.server for line in self.run_(self.alice.view())}, {"ss1"})
        self.cluster.stop("ss1")
        self.cluster.advance(1.0)
        self.refused(self.alice.create("late.txt"), Unavailable)
        self.assertEqual(len(self.run_(self.alice.view())), 6)

    def test_stream(self) -> None:
        """STREAM goes word by word, a tenth of a second apart, separators kept."""
        content = b"one  two\tthree.\nfour\n"
        self.put("a.txt", content)
        begun = self.cluster.clock.seconds()
        pieces = self.words("a.txt")
        took = self.cluster.clock.seconds() - begun
        self.assertEqual(b"".join(pieces), content)
        self.assertEqual([piece.strip() for piece in pieces], [b"one", b"two", b"three.", b"four"])
        self.assertTrue(0.3 <= took <= 0.6, took)
        begun = self.cluster.clock.seconds()
        self.words("a.txt", delay=2.0)
        self.assertTrue(6.0 <= self.cluster.clock.seconds() - begun <= 9.0)

    def test_stream_survives_its_server(self) -> None:
        """A STREAM whose server restarts goes on from the next word, nothing twice."""
        content = b" ".join(b"w%d" % number for number in range(50))
        self.put("a.txt", content)
        words = self.alice.stream("a.txt", 0.1)
        pieces = [self.run_(words.read()) for _ in range(20)]
        self.cluster.stop("ss1")
        self.cluster.start("ss1")
        while piece := self.run_(words.read()):
            pieces.append(piece)
        self.assertEqual(b"".join(pieces), content)


class NameTests(PeopleCase):
    """Paths."""

    LEGAL = (
        "a",
        "a b",
        " a",
        "a ",
        "a|b",
        "|",
        "c,d",
        "x=y",
        "all=1",
        "#1",
        "%41",
        "%7C",
        "A",
        "'quoted'",
        '"twice"',
        "back\\slash",
        "-a",
        "...",
        ".hidden",
        "a.",
        "~",
        "*",
        "$(x)",
        "grüße.txt",
        "日本/語.txt",
        "🙂",
        "reports/2026/q3.txt",
        "x" * 255,
        "ä" * 127,
        " a /\u00a0b ",
        "/".join(["y" * 255] * 4),
        "/".join(["z"] * 512),
    )

    ILLEGAL = (
        "",
        "/",
        ".",
        "..",
        "a//b",
        "a/",
        "a/./b",
        "a/../b",
        "../a",
        "/../a",
        "a/..",
        "a\0b",
        "a\nb",
        "a\rb",
        "a\tb",
        "a\x01b",
        "a\x1fb",
        "a\x7fb",
        "a\x85b",
        "a\udcffb",
        "x" * 256,
        "ä" * 128,
        "/".join(["y" * 200] * 6),
    )

    def test_legal(self) -> None:
        """H44: each legal name is a document of its own, after a restart too."""
        for path in self.LEGAL:
            self.put(path, path.encode())
        self.cluster.stop_nm()
        self.cluster.stop("ss1")
        self.cluster.start("ss1")
        self.cluster.start_nm()
        self.cluster.advance(5.0)
        self.assertEqual(
            sorted(line.path for line in self.run_(self.alice.view())), sorted(self.LEGAL)
        )
        for path in self.LEGAL:
            self.assertEqual(self.read(path), path.encode())
            self.assertEqual(self.run_(self.alice.info(path)).index.path, path)
            self.run_(self.alice.add_access(path, "bob", "r"))
            self.assertEqual(self.read(path, self.bob), path.encode())
            self.run_(self.alice.delete(path))
        self.assertEqual(self.run_(self.alice.view(True)), [])

    def test_leading_slash(self) -> None:
        """A leading slash means the same path without it."""
        self.put("/a/b.txt", b"one")
        self.assertEqual(self.read("a/b.txt"), b"one")
        self.refused(self.alice.create("a/b.txt"), Exists)
        [line] = self.run_(self.alice.view())
        self.assertEqual(line.path, "a/b.txt")

    def test_same_spelling(self) -> None:
        """Two ways to write one accent are one name; both reach the document."""
        self.put("caf\u00e9", b"one")
        self.assertEqual(self.read("cafe\u0301"), b"one")

    def test_illegal(self) -> None:
        """H61: other names are refused by the library, with INVALID, in every verb."""
        for path in self.ILLEGAL:
            for verb, deed, _ in RIGHTS:
                with self.subTest(path=path[:20], verb=verb):
                    self.assertEqual(self.illegal(deed, path), "INVALID")
        self.assertEqual(self.run_(self.alice.view(True)), [])

    def illegal(self, deed: Deed, path: str) -> str:
        """The code of a refusal, at once or later."""
        try:
            return self.code(deed(self.alice, path))
        except DFSError as error:
            return error.code

    def test_illegal_on_the_wire(self) -> None:
        """H61: a client that does not look at names itself is refused by the name server."""
        desk = self.cluster.dial()
        self.run_(desk.ask(Login("alice")))
        for path in self.ILLEGAL:
            if "\udcff" in path:
                continue
            for request in (
                Create(path),
                Locate(path, "r"),
                GetInfo(path),
                Delete(path),
                AddAccess(path, "bob", "r"),
                RemAccess(path, "bob"),
            ):
                with self.subTest(path=path[:20], verb=request.verb):
                    self.refused(desk.ask(request), Invalid)
        desk.close()

    def test_deep(self) -> None:
        """1,024 bytes are a path, 1,025 are none."""
        path = "/".join(["z" * 204] * 5)
        self.assertEqual(len(path), 1_024)
        self.put(path, b"deep")
        self.assertEqual(self.read(path), b"deep")
        self.refused(self.alice.create(path + "z"), Invalid)
        self.assertRaises(Invalid, paths.normalize, path + "z")


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
