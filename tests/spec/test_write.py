"""The section WRITE of the specification, as tables."""

from __future__ import annotations

import re
from itertools import permutations
from typing import ClassVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dfs.client.writing import WriteSession
from dfs.errors import DFSError, Invalid, Locked, NotFound, TooLarge, Unauthorized
from dfs.ss.service import Settings
from dfs.wire.messages import Abort, Edit, Etirw, Sentence
from tests.client.desk import Desk
from tests.spec.people import Line, PeopleCase

#: Before, sentence, lines, after.
Row = tuple[bytes, int, list[Line], bytes]

MOUSE = b"Im just a mouse. I dont like T-T PNS"


class MouseTests(PeopleCase):
    """The example of the specification."""

    def test_the_mouse(self) -> None:
        """A text with a delimiter makes new sentences at once; the session stays on the first."""
        self.put("mouse.txt", b"I dont like T-T PNS")
        session = self.run_(self.alice.write("mouse.txt", 0))
        self.assertEqual((session.words, session.sentence), (5, "I dont like T-T PNS"))
        now = self.run_(session.edit(5, "and AAD. aaaah"))
        self.assertEqual(now, Sentence(7, "I dont like T-T PNS and AAD."))
        message = self.refused(session.edit(8, "x"), Invalid)
        self.assertIn("Word index out of range", message)
        self.assertRegex(message, r"\b0\b.*\b7\b")
        self.run_(session.commit())
        self.assertEqual(self.read("mouse.txt"), b"I dont like T-T PNS and AAD. aaaah")
        self.assertEqual(self.write("mouse.txt", 1, (0, "x")), ["x aaaah"])

    def test_its_whole_story(self) -> None:
        """From an empty document to three sentences, session by session."""
        self.run_(self.alice.create("mouse.txt"))
        self.write("mouse.txt", 0, (0, "Im just a mouse."))
        self.write("mouse.txt", 1, (0, "I dont like PNS"))
        self.write("mouse.txt", 1, (3, "T-T"))
        self.assertEqual(self.read("mouse.txt"), MOUSE)
        self.write("mouse.txt", 1, (5, "and AAD. aaaah"), (0, "But,"))
        self.assertEqual(
            self.read("mouse.txt"),
            b"Im just a mouse. But, I dont like T-T PNS and AAD. aaaah",
        )

    def test_one_change(self) -> None:
        """However many lines a session has, it is one change."""
        self.put("mouse.txt", MOUSE)
        self.write("mouse.txt", 1, (0, "But,"), (1, "well,"), (7, "and AAD. aaaah"))
        self.run_(self.alice.undo("mouse.txt"))
        self.assertEqual(self.read("mouse.txt"), MOUSE)


