"""Every command against real servers in memory: texts, exit states, JSON keys."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from dfs.sim.cluster import Cluster
from tests.client.desk import CTRL_C, Desk

WROTE = "Write Successful!\n"


class CommandCase(SynchronousTestCase):
    """A cluster, and people at their desks."""

    def setUp(self) -> None:
        self.cluster = Cluster("ss1")
        self.addCleanup(self.cluster.close)
        self.alice = self.desk("alice")
        self.bob = self.desk("bob")

    def desk(self, user: str, *, json: bool = False, terminal: bool = False) -> Desk:
        """Somebody's desk; the cluster knows them."""
        desk = Desk(self.cluster.session(user), self.cluster.run, json=json, terminal=terminal)
        desk.type("WHOAMI")
        return desk

    def done(self, line: str, *more: str, says: str, desk: Desk | None = None) -> None:
        """A command that ends well and prints exactly this."""
        desk = desk or self.alice
        self.assertEqual(desk.type(line, *more), says, line)
        self.assertEqual((desk.status, desk.complaints), (0, ""), line)

    def refused(
        self,
        line: str,
        *more: str,
        code: str,
        says: str = "",
        status: int = 1,
        by: Desk | None = None,
    ) -> None:
        """A command that is refused with a code and a word in the message."""
        desk = by or self.alice
        desk.type(line, *more)
        self.assertEqual(desk.status, status, f"{line}: {desk.complaints}")
        self.assertTrue(desk.complaints.startswith(f"ERROR [{code}]: "), desk.complaints)
        self.assertIn(says, desk.complaints)
        self.assertNotIn("Traceback", desk.complaints)


