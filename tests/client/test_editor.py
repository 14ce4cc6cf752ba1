"""WRITE and RETRY, when the server of an editing session is lost."""

from __future__ import annotations

from typing import Any

from dfs.errors import Internal, Invalid, Locked, Moved
from dfs.wire.messages import Abort, Done, Edit, Etirw, Opened, Sentence, Write
from tests.client.stage import OTHER_STORAGE, STORAGE, Server
from tests.client.test_session import COMMITTED, SessionCase

TAKEN_OVER = Moved("another server has taken over")
LINES = ("0 Hello", "1 big\\n world.")


class Page:
    """
    A server's one sentence.

    @ivar edits: what was put into it, in order.
    @ivar committed: how often it was committed.
    """

    def __init__(self, server: Server, text: str = "") -> None:
        self.edits: list[str] = []
        self.committed = 0
        self.text = text
        server.answers[Write] = self.open
        server.answers[Edit] = self.edit
        server.answers[Etirw] = self.commit
        server.answers[Abort] = Done()

    def open(self, request: Write, exchange: Any) -> Opened:
        """Lock it."""
        self.edits = []
        return Opened("s1", 0, self.text)

    def edit(self, request: Edit, exchange: Any) -> Sentence:
        """Take a text."""
        self.edits.append(f"{request.word} {exchange.body.decode()}")
        return Sentence(len(self.edits), " ".join(self.edits))

    def commit(self, request: Etirw, exchange: Any) -> Any:
        """End the session."""
        self.committed += 1
        return COMMITTED


class EditorCase(SessionCase):
    """Two servers with the same document; the second one takes over when a test says so."""

    def setUp(self) -> None:
        super().setUp()
        self.here, self.there = Page(self.ss), Page(self.other)

    def taken_over(self, request: Any, exchange: Any) -> Any:
        """Say MOVED; from now on the other server has the document."""
        self.stage.place = OTHER_STORAGE
        raise TAKEN_OVER

    def gone(self, request: Any, exchange: Any) -> Any:
        """Go away without a word; from now on the other server has the document."""
        self.stage.place = OTHER_STORAGE
        return self.ss.hang_up(request, exchange)


class RetryTests(EditorCase):
    """A person whose session is lost."""

    def setUp(self) -> None:
        super().setUp()
        self.person = self.desk(terminal=True)

    def lose(self, how: Any = None) -> str:
        """Type two lines, and lose the server at ETIRW; what was said."""
        self.ss.answers[Etirw] = how or self.taken_over
        self.person.type("WRITE a.txt 3", *LINES, "ETIRW")
        self.assertEqual(self.person.status, 1)
        return self.person.complaints

    def test_said(self) -> None:
        """The person hears that the session ended, that nothing is lost, and what to type."""
        said = self.lose()
        self.assertTrue(said.startswith("ERROR [UNAVAILABLE]: this WRITE session"), said)
        for part in ("nothing that you typed is lost", *LINES, "RETRY", "ABORT"):
            self.assertIn(part, said)

    def test_retry(self) -> None:
        """RETRY opens the same sentence where the document is now, with all lines in it."""
        self.lose()
        self.assertIn("Write Successful!", self.person.type("RETRY", "ETIRW"))
        self.assertEqual(self.there.edits, ["0 Hello", "1 big\n world."])
        self.assertEqual([getattr(r, "sentence", 3) for r in self.other.requests], [3] * 4)
        self.assertEqual((self.here.committed, self.there.committed), (0, 1))
        self.person.type("RETRY")
        self.assertIn("nothing to send again", self.person.complaints)

    def test_lost_while_typing(self) -> None:
        """The line with which the loss was noticed is kept too."""
        self.ss.answers[Edit] = [self.here.edit, self.gone]
        self.person.type("WRITE a.txt 0", *LINES)
        self.person.type("RETRY", "2 Bye.", "ETIRW")
        self.assertEqual(self.there.edits, ["0 Hello", "1 big\n world.", "2 Bye."])

    def test_lost_again(self) -> None:
        """RETRY that fails keeps the lines for the next one."""
        self.lose()
        self.other.answers[Write] = Locked("by bob")
        self.person.type("RETRY")
        self.assertIn("by bob", self.person.complaints)
        self.there = Page(self.other)
        self.other.answers[Edit] = [self.there.edit, TAKEN_OVER, self.there.edit]
        self.person.type("RETRY")
        self.assertIn("still kept", self.person.complaints)
        self.person.type("RETRY", "ETIRW")
        self.assertEqual(self.there.edits, ["0 Hello", "1 big\n world."])

    def test_changed_meanwhile(self) -> None:
        """If the sentence reads differently now, the person sees it before they commit."""
        self.lose()
        self.there.text = "Somebody was here."
        self.person.type("RETRY", "ABORT")
        self.assertIn("was changed meanwhile", self.person.complaints)
        self.assertEqual(self.there.committed, 0)

    def test_does_not_fit(self) -> None:
        """Lines that do not fit any more are shown, and the session goes on."""
        self.lose()
        self.other.answers[Edit] = [self.there.edit, Invalid("0 to 1"), self.there.edit]
        self.person.type("RETRY", "1 world.", "ETIRW")
        self.assertIn("These lines were not sent:\n1 big", self.person.complaints)
        self.assertEqual(self.there.edits, ["0 Hello", "1 world."])

    def test_forgotten(self) -> None:
        """ABORT forgets the lines, and so does another WRITE, once it has its sentence."""
        self.lose()
        self.assertEqual(self.person.type("ABORT"), "Forgotten.\n")
        self.person.type("RETRY")
        self.assertEqual(self.person.status, 1)
        self.person.type("ABORT")
        self.assertEqual(self.person.status, 1)
        self.stage.place = STORAGE
        self.lose()
        self.person.type("WRITE b.txt 0", "ABORT")
        self.person.type("RETRY")
        self.assertIn("nothing to send again", self.person.complaints)

    def test_in_doubt(self) -> None:
        """Whoever is in doubt hears how to find out, and that RETRY may write twice."""
        for lose in (self.gone, Internal("the disk failed; look first")):
            self.stage.place = STORAGE
            self.alice = self.stage.session()
            self.person = self.desk(terminal=True)
            said = self.lose(lose)
            for part in ("READ a.txt", "INFO a.txt", "twice", "RETRY", *LINES):
                self.assertIn(part, said)
            self.person.type("RETRY", "ABORT")
            self.assertIn("Look at the sentence first", self.person.complaints)

    def test_nothing_typed(self) -> None:
        """A session without any line leaves nothing."""
        self.ss.answers[Etirw] = self.taken_over
        self.person.type("WRITE a.txt 0", "ETIRW")
        self.assertEqual(self.person.complaints.count("\n"), 1)
        self.person.type("RETRY")
        self.assertIn("nothing to send again", self.person.complaints)