class PlaceTests(PeopleCase):
    """Where a text goes, and what stands around it afterwards."""

    def check(self, rows: list[Row]) -> None:
        """Each row holds."""
        for number, (before, sentence, lines, after) in enumerate(rows):
            path = f"row {number}.txt"
            self.put(path, before)
            self.write(path, sentence, *lines)
            self.assertEqual(self.read(path), after, f"{before!r} {sentence} {lines}")

    def test_words(self) -> None:
        """A text goes before the word with its index, or behind the last one, with one space."""
        self.check(
            [
                (b"", 0, [(0, "Hello")], b"Hello"),
                (b"", 0, [(0, "Hello world.")], b"Hello world."),
                (b"a b c", 0, [(0, "x")], b"x a b c"),
                (b"a b c", 0, [(1, "x")], b"a x b c"),
                (b"a b c", 0, [(2, "x")], b"a b x c"),
                (b"a b c", 0, [(3, "x")], b"a b c x"),
                (b"a b c", 0, [(1, "x y z")], b"a x y z b c"),
                (b"A. b c", 1, [(1, "x")], b"A. b x c"),
                (b"A. b c. D.", 1, [(0, "x")], b"A. x b c. D."),
                (b"A? b! C", 2, [(1, "d")], b"A? b! C d"),
            ]
        )

    def test_lines_see_lines(self) -> None:
        """Each line works on the text as the lines before it left it."""
        self.check(
            [
                (b"", 0, [(0, "a"), (1, "c"), (1, "b")], b"a b c"),
                (b"x", 0, [(0, "1"), (0, "2"), (0, "3")], b"3 2 1 x"),
                (b"x", 0, [(1, "y z"), (3, "end")], b"x y z end"),
                (b"a b", 0, [(1, "Stop. Go on"), (0, "well")], b"well a Stop. Go on b"),
            ]
        )

    def test_separators(self) -> None:
        """Tabs, line breaks, double spaces and a missing final newline survive an edit."""
        text = b"A a.\r\n\r\n\tB  b.\t \n\nC c\n"
        self.check(
            [
                (b"a\tb", 0, [(1, "x")], b"a\tx b"),
                (b"a  b", 0, [(1, "x")], b"a  x b"),
                (b"a\r\nb\r\n", 0, [(1, "x")], b"a\r\nx b\r\n"),
                (b"a b\n", 0, [(2, "c")], b"a b c\n"),
                (b"  lead b", 0, [(0, "x")], b"  x lead b"),
                (b"A b.  ", 0, [(1, "x")], b"A x b.  "),
                (text, 0, [(1, "x")], b"A x a.\r\n\r\n\tB  b.\t \n\nC c\n"),
                (text, 1, [(0, "x")], b"A a.\r\n\r\n\tx B  b.\t \n\nC c\n"),
                (text, 1, [(1, "x")], b"A a.\r\n\r\n\tB  x b.\t \n\nC c\n"),
                (text, 2, [(1, "x")], b"A a.\r\n\r\n\tB  b.\t \n\nC x c\n"),
                (text, 2, [(2, "x")], b"A a.\r\n\r\n\tB  b.\t \n\nC c x\n"),
            ]
        )

    def test_delimiters_in_words(self) -> None:
        """H13: a delimiter ends a sentence wherever it stands; a run of them ends it once."""
        self.check(
            [
                (b"", 0, [(0, "e.g. this")], b"e.g. this"),
                (b"see e.g. this", 0, [(0, "x")], b"x see e.g. this"),
                (b"see e.g. this", 1, [(0, "x")], b"see e. x g. this"),
                (b"see e.g. this", 2, [(0, "x")], b"see e.g. x this"),
                (b"Pi is 3.14 or so", 1, [(1, "about")], b"Pi is 3.14 about or so"),
                (b"Pi is or so", 0, [(2, "3.14")], b"Pi is 3.14 or so"),
                (b"Well... yes", 1, [(0, "oh")], b"Well... oh yes"),
                (b"Well... yes", 0, [(0, "oh")], b"oh Well... yes"),
                (b"What?! No.", 1, [(0, "oh")], b"What?! oh No."),
                (b"...", 1, [(0, "oh")], b"... oh"),
            ]
        )

    def test_new_sentence(self) -> None:
        """Behind a last sentence that is ended, a new one begins; white space there is kept."""
        self.check(
            [
                (b"Hello.", 1, [(0, "World.")], b"Hello. World."),
                (b"Hello.", 1, [(0, "World")], b"Hello. World"),
                (b"Hello!\n", 1, [(0, "World?")], b"Hello!\nWorld?"),
                (b"Hello?\n\n\t", 1, [(0, "World")], b"Hello?\n\n\tWorld"),
                (b"A. B...", 2, [(0, "C"), (1, "d.")], b"A. B... C d."),
            ]
        )

    def test_only_white_space(self) -> None:
        """A document of white space alone can be written to, and keeps it."""
        self.put("blank.txt", b" \n\t\n")
        self.write("blank.txt", 0, (0, "x"))
        after = self.read("blank.txt")
        self.assertEqual(after.replace(b"x", b""), b" \n\t\n")

    def test_other_alphabets(self) -> None:
        """A character of several bytes is never taken apart, and counts as one."""
        text = "Größe zählt. да, 日本語 🙂 fin"
        self.put("u.txt", text.encode())
        self.write("u.txt", 1, (2, "wörd"))
        after = "Größe zählt. да, 日本語 wörd 🙂 fin"
        self.assertEqual(self.read("u.txt"), after.encode())
        info = self.run_(self.alice.info("u.txt")).index
        self.assertEqual(
            (info.characters, info.size, info.words), (len(after), len(after.encode()), 7)
        )

    def test_answers(self) -> None:
        """Each good line is answered with the sentence as it now reads."""
        self.put("a.txt", b"A. b  c\td. E")
        session = self.run_(self.alice.write("a.txt", 1))
        self.assertEqual((session.words, session.sentence), (3, "b  c\td."))
        self.assertEqual(self.run_(session.edit(0, "x")), Sentence(4, "x b  c\td."))
        self.assertEqual(self.run_(session.edit(1, "y! z")), Sentence(2, "x y!"))
        self.run_(session.commit())
        self.assertEqual(self.read("a.txt"), b"A. x y! z b  c\td. E")


