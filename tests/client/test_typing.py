"""WRITE sessions, as people type them."""

from __future__ import annotations

from tests.client.desk import CTRL_C
from tests.client.people import CommandCase

WROTE = "Write Successful!\n"


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