class ScriptTests(EditorCase):
    """A script whose session is lost."""

    def test_lines(self) -> None:
        """Its lines are on standard error, and it ends with 1."""
        self.ss.answers[Etirw] = self.taken_over
        script = self.desk()
        script.type("WRITE a.txt 0", *LINES, "ETIRW")
        self.assertEqual(script.status, 1)
        self.assertTrue(
            script.complaints.endswith("These lines were not written:\n" + "\n".join(LINES) + "\n"),
            script.complaints,
        )
        self.assertNotIn("RETRY", script.complaints)

    def test_in_doubt(self) -> None:
        """So they are when it is not known whether they were written."""
        self.ss.answers[Etirw] = self.gone
        script = self.desk()
        script.type("WRITE a.txt 0", *LINES, "ETIRW")
        for part in ("is not known", *LINES, "READ a.txt"):
            self.assertIn(part, script.complaints)

    def test_programs(self) -> None:
        """--json has them as a field of the error."""
        self.ss.answers[Etirw] = self.taken_over
        robot = self.desk(json=True)
        record = robot.records("WRITE a.txt 0", *LINES, "ETIRW")[-1]
        self.assertEqual(record["error"]["code"], "UNAVAILABLE")
        self.assertEqual((record["edits"], record["in_doubt"]), (list(LINES), False))

    def test_at_once(self) -> None:
        """Edits that are all known are made at the server that takes over, without a word."""
        edits = " ".join(f"-e '{line}'" for line in LINES)
        for lost in (Edit, Etirw):
            self.stage.place = STORAGE
            self.alice = self.stage.session()
            self.here, self.there = Page(self.ss), Page(self.other)
            self.ss.answers[lost] = self.taken_over
            script = self.desk()
            shown = script.type(f"WRITE a.txt 0 {edits}")
            self.assertEqual((script.status, script.complaints), (0, ""))
            self.assertEqual(len(shown.splitlines()), 4)
            self.assertEqual((self.here.committed, self.there.committed), (0, 1))

    def test_at_once_changed_meanwhile(self) -> None:
        """Not if the sentence was changed meanwhile: the edits were meant for another one."""
        self.ss.answers[Etirw] = self.taken_over
        self.there.text = "Somebody was here."
        script = self.desk()
        script.type("WRITE a.txt 0 -e '0 Hello'")
        self.assertTrue(script.complaints.startswith("ERROR [CONFLICT]"), script.complaints)
        self.assertEqual((script.status, self.there.committed), (1, 0))

    def test_at_once_in_doubt(self) -> None:
        """Nor if it is not known whether they were made."""
        self.ss.answers[Etirw] = self.gone
        script = self.desk()
        script.type("WRITE a.txt 0 -e '0 Hello'")
        self.assertIn("is not known", script.complaints)
        self.assertEqual((script.status, self.there.committed), (1, 0))