class IndexTests(PeopleCase):
    """Numbers that mean nothing."""

    def test_sentences(self) -> None:
        """A sentence that is not there is refused with the numbers that are."""
        for before, wrong, last in (
            (b"", 1, 0),
            (b"Hello", 1, 0),
            (b"Hello", -1, 0),
            (b"Hello", 2, 0),
            (b"Hello.", 2, 1),
            (b"Hello. World", 2, 1),
            (b"Hello. World!", 3, 2),
            (b"Hello. World!", 2**62, 2),
            (b"e.g.", 3, 2),
            (b"A. B...  ", 3, 2),
        ):
            self.put("a.txt", before)
            message = self.refused(self.alice.write("a.txt", wrong), DFSError)
            with self.subTest(before=before, wrong=wrong):
                self.assertIn("Sentence index out of range", message)
                numbers = re.findall(r"\d+", message.replace(str(wrong), "", 1))
                self.assertEqual(numbers[-1], str(last), message)
            self.assertEqual(self.code(self.alice.undo("a.txt")), "OK")  # nothing is locked

    def test_words(self) -> None:
        """A word that is not there is refused with the valid range, and the session goes on."""
        self.put("a.txt", b"one two three. Four")
        session = self.run_(self.alice.write("a.txt", 0))
        for wrong in (4, -1, 5, 2**62):
            message = self.refused(session.edit(wrong, "no"), Invalid)
            self.assertIn("Word index out of range", message)
            self.assertRegex(message, r"\b0\b.*\b3\b")
        self.run_(session.edit(3, "x"))
        self.run_(session.commit())
        self.assertEqual(self.read("a.txt"), b"one two three. x Four")

    def test_not_text(self) -> None:
        """A line that is not UTF-8 would spoil the document: it is refused, the session goes on."""
        self.put("a.txt", b"one")
        session = self.run_(self.alice.write("a.txt", 0))
        self.refused(session.edit(0, "\udcff"), Invalid)
        self.run_(session.edit(1, "two"))
        self.run_(session.commit())
        self.assertEqual(self.read("a.txt"), b"one two")


class BytesTests(PeopleCase):
    """Documents that are not UTF-8."""

    def test_write_is_refused(self) -> None:
        """WRITE says that it is not text; everything else works, byte for byte."""
        for number, content in enumerate(
            (b"\xff\xfe.", b"caf\xe9 au lait.", b"\xed\xa0\x80", b"\xc0\xaf", b"ok. \xf0\x9f")
        ):
            path = f"{number}.bin"
            self.put(path, b"before")
            self.put(path, content)
            message = self.refused(self.alice.write(path, 0), DFSError)
            self.assertIn("UTF-8", message)
            self.assertEqual(self.read(path), content)
            self.assertEqual(b"".join(self.words(path, delay=0.0)), content)
            self.run_(self.alice.undo(path))
            self.assertEqual(self.read(path), b"before")
            self.run_(self.alice.redo(path))
            self.assertEqual(self.read(path), content)
            self.run_(self.alice.put(path, b"text again"))
            self.write(path, 0, (0, "now"))
            self.assertEqual(self.read(path), b"now text again")

    def test_strange_text(self) -> None:
        """NUL, 0x01 and a byte order mark are characters of text, and stay."""
        self.put("a.txt", b"\xef\xbb\xbfa \x00 \x01.\r")
        self.write("a.txt", 0, (1, "x"))
        self.assertEqual(self.read("a.txt"), b"\xef\xbb\xbfa x \x00 \x01.\r")


