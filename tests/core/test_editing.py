"""What an editing session does, and what it keeps others from doing."""

from __future__ import annotations

from attrs import define
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.core import editing, sentences
from dfs.core.editing import Draft, Lock, Locks, splice, touched
from dfs.core.sentences import Span
from dfs.errors import Invalid, Locked, TooLarge

#: Other work on the machine is no failure.
unhurried = settings(deadline=None)

inserted = st.lists(
    st.sampled_from([b"new", "é".encode(), b"X.", b".", b"...", b"3.14", b" ", b"\t", b"\r\n"]),
    min_size=1,
    max_size=4,
).map(b"".join)

#: Documents whose sentences touch, and are separated in every way.
documents = st.lists(
    st.sampled_from(
        [b"a", b"b c", b"d\te", b"f\r\ng", b".", b"!", b"...", b" ", b"  ", b"\n", b"\xff", b"3.14"]
    ),
    max_size=14,
).map(b"".join)


def edited(text: bytes, *edits: tuple[int, bytes]) -> Draft:
    """The draft of a session after its lines."""
    draft = Draft(text)
    for word, insertion in edits:
        draft = draft.insert(word, insertion)
    return draft


def committed(content: bytes, number: int, *edits: tuple[int, bytes]) -> bytes:
    """A document after one session."""
    span = sentences.find(content, number)
    return splice(content, span, edited(span.of(content), *edits))[0]


def is_within(original: bytes, text: bytes) -> bool:
    """Whether every byte of the original is in the text, in order."""
    rest = iter(text)
    return all(byte in rest for byte in original)


