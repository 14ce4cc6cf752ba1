"""Strangers, forgers, and names that want out."""

from __future__ import annotations

from typing import Any

from dfs.errors import DFSError, Moved, NotFound, Unauthenticated, Unauthorized
from dfs.sim.chance import drawn as chance
from dfs.sim.cluster import NM
from dfs.wire.client import Connection
from dfs.wire.greeting import greet, greet_as_client
from dfs.wire.messages import (
    AddAccess,
    Append,
    Create,
    Delete,
    DeleteFile,
    Edit,
    Etirw,
    GetFileContent,
    GetInfo,
    Goodbye,
    Heartbeat,
    Hello,
    ListUsers,
    Locate,
    Prove,
    Put,
    PutFolders,
    PutMetadata,
    Read,
    Redo,
    RemAccess,
    Request,
    Servers,
    SSRegister,
    Stat,
    Stream,
    Undo,
    View,
    Write,
    WriteComplete,
)
from tests.histories.case import HistoryCase

SHA256 = "ab" * 32

#: Names that nothing may have.
NO_NAMES = [
    "",
    "/",
    "//",
    ".",
    "..",
    "./a",
    "../a",
    "../../../../etc/passwd",
    "a/../b",
    "a/..",
    "a/.",
    "a//b",
    "a/",
    "//etc/passwd",
    "/../etc/passwd",
    "a\x00b",
    "a\nb",
    "a\rb",
    "a\x1bb",
    "a\x7fb",
    "a\u0085b",
    "x" * 256,
    "/".join(["x" * 200] * 6),
]

#: Names that look dangerous, and are text like any other.
HARMLESS = [
    "/etc/passwd",
    "etc/shadow",
    "dev/null",
    "/dev/zero",
    "proc/self/environ",
    "%2e%2e%2fa",
    "..%2F..%2Fa",
    "%2e%2e/%2e%2e/a",
    "...",
    "..a",
    "a..",
    "..\\..\\a",
    "C:\\autoexec.bat",
    "C:",
    "COM1",
    "lpt1.txt",
    "aux",
    "store.db",
    "objects/00",
    "journal.db",
    "cluster.secret",
    "~root",
]


class TrustCase(HistoryCase):
    """
    A document of alice's, and everything that may not become of it.
    """

    def setUp(self) -> None:
        super().setUp()
        self.document = self.get(self.alice.create("d.txt"))
        self.get(self.alice.append("d.txt", "secret"))
        self.before = self.picture()

    def picture(self) -> Any:
        """All that anybody else could have changed."""
        servers = [
            (line.name, line.state, line.address, line.epoch)
            for line in self.get(self.alice.servers())
        ]
        info = self.get(self.alice.info("d.txt"))
        return servers, info.index, self.text("d.txt")

    def unchanged(self) -> None:
        """Nothing became of it, now and when the next heartbeats are over."""
        self.assertEqual(self.picture(), self.before)
        self.cluster.advance(20.0)
        self.assertEqual(self.picture(), self.before)

    def internal(self) -> list[Request[Any]]:
        """What only servers say."""
        return [
            SSRegister("127.0.0.1:6666", "5" * 32, "", 1, 0, 0, 0, 0),
            Heartbeat(1, 0, 0),
            WriteComplete(
                *(9, self.document, "9.0", 1, SHA256, 1, 1, 1, 1, True, 1.0, "eve", 9, 0, 0, True)
            ),
            Goodbye("I am ss1"),
            PutMetadata(self.document, 1, "0", "d.txt", "eve", ("w:eve",), 1.0, 9, 9),
            PutFolders(1, 1),
            DeleteFile(self.document, 1, "alice"),
            GetFileContent(self.document, 1, SHA256),
        ]