class TwoWritersTests(PeopleCase):
    """Side by side."""

    TEXT = b"A a.\tB b.\r\nC c. D d"

    def setUp(self) -> None:
        super().setUp()
        self.shared("a.txt", self.TEXT, writers=("bob", "carol"))

    def test_both_orders(self) -> None:
        """Edits of two sentences survive, whoever commits first, also with new sentences."""
        for first, second in permutations((0, 1)):
            self.put("a.txt", self.TEXT)
            sessions = [
                self.run_(self.alice.write("a.txt", 0)),
                self.run_(self.bob.write("a.txt", 2)),
            ]
            self.run_(sessions[0].edit(1, "X x. Y y! z"))
            self.run_(sessions[1].edit(2, "p. Q"))
            self.run_(sessions[first].commit())
            self.run_(sessions[second].commit())
            self.assertEqual(self.read("a.txt"), b"A X x. Y y! z a.\tB b.\r\nC c. p. Q D d")

    def test_three_writers(self) -> None:
        """Neighbours do not disturb each other in any order of commit."""
        people = (self.alice, self.bob, self.carol)
        for order in permutations(range(3)):
            self.put("a.txt", self.TEXT)
            sessions = [self.run_(who.write("a.txt", n)) for n, who in enumerate(people)]
            for number, session in enumerate(sessions):
                self.run_(session.edit(0, f"{number}! {number}"))
            for number in order:
                self.run_(sessions[number].commit())
            after = b"0! 0 A a.\t1! 1 B b.\r\n2! 2 C c. D d"
            self.assertEqual(self.read("a.txt"), after, str(order))

    def test_lock_follows(self) -> None:
        """A lock stays on its sentence when sentences before it are added."""
        session = self.run_(self.bob.write("a.txt", 1))
        self.write("a.txt", 0, (0, "New. New."))
        self.refused(self.alice.write("a.txt", 3), Locked)
        self.write("a.txt", 1, (0, "free"))
        self.run_(session.edit(0, "mine"))
        self.run_(session.commit())
        self.assertEqual(self.read("a.txt"), b"New. free New. A a.\tmine B b.\r\nC c. D d")

    def test_locked(self) -> None:
        """A second writer of a sentence is told who holds it and since when."""
        self.cluster.advance(3600.0)
        session = self.run_(self.bob.write("a.txt", 1))
        message = self.refused(self.carol.write("a.txt", 1), Locked)
        self.assertIn("bob", message)
        self.assertRegex(message, r"2023-11-14.23:13:2\d")
        self.refused(self.bob.write("a.txt", 1), Locked)
        self.run_(session.abort())
        self.run_(self.run_(self.carol.write("a.txt", 1)).abort())

    def test_new_sentences_of_a_session(self) -> None:
        """What a session has not committed is no sentence for anybody else."""
        session = self.run_(self.bob.write("a.txt", 3))
        self.run_(session.edit(2, "x. Y"))
        self.refused(self.carol.write("a.txt", 4), Invalid)
        self.run_(session.commit())
        self.write("a.txt", 4, (1, "z"), session=self.carol)
        self.assertEqual(self.read("a.txt"), self.TEXT + b" x. Y z")

    def test_two_new_sentences(self) -> None:
        """Two writers at the end of a document: the second one is refused, or both texts stay."""
        self.put("a.txt", b"A a.")
        first = self.run_(self.bob.write("a.txt", 1))
        self.run_(first.edit(0, "one."))
        try:
            second = self.run_(self.carol.write("a.txt", 1))
        except Locked:
            self.run_(first.commit())
            self.assertEqual(self.read("a.txt"), b"A a. one.")
            return
        self.run_(second.edit(0, "two."))
        self.run_(second.commit())
        self.run_(first.commit())
        self.assertEqual(sorted(self.read("a.txt").split()), [b"A", b"a.", b"one.", b"two."])

    def test_whole_document(self) -> None:
        """DELETE, PUT and UNDO wait for a session: they are refused with LOCKED."""
        self.write("a.txt", 0, (0, "x"))
        session = self.run_(self.bob.write("a.txt", 1))
        for refused in (
            self.alice.delete("a.txt"),
            self.alice.put("a.txt", b"gone"),
            self.alice.put("a.txt", b"gone" * 100_000),
            self.alice.undo("a.txt"),
        ):
            self.assertIn("bob", self.refused(refused, Locked))
        self.run_(session.edit(0, "still"))
        self.run_(session.commit())
        self.assertEqual(self.read("a.txt"), b"x A a.\tstill B b.\r\nC c. D d")
        self.run_(self.alice.delete("a.txt"))

    def test_append_beside_a_session(self) -> None:
        """An APPEND during a session on another sentence is there, and so is the session's edit."""
        session = self.run_(self.bob.write("a.txt", 0))
        self.run_(session.edit(0, "x"))
        self.run_(self.alice.append("a.txt", " e. F"))
        self.run_(session.commit())
        self.assertEqual(self.read("a.txt"), b"x " + self.TEXT + b" e. F")