class TextTests(CommandCase):
    """What is printed on success."""

    def test_a_life(self) -> None:
        """Each command prints the text of the specification, and nothing else."""
        for line, says in (
            ("VIEW", "No files found.\n"),
            ("CREATE notes.txt", "File Created Successfully!\n"),
            ("VIEW", "notes.txt\n"),
            ("APPEND notes.txt 'Hello.\\n'", "Append Successful!\n"),
            ("READ notes.txt", "Hello.\n"),
            ("UNDO notes.txt", "Undo Successful!\n"),
            ("READ notes.txt", ""),
            ("REDO notes.txt", "Redo Successful!\n"),
            ("STREAM notes.txt -d 0", "Hello.\n"),
            ("ADDACCESS -R notes.txt bob", "Access granted successfully!\n"),
            ("ADDACCESS notes.txt bob -w", "Access granted successfully!\n"),
            ("REMACCESS notes.txt bob", "Access removed successfully!\n"),
            ("DELETE notes.txt", "File deleted successfully!\n"),
            ("VIEW", "No files found.\n"),
            ("WHOAMI", "alice\n"),
        ):
            self.done(line, says=says)

    def test_aliases_and_case(self) -> None:
        """Commands have other names, and case does not matter."""
        for line, says in (
            ("touch a b", "File Created Successfully!\n" * 2),
            ("ls", "a\nb\n"),
            ("Append a x", "Append Successful!\n"),
            ("cat a a", "xx"),
            ("rm a b", "File deleted successfully!\n" * 2),
            ("LS -a", "No files found.\n"),
            ("exit", ""),
        ):
            self.done(line, says=says)
        self.assertTrue(self.alice.interpreter.finished)

    def test_comments_and_blanks(self) -> None:
        """Blank lines and lines that begin with # do nothing."""
        for line in ("", "   ", "# READ a", "  #x"):
            self.done(line, says="")

    def test_names(self) -> None:
        """Names with spaces, bars, quotes and other alphabets are quoted as in a POSIX shell."""
        for typed, name in (
            ("'to do.txt'", "to do.txt"),
            ('"a|b%c.txt"', "a|b%c.txt"),
            ("grüße/日本.txt", "grüße/日本.txt"),
            ("it\\'s", "it's"),
            ("-- -x", "-x"),
            ("'x=y,z'", "x=y,z"),
        ):
            self.done(f"CREATE {typed}", says="File Created Successfully!\n")
            self.done("VIEW", says=name + "\n")
            self.done(f"APPEND {typed} Hi", says="Append Successful!\n")
            self.done(f"READ {typed}", says="Hi")
            self.done(f"DELETE {typed}", says="File deleted successfully!\n")

    def test_typed_texts(self) -> None:
        """APPEND takes \\n, \\t and \\\\ as newline, tab and backslash, and dashes as text."""
        self.alice.type("CREATE a")
        self.alice.type(r"APPEND a 'x\ty\n\\n C:\dir'")
        self.alice.type("APPEND a -item --json-like")
        self.done("READ a", says="x\ty\n\\n C:\\dir-item --json-like")

    def test_long_view(self) -> None:
        """VIEW -l shows words, characters, size, owner, access, server and replica state."""
        self.alice.type("CREATE a")
        self.alice.type("APPEND a 'zwei Wörter'")
        head, line = self.alice.type("VIEW -l").splitlines()
        for column in ("NAME", "WORDS", "CHARACTERS", "SIZE", "LAST CHANGE", "OWNER", "ACCESS"):
            self.assertIn(column, head)
        self.assertEqual(line.split()[:4], ["a", "2", "11", "12"])
        self.assertEqual(line.split()[-5:-2], ["alice", "alice", "owner"])
        self.assertEqual(self.alice.type("VIEW -al"), self.alice.type("VIEW -a -l"))

    def test_view_of_others(self) -> None:
        """VIEW shows what one may read, VIEW -a everything."""
        self.alice.type("CREATE a")
        self.done("VIEW", says="No files found.\n", desk=self.bob)
        self.done("VIEW -a", says="a\n", desk=self.bob)
        self.alice.type("ADDACCESS -R a bob")
        self.done("VIEW", says="a\n", desk=self.bob)

    def test_info(self) -> None:
        """INFO tells everything at once, exactly."""
        self.alice.type("CREATE a")
        self.alice.type("APPEND a 'One. Two'")
        self.alice.type("ADDACCESS -R a bob")
        self.alice.type("READ a")
        shown = {
            line.partition(":")[0]: line.partition(":")[2].strip()
            for line in self.alice.type("INFO a").splitlines()
        }
        for name, value in (
            ("path", "a"),
            ("owner", "alice"),
            ("size", "8 bytes"),
            ("words", "2"),
            ("characters", "8"),
            ("sentences", "2"),
            ("access", "alice (owner); bob (read)"),
            ("server", "ss1 (LIVE)"),
            ("locks", "none"),
        ):
            self.assertEqual(shown[name], value)
        for name in ("last modified", "last accessed"):
            self.assertTrue(shown[name].endswith(" by alice"), shown[name])

    def test_cluster(self) -> None:
        """LIST, SERVERS and STATUS tell how the cluster is."""
        self.assertEqual(self.alice.type("LIST"), "USER   NOW\nalice  online\nbob    online\n")
        self.assertIn("ss1     primary  LIVE", self.alice.type("SERVERS"))
        self.assertIn("documents:", self.alice.type("STATUS"))
        self.assertIn("ss1", self.alice.type("STATUS ss1"))
        self.refused("STATUS ss9", code="NOT_FOUND", says="SERVERS")

    def test_help(self) -> None:
        """HELP lists every command, HELP of one shows its form, meaning and examples."""
        listed = self.alice.type("HELP")
        for verb in self.alice.work.table.verbs:
            self.assertIn(verb.usage, listed)
            explained = self.alice.type(f"help {verb.name.lower()}")
            for part in (verb.usage, verb.meaning, *verb.examples):
                self.assertIn(part, explained)


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