class StrangerTests(TrustCase):
    """People who say what only servers may."""

    def test_internal_verbs(self) -> None:
        """H60: internal verbs from strangers and from users are refused on every server."""
        for server in ("", "ss1", "ss1_backup"):
            for user in ("", "eve", "ss1", "nm"):
                connection = self.cluster.dial(server)
                if user:
                    self.get(greet_as_client(connection, user))
                for request in self.internal():
                    if isinstance(request, GetFileContent):
                        self.refused(connection.ask_content(request).read(), Unauthenticated)
                    else:
                        self.refused(connection.ask(request), Unauthenticated)
                connection.close()
        self.unchanged()

    def test_wrong_secret(self) -> None:
        """H60: a server that does not know the secret is told nothing, and can do nothing."""
        for server, role, name in (("", "ss", "ss1"), ("", "ss", "ss9"), ("ss1", "nm", "nm")):
            connection = self.cluster.dial(server)
            greeting = greet(
                connection,
                role=role,
                name=name,
                peer_role="nm" if role == "ss" else "ss",
                secret=b"a guess",
                entropy=chance("eve"),
            )
            self.refused(greeting, Unauthenticated)
            connection.close()
            for proof in ("", "00", "0" * 64, "é"):
                connection = self.cluster.dial(server)
                welcome = self.get(connection.ask(Hello(1, role, name, nonce="1" * 32)))
                self.refused(connection.ask(Prove(proof)), Unauthenticated)
                # Nor is there a second try with what the server said itself.
                self.refused(connection.ask(Prove(welcome.proof)), Unauthenticated)
                self.refused(connection.ask(Heartbeat(1, 0, 0)), Unauthenticated)
                connection.close()
        self.unchanged()

    def test_reflection(self) -> None:
        """H60: what a server proves to one connection is no proof on another."""
        for server, role, name in (("", "ss", "ss1"), ("ss1", "nm", "nm")):
            victim = self.cluster.dial(server)
            challenge = self.get(victim.ask(Hello(1, role, name, nonce="2" * 32)))
            for other in ("", "ss1", "ss1_backup"):
                oracle = self.cluster.dial(other)
                for its_role in ("ss", "nm"):
                    try:
                        hello = Hello(1, its_role, name, nonce=challenge.nonce)
                        proof = self.get(oracle.ask(hello)).proof
                    except DFSError:
                        continue
                    self.refused(victim.ask(Prove(proof)), Unauthenticated)
                oracle.close()
            self.refused(victim.ask(Heartbeat(1, 0, 0)), Unauthenticated)
            victim.close()
        self.unchanged()

    def test_before_login(self) -> None:
        """H60: who did not say who they are learns nothing from the name server."""
        connection = self.cluster.dial()
        for request in (
            Create("x"),
            Locate("d.txt", "r"),
            GetInfo("d.txt"),
            Delete("d.txt"),
            AddAccess("d.txt", "eve", "w"),
            RemAccess("d.txt", "bob"),
        ):
            self.refused(connection.ask(request), Unauthenticated)
        for listing in (View(), View(all=True), ListUsers(), Servers()):
            self.refused(connection.ask_items(listing).read(), Unauthenticated)
        connection.close()
        self.unchanged()