class EndTests(PeopleCase):
    """How sessions end."""

    settings: ClassVar[Settings] = Settings(session_timeout=60.0)

    def setUp(self) -> None:
        super().setUp()
        self.shared("a.txt", b"One. Two.", "carol", writers=("bob",))

    def open(self) -> WriteSession:
        """Bob in the middle of a sentence."""
        session = self.run_(self.bob.write("a.txt", 1))
        self.run_(session.edit(0, "half"))
        return session

    def free(self, text: bytes = b"One. Two.") -> None:
        """Nothing changed, and nothing is locked."""
        self.assertEqual(self.read("a.txt"), text)
        self.assertEqual(self.run_(self.alice.info("a.txt")).facts.locks, ())  # type: ignore[union-attr]
        self.run_(self.run_(self.alice.write("a.txt", 1)).abort())

    def test_abort(self) -> None:
        """ABORT leaves the old text and no lock."""
        session = self.open()
        self.run_(session.abort())
        self.free()
        self.refused(session.commit(), DFSError)
        self.free()

    def test_disconnect(self) -> None:
        """A lost connection leaves the old text and no lock."""
        self.open()
        self.bob.close()
        self.cluster.advance(0.1)
        self.free()

    def test_idle(self) -> None:
        """After the idle time the old text stands, the lock is free, and the writer is told."""
        session = self.open()
        self.cluster.advance(59.0)
        self.refused(self.alice.write("a.txt", 1), Locked)
        self.cluster.advance(7.0)  # sessions are looked at every 5 s
        self.free()
        self.refused(session.commit(), DFSError)
        self.free()

    def test_busy_writer(self) -> None:
        """Who goes on typing is not idle, however long it takes."""
        session = self.open()
        for number in range(10):
            self.cluster.advance(50.0)
            self.run_(session.edit(0, str(number)))
        self.run_(session.commit())
        self.assertEqual(self.read("a.txt"), b"One. 9 8 7 6 5 4 3 2 1 0 half Two.")

    def test_server_stops(self) -> None:
        """A storage server that stops ends its sessions; after its return nothing is locked."""
        session = self.open()
        self.cluster.stop("ss1")
        self.cluster.start("ss1")
        self.refused(session.commit(), DFSError)
        self.free()

    def test_old_text_until_the_commit(self) -> None:
        """Readers and streamers see the old text until ETIRW, then the new one; never a mix."""
        streamed = self.carol.stream("a.txt", 1.0)
        first = self.run_(streamed.read())
        session = self.open()
        self.assertEqual(self.read("a.txt", self.carol), b"One. Two.")
        self.assertEqual(self.read("a.txt", self.bob), b"One. Two.")
        self.run_(session.commit())
        self.assertEqual(self.read("a.txt", self.carol), b"One. half Two.")
        self.assertEqual(first + self.run_(streamed.read()), b"One. Two.")

    def test_right_taken_away(self) -> None:
        """Who may not write any more cannot commit; the lock is free afterwards."""
        for downgrade in (False, True):
            self.run_(self.alice.add_access("a.txt", "bob", "w"))
            session = self.open()
            self.run_(self.alice.rem_access("a.txt", "bob"))
            if downgrade:
                self.run_(self.alice.add_access("a.txt", "bob", "r"))
            self.refused(session.commit(), Unauthorized)
            self.cluster.advance(61.0)
            self.free()

    def test_who_may_open(self) -> None:
        """A session needs the right to write, and a document."""
        self.refused(self.carol.write("a.txt", 0), Unauthorized)
        self.refused(self.person("dave").write("a.txt", 0), Unauthorized)
        self.refused(self.bob.write("b.txt", 0), NotFound)

    def test_session_of_somebody_else(self) -> None:
        """A session belongs to its connection: nobody else can edit, commit or end it."""
        session = self.open()
        stranger = self.cluster.dial("ss1")
        for request in (
            Edit(0, "mine", session=session._session),
            Etirw(session=session._session),
            Abort(session=session._session),
        ):
            self.refused(stranger.ask(request), DFSError)
        stranger.close()
        self.run_(session.commit())
        self.assertEqual(self.read("a.txt"), b"One. half Two.")