class DraftTests(SynchronousTestCase):
    """Each line of a session works on the text as the lines before it left it."""

    def test_mouse(self) -> None:
        """The example of the specification holds exactly."""
        draft = Draft(b"I dont like T-T PNS").insert(5, b"and AAD. aaaah")
        self.assertEqual(draft.sentence, b"I dont like T-T PNS and AAD.")
        self.assertEqual(draft.text, b"I dont like T-T PNS and AAD. aaaah")
        self.assertEqual(draft.word_count, 7)
        for word in range(8):
            draft.insert(word, b"x")
        for word in (8, -1):
            error = self.assertRaises(Invalid, draft.insert, word, b"x")
            self.assertEqual(str(error), "Word index out of range: 0 to 7")

    def test_examples(self) -> None:
        """Text goes before the word that was named, with one space where there is none."""
        cases: list[tuple[bytes, list[tuple[int, bytes]], bytes, bytes]] = [
            # the sentence, the lines, the whole draft, the sentence as it then reads
            (b"", [(0, b"Hello")], b"Hello", b"Hello"),
            (b"", [(0, b"A. B")], b"A. B", b"A."),
            (b"", [(0, b"Hello"), (1, b"world")], b"Hello world", b"Hello world"),
            (b"a c", [(1, b"b")], b"a b c", b"a b c"),
            (b"a c.", [(0, b"x")], b"x a c.", b"x a c."),
            (b"a c", [(2, b"d")], b"a c d", b"a c d"),
            (b"a\t c", [(1, b"b")], b"a\t b c", b"a\t b c"),
            (b"a\r\nc.", [(1, b"b\r\n")], b"a\r\nb\r\nc.", b"a\r\nb\r\nc."),
            (b"a c", [(1, b"\nb ")], b"a \nb c", b"a \nb c"),
            # a terminated sentence grows a new one behind it
            (b"a.", [(1, b"b")], b"a. b", b"a."),
            (b"a.", [(1, b"b"), (1, b"c")], b"a. c b", b"a."),
            (b"a...", [(1, b"b.")], b"a... b.", b"a..."),
            # delimiters in front and within
            (b"a b", [(0, b".")], b". a b", b"."),
            (b"a b", [(1, b"3.14")], b"a 3.14 b", b"a 3."),
            (b"a b", [(1, b"e.g.")], b"a e.g. b", b"a e."),
            (b"a", [(1, b".")], b"a .", b"a ."),
            (b"Hello ...", [(1, b"x")], b"Hello x ...", b"Hello x ..."),
            # white space alone
            (b"a", [(1, b"\n"), (1, b"b")], b"a\nb", b"a\nb"),
            (b"a", [(0, b"\n"), (0, b"b")], b"\nb a", b"b a"),
            (b"a.", [(1, b"\n"), (1, b"b")], b"a.\nb", b"a."),
            (b"", [(0, b"\t"), (0, b"b")], b"\tb", b"b"),
            (b"", [(0, b" ")], b" ", b""),
        ]
        for text, edits, draft, sentence in cases:
            result = edited(text, *edits)
            self.assertEqual((result.text, result.sentence), (draft, sentence), (text, edits))

    def test_refused_text(self) -> None:
        """Text that is empty, not UTF-8 or too long is refused, and changes nothing (H5)."""
        draft = Draft(b"a")
        self.assertRaises(Invalid, draft.insert, 0, b"")
        self.assertRaises(Invalid, draft.insert, 0, b"\xff")
        words = b"w " * editing.MAX_WORDS
        self.assertRaises(TooLarge, draft.insert, 0, words + b"w")
        self.assertRaises(TooLarge, draft.insert, 0, b"x" * (editing.MAX_EDIT_BYTES + 1))
        self.assertEqual(draft, Draft(b"a"))

    def test_largest_text(self) -> None:
        """One edit of 64 KiB, and one of 10,000 words, are taken whole (H5)."""
        large = b"x" * editing.MAX_EDIT_BYTES
        self.assertEqual(Draft(b"a").insert(1, large).text, b"a " + large)
        many = b"word " * editing.MAX_WORDS
        self.assertEqual(Draft(b"a").insert(0, many).text, many + b"a")
        self.assertEqual(Draft(b"a").insert(0, many).word_count, editing.MAX_WORDS + 1)

    def test_many_edits(self) -> None:
        """A session has a limit of edits."""
        draft = Draft(b"a", edits=editing.MAX_EDITS - 1).insert(1, b"b")
        self.assertRaises(TooLarge, draft.insert, 1, b"c")

    @unhurried
    @given(st.sampled_from([b"", b"a", b"a.", b"a b\tc...", b"...", b"\xff d"]), st.data())
    def test_nothing_lost(self, text: bytes, data: st.DataObject) -> None:
        """Any valid line keeps every byte that was there, and adds its text and two spaces."""
        draft = Draft(text)
        for _ in range(4):
            word = data.draw(st.integers(0, draft.word_count))
            insertion = data.draw(inserted)
            following = draft.insert(word, insertion)
            self.assertTrue(is_within(draft.text, following.text))
            self.assertIn(insertion, following.text)
            growth = len(following.text) - len(draft.text) - len(insertion)
            self.assertIn(growth, (0, 1, 2))
            places = [
                at
                for at in range(len(draft.text) + 1)
                for left in (b"", b" ")
                for right in (b"", b" ")
                if draft.text[:at] + left + insertion + right + draft.text[at:] == following.text
            ]
            self.assertTrue(places)
            self.assertRaises(Invalid, following.insert, following.word_count + 1, b"x")
            draft = following


