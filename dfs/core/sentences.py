"""
Where sentences and words begin and end.

Decides what white space, a delimiter, a word and a sentence are, and finds them in the bytes of a
document of any size.  Must not know who edits, what is locked, or what encoding the text is in:
white space is the six ASCII characters of L{WHITE}; every other byte, those of a non-breaking
space too, belongs to words.

A sentence runs from its first visible byte to the end of its run of delimiters; only the last one
may lack the run.  White space between sentences belongs to none of them.

Note [Counting in one go]
=========================
Ends of words and sentences are pairs of neighbouring bytes: a letter before white space ends a
word, a delimiter before anything but a delimiter ends a word and a sentence.  L{tally} writes one
hexadecimal digit for each byte (white space 3, letter 6, delimiter 8), reads all the digits as one
number and lays the number over itself, moved by one digit and two bits.  So the upper two bits of
each digit (what can end here) meet the lower two bits of the next (what may end before me), and
counting bits counts the ends.  This costs the same whatever the text looks like, and is about
twenty times as fast as a regular expression; see L{dfs.core.measure} for the figure.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from itertools import islice

from attrs import frozen

from dfs.errors import Invalid

WHITE = b" \t\n\r\v\f"
DELIMITERS = b".!?"

#: Texts are counted in blocks of this many bytes, which stay in the processor's cache.
BLOCK = 65_536

#: The longest part that a L{WordStream} yields, in bytes.
LONGEST_PART = 65_536

_DIGITS = bytes(
    ord("3") if byte in WHITE else ord("8") if byte in DELIMITERS else ord("6")
    for byte in range(256)
)
_WORD_ENDS = int("3" * (BLOCK + 2), 16)
_SENTENCE_ENDS = int("2" * (BLOCK + 2), 16)

_VISIBLE = re.compile(rb"\S")
_WORD = re.compile(rb"[^\s.!?]+[.!?]*|[.!?]+")
_RUN = re.compile(rb"[.!?]+")


@frozen
class Span:
    """
    A stretch of a document.

    @ivar start: offset of its first byte.
    @ivar end: offset after its last byte; equal to C{start} where a new sentence would stand.
    """

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        """Whether both claim a byte, or the same empty place."""
        return self == other or (self.start < other.end and other.start < self.end)

    def moved(self, by: int) -> Span:
        """The same stretch after the text before it grew by so many bytes."""
        return Span(self.start + by, self.end + by)

    def of(self, text: bytes) -> bytes:
        """What stands there."""
        return text[self.start : self.end]


def tally(block: bytes) -> tuple[int, int]:
    """
    How many words and sentences end inside a block, seen from each pair of neighbouring bytes.

    What its last byte ends depends on what follows, and is not counted.
    See Note [Counting in one go].

    @param block: at most L{BLOCK} + 1 bytes.
    """
    digits = block.translate(_DIGITS)
    if len(digits) % 2:
        digits += b"0"  # ends nothing and lets nothing end before it
    number = int.from_bytes(unhexlify(digits), "big")
    ends = number & (number >> 6)
    return (ends & _WORD_ENDS).bit_count(), (ends & _SENTENCE_ENDS).bit_count()


def tally_all(text: bytes) -> tuple[int, int]:
    """The same as L{tally} for a text of any length."""
    if len(text) <= BLOCK:
        return tally(text)
    words = sentences = 0
    for at in range(0, len(text), BLOCK):
        more_words, more_sentences = tally(text[at : at + BLOCK + 1])
        words += more_words
        sentences += more_sentences
    return words, sentences


def visible_end(text: bytes) -> int:
    """The offset after the last byte that is not white space; 0 if there is none."""
    end, window = len(text), 64
    while end:
        tail = text[max(0, end - window) : end]
        visible = tail.rstrip(WHITE)
        if visible:
            return end - len(tail) + len(visible)
        end -= len(tail)
        window *= 2
    return 0


def last_is_terminated(text: bytes) -> bool:
    """Whether a new sentence may follow: the last one has its delimiter, or there is none."""
    end = visible_end(text)
    return not end or text[end - 1] in DELIMITERS


def count(text: bytes) -> int:
    """The number of sentences."""
    sentences = tally_all(text)[1]
    end = visible_end(text)
    # The last one is not counted yet if nothing follows its delimiters, or if it has none.
    if end and (end == len(text) or text[end - 1] not in DELIMITERS):
        sentences += 1
    return sentences


def count_words(text: bytes) -> int:
    """The number of words."""
    return tally_all(text)[0] + (1 if text and text[-1] not in WHITE else 0)


def words(sentence: bytes) -> list[Span]:
    """All words in order; meant for texts of moderate size."""
    return [Span(*match.span()) for match in _WORD.finditer(sentence)]


def word_start(text: bytes, index: int) -> int:
    """
    Where a word begins.

    @param index: 0 for the first; there must be such a word.
    """
    return _next_visible(text, _end_of(text, index, _WORD, 0)[0])


def first(text: bytes) -> Span:
    """The first sentence; the empty span at the end if there is none."""
    return _sentence_from(text, 0)


def last(text: bytes) -> Span:
    """The last sentence; the empty span at the end if there is none."""
    return find(text, max(0, count(text) - 1))


def find(text: bytes, index: int) -> Span:
    """
    The sentence with a number, or the empty span at the very end for the next new one.

    @param index: 0 for the first sentence; the number of sentences for a new one, if
        L{last_is_terminated}.
    @raise Invalid: there is no such sentence, and it cannot be added.
    """
    if index >= 0:
        after, found = _end_of(text, index, _RUN, 1)
        if found:
            return _sentence_from(text, after)
    highest = count(text) - (0 if last_is_terminated(text) else 1)
    raise Invalid(f"Sentence index out of range: 0 to {highest}")


def _end_of(text: bytes, number: int, kind: re.Pattern[bytes], column: int) -> tuple[int, bool]:
    """
    The offset after so many words or sentences, and whether there are that many.

    Whole blocks are counted and passed over; only the last one is looked at match by match.

    @param number: 1 for the end of the first one; 0 is the start of the text.
    @param kind: matches up to the end of each.
    @param column: which figure of L{tally} counts those ends.
    """
    if not number:
        return 0, True
    at = 0
    while at + BLOCK < len(text):
        ends = tally(text[at : at + BLOCK + 1])[column]
        if ends >= number:
            break
        number -= ends
        at += BLOCK
    for match in islice(kind.finditer(text, at), number - 1, number):
        return match.end(), True
    return len(text), False


def _next_visible(text: bytes, start: int) -> int:
    match = _VISIBLE.search(text, start)
    return match.start() if match else len(text)


def _sentence_from(text: bytes, start: int) -> Span:
    start = _next_visible(text, start)
    if start == len(text):
        return Span(start, start)
    # Three plain searches are much faster than one for a set, should the next one be far away.
    near = start + 256
    delimiter = _RUN.search(text, start, near)
    if delimiter is not None:
        at = delimiter.start()
    else:
        places = [text.find(bytes([byte]), near) for byte in DELIMITERS]
        at = min((place for place in places if place >= 0), default=-1)
    run = _RUN.match(text, at) if at >= 0 else None
    return Span(start, run.end() if run else visible_end(text))


_FIRST_RUN = re.compile(rb"\s*\S*\s*")
_OTHER_RUN = re.compile(rb"\S*\s*")
_WHOLE_RUN = re.compile(rb"\S+\s*")


def _in_parts(run: bytes) -> list[bytes]:
    return [run[at : at + LONGEST_PART] for at in range(0, len(run), LONGEST_PART)]


class WordStream:
    """
    Cuts a text that comes in pieces into its white-space separated words.

    Each word comes with the white space that follows it, the first one also with what stands
    before it; joined, they are the text again, byte for byte, and where the pieces were cut makes
    no difference.  Nothing longer than L{LONGEST_PART} is kept or yielded: a longer run of word
    and white space comes in parts of that length.
    """

    def __init__(self) -> None:
        self._kept = b""
        self._head = _FIRST_RUN

    def feed(self, piece: bytes) -> list[bytes]:
        """
        Take the next piece.

        @return: what is complete now.
        """
        text = self._kept + piece
        head = self._head.match(text)
        assert head is not None, "the pattern matches anything"
        runs = [head.group()]
        if head.end() < len(text):
            runs += _WHOLE_RUN.findall(text, head.end())
        rest = runs.pop()
        if runs:
            self._head = _OTHER_RUN
        ready: list[bytes] = runs
        if max(map(len, runs), default=0) > LONGEST_PART:
            ready = [part for run in runs for part in _in_parts(run)]
        while len(rest) > LONGEST_PART:
            ready.append(rest[:LONGEST_PART])
            rest = rest[LONGEST_PART:]
            if not ready[-1].isspace():
                self._head = _OTHER_RUN
        self._kept = rest
        return ready

    def finish(self) -> list[bytes]:
        """
        The text has ended.

        @return: the last word, if there is one.
        """
        rest, self._kept = self._kept, b""
        return [rest] if rest else []
