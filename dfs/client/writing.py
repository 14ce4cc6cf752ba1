"""
One editing session, as the person who writes sees it; and content on its way out.

Decides what a lost server means for a writer.  Must not know sentences; the server does.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred

from dfs.client.asking import CHANGE_SECONDS, READ_SECONDS, Asker
from dfs.client.drafts import CommitInDoubt, Draft, SessionEnded
from dfs.client.failures import Unanswered, Unreachable, in_doubt
from dfs.client.notices import awaited
from dfs.client.retries import Attempts
from dfs.errors import Busy, DFSError, Internal, Invalid, Moved, TooLarge, Unavailable
from dfs.wire.client import Connection
from dfs.wire.messages import (
    Abort,
    Committed,
    Edit,
    Etirw,
    Located,
    Opened,
    Put,
    Record,
    Request,
    Sentence,
)

A = TypeVar("A", bound=Record)

#: Seconds without progress after which the server of an upload is taken to be gone.
STALL_SECONDS = 20.0

#: Content up to this many bytes is sent with its request, on the shared connection.
SMALL_BYTES = 64 * 1024


class WriteSession:
    """
    A locked sentence.

    @ivar path: of the document.
    @ivar sentence: how the sentence reads now.
    @ivar words: how many words it has now; a text may go before word 0 … C{words}.
    @ivar over: it was committed, aborted or lost.
    """

    def __init__(
        self,
        asker: Asker,
        located: Located,
        connection: Connection,
        opened: Opened,
        draft: Draft,
    ) -> None:
        """
        @param draft: what was asked for; without edits yet.
        """
        self.path = draft.path
        self.sentence = opened.sentence
        self.words = opened.words
        self.over = False
        self._asker = asker
        self._located = located
        self._connection = connection
        self._session = opened.session
        self._draft = draft

    @property
    def draft(self) -> Draft:
        """What was typed so far: all good edits, and the one with which the session was lost."""
        return self._draft

    def edit(self, word: int, text: str) -> Deferred[Sentence]:
        """
        Insert a text before a word.

        @return: how the sentence reads then; fails with L{Invalid} if that cannot be, and the
            session goes on; with any other L{DFSError} the session is over, and with
            L{SessionEnded} because its server was lost or replaced.
        """
        return Deferred.fromCoroutine(self._edit(word, text))

    def commit(self) -> Deferred[Committed]:
        """
        Make all edits one change.

        @return: fails with L{CommitInDoubt} or L{Internal} if it is not known whether the change
            was made, with L{SessionEnded} if it was certainly not made.
        """
        return Deferred.fromCoroutine(self._commit())

    def abort(self) -> Deferred[None]:
        """End the session; nothing changes.  Never fails."""
        return Deferred.fromCoroutine(self._abort())

    async def _edit(self, word: int, text: str) -> Sentence:
        body = text.encode("utf-8", "surrogateescape")
        try:
            now = await self._ask(Edit(word, "", session=self._session), body, READ_SECONDS)
        except (Invalid, TooLarge):
            raise
        except SessionEnded as error:
            self._typed(word, text)
            raise SessionEnded(str(error), self._draft) from None
        except DFSError:
            self._typed(word, text)
            await self._abort()
            raise
        except CancelledError:
            await self._abort()
            raise
        self._typed(word, text)
        self.sentence, self.words = now.sentence, now.words
        return now

    def _typed(self, word: int, text: str) -> None:
        self._draft = evolve(self._draft, edits=(*self._draft.edits, (word, text)))

    async def _commit(self) -> Committed:
        try:
            committed = await self._ask(Etirw(session=self._session), None, CHANGE_SECONDS)
        except Unanswered:
            self._asker.locations.forget(self.path)
            self._draft = evolve(self._draft, in_doubt=True)
            raise CommitInDoubt(
                str(in_doubt("the change", self.path, "READ")), self._draft
            ) from None
        except Internal:
            self._draft = evolve(self._draft, in_doubt=True)
            raise
        self.over = True
        return committed

    async def _ask(self, request: Request[A], body: bytes | None, seconds: float) -> A:
        """
        Ask, and again while the server says that it cannot just now: the session goes on there.

        @raise SessionEnded: the server was lost or replaced, and nothing was changed.
        @raise Unanswered: likewise, but this was to change something.
        """
        if self.over:
            raise Invalid("this WRITE session is over")
        attempts: Attempts | None = None
        with self._asker.noticing(awaited(self._located)) as notice:
            while True:
                try:
                    return await self._once(request, body, seconds)
                except SessionEnded:
                    raise
                except (Busy, Unavailable) as error:
                    attempts = attempts or self._asker.attempts(repeatable=False)
                    now = self._asker.clock.seconds()
                    pause = attempts.pause(error, now)
                    if pause is None:
                        raise
                    notice.failed(error, now)
                await self._asker.pause(pause)

    async def _once(self, request: Request[A], body: bytes | None, seconds: float) -> A:
        # Only a commit changes anything.
        repeatable = not isinstance(request, Etirw)
        try:
            return await self._asker.ask(
                self._connection, request, body, repeatable=repeatable, seconds=seconds
            )
        except Moved as error:
            # The rest of it says what to do, to those who do it by hand.
            raise self._ended(str(error).partition(";")[0]) from None
        except Unreachable:
            raise self._ended(f"the connection to {self._located.server} was lost") from None
        except Unanswered:
            if repeatable:
                raise self._ended(f"{self._located.server} was lost") from None
            self.over = True
            raise

    def _ended(self, why: str) -> SessionEnded:
        """The server has given the session up; whoever opens another one looks elsewhere."""
        self.over = True
        self._asker.locations.forget(self.path)
        return SessionEnded(
            f"this WRITE session on {self.path!r} is over and nothing was changed: {why}",
            self._draft,
        )

    async def _abort(self) -> None:
        if self.over:
            return
        self.over = True
        if self._connection.lost:
            return
        # If this fails, the session ends with its connection, or when its idle time is over.
        with contextlib.suppress(DFSError):
            await self._asker.ask(self._connection, Abort(session=self._session), repeatable=True)


class Source(Protocol):
    """Content that is to be sent."""

    def read(self) -> bytes | Awaitable[bytes]:
        """The next piece, at most 1 MiB; empty at the end."""


#: Begins to read content from its start; called again when a transfer has to be repeated.
OpenSource = Callable[[], Source]


class Bytes:
    """Content that is there already."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)

    def read(self) -> bytes:
        """The next piece."""
        piece = bytes(self._content[: 256 * 1024])
        self._content = self._content[len(piece) :]
        return piece