class SpliceTests(SynchronousTestCase):
    """A commit leaves every byte outside the edit alone (H13)."""

    def test_examples(self) -> None:
        """Line breaks, tabs, double spaces, a missing final newline and odd delimiters survive."""
        cases: list[tuple[bytes, int, tuple[int, bytes], bytes]] = [
            (b"", 0, (0, b"A."), b"A."),
            (b" \n", 0, (0, b"A."), b" \nA."),
            (b"A.", 1, (0, b"B"), b"A. B"),
            (b"A.\n", 1, (0, b"B"), b"A.\nB"),
            (b"A.", 1, (0, b"\nB"), b"A.\nB"),
            (b"A.  b\tc!\r\nD", 1, (1, b"x"), b"A.  b\tx c!\r\nD"),
            (b"A.  b\tc!\r\nD", 2, (1, b"x"), b"A.  b\tc!\r\nD x"),
            (b"A.  b\tc!\r\nD\n", 2, (1, b"x"), b"A.  b\tc!\r\nD x\n"),
            (b"\t A.  B.", 0, (0, b"x"), b"\t x A.  B."),
            (b"Wait... what", 0, (0, b"x"), b"x Wait... what"),
            (b"Wait... what", 1, (0, b"x"), b"Wait... x what"),
            # sentences without white space between them stay so where they were not edited
            (b"e.g. x", 0, (0, b"y"), b"y e.g. x"),
            (b"e.g. x", 1, (1, b"y"), b"e.g. y x"),
            (b"see 3.14 now", 0, (0, b"oh"), b"oh see 3.14 now"),
            (b"see 3.14 now", 1, (1, b"or so"), b"see 3.14 or so now"),
            # text inserted right at such a place has its space
            (b"e.g.", 0, (1, b"x"), b"e. x g."),
            (b"e.g.", 0, (1, b"x "), b"e. x g."),
            (b"e.g.", 1, (0, b"x"), b"e. x g."),
            (b"e.g.", 1, (0, b"\nx"), b"e.\nx g."),
            (b"3.14", 0, (1, b"!"), b"3. ! 14"),
            (b"3.14", 1, (0, b"."), b"3. . 14"),
        ]
        for content, number, edit, expected in cases:
            self.assertEqual(committed(content, number, edit), expected, (content, number, edit))

    def test_span(self) -> None:
        """The span that comes back is where the draft now stands."""
        for content, number in ((b"A.", 1), (b"e.g.", 0), (b"e.g.", 1), (b"A. B. C", 1)):
            span = sentences.find(content, number)
            for word in (0, sentences.count_words(span.of(content))):
                draft = Draft(span.of(content)).insert(word, b"new")
                new, place = splice(content, span, draft)
                self.assertEqual(place.of(new), draft.text)

    def test_no_edit(self) -> None:
        """A session without lines changes nothing, at the place of a new sentence neither."""
        for content in (b"", b"A.", b"e.g.", b"A. b \n"):
            for number in range(sentences.count(content)):
                self.assertEqual(committed(content, number), content)
        self.assertEqual(committed(b"A.", 1), b"A.")

    @unhurried
    @given(documents, st.data())
    def test_outside(self, content: bytes, data: st.DataObject) -> None:
        """Whatever is inserted, all bytes before and after the sentence are the same."""
        highest = sentences.count(content) - (not sentences.last_is_terminated(content))
        span = sentences.find(content, data.draw(st.integers(0, highest)))
        draft = Draft(span.of(content))
        for _ in range(data.draw(st.integers(1, 3))):
            draft = draft.insert(data.draw(st.integers(0, draft.word_count)), data.draw(inserted))
        new, place = splice(content, span, draft)
        self.assertEqual(place.of(new), draft.text)
        before, after = content[: span.start], content[span.end :]
        self.assertIn(new[: place.start], (before, before + b" "))
        self.assertIn(new[place.end :], (after, b" " + after))


def lock(session: str, start: int, end: int) -> Lock:
    """A lock of a session on a stretch."""
    return Lock(
        session=session, user=f"user-{session}", since=1_767_323_045.9, span=Span(start, end)
    )


