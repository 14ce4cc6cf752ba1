"""The table of commands and the exit states of the specification, from the outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

from tests.client.desk import Desk
from tests.simulation.scripted import ScriptedCluster
from tests.spec.people import DeskCase

#: What is printed on success.
TEXTS = (
    ("VIEW", "No files found.\n"),
    ("VIEW -a", "No files found.\n"),
    ("CREATE a", "File Created Successfully!\n"),
    ("ADDACCESS -R a bob", "Access granted successfully!\n"),
    ("ADDACCESS -W a bob", "Access granted successfully!\n"),
    ("REMACCESS a bob", "Access removed successfully!\n"),
    ("APPEND a 'Hello there.'", "Append Successful!\n"),
    ("READ a", "Hello there."),
    ("UNDO a", "Undo Successful!\n"),
    ("REDO a", "Redo Successful!\n"),
    ("STREAM a -d 0.05", "Hello there."),
    ("VIEW", "a\n"),
    ("WHOAMI", "alice\n"),
    ("DELETE a", "File deleted successfully!\n"),
    ("VIEW", "No files found.\n"),
)

#: Each command, typed well; the last of its words may depend on those before it.
EVERY = (
    "CREATE a",
    "APPEND a One.",
    "VIEW",
    "VIEW -al",
    "READ a",
    "STREAM a -d 0",
    "INFO a",
    "WRITE a 0 -e '0 Well,'",
    "UNDO a",
    "REDO a",
    "ADDACCESS -R a bob",
    "REMACCESS a bob",
    "CHECKPOINT a v1",
    "LISTCHECKPOINTS a",
    "VIEWCHECKPOINT a v1",
    "REVERT a v1",
    "DELETECHECKPOINT a v1",
    "CREATEFOLDER box",
    "VIEWFOLDER",
    "MOVE a box",
    "DELETE box/a",
    "DELETEFOLDER box",
    "LIST",
    "SERVERS",
    "STATUS",
    "STATUS ss1",
    "WHOAMI",
    "HELP",
    "HELP READ",
    "EXIT",
)

#: The same, from which something is missing or too much.
WRONG = (
    "CREATE",
    "READ",
    "STREAM",
    "STREAM a -d",
    "STREAM a -d -1",
    "INFO",
    "WRITE",
    "WRITE a",
    "WRITE a one",
    "APPEND a",
    "UNDO",
    "UNDO a b",
    "REDO",
    "ADDACCESS a bob",
    "ADDACCESS -R a",
    "ADDACCESS -X a bob",
    "REMACCESS a",
    "CHECKPOINT a",
    "VIEWCHECKPOINT a",
    "REVERT a",
    "LISTCHECKPOINTS",
    "DELETECHECKPOINT a",
    "CREATEFOLDER",
    "MOVE a",
    "DELETE",
    "DELETEFOLDER",
    "REQUESTACCESS a",
    "VIEWREQUESTS a",
    "APPROVE",
    "DENY",
    "EXEC",
    "PUT",
    "GET",
    "LIST a",
    "SERVERS a",
    "WHOAMI a",
    "HELP NOTHING",
    "NONSENSE",
)


class TableTests(DeskCase):
    """Every command."""

    def test_texts(self) -> None:
        """What is printed on success is what the specification quotes."""
        self.table("alice", TEXTS)
        self.types("alice", "CREATE w")
        said = self.types("alice", "WRITE w 0", "0 One two", "ETIRW")
        self.assertTrue(said.endswith("Write Successful!\n"), said)

    def test_case(self) -> None:
        """Case does not matter, of commands."""
        for change in (str.lower, str.upper, str.title):
            self.table("alice", [(_first(line, change), says) for line, says in TEXTS])

    def test_aliases(self) -> None:
        """The names that a shell has for these things do them."""
        here = Path(self.mktemp())
        here.mkdir()
        (here / "l").write_bytes(b"text")
        for line, says in (
            (f"put {here / 'l'} a", "Put a: 4 bytes.\n"),
            ("cat a", "text"),
            (f"get a {here / 'm'}", f"Got a: 4 bytes into {here / 'm'}.\n"),
            ("touch b", "File Created Successfully!\n"),
            ("mkdir d", "Folder Created Successfully!\n"),
            ("mv b d", "Moved b to d/b.\n"),
            ("ls", "a\nd/\n"),
            ("rm d/b", "File deleted successfully!\n"),
            ("rmdir d", "Folder deleted successfully!\n"),
        ):
            self.assertEqual(self.types("alice", line), says, line)
        self.assertEqual(self.types("alice", "stat a"), self.types("alice", "INFO a"))
        self.assertEqual((here / "m").read_bytes(), b"text")

    def test_json(self) -> None:
        """With --json every line of every command is one object, in ASCII."""
        for line in EVERY:
            if line == "EXIT":
                continue
            verb, _, rest = line.partition(" ")
            for record in self.types("alice", f"{verb} --json {rest}").splitlines():
                with self.subTest(line):
                    self.assertIsInstance(json.loads(record), dict)
                    self.assertTrue(record.isascii())

    def test_statuses(self) -> None:
        """Done is 0; wrong usage is 2, in one line with the code INVALID, and does nothing."""
        for line in EVERY:
            self.types("alice", line)
        self.put("a", b"text")
        for line in WRONG:
            with self.subTest(line):
                self.refuses("alice", line, "INVALID", status=2)
        self.assertEqual(self.read("a"), b"text")

    def test_wrong_usage_as_json(self) -> None:
        """With --json a refusal of any kind is an object with its code."""
        desk = Desk(self.alice, self.run_, json=True)
        for line, code, status in (
            ("READ nothing", "NOT_FOUND", 1),
            ("CREATE a//b", "INVALID", 1),
            ("READ", "INVALID", 2),
            ("ADDACCESS -X a bob", "INVALID", 2),
        ):
            said = desk.type(line) + desk.complaints
            with self.subTest(line):
                self.assertEqual(json.loads(said)["error"]["code"], code)
                self.assertEqual(desk.status, status)

    def test_name_server_away(self) -> None:
        """Without a name server every command that needs one ends with 3 and UNAVAILABLE."""
        self.cluster.stop_nm()
        for line in ("VIEW", "READ a", "CREATE b", "MOVE a b", "VIEWREQUESTS", "LIST", "STATUS"):
            with self.subTest(line):
                self.desks["alice"].type(line)
                self.assertEqual(self.desks["alice"].status, 3)
                complaint = self.desks["alice"].complaints.splitlines()[-1]
                self.assertRegex(complaint, r"^ERROR \[UNAVAILABLE\]: .*127\.0\.0\.1:5000")
        self.types("alice", "HELP")
        self.types("alice", "EXIT")

    def test_help(self) -> None:
        """HELP names every command of the specification, and explains each with an example."""
        listed = self.types("alice", "HELP")
        for name in {line.split()[0] for line in EVERY + WRONG[:-1]} - {"NONSENSE"}:
            self.assertRegex(listed, rf"(?m)^{name}\b", name)
            self.assertIn("Usage: " + name, self.types("alice", f"help {name.lower()}"))
        for short in ("ls", "rm", "mv", "mkdir", "rmdir", "cat", "touch", "stat", "racc"):
            self.assertIn("Usage: ", self.types("alice", f"HELP {short}"))

    def test_names_are_quoted(self) -> None:
        """A name with spaces is quoted as in a POSIX shell; an open quotation is wrong usage."""
        self.types("alice", "CREATE 'a b'")
        self.assertEqual(self.listed("alice", "VIEW"), ["a b"])
        self.refuses("alice", "READ 'a b", "INVALID", "quot", status=2)
        self.refuses("alice", "UNDO a b", "INVALID", status=2)


class ClusterTests(DeskCase):
    """LIST, SERVERS, STATUS and STREAM on a pair."""

    names: ClassVar[tuple[str, ...]] = ("ss1", "ss1_backup")

    def test_anyone(self) -> None:
        """Anybody sees who is there, which servers there are, and how they are."""
        users = {one["user"]: one["online"] for one in self.records("carol", "LIST")}
        self.assertEqual(users, {"alice": True, "bob": True, "carol": True})
        shown = self.types("carol", "SERVERS")
        for word in ("ss1", "ss1_backup", "primary", "backup", "LIVE", "PROTECTED"):
            self.assertIn(word, shown)
        self.types("carol", "STATUS")
        self.types("carol", "STATUS ss1")
        self.refuses("carol", "STATUS nobody", "NOT_FOUND", "nobody")

    def test_the_four_tests(self) -> None:
        """A new file is on the backup, is read during a failure, and its primary comes back."""
        self.types("alice", "CREATE a")
        self.types("alice", "APPEND a one")
        self.cluster.advance(5.0)
        self.cluster.crash("ss1")
        begun = self.cluster.clock.seconds()
        self.assertEqual(self.types("alice", "READ a"), "one")
        self.assertLess(self.cluster.clock.seconds() - begun, 20.0)
        self.assertIn("ss1_backup", self.types("alice", "INFO a"))
        self.types("alice", "APPEND a ' two'")
        self.cluster.start("ss1")
        self.cluster.advance(120.0)
        self.assertEqual(self.types("alice", "READ a"), "one two")
        active = {one["name"]: one["active"] for one in self.records("alice", "SERVERS")}
        self.assertEqual(active, {"ss1": True, "ss1_backup": False})

    def test_stream_goes_on(self) -> None:
        """A STREAM whose server dies goes on from the next word on the promoted backup."""
        content = b" ".join(b"w%d" % number for number in range(60))
        self.put("a", content)
        self.cluster.advance(5.0)
        self.cluster.clock.callLater(2.0, self.cluster.crash, "ss1")
        self.assertEqual(self.desks["alice"].bytes("STREAM a"), content)
        self.assertEqual(self.desks["alice"].status, 0)


class ExecTests(DeskCase):
    """EXEC."""

    def test_off(self) -> None:
        """EXEC is off unless an operator turned it on, for owners too."""
        self.put("a", b"echo hello")
        self.refuses("alice", "EXEC a", "UNSUPPORTED", "--enable-exec")

    def test_who_may(self) -> None:
        """Who may read a document may run it, and nobody else; its status is the command's."""
        cluster = ScriptedCluster("ss1")
        self.addCleanup(cluster.close)
        desks = {name: Desk(cluster.session(name), cluster.run) for name in ("ann", "ben", "cid")}
        for desk in desks.values():
            desk.type("WHOAMI")
        desks["ann"].type("PUT - good", input=b"echo hello")
        desks["ann"].type("PUT - bad", input=b"exit 3")
        desks["ann"].type("ADDACCESS -R good ben")
        for name in ("ann", "ben"):
            self.assertEqual(desks[name].type("EXEC good"), "hello\n")
            self.assertEqual((desks[name].status, desks[name].complaints), (0, ""))
        self.assertEqual(desks["cid"].type("EXEC good"), "")
        self.assertIn("ERROR [UNAUTHORIZED]", desks["cid"].complaints)
        desks["ann"].type("EXEC bad")
        self.assertEqual(desks["ann"].status, 1)
        desks["ann"].type("EXEC nothing")
        self.assertIn("ERROR [NOT_FOUND]", desks["ann"].complaints)


def _first(line: str, change: object) -> str:
    """A line whose first word is written in another case."""
    assert callable(change)
    verb, space, rest = line.partition(" ")
    return f"{change(verb)}{space}{rest}"
