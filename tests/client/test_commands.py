"""Every command against real servers in memory: texts, and JSON keys."""

from __future__ import annotations

from tests.client.people import CommandCase


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