class WriteTests(CommandCase):
    """The WRITE command."""

    def setUp(self) -> None:
        super().setUp()
        self.person = self.desk("alice", terminal=True)
        self.alice.type("CREATE mouse.txt")

    def test_the_mouse(self) -> None:
        """The example of the specification, word for word."""
        self.done(
            "WRITE mouse.txt 0",
            "0 I dont like T-T PNS",
            "ETIRW",
            says=f"(0 words)\nI dont like T-T PNS  (5 words)\n{WROTE}",
        )
        self.alice.type("WRITE mouse.txt 0", "5 and AAD. aaaah", "8 x", "7 !", "ABORT")
        self.assertIn("I dont like T-T PNS and AAD.  (7 words)\n", self.alice.seen())
        self.assertIn("Word index out of range: 0 to 7", self.alice.complaints)
        self.done("READ mouse.txt", says="I dont like T-T PNS")

    def test_edits_at_once(self) -> None:
        """With -e nothing is asked, and all edits are committed as one change."""
        self.alice.type("WRITE mouse.txt 0 -e '0 Hello' -e '1 world.'")
        self.done("READ mouse.txt", says="Hello world.")
        self.alice.type("UNDO mouse.txt")
        self.done("READ mouse.txt", says="")

    def test_bad_edit_at_once(self) -> None:
        """With -e one bad edit means that nothing is changed."""
        for bad in ("9 x", "x y", "0", ""):
            self.refused(f"WRITE mouse.txt 0 -e '0 Hello' -e '{bad}'", code="INVALID")
            self.done("READ mouse.txt", says="")
        self.done("WRITE mouse.txt 0 -e '0 Hi'", says=f"(0 words)\nHi  (1 word)\n{WROTE}")

    def test_bad_line(self) -> None:
        """A bad line is answered with an error and the session goes on."""
        self.person.type("WRITE mouse.txt 0", "hello", "0 Hello", "5 x", "", "etirw")
        self.assertEqual(self.person.status, 0)
        self.assertEqual(self.person.complaints.count("ERROR [INVALID]"), 2)
        self.done("READ mouse.txt", says="Hello")

    def test_bad_line_of_a_script(self) -> None:
        """A script whose lines were not all good hears it by the exit status."""
        self.alice.type("WRITE mouse.txt 0", "0 Hello", "5 x", "ETIRW")
        self.assertEqual(self.alice.status, 1)
        self.assertIn(WROTE, self.alice.seen())

    def test_typed_texts(self) -> None:
        """\\n, \\t and \\\\ are newline, tab and backslash, shown as they are typed."""
        self.alice.type("WRITE mouse.txt 0", r"0 a\tb\nc\\n", "ETIRW")
        self.assertIn("a\\tb\\nc\\\\n  (3 words)\n", self.alice.seen())
        self.done("READ mouse.txt", says="a\tb\nc\\n")

    def test_abort(self) -> None:
        """ABORT, Ctrl-D and Ctrl-C change nothing, say so, and free the sentence."""
        for last, status in ((["ABORT"], 0), ([], 0), ([CTRL_C], 130)):
            self.person.type("WRITE mouse.txt 0", "0 Hello", *last)
            self.assertEqual(self.person.status, status)
            said = self.person.seen() + self.person.complaints
            self.assertIn("Aborted: nothing was changed.", said)
            self.done("READ mouse.txt", says="")
        self.alice.type("WRITE mouse.txt 0 -e '0 x'")
        self.assertEqual(self.alice.status, 0)

    def test_input_ends(self) -> None:
        """The lines of a script that end without ETIRW change nothing."""
        self.refused("WRITE mouse.txt 0", "0 Hello", code="INVALID", says="without ETIRW")
        self.done("READ mouse.txt", says="")

    def test_locked(self) -> None:
        """A sentence that somebody edits is refused, with who it is."""
        self.alice.type("ADDACCESS -W mouse.txt bob")
        self.cluster.run(self.bob.session.write("mouse.txt", 0))
        self.refused("WRITE mouse.txt 0", code="LOCKED", says="bob")
        self.assertIn("bob", self.alice.type("INFO mouse.txt"))

    def test_prompt(self) -> None:
        """Lines are asked for with WRITE>."""
        self.person.type("WRITE mouse.txt 0", "0 x", "ETIRW")
        self.assertEqual(self.person.work.lines.prompts, ["WRITE> "] * 2)  # type: ignore[attr-defined]

    def test_not_text(self) -> None:
        """WRITE refuses what is not UTF-8, everything else takes it."""
        self.cluster.run(self.alice.session.put("mouse.txt", b"a\xff\x00\r\n"))
        self.refused("WRITE mouse.txt 0", code="UNSUPPORTED", says="UTF-8")
        self.assertEqual(self.alice.bytes("READ mouse.txt"), b"a\xff\x00\r\n")