class TicketTests(TrustCase):
    """What somebody may do who has a ticket, or made one."""

    def ticket(self, path: str, right: str, user: str = "alice") -> str:
        """A genuine one."""
        connection = self.cluster.dial()
        self.get(greet_as_client(connection, user))
        located = self.get(connection.ask(Locate(path, right)))
        connection.close()
        return located.ticket

    def everything(self, connection: Connection, ticket: str, error: type[DFSError]) -> None:
        """No verb opens the document with this."""
        for request in (
            Append(ticket, "evil"),
            Undo(ticket),
            Redo(ticket),
            Write(ticket, 0),
            Stat(ticket),
        ):
            self.refused(connection.ask(request), error)
        self.refused(connection.ask(Put(ticket), b"evil"), error)
        for reading in (Read(ticket), Stream(ticket)):
            self.refused(connection.ask_content(reading).read(), error)

    def test_forged(self) -> None:
        """H60: a ticket of which a character was changed opens nothing."""
        ticket, connection = self.ticket("d.txt", "w"), self.cluster.dial("ss1")
        for at, character in enumerate(ticket[:-1]):
            other = "A" if character != "A" else "B"
            forged = ticket[:at] + other + ticket[at + 1 :]
            self.refused(connection.ask(Stat(forged)), DFSError)
        for forged in ("", ".", "......", ticket[:-1], ticket + "A", "x" + ticket, "é", "a|b"):
            self.everything(connection, forged, Unauthenticated)
        connection.close()
        self.unchanged()

    def test_expired(self) -> None:
        """H60: a ticket is good for a minute, and then for nothing."""
        ticket, connection = self.ticket("d.txt", "w"), self.cluster.dial("ss1")
        self.get(connection.ask(Stat(ticket)))
        self.cluster.advance(61.0)
        self.everything(connection, ticket, Moved)
        connection.close()
        self.assertEqual(self.text("d.txt"), b"secret")

    def test_reader_ticket(self) -> None:
        """H62: with a ticket to read nothing can be changed."""
        self.get(self.alice.add_access("d.txt", "bob", "r"))
        ticket, connection = self.ticket("d.txt", "r", "bob"), self.cluster.dial("ss1")
        self.get(connection.ask(Stat(ticket)))
        for request in (Append(ticket, "evil"), Undo(ticket), Redo(ticket), Write(ticket, 0)):
            self.refused(connection.ask(request), Unauthorized)
        self.refused(connection.ask(Put(ticket), b"evil"), Unauthorized)
        self.refused(connection.ask(Edit(0, "evil")), DFSError)
        self.refused(connection.ask(Etirw()), DFSError)
        connection.close()
        self.assertEqual(self.text("d.txt"), b"secret")

    def test_elsewhere(self) -> None:
        """H60: a ticket opens nothing on a server that does not have the document."""
        ticket, backup = self.ticket("d.txt", "w"), self.cluster.dial("ss1_backup")
        self.everything(backup, ticket, DFSError)
        backup.close()
        self.unchanged()


class NameTests(TrustCase):
    """Names that want out of the place they are given."""

    def test_no_names(self) -> None:
        """H61: no verb takes a path that leads elsewhere, from the library or from a bare line."""
        connection = self.cluster.dial()
        self.get(greet_as_client(connection, "alice"))
        for path in NO_NAMES:
            for request in (
                Create(path),
                Locate(path, "r"),
                Locate(path, "w"),
                GetInfo(path),
                Delete(path),
                AddAccess(path, "bob", "r"),
                RemAccess(path, "bob"),
            ):
                said = self.refused(connection.ask(request), DFSError)
                self.assertNotIn("\n", said)
            self.refused(connection.ask(Create(path)), DFSError)
        connection.close()
        self.assertEqual([line.path for line in self.get(self.alice.view())], ["d.txt"])
        self.unchanged()

    def test_escaped_by_hand(self) -> None:
        """H61: an encoded slash is a slash, and an encoded dot a dot, whoever writes them."""
        line = self.line()
        self.say(line, b"LOGIN|alice\n")
        for path in (b"%2e%2e%2fa", b"..%2fa", b"a%2f..%2fb", b"%2E%2E", b"a%00", b"a%0a", b"%1b"):
            for verb in (b"CREATE|%b", b"INFO|%b", b"DELETE|%b", b"LOCATE|%b|r"):
                said = self.say(line, verb % path + b"\n")
                self.assertTrue(said.startswith(b"ERROR|INVALID|"), (path, said))
        self.unchanged()

    def test_harmless(self) -> None:
        """H61: what only looks like a way out is a document, kept under its own name."""
        for path in HARMLESS:
            self.get(self.alice.create(path))
            self.get(self.alice.append(path, path))
        self.restart()
        self.restart_nm()
        for path in HARMLESS:
            self.assertEqual(self.text(path), path.encode())
        paths = {line.path for line in self.get(self.alice.view())}
        self.assertEqual(paths, {path.removeprefix("/") for path in HARMLESS} | {"d.txt"})

    def test_user_names(self) -> None:
        """H61: a user whose name looks like a path is refused, or a user like any other."""
        for name in ("../root", "a/b", "..", "/", "a\x00b", "a\nb", "", " ", "x" * 300):
            connection = self.cluster.dial()
            try:
                self.get(greet_as_client(connection, name))
            except DFSError:
                self.refused(self.alice.add_access("d.txt", name, "r"), DFSError)
            else:
                self.assertTrue(name.isprintable())
                for request in (GetInfo("d.txt"), Delete("d.txt"), Locate("d.txt", "r")):
                    self.refused(connection.ask(request), Unauthorized)
                self.assertEqual(self.get(connection.ask_items(View()).read()), [])
            connection.close()
        self.unchanged()