class LockTests(SynchronousTestCase):
    """A sentence has one writer; the others go on."""

    def test_same_sentence(self) -> None:
        """A second writer is refused, and told who holds the sentence since when."""
        locks = Locks()
        locks.take(lock("1", 0, 4))
        error = self.assertRaises(Locked, locks.take, lock("2", 0, 4))
        self.assertIn("user-1", str(error))
        self.assertIn("2026-01-02T03:04:05Z", str(error))
        self.assertEqual([each.session for each in locks.held()], ["1"])

    def test_new_sentence(self) -> None:
        """Only one session at a time adds a new sentence; the last one is free beside it."""
        locks = Locks()
        locks.take(lock("1", 4, 4))
        self.assertRaises(Locked, locks.take, lock("2", 4, 4))
        locks.take(lock("3", 0, 4))

    def test_release(self) -> None:
        """A released sentence is free; releasing twice does no harm."""
        locks = Locks()
        locks.take(lock("1", 0, 4))
        locks.release("1")
        locks.release("1")
        locks.take(lock("2", 0, 4))

    def test_replace(self) -> None:
        """The whole document may be replaced only while nothing is held."""
        locks = Locks()
        locks.may_replace()
        locks.take(lock("1", 0, 4))
        error = self.assertRaises(Locked, locks.may_replace)
        self.assertIn("user-1", str(error))

    def test_follow(self) -> None:
        """Locks behind a commit move with their sentences; those before it stay."""
        locks = Locks()
        for each in (lock("1", 0, 2), lock("2", 2, 4), lock("3", 4, 8), lock("4", 9, 9)):
            locks.take(each)
        locks.moved("2", Span(2, 4), growth=5)
        self.assertEqual(
            [(each.session, each.span) for each in locks.held()],
            [("1", Span(0, 2)), ("2", Span(2, 4)), ("3", Span(9, 13)), ("4", Span(14, 14))],
        )
        self.assertEqual(locks.span("3"), Span(9, 13))

    def test_append(self) -> None:
        """An APPEND is refused where it would touch a held sentence, and only there."""
        cases = [
            # content, held sentence, what is added, whether it may be
            (b"One. Two", 1, b" more", False),
            (b"One. Two", 1, b"\n", False),
            (b"One. Two\n", 1, b"more", False),
            (b"One. Two", 0, b" more", True),
            (b"One. Two.", 1, b" Three.", True),
            (b"One. Two.", 1, b"Three.", True),
            (b"One. Two.", 1, b"..", False),
            (b"One. Two. ", 1, b"..", True),
            (b"One. Two.", 0, b"..", True),
            (b"One. Two.", 2, b" Three.", False),
            (b"One. Two.", 2, b"\n", False),
            (b"", 0, b"x", False),
            (b"One", 0, b"", True),
        ]
        for content, number, addition, allowed in cases:
            locks = Locks()
            locks.may_touch(touched(content, addition))
            locks.take(Lock("1", "alice", 0.0, sentences.find(content, number)))
            if allowed:
                locks.may_touch(touched(content, addition))
            else:
                self.assertRaises(Locked, locks.may_touch, touched(content, addition))

    def test_append_behind_a_merged_sentence(self) -> None:
        """A held sentence that became the start of the last one is not lengthened either."""
        content = b"One. two more"
        locks = Locks()
        locks.take(lock("1", 5, 8))
        self.assertRaises(Locked, locks.may_touch, touched(content, b" text"))


@define
class Shared:
    """One document with its locks, and sessions that work on it as a server would let them."""

    content: bytes
    locks: Locks

    def open(self, session: str, number: int) -> Draft:
        span = sentences.find(self.content, number)
        self.locks.take(Lock(session, "user", 0.0, span))
        return Draft(span.of(self.content))

    def commit(self, session: str, draft: Draft) -> None:
        old = self.locks.span(session)
        new, _ = splice(self.content, old, draft)
        self.locks.moved(session, old, len(new) - len(self.content))
        self.locks.release(session)
        self.content = new


class Model:
    """
    The same document as a list of sentences with identities, and what stands between them.

    @ivar gaps: what stands before each sentence, and after the last one.
    @ivar texts: what each sentence became.
    """

    def __init__(self, content: bytes) -> None:
        spans = [sentences.find(content, number) for number in range(sentences.count(content))]
        end = len(content)
        if sentences.last_is_terminated(content):
            spans.append(Span(end, end))
        self.texts = [span.of(content) for span in spans]
        borders = [0, *(offset for span in spans for offset in (span.start, span.end)), end]
        self.gaps = [
            content[start:stop] for start, stop in zip(borders[::2], borders[1::2], strict=True)
        ]

    def before(self, number: int) -> bytes:
        texts = zip(self.gaps[:number], self.texts[:number], strict=True)
        return b"".join(gap + text for gap, text in texts) + self.gaps[number]

    def after(self, number: int) -> bytes:
        following = zip(self.gaps[number + 1 :], [*self.texts[number + 1 :], b""], strict=True)
        return b"".join(gap + text for gap, text in following)

    def commit(self, number: int, draft: Draft) -> None:
        text = self.texts[number] = draft.text
        if not text:
            return
        before, after = self.before(number), self.after(number)
        if draft.head_inserted and len((before[-1:] + b"|" + text[:1]).strip()) == 3:
            self.gaps[number] += b" "
        if draft.tail_inserted and len((text[-1:] + b"|" + after[:1]).strip()) == 3:
            self.gaps[number + 1] = b" " + self.gaps[number + 1]