class JsonTests(CommandCase):
    """C{--json}: one object per result, with keys that stay."""

    def test_keys(self) -> None:
        """Results have their keys."""
        robot = self.desk("alice", json=True)
        for line, keys in (
            ("CREATE a", "message path id"),
            ("APPEND a x", "message path version size"),
            ("UNDO a", "message path version size"),
            ("REDO a", "message path version size"),
            ("READ a", "path size sha256 behind content"),
            ("STREAM a -d 0", "text"),
            ("ADDACCESS -R a bob", "message path user right"),
            ("REMACCESS a bob", "message path user"),
            ("WHOAMI", "user"),
            ("LIST", "user online"),
            (
                "SERVERS",
                "name role state pair protection epoch address documents size silent"
                " active lag_documents lag_seconds behind conflicts",
            ),
            (
                "VIEW",
                "path owner right words characters size modified modified_by server replica",
            ),
            ("HELP READ", "command usage meaning"),
            ("INFO nothing", "error"),
            ("DELETE a", "message path"),
        ):
            for record in robot.records(line):
                self.assertEqual(list(record), keys.split(), line)
            self.assertEqual(robot.complaints, "", line)

    def test_info(self) -> None:
        """INFO gives figures as numbers, times in UTC, and what is not known as null."""
        self.alice.type("CREATE a")
        [record] = self.desk("alice", json=True).records("INFO a")
        self.assertEqual((record["size"], record["words"], record["exact"]), (0, 0, True))
        self.assertEqual(record["access"], [{"user": "alice", "right": "o"}])
        self.assertIsNone(record["accessed"])
        self.assertRegex(record["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_errors(self) -> None:
        """Errors are objects too, with code and message; the exit status is the same."""
        robot = self.desk("alice", json=True)
        for line, code, status in (("READ x", "NOT_FOUND", 1), ("READ", "INVALID", 2)):
            [record] = robot.records(line)
            self.assertEqual(record["error"]["code"], code)
            self.assertTrue(record["error"]["message"])
            self.assertEqual(robot.status, status)

    def test_for_one_command(self) -> None:
        """--json after a command is for this command."""
        self.assertEqual(self.alice.type("WHOAMI --json"), '{"user": "alice"}\n')
        self.assertEqual(self.alice.type("WHOAMI"), "alice\n")

    def test_not_text(self) -> None:
        """What is not UTF-8 comes in base64."""
        self.cluster.run(self.alice.session.put("a", b"\xff"))
        [record] = self.desk("alice", json=True).records("READ a")
        self.assertEqual(record["content_base64"], "/w==")

    def test_write(self) -> None:
        """A WRITE session gives the sentence after each line, then the result."""
        self.alice.type("CREATE a")
        robot = self.desk("alice", json=True)
        records = robot.records("WRITE a 0", "0 Hello", "9 x", "ETIRW")
        self.assertEqual(
            [list(record) for record in records],
            [
                ["sentence", "words"],
                ["sentence", "words"],
                ["error"],
                [*["message", "path", "version", "size"]],
            ],
        )


class TransferTests(CommandCase):
    """PUT and GET."""

    def setUp(self) -> None:
        super().setUp()
        self.here = Path(self.mktemp())
        self.here.mkdir()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.here)
        self.content = bytes(range(256)) * 2_000
        Path("all.bin").write_bytes(self.content)

    def test_there_and_back(self) -> None:
        """A file comes back byte for byte, under its name or another."""
        self.done("PUT all.bin", says="Put all.bin: 512,000 bytes.\n")
        self.done("PUT all.bin 'other name'", says="Put other name: 512,000 bytes.\n")
        self.done("GET 'other name'", says="Got other name: 512,000 bytes into other name.\n")
        self.done("GET all.bin back", says="Got all.bin: 512,000 bytes into back.\n")
        for name in ("other name", "back"):
            self.assertEqual(Path(name).read_bytes(), self.content)

    def test_folders(self) -> None:
        """Several files go below a prefix, several documents into a folder."""
        Path("b").write_bytes(b"b")
        self.alice.type("PUT all.bin b deep/er/")
        self.done("VIEW", says="deep/er/all.bin\ndeep/er/b\n")
        Path("into").mkdir()
        self.alice.type("GET deep/er/b deep/er/all.bin into")
        self.assertEqual(sorted(os.listdir("into")), ["all.bin", "b"])
        self.refused("GET a b c", code="INVALID", says="folder", status=2)

    def test_standard_streams(self) -> None:
        """- is standard input, and standard output without another word."""
        self.alice.type("PUT - a", input=b"\x00\xff\r\n")
        self.assertEqual(self.alice.bytes("GET a -"), b"\x00\xff\r\n")

    def test_one_change(self) -> None:
        """PUT over a document is one change that can be undone."""
        self.alice.type("PUT - a", input=b"first")
        self.alice.type("PUT - a", input=b"second")
        self.alice.type("UNDO a")
        self.done("READ a", says="first")

    def test_replaces_whole(self) -> None:
        """GET leaves the old local file alone if anything goes wrong, and nothing beside it."""
        Path("a").write_bytes(b"old")
        self.refused("GET a", code="NOT_FOUND")
        self.assertEqual(Path("a").read_bytes(), b"old")
        self.assertEqual(sorted(os.listdir()), ["a", "all.bin"])
        self.alice.type("PUT - a", input=b"new")
        self.alice.type("GET a")
        self.assertEqual(Path("a").read_bytes(), b"new")

    def test_modes(self) -> None:
        """A file that GET replaces keeps its mode; one behind a link stays behind it."""
        self.alice.type("PUT - a", input=b"new")
        Path("target").write_bytes(b"old")
        os.chmod("target", 0o640)
        os.symlink("target", "link")
        self.alice.type("GET a link")
        self.assertTrue(Path("link").is_symlink())
        self.assertEqual(Path("target").read_bytes(), b"new")
        self.assertEqual(os.stat("target").st_mode & 0o777, 0o640)

    def test_local_troubles(self) -> None:
        """What the local machine refuses has a code and names the file."""
        self.alice.type("PUT - a", input=b"new")
        for line, code, says in (
            ("PUT missing", "NOT_FOUND", "missing"),
            ("PUT .", "INVALID", "."),
            ("GET a none/b", "NOT_FOUND", "none/b"),
        ):
            self.refused(line, code=code, says=says)


class TerminalTests(CommandCase):
    """What a terminal is shown."""

    def test_controls(self) -> None:
        """Control characters are escaped on a terminal only; --raw sends them."""
        self.cluster.run(self.alice.session.put("a", b"x\x1b[2J\x9by\tz\n\xff"))
        person = self.desk("alice", terminal=True)
        self.assertEqual(person.type("READ a"), "x\\x1b[2J\\x9by\tz\n\\xff\n")
        self.assertEqual(person.bytes("READ --raw a"), b"x\x1b[2J\x9by\tz\n\xff")
        self.assertEqual(self.alice.bytes("READ a"), b"x\x1b[2J\x9by\tz\n\xff")

    def test_stream(self) -> None:
        """STREAM escapes as READ does."""
        self.cluster.run(self.alice.session.put("a", b"x \x1b y"))
        person = self.desk("alice", terminal=True)
        self.assertEqual(person.type("STREAM a -d 0"), "x \\x1b y\n")
