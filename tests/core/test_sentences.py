"""Where sentences and words begin and end."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.core import sentences
from dfs.core.sentences import Span, WordStream
from dfs.errors import Invalid

#: Text in which everything that matters is frequent.
crowded = st.lists(st.sampled_from([b"a", b"\xc2\xa0", b"b", b".", b"!", b"?", b" ", b"\n"])).map(
    b"".join
)


def reference(text: bytes) -> list[Span]:
    """All sentences, found byte by byte."""
    spans: list[Span] = []
    start = end = -1
    ended = False
    for at, byte in enumerate(text):
        white = byte in b" \t\n\r\v\f"
        delimiter = byte in b".!?"
        if start >= 0 and ended and not delimiter:
            spans.append(Span(start, end))
            start = -1
        if white:
            continue
        if start < 0:
            start = at
        end, ended = at + 1, delimiter
    if start >= 0:
        spans.append(Span(start, end))
    return spans


#: A text, and its sentences.
EXAMPLES: list[tuple[bytes, list[bytes]]] = [
    (b"", []),
    (b" \r\n\t", []),
    (b"Hello", [b"Hello"]),
    (b"Hello.", [b"Hello."]),
    (b"  Hello \n", [b"Hello"]),
    (b"One. Two! Three? Four", [b"One.", b"Two!", b"Three?", b"Four"]),
    (b"e.g.", [b"e.", b"g."]),
    (b"3.14", [b"3.", b"14"]),
    (b"Wait... what?!", [b"Wait...", b"what?!"]),
    (b"Hello ... world", [b"Hello ...", b"world"]),
    (b"Hello. ... world", [b"Hello.", b"...", b"world"]),
    (b"a.\r\n\r\nb\tc.\n", [b"a.", b"b\tc."]),
    (b"\xff\x00. \xc2\xa0", [b"\xff\x00.", b"\xc2\xa0"]),
]


class SentenceTests(SynchronousTestCase):
    """The rules of the specification, one example each."""

    def test_examples(self) -> None:
        """Each text has the sentences that the specification gives it."""
        for text, expected in EXAMPLES:
            self.assertEqual(sentences.count(text), len(expected), text)
            found = [sentences.find(text, number).of(text) for number in range(len(expected))]
            self.assertEqual(found, expected, text)

    def test_next_one(self) -> None:
        """A new sentence stands at the very end, if the last one is ended."""
        for text in (b"", b" \n", b"One.", b"One. \n", b"e.g."):
            end = len(text)
            self.assertEqual(sentences.find(text, sentences.count(text)), Span(end, end), text)

    def test_out_of_range(self) -> None:
        """A number without a sentence is refused, and the valid range is named."""
        cases = [
            (b"", 1, "0 to 0"),
            (b"", -1, "0 to 0"),
            (b" ", 1, "0 to 0"),
            (b"One", 1, "0 to 0"),
            (b"One.", 2, "0 to 1"),
            (b"One. Two", 2, "0 to 1"),
            (b"One. Two.", 3, "0 to 2"),
            (b"One. Two.", -1, "0 to 2"),
        ]
        for text, number, valid in cases:
            error = self.assertRaises(Invalid, sentences.find, text, number)
            self.assertEqual(str(error), f"Sentence index out of range: {valid}")

    @settings(deadline=None)
    @given(crowded)
    def test_reference(self, text: bytes) -> None:
        """All sentences of any text are those found byte by byte."""
        expected = reference(text)
        self.assertEqual(sentences.count(text), len(expected))
        for number, span in enumerate(expected):
            self.assertEqual(sentences.find(text, number), span)
        open_ended = bool(expected) and expected[-1].of(text)[-1:] not in (b".", b"!", b"?")
        self.assertEqual(sentences.last_is_terminated(text), not open_ended)
        nowhere = Span(len(text), len(text))
        self.assertEqual(sentences.first(text), expected[0] if expected else nowhere)
        self.assertEqual(sentences.last(text), expected[-1] if expected else nowhere)
        self.assertEqual(sentences.visible_end(text), len(text.rstrip()))

    @settings(deadline=None, max_examples=15)
    @given(crowded, st.integers(-3, 3), st.integers(0, 8))
    def test_block_borders(self, text: bytes, shift: int, number: int) -> None:
        """Where a long text is cut for counting makes no difference."""
        padding = b"x" * (sentences.BLOCK + shift)
        for long in (padding + text, text + padding + text, b"y. " * 3 + padding + text):
            expected = reference(long)
            self.assertEqual(sentences.count(long), len(expected))
            if number < len(expected):
                self.assertEqual(sentences.find(long, number), expected[number])
            spans = sentences.words(long)
            self.assertEqual(sentences.count_words(long), len(spans))
            if number < len(spans):
                self.assertEqual(sentences.word_start(long, number), spans[number].start)

    def test_long_document(self) -> None:
        """Any sentence of a document of many blocks is found where it is."""
        text = b"".join(b"Sentence %d is here.\n" % number for number in range(20_000))
        self.assertEqual(sentences.count(text), 20_000)
        for number in (0, 1, 3_000, 9_999, 19_999):
            self.assertEqual(
                sentences.find(text, number).of(text), b"Sentence %d is here." % number
            )
        self.assertEqual(sentences.find(text, 20_000), Span(len(text), len(text)))

    def test_long_sentence(self) -> None:
        """One sentence of many blocks is found whole, ended or not, with all its words."""
        for end in (b"", b"?!"):
            text = b"word " * 100_000 + b"last" + end
            self.assertEqual(sentences.find(text, 0), Span(0, len(text)))
            self.assertEqual(sentences.word_start(text, 70_000), 350_000)
            self.assertEqual(sentences.count_words(text), 100_001)


class WordTests(SynchronousTestCase):
    """Words are what is visible, and end where sentences end."""

    def test_examples(self) -> None:
        """Each text has the words that the specification gives it."""
        cases = [
            (b"", []),
            (b" \t", []),
            (b"I dont like T-T PNS", [b"I", b"dont", b"like", b"T-T", b"PNS"]),
            (b"Hello ...", [b"Hello", b"..."]),
            (b"e.g.", [b"e.", b"g."]),
            (b"3.14", [b"3.", b"14"]),
            (b"a\xc2\xa0b\r\nc", [b"a\xc2\xa0b", b"c"]),
        ]
        for text, expected in cases:
            self.assertEqual([span.of(text) for span in sentences.words(text)], expected)

    @settings(deadline=None)
    @given(crowded)
    def test_reference(self, text: bytes) -> None:
        """All words of any text are those of the plain regular expression."""
        expected = [
            Span(*match.span()) for match in re.finditer(rb"[^\s.!?]*[.!?]+|[^\s.!?]+", text)
        ]
        self.assertEqual(sentences.words(text), expected)
        self.assertEqual(sentences.count_words(text), len(expected))
        for number, span in enumerate(expected):
            self.assertEqual(sentences.word_start(text, number), span.start)


class SpanTests(SynchronousTestCase):
    """Which stretches exclude each other."""

    def test_overlap(self) -> None:
        """Neighbours do not overlap; a byte or an empty place in common does."""
        cases = [
            (Span(0, 2), Span(2, 4), False),
            (Span(0, 2), Span(1, 4), True),
            (Span(0, 9), Span(3, 4), True),
            (Span(4, 4), Span(4, 4), True),
            (Span(0, 4), Span(4, 4), False),
            (Span(4, 4), Span(4, 9), False),
            (Span(0, 9), Span(4, 4), True),
            (Span(0, 2), Span(0, 2), True),
        ]
        for one, other, expected in cases:
            self.assertEqual(one.overlaps(other), expected, (one, other))
            self.assertEqual(other.overlaps(one), expected, (other, one))


def stream(text: bytes, cuts: list[int]) -> list[bytes]:
    """What a stream yields for a text that comes in pieces."""
    words = WordStream()
    borders = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    out: list[bytes] = []
    for start, end in pairwise(borders):
        out += words.feed(text[start:end])
    return out + words.finish()


class WordStreamTests(SynchronousTestCase):
    """A document goes out word by word."""

    def test_examples(self) -> None:
        """Each word comes with what follows it, the first with what stands before it."""
        cases = [
            (b"", []),
            (b" \n", [b" \n"]),
            (b"Hello", [b"Hello"]),
            (b" a  b\r\n", [b" a  ", b"b\r\n"]),
            (b"e.g. 3.14\tx", [b"e.g. ", b"3.14\t", b"x"]),
        ]
        for text, expected in cases:
            self.assertEqual(stream(text, []), expected)
            self.assertEqual(stream(text, list(range(len(text)))), expected)

    @settings(deadline=None)
    @given(st.lists(st.sampled_from([b"a", b".", b" ", b"\n"])).map(b"".join), st.data())
    def test_any_pieces(self, text: bytes, data: st.DataObject) -> None:
        """Where the pieces are cut makes no difference, and no byte is lost."""
        cuts = data.draw(st.lists(st.integers(0, len(text))))
        words = stream(text, cuts)
        self.assertEqual(b"".join(words), text)
        self.assertEqual([word.strip() for word in words], text.split() or [b""] * bool(text))
        self.assertEqual(words, stream(text, []))

    def test_long_runs(self) -> None:
        """A run of any length comes in parts of bounded length, the same for any pieces."""
        longest = sentences.LONGEST_PART
        texts = [
            b"x" * (3 * longest),
            b" " * (3 * longest + 1) + b"y",
            b"a " + b"x" * (longest + 5) + b" " * longest + b"b c",
            b"x" * longest + b" y",
            b"x" * (longest - 1) + b"  y z",
        ]
        for text in texts:
            whole = stream(text, [])
            self.assertEqual(b"".join(whole), text)
            self.assertLessEqual(max(map(len, whole)), longest)
            for step in (1_000, longest - 1, longest, longest + 1):
                self.assertEqual(stream(text, list(range(0, len(text), step))), whole)
        self.assertEqual(stream(texts[3], []), [b"x" * longest, b" ", b"y"])