class _Watched:
    """
    A source whose sending is cancelled when the other side stops taking.

    @ivar sending: what is cancelled.
    @ivar stalled: it was.
    @ivar sent: the other side was told that this is all, so it may have been stored.
    @ivar broken: why the source could not be read, if so.
    """

    def __init__(self, asker: Asker, beginning: list[bytes], source: Source) -> None:
        self.sending: Deferred[Committed] | None = None
        self.stalled = False
        self.sent = False
        self.broken: Exception | None = None
        self._asker = asker
        self._beginning = beginning
        self._source = source
        self._timer: Deferred[None] | None = None

    async def read(self) -> bytes:
        """The next piece."""
        self.rest()
        try:
            piece = self._beginning.pop(0) if self._beginning else await taken(self._source)
        except Exception as error:
            self.broken = error
            raise
        self.sent = not piece
        self._timer = self._asker.pause(STALL_SECONDS * (1 if piece else 2))
        self._timer.addCallbacks(self._stall, lambda cancelled: None)
        return piece

    def rest(self) -> None:
        """Watch no more."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _stall(self, _: None) -> None:
        self._timer = None
        self.stalled = True
        if self.sending is not None:
            self.sending.cancel()


async def taken(source: Source) -> bytes:
    """The next piece of a source, now or later."""
    piece = source.read()
    return await piece if inspect.isawaitable(piece) else piece


async def upload(asker: Asker, located: Located, source: Source) -> Committed:
    """
    Send a whole new content to the server of a document, once.

    @raise Unanswered: it may have been stored.
    """
    beginning: list[bytes] = []
    size = 0
    while size <= SMALL_BYTES and (piece := await taken(source)):
        beginning.append(piece)
        size += len(piece)
    if size <= SMALL_BYTES:
        shared = await asker.links.storage(located.address)
        return await asker.ask(shared, Put(located.ticket), b"".join(beginning), repeatable=False)
    connection = await asker.links.borrow(located.address)
    watched = _Watched(asker, beginning, source)
    try:
        watched.sending = connection.send(Put(located.ticket), watched.read, None)
        committed = await watched.sending
    except BaseException as error:
        # What is still being sent of it goes down with the connection.
        asker.links.drop(connection)
        raise _explained(error, watched, connection) from None
    finally:
        watched.rest()
    asker.links.give_back(located.address, connection)
    return committed


def _explained(error: BaseException, watched: _Watched, connection: Connection) -> BaseException:
    """What went wrong with an upload, and whether anything can have come of it."""
    if watched.broken is not None:
        return watched.broken
    lost = connection.lost and isinstance(error, Unavailable)
    if not lost and not watched.stalled:
        return error
    if watched.sent:
        return Unanswered("no answer came")
    return Unavailable("the server was lost in the middle of the transfer; nothing was changed")