class TogetherTests(SynchronousTestCase):
    """Writers on different sentences work side by side, and all their changes survive."""

    def test_two_writers(self) -> None:
        """Two sentences, two writers: both orders of commit give the same text."""
        for order in (("1", "2"), ("2", "1")):
            document = Shared(b"One here.  Two there.\r\n", Locks())
            drafts = {
                "1": document.open("1", 0).insert(1, b"was. Right"),
                "2": document.open("2", 1).insert(0, b"And"),
            }
            for session in order:
                document.commit(session, drafts[session])
            self.assertEqual(document.content, b"One was. Right here.  And Two there.\r\n")
            self.assertEqual(document.locks.held(), [])

    def test_touching_sentences(self) -> None:
        """Both sides of a place without white space are edited; one space stands there."""
        for order in (("1", "2"), ("2", "1")):
            document = Shared(b"e.g.", Locks())
            drafts = {
                "1": document.open("1", 0).insert(1, b"x"),
                "2": document.open("2", 1).insert(0, b"y"),
            }
            for session in order:
                document.commit(session, drafts[session])
            self.assertEqual(document.content, b"e. x y g.")

    def test_last_and_new(self) -> None:
        """One writer lengthens the last sentence while another adds a new one."""
        for order in (("1", "2"), ("2", "1")):
            document = Shared(b"One.", Locks())
            drafts = {
                "1": document.open("1", 0).insert(1, b"two"),
                "2": document.open("2", 1).insert(0, b"Three."),
            }
            for session in order:
                document.commit(session, drafts[session])
            self.assertEqual(document.content, b"One. two Three.")

    def test_lock_follows(self) -> None:
        """After a commit before it a held sentence has another number, and is still held."""
        document = Shared(b"One. Two.", Locks())
        first, second = document.open("1", 0), document.open("2", 1)
        document.commit("1", first.insert(0, b"New. And more."))
        self.assertRaises(Locked, document.open, "3", 3)
        document.open("4", 1)
        document.commit("2", second.insert(0, b"now"))
        self.assertEqual(document.content, b"New. And more. One. now Two.")

    @unhurried
    @given(documents, st.data())
    def test_any_sessions(self, content: bytes, data: st.DataObject) -> None:
        """Any sessions on different sentences, in any order, give the text of all of them."""
        highest = len(Model(content).texts) - 1
        numbers = data.draw(st.lists(st.integers(0, highest), unique=True, min_size=1, max_size=5))
        drafts = {number: Draft(Model(content).texts[number]) for number in numbers}
        for number in data.draw(st.lists(st.sampled_from(numbers), max_size=8)):
            word = data.draw(st.integers(0, drafts[number].word_count))
            drafts[number] = drafts[number].insert(word, data.draw(inserted))
        order = data.draw(st.permutations(numbers))
        there = self.work(content, drafts, order)
        back = self.work(content, drafts, order[::-1])
        self.assertTrue(is_within(content, there))
        # At a place without white space the order may decide how much comes to stand there.
        self.assertEqual(there.split(), back.split())

    def work(self, content: bytes, drafts: dict[int, Draft], order: list[int]) -> bytes:
        """Open all sessions, commit them in an order, and compare with the model."""
        document, model = Shared(content, Locks()), Model(content)
        for number, draft in drafts.items():
            self.assertEqual(document.open(str(number), number).text, model.texts[number])
            self.assertRaises(Locked, document.open, "late", number)
            self.assertTrue(is_within(model.texts[number], draft.text))
        for number in order:
            document.commit(str(number), drafts[number])
            model.commit(number, drafts[number])
            self.assertEqual(
                document.content, model.before(number) + model.texts[number] + model.after(number)
            )
            for held in document.locks.held():
                self.assertEqual(held.span.of(document.content), model.texts[int(held.session)])
        self.assertEqual(document.locks.held(), [])
        return document.content
