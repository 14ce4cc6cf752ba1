"""What is said when a command is refused, or cannot be shown."""

from __future__ import annotations

from dfs.client.__main__ import program
from dfs.client.table import table
from dfs.client.verbs import OUTSIDE
from tests.client.desk import Desk
from tests.client.people import CommandCase


class RefusalTests(CommandCase):
    """What is printed, and with which status a command ends, when it fails."""

    def test_codes(self) -> None:
        """Each refusal has its code and a message that helps."""
        self.alice.type("CREATE a")
        self.alice.type("APPEND a 'One. Two'")
        for line, code, says in (
            ("CREATE a", "EXISTS", "a"),
            ("READ nothing", "NOT_FOUND", "nothing"),
            ("INFO nothing", "NOT_FOUND", "nothing"),
            ("DELETE nothing", "NOT_FOUND", "nothing"),
            ("CREATE ../a", "INVALID", ".."),
            ("CREATE a//b", "INVALID", "empty"),
            ("READ ''", "INVALID", "empty"),
            ("REDO a", "NOT_FOUND", "Nothing to redo"),
            ("WRITE a 9", "INVALID", "Sentence index out of range"),
            ("WRITE a -1", "INVALID", "Sentence index out of range"),
            ("ADDACCESS -R a nobody", "NOT_FOUND", "nobody"),
            ("REMACCESS a alice", "INVALID", "owner"),
            ("STREAM nothing", "NOT_FOUND", "nothing"),
            ("PUT /no/such/file", "NOT_FOUND", "/no/such/file"),
        ):
            self.refused(line, code=code, says=says)

    def test_nothing_to_undo(self) -> None:
        """UNDO past the oldest change says so."""
        self.alice.type("CREATE a")
        self.refused("UNDO a", code="NOT_FOUND", says="Nothing to undo")

    def test_rights(self) -> None:
        """Nobody does what they may not do."""
        self.alice.type("CREATE a")
        for line in (
            "READ a",
            "INFO a",
            "APPEND a x",
            "UNDO a",
            "WRITE a 0",
            "DELETE a",
            "STREAM a",
        ):
            self.refused(line, code="UNAUTHORIZED", by=self.bob)
        self.alice.type("ADDACCESS -R a bob")
        self.done("READ a", says="", desk=self.bob)
        for line in (
            "APPEND a x",
            "UNDO a",
            "REDO a",
            "WRITE a 0",
            "DELETE a",
            "ADDACCESS -R a bob",
        ):
            self.refused(line, code="UNAUTHORIZED", by=self.bob)

    def test_usage(self) -> None:
        """Wrong usage ends with 2 and shows the form."""
        for line, says in (
            ("READ", "READ [--raw] <path>"),
            ("WRITE a", "<sentence>"),
            ("WRITE a b", "valid integer"),
            ("WRITE a 99999999999999999999", "not in the range"),
            ("HELP ADMIN", "'dfs admin --help' explains it"),
            ("top", "'dfs top' is typed outside"),
            ("X" * 3_000, f"no command '{'X' * 40}…'; HELP lists them"),
            ("ADDACCESS a bob", "-R"),
            ("ADDACCESS -R -W a bob", "-R"),
            ("ADDACCESS -X a bob", "-X"),
            ("VIEW a", "VIEW [-a] [-l]"),
            ("UNDO my notes.txt", "names with spaces are quoted: 'a b.txt'"),
            ("STREAM a -d soon", "soon"),
            ("FETCH a", "HELP"),
            ("CREAT a", "did you mean CREATE?"),
            ("READ 'a", "quotation"),
            ("PUT -", "PUT - <path>"),
            ("PUT a b c", "ends with /"),
            ("HELP NOTHING", "NOTHING"),
        ):
            self.refused(line, code="INVALID", says=says, status=2)

    def test_outside(self) -> None:
        """The shell names each command that only the command line has."""
        self.assertEqual(set(OUTSIDE), set(program(table()).commands))

    def test_long_number(self) -> None:
        """The number of a word may be longer than any that there can be; it is refused shortly."""
        self.alice.type("CREATE a")
        for digits in (19, 20, 5_000):
            self.refused(f"WRITE a 0 -e '{'9' * digits} x'", code="INVALID", says="so many words")

    def test_several(self) -> None:
        """One document that fails does not keep the others from it, and is named."""
        self.alice.type("CREATE a b")
        self.assertEqual(self.alice.type("DELETE a nothing b").count("deleted"), 2)
        self.assertEqual(self.alice.status, 1)
        self.assertIn("nothing: ", self.alice.complaints)

    def test_no_name_server(self) -> None:
        """Without a name server a command ends with 3 and says what to try."""
        self.cluster.stop_nm()
        stranger = Desk(self.cluster.session("carol"), self.cluster.run)
        self.assertEqual(stranger.type("VIEW"), "")
        self.assertEqual(stranger.status, 3)
        self.assertIn("is it running", stranger.complaints)
        self.assertIn("127.0.0.1:5000", stranger.complaints)

    def test_defects(self) -> None:
        """A defect of the client itself is one line, not a traceback."""
        self.alice.work.session = None  # type: ignore[assignment]
        self.refused("WHOAMI", code="INTERNAL", says="--debug")
        self.assertEqual(self.alice.complaints.count("\n"), 1)


class TerminalTests(CommandCase):
    """What a terminal is shown."""

    def test_controls(self) -> None:
        """Control characters are escaped on a terminal only; --raw sends them."""
        self.cluster.run(self.alice.session.put("a", b"x\x1b[2J\x9by\tz\n\xff"))
        person = self.desk("alice", terminal=True)
        self.assertEqual(person.type("READ a"), "x\\x1b[2J\\x9by\tz\n\\xff\n")
        self.assertEqual(person.bytes("READ --raw a"), b"x\x1b[2J\x9by\tz\n\xff")
        self.assertEqual(self.alice.bytes("READ a"), b"x\x1b[2J\x9by\tz\n\xff")
        self.assertEqual(person.type("GET a -"), "x\\x1b[2J\\x9by\tz\n\\xff\n")
        self.assertEqual(self.alice.bytes("GET a -"), b"x\x1b[2J\x9by\tz\n\xff")

    def test_stream(self) -> None:
        """STREAM escapes as READ does."""
        self.cluster.run(self.alice.session.put("a", b"x \x1b y"))
        person = self.desk("alice", terminal=True)
        self.assertEqual(person.type("STREAM a -d 0"), "x \\x1b y\n")
