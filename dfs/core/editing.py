"""
What an editing session does to a document, and what it keeps others from doing meanwhile.

Decides where inserted text goes and when a space goes with it, how a finished draft is put back,
and which locks exclude each other.  Must not know who may write, how sessions travel, or where
content is stored.

Note [Odd insertions]
=====================
Editing only ever inserts, so no byte of the original can be lost.  All of these are well defined:

  - A new sentence begins as an empty draft with no words; only word 0 is valid.
  - White space alone is kept as typed.  It is no word, so the numbers stay; it needs no space
    beside it.  Text appended after it goes behind it: C{1 \\n} and then C{1 b} on C{a} give
    C{a}, newline, C{b}.
  - Delimiters alone are a word like any other and get their space: C{1 .} on C{a} gives C{a .}.
    Before word 0 they are a sentence of their own, and the session stays on that one.
  - Text appended to a terminated sentence begins a new sentence behind it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from attrs import define, evolve, field, frozen

from dfs.core.sentences import (
    DELIMITERS,
    WHITE,
    Span,
    count_words,
    first,
    last,
    last_is_terminated,
    visible_end,
    word_start,
)
from dfs.errors import Invalid, Locked, TooLarge

#: The most words that one insertion may bring.
MAX_WORDS = 10_000

#: The most bytes that one insertion may bring.
MAX_EDIT_BYTES = 65_536

#: The most insertions in one session.
MAX_EDITS = 10_000


def _touch(left: bytes, right: bytes) -> bool:
    """Whether two texts side by side have no white space between them."""
    return bool(left and right) and left[-1] not in WHITE and right[0] not in WHITE


def _check_insertion(text: bytes) -> None:
    if not text:
        raise Invalid("There is no text to insert.")
    if len(text) > MAX_EDIT_BYTES:
        raise TooLarge(f"One edit may insert at most {MAX_EDIT_BYTES} bytes.")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        raise Invalid("Inserted text must be valid UTF-8.") from None
    if count_words(text) > MAX_WORDS:
        raise TooLarge(f"One edit may insert at most {MAX_WORDS} words.")


@frozen
class Draft:
    """
    The private text of one session: its sentence, and the sentences that grew behind it.

    See Note [Odd insertions].

    @ivar text: at the opening of a session the sentence as it stands in the document; empty for
        a new one.
    @ivar head_inserted: whether C{text} now begins with inserted text.
    @ivar tail_inserted: whether C{text} now ends with inserted text.
    @ivar edits: how many insertions were made.
    """

    text: bytes
    head_inserted: bool = False
    tail_inserted: bool = False
    edits: int = 0

    @property
    def sentence(self) -> bytes:
        """The sentence of the session as it now reads."""
        return first(self.text).of(self.text)

    @property
    def word_count(self) -> int:
        """The number of words in L{sentence}."""
        return count_words(self.sentence)

    def insert(self, word: int, text: bytes) -> Draft:
        """
        Insert text before a word of the sentence, or at its end.

        One space is put between the inserted text and its neighbours where there is no white
        space.

        @param word: 0 for the first word; the number of words for the end.
        @raise Invalid: there is no such word, or the text is not to be inserted.
        @raise TooLarge: a limit would be exceeded.
        """
        place = self._place(word)
        _check_insertion(text)
        if self.edits >= MAX_EDITS:
            raise TooLarge(f"One session may make at most {MAX_EDITS} edits; commit it first.")
        before, after = self.text[:place], self.text[place:]
        space_before = b" " if _touch(before, text) else b""
        space_after = b" " if _touch(text, after) else b""
        return Draft(
            text=b"".join((before, space_before, text, space_after, after)),
            head_inserted=self.head_inserted or not before,
            tail_inserted=self.tail_inserted or not after,
            edits=self.edits + 1,
        )

    def _place(self, word: int) -> int:
        sentence = first(self.text)
        words = count_words(sentence.of(self.text))
        if not 0 <= word <= words:
            raise Invalid(f"Word index out of range: 0 to {words}")
        if word < words:
            return word_start(self.text, word)
        # White space at the end was inserted by this session: what is appended goes behind it.
        only_white_follows = sentence.end >= visible_end(self.text)
        return len(self.text) if only_white_follows else sentence.end


def splice(content: bytes, span: Span, draft: Draft) -> tuple[bytes, Span]:
    """
    Put a draft back in the place of its sentence.

    All bytes outside the span stay as they are.  Sentences may stand side by side without white
    space (C{e.g.}): where both bytes at such a seam are original, they stay so; where one of
    them was inserted, one space goes between, as within the draft.

    @param content: the document as it now is.
    @param span: where the sentence of the session now is.
    @return: the new content, and where the draft is in it.
    """
    before = content[max(0, span.start - 1) : span.start]
    after = content[span.end : span.end + 1]
    text = draft.text
    space_before = b" " if draft.head_inserted and _touch(before, text) else b""
    space_after = b" " if draft.tail_inserted and _touch(text, after) else b""
    whole = memoryview(content)  # whose slices copy nothing
    new = b"".join(
        (whole[: span.start], space_before, text, space_after, whole[span.end :]),
    )
    start = span.start + len(space_before)
    return new, Span(start, start + len(text))


@frozen
class Lock:
    """
    One sentence held by one session.

    @ivar session: which session.
    @ivar user: whose session.
    @ivar since: when it began, in seconds since the epoch.
    @ivar span: where the sentence now is.
    """

    session: str
    user: str
    since: float
    span: Span

    def refusal(self) -> Locked:
        """What to tell somebody else who needs the sentence."""
        since = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Locked(
            f"{self.user} has been editing this sentence since {since}; "
            "try again when that session has ended."
        )


def touched(content: bytes, addition: bytes) -> list[Span]:
    """
    What bytes that are added at the end would change.

    That is the place of a new sentence there; and an unfinished last sentence, which they would
    lengthen (white space too: the rule is simple), or a last sentence whose run of delimiters they
    would lengthen.
    """
    if not addition:
        return []
    end = len(content)
    lengthens_run = addition[0] in DELIMITERS and visible_end(content) == end
    if last_is_terminated(content) and not lengthens_run:
        return [Span(end, end)]
    return [Span(end, end), last(content)]


@define
class Locks:
    """
    The locked sentences of one document.

    A lock follows its sentence: after each commit, L{moved} shifts the others.
    """

    _by_session: dict[str, Lock] = field(factory=dict, init=False)

    def held(self) -> list[Lock]:
        """All locks, in the order of the document."""
        return sorted(
            self._by_session.values(),
            key=lambda lock: (lock.span.start, lock.span.end),
        )

    def span(self, session: str) -> Span:
        """
        Where the sentence of a session now is.

        @raise KeyError: the session holds no lock.
        """
        return self._by_session[session].span

    def take(self, lock: Lock) -> None:
        """
        Lock a sentence.

        @raise Locked: it is held, by whom, and since when.
        """
        assert lock.session not in self._by_session, "a session holds one sentence"
        self._refuse_overlap(lock.span)
        self._by_session[lock.session] = lock

    def release(self, session: str) -> None:
        """Free what a session holds, if anything."""
        self._by_session.pop(session, None)

    def moved(self, session: str, old: Span, growth: int) -> None:
        """
        Let the other locks follow their sentences after a commit.

        @param session: which session committed; its own lock stays as it is.
        @param old: what its commit replaced.
        @param growth: by how many bytes the document became longer.
        """
        for lock in list(self._by_session.values()):
            if lock.session != session and lock.span.start >= old.end:
                self._by_session[lock.session] = evolve(lock, span=lock.span.moved(growth))

    def may_replace(self) -> None:
        """
        Whether the document may be deleted, or its content replaced as a whole.

        @raise Locked: a sentence is held.
        """
        for lock in self.held():
            raise lock.refusal()

    def may_touch(self, spans: Iterable[Span]) -> None:
        """
        Whether these places may be changed directly.

        @raise Locked: somebody holds one of them.
        """
        for span in spans:
            self._refuse_overlap(span)

    def _refuse_overlap(self, span: Span) -> None:
        for lock in self.held():
            if lock.span.overlaps(span):
                raise lock.refusal()