class TypedTests(PeopleCase):
    """Lines as a person types them at the shell."""

    def test_escapes(self) -> None:
        """A typed backslash with n, t or a backslash is newline, tab or backslash."""
        desk = Desk(self.alice, self.run_)
        for typed, stored in (
            (r"0 one\ntwo", b"one\ntwo"),
            (r"0 one\ttwo", b"one\ttwo"),
            (r"0 c:\\new", b"c:\\new"),
            (r"0 a\\\nb", b"a\\\nb"),
            ("0 two  spaces", b"two  spaces"),
            ("0 'quotes' \"stay\"", b"'quotes' \"stay\""),
            ("0 a|b %7C #1", b"a|b %7C #1"),
        ):
            self.put("a.txt", b"")
            self.assertEqual(
                desk.type("WRITE a.txt 0", typed, "ETIRW")[-18:], "Write Successful!\n"
            )
            self.assertEqual(self.read("a.txt"), stored, typed)

    def test_bad_lines(self) -> None:
        """A line that makes no sense is refused, and the session goes on."""
        desk = Desk(self.alice, self.run_)
        self.put("a.txt", b"one")
        desk.type("WRITE a.txt 0", "9 no", "x no", "-1 no", "1 two", "no", "ETIRW")
        self.assertGreaterEqual(desk.complaints.count("ERROR [INVALID]: "), 4)
        self.assertIn("Word index out of range", desk.complaints)
        self.assertEqual(self.read("a.txt"), b"one two")


class LimitTests(PeopleCase):
    """The configured cap."""

    settings: ClassVar[Settings] = Settings(max_document=100)

    def test_too_large(self) -> None:
        """What would exceed the cap is refused in words and changes nothing, not even a part."""
        self.put("a.txt", b"a" * 90)
        self.refused(self.alice.put("a.txt", b"b" * 101), TooLarge)
        self.refused(self.alice.put("a.txt", b"b" * 100_000), TooLarge)
        self.refused(self.alice.append("a.txt", "c" * 11), TooLarge)
        session = self.run_(self.alice.write("a.txt", 0))
        refused = 0
        for awaitable in (session.edit(0, "d" * 20), session.commit()):
            refused += self.code(awaitable) == "TOO_LARGE"
        self.assertEqual(self.read("a.txt"), b"a" * 90)
        self.assertGreaterEqual(refused, 1)
        self.run_(session.abort())
        self.run_(self.alice.append("a.txt", "e" * 10))
        self.assertEqual(self.read("a.txt"), b"a" * 90 + b"e" * 10)


#: Text with everything that matters to sentences.
TEXTS = st.text("ab .!?\n\t\r\u00e4|%", max_size=30)
WORDS = st.text("xy.z!", min_size=1, max_size=6)
PLAIN = st.text("xyz", min_size=1, max_size=6)

SENTENCE = re.compile(rb"[^\s.!?][^.!?]*[.!?]*|[.!?]+")


class AnyTextTests(PeopleCase):
    """Properties of every text."""

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(text=TEXTS, added=WORDS, data=st.data())
    def test_one_place(self, text: str, added: str, data: st.DataObject) -> None:
        """H13: whatever the text, an edit adds at one place and leaves every other byte alone."""
        before = text.encode()
        self.put("a.txt", before)
        count = max(1, len(SENTENCE.findall(before)))
        session = self.run_(self.alice.write("a.txt", data.draw(st.integers(0, count - 1))))
        self.run_(session.edit(data.draw(st.integers(0, session.words)), added))
        self.run_(session.commit())
        after, new = self.read("a.txt"), added.encode()
        self.assertTrue(
            any(
                after == before[:place] + left + new + right + before[place:]
                for place in range(len(before) + 1)
                for left in (b"", b" ")
                for right in (b"", b" ")
            ),
            f"{before!r} became {after!r}",
        )

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(text=TEXTS.filter(lambda text: len(SENTENCE.findall(text.encode())) > 1), data=st.data())
    def test_any_order(self, text: str, data: st.DataObject) -> None:
        """Two sessions on two sentences lead to one text, whichever commits first."""
        before = text.encode()
        sentences = len(SENTENCE.findall(before))
        numbers = data.draw(
            st.lists(st.integers(0, sentences - 1), min_size=2, max_size=2, unique=True)
        )
        edits = [(data.draw(st.integers(0, 9)), data.draw(WORDS)) for _ in numbers]
        results = []
        for order in ((0, 1), (1, 0)):
            self.put("a.txt", before)
            sessions = [self.run_(self.alice.write("a.txt", number)) for number in numbers]
            for session, (word, added) in zip(sessions, edits, strict=True):
                self.run_(session.edit(min(word, session.words), added))
            for which in order:
                self.run_(sessions[which].commit())
            results.append(self.read("a.txt"))
        self.assertEqual(results[0], results[1])
