"""Rights of the specification, as tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from dfs.client.session import Session
from dfs.errors import (
    DFSError,
    Invalid,
    NotFound,
    Unauthenticated,
    Unauthorized,
)
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


def streamed(session: Session, path: str) -> Deferred[bytes]:
    """The first word of a document."""
    return session.stream(path, 0.0).read()


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