class RightsTests(TrustCase):
    """Who may not."""

    def test_late_grant(self) -> None:
        """A right that was taken away stays away, whatever a network kept until then."""
        network = self.cluster.network
        clogged = {link for link in network.ends(NM) if not link.other.owner}
        network.held |= clogged
        granted = self.alice.add_access("d.txt", "bob", "r")
        self.cluster.advance(30.0)
        self.get(granted)
        self.get(self.alice.rem_access("d.txt", "bob"))
        network.release()
        self.cluster.advance(5.0)
        self.refused(self.bob.read("d.txt"), Unauthorized)

    def test_reader(self) -> None:
        """H62: a reader may read and ask, and change nothing: no UNDO, no right, no end."""
        self.get(self.alice.add_access("d.txt", "bob", "r"))
        self.get(self.bob.read("d.txt"))
        self.get(self.bob.info("d.txt"))
        for deed in (
            self.bob.undo("d.txt"),
            self.bob.redo("d.txt"),
            self.bob.append("d.txt", "x"),
            self.bob.put("d.txt", b"x"),
            self.bob.write("d.txt", 0),
            self.bob.delete("d.txt"),
            self.bob.add_access("d.txt", "bob", "w"),
            self.bob.rem_access("d.txt", "alice"),
        ):
            self.refused(deed, Unauthorized)
        self.assertEqual(self.text("d.txt"), b"secret")

    def test_stranger(self) -> None:
        """H62: a stranger learns nothing of a document by INFO, lists, READ or error messages."""
        for deed in (
            self.bob.info("d.txt"),
            self.bob.read("d.txt"),
            self.bob.stream("d.txt").read(),
            self.bob.undo("d.txt"),
            self.bob.write("d.txt", 0),
            self.bob.delete("d.txt"),
            self.bob.add_access("d.txt", "bob", "r"),
            self.bob.rem_access("d.txt", "alice"),
        ):
            self.assertNotIn("secret", self.refused(deed, Unauthorized))
        self.assertEqual(self.get(self.bob.view()), [])
        [line] = self.get(self.bob.view(all=True))
        self.assertEqual((line.right, line.size, line.words, line.characters), ("-", 0, 0, 0))
        self.refused(self.bob.info("other.txt"), NotFound)
        self.unchanged()

    def test_revoked_at_once(self) -> None:
        """H62: who loses a right loses it at once, with a fresh ticket and known place too."""
        self.get(self.alice.add_access("d.txt", "bob", "w"))
        self.get(self.bob.append("d.txt", " more"))
        self.get(self.bob.read("d.txt"))
        self.get(self.alice.rem_access("d.txt", "bob"))
        for deed in (
            self.bob.read("d.txt"),
            self.bob.append("d.txt", "x"),
            self.bob.undo("d.txt"),
            self.bob.info("d.txt"),
        ):
            self.refused(deed, Unauthorized)
        self.restart()
        self.restart_nm()
        self.refused(self.bob.read("d.txt"), Unauthorized)
        self.assertEqual(self.text("d.txt"), b"secret more")
