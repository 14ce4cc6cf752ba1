"""
The work on the text of editing sessions: find a sentence, insert, put it back.

Decides where such work is done and how large a document may be for it.  Must not know about
sessions, locks or rights.

Note [Large documents]
======================
Reading, searching, splicing and counting a document of many megabytes would keep everybody waiting,
so it is done in another thread; a few documents at a time, because each is in memory more than once
meanwhile.  Small documents, nearly all, are worked on at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, DeferredSemaphore

from dfs.core.documents import Content
from dfs.core.editing import Draft, splice, touched
from dfs.core.history import content_of
from dfs.core.sentences import Span, find
from dfs.errors import TooLarge, Unsupported
from dfs.ss.contents import cut, keep, loaded
from dfs.store.interfaces import INLINE_BYTES, IStore

#: Larger documents are not edited sentence by sentence: they would have to be held in memory.
EDITABLE_BYTES = 256 * 1024 * 1024

#: Large documents that are worked on at the same time.
AT_ONCE = 2

#: Bytes of a sentence that are shown; of a longer one its ends.
SHOWN_BYTES = 64 * 1024

#: Called with the new content, and its bytes if they are not in the store yet.
Then = Callable[[Content, "bytes | None"], Awaitable[Any]]


@frozen
class Drafted:
    """
    A draft and how its sentence now reads.

    @ivar words: of its sentence.
    @ivar sentence: as text.
    """

    draft: Draft
    words: int
    sentence: str


@define(eq=False)
class Drafting:
    """
    Works on texts of any size up to L{EDITABLE_BYTES}.

    @ivar _work: runs a function with arguments where it keeps nobody waiting.
    @ivar max_document: bytes that a document may have.
    """

    _store: IStore
    _work: Callable[..., Deferred[Any]]
    max_document: int
    _large: DeferredSemaphore = field(factory=lambda: DeferredSemaphore(AT_ONCE), init=False)

    async def locate(self, content: Content, index: int) -> tuple[Span, Drafted]:
        """
        Find a sentence.

        @raise Invalid: there is no such sentence.
        @raise Unsupported: the document is no text, or too large.
        """
        _check_editable(content)
        data = self._store.small(content)
        if data is not None:
            return _locate(data, index)
        found: tuple[Span, Drafted] = await self._large.run(_started, self._locate, content, index)
        return found

    def is_small(self, draft: Draft) -> bool:
        """Whether an insertion keeps nobody waiting."""
        return len(draft.text) <= INLINE_BYTES

    async def insert(self, draft: Draft, word: int, text: bytes) -> Drafted:
        """The same as L{inserted} for a draft of any size."""
        drafted: Drafted = await self._large.run(self._work, inserted, draft, word, text)
        return drafted

    async def touched(self, content: Content, addition: bytes) -> list[Span]:
        """The same as L{touched} for a content that is open for editing."""
        data = self._store.small(content)
        if data is not None:
            return touched(data, addition)
        found: list[Span] = await self._large.run(_started, self._touched, content, addition)
        return found

    async def splice(self, content: Content, span: Span, draft: Draft, then: Then) -> Any:
        """
        Put a draft back in the place of its sentence.

        @param then: called with the new content; commits it.
        @return: what C{then} returns.
        @raise TooLarge: the document would have too many bytes.
        """
        # Two spaces may be added at the seams.
        if content.size + len(draft.text) - len(span) + 2 > INLINE_BYTES:
            return await self._large.run(_started, self._splice, content, span, draft, then)
        data = self._store.small(content)
        assert data is not None, "it is small"
        new, _ = splice(data, span, draft)
        self.check_size(len(new))
        return await then(content_of(new), new)

    def check_size(self, size: int) -> None:
        """
        Whether a document may be so large.

        @raise TooLarge: it may not.
        """
        if size > self.max_document:
            raise TooLarge(f"a document may have {self.max_document} bytes here, not {size}")

    async def _locate(self, content: Content, index: int) -> tuple[Span, Drafted]:
        pieces = await loaded(self._store, content)
        found: tuple[Span, Drafted] = await self._work(_locate_in, pieces, index)
        return found

    async def _touched(self, content: Content, addition: bytes) -> list[Span]:
        pieces = await loaded(self._store, content)
        found: list[Span] = await self._work(_touched_in, pieces, addition)
        return found

    async def _splice(self, content: Content, span: Span, draft: Draft, then: Then) -> Any:
        pieces = await loaded(self._store, content)
        new = await self._work(_splice_into, pieces, span, draft)
        self.check_size(len(new))
        return await keep(self._store, len(new), cut(new), lambda kept: then(kept, None))


def inserted(draft: Draft, word: int, text: bytes) -> Drafted:
    """
    Insert before a word.

    @raise Invalid: there is no such word.
    """
    new = draft.insert(word, text)
    return Drafted(new, new.word_count, shown(new.sentence))


def shown(text: bytes, limit: int = SHOWN_BYTES) -> str:
    """A sentence as text, its middle left out if it is longer than C{limit} bytes."""
    if len(text) <= limit:
        return text.decode()
    half = limit // 2
    # The cuts may be inside of a character, which is left out then.
    return f"{text[:half].decode(errors='ignore')} … {text[-half:].decode(errors='ignore')}"


def _locate(data: bytes, index: int) -> tuple[Span, Drafted]:
    span = find(data, index)
    text = span.of(data)
    draft = Draft(text)
    return span, Drafted(draft, draft.word_count, shown(text))


# Joining takes long, too, so it belongs to the work.  Emptying the list saves one of the copies.


def _locate_in(pieces: list[bytes], index: int) -> tuple[Span, Drafted]:
    data = b"".join(pieces)
    pieces.clear()
    return _locate(data, index)


def _touched_in(pieces: list[bytes], addition: bytes) -> list[Span]:
    data = b"".join(pieces)
    pieces.clear()
    return touched(data, addition)


def _splice_into(pieces: list[bytes], span: Span, draft: Draft) -> bytes:
    data = b"".join(pieces)
    pieces.clear()
    return splice(data, span, draft)[0]


def _started(function: Callable[..., Any], *arguments: Any) -> Deferred[Any]:
    """Call an C{async} function where a Deferred is wanted."""
    return Deferred.fromCoroutine(function(*arguments))


def _check_editable(content: Content) -> None:
    if not content.measure.is_text:
        raise Unsupported("this document is not UTF-8 text; PUT and GET work")
    if content.size > EDITABLE_BYTES:
        raise Unsupported(
            f"this document has more than {EDITABLE_BYTES} bytes; PUT, GET and APPEND work"
        )
