"""
Content on its way in: a whole document in pieces, or word by word.

Decides what is kept of a transfer so that a lost server does no harm.  Must not know where the
content goes.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred

from dfs.client.asking import Asker, judged
from dfs.client.failures import Unanswered
from dfs.client.notices import NOTICE_SECONDS, awaited
from dfs.client.retries import Attempts
from dfs.core.sentences import LONGEST_PART, WHITE
from dfs.errors import Conflict, DFSError, Moved, Unavailable
from dfs.wire.answers import Contents
from dfs.wire.client import Connection
from dfs.wire.messages import Facts, Located, Read, Record, Request, Stat, Stop, Stream

A = TypeVar("A", bound=Record)

#: Seconds without a byte, in the middle of a transfer, after which a server is taken to be gone.
SILENCE_SECONDS = 10.0

#: Bytes that are there before a download begins: up to here a lost server is nobody's concern.
AHEAD = 1024 * 1024


class Incoming:
    """
    One answer with content.
    """

    def __init__(
        self,
        asker: Asker,
        connection: Connection,
        contents: Contents,
        release: Callable[[bool], None],
    ) -> None:
        """
        @param release: called once at the end, with whether the server has said its last word.
        """
        self._asker = asker
        self._connection = connection
        self._contents = contents
        self._release = release
        self._over = False

    @classmethod
    def shared(cls, asker: Asker, connection: Connection, request: Request[Stop]) -> Incoming:
        """Ask for small content, on a connection that others use too."""
        contents = connection.ask_content(request, None)

        def release(finished: bool) -> None:
            contents.close()

        return cls(asker, connection, contents, release)

    @classmethod
    async def begin(
        cls,
        asker: Asker,
        located: Located,
        request: Request[Stop],
        before: Request[A] | None = None,
        know: Callable[[A], None] | None = None,
    ) -> Incoming:
        """
        Ask the server of a document for content, on a connection of its own.

        @param before: asked first, if anything.
        @param know: gets the answer to that, if one comes.
        """
        connection = await asker.links.borrow(located.address)
        if before is not None and know is not None:
            connection.ask(before).addCallbacks(know, lambda unknown: None)

        def release(finished: bool) -> None:
            if finished and not connection.lost:
                asker.links.give_back(located.address, connection)
            else:
                asker.links.drop(connection)

        return cls(asker, connection, connection.ask_content(request, None), release)

    async def read(self, silence: float = SILENCE_SECONDS) -> bytes:
        """
        The next piece; empty at the end.

        @param silence: seconds without a byte that are borne.
        @raise DFSError: what came before is not the whole.
        """
        if self._over:
            return b""
        try:
            piece = await self._asker.bounded(self._contents.read(), silence)
            self._asker.heard(self._connection)
        except Unavailable as error:
            silent = isinstance(error, Unanswered)
            self.close(finished=not silent)
            if silent:
                # It may be frozen; the next question goes to a new connection.
                self._connection.close(abort=True)
            raise judged(error, self._connection) from None
        except DFSError:
            self.close(finished=True)
            raise
        if not piece:
            self.close(finished=True)
        return piece

    def close(self, *, finished: bool = False) -> None:
        """
        Read no more.

        @param finished: the server has said its last word.
        """
        if not self._over:
            self._over = True
            self._release(finished)


class Download:
    """
    The content of one committed version of a document, present or kept, verified.

    When the server is lost in the middle, the rest comes from whichever server has the document
    then, if it has the same beginning: the hash of the whole is verified in any case.

    @ivar path: of the document.
    @ivar size: bytes that were read so far.
    @ivar complete: nothing more will come than what is already here.
    @ivar newer_on: the server, which is away, that has a newer version; empty if there is none.
    """

    def __init__(
        self, asker: Asker, path: str, request: Callable[[str], Request[Stop]] = Read
    ) -> None:
        """
        @param request: what asks for the content, of a ticket.
        """
        self.path = path
        self.size = 0
        self._request = request
        self.complete = False
        self.newer_on = ""
        self._asker = asker
        self._incoming: Incoming | None = None
        self._awaited = ""
        self._ready: deque[bytes] = deque()
        self._read_so_far = hashlib.sha256()
        self._attempts: Attempts | None = None
        self._closed = False

    async def open(self, located: Located) -> None:
        """
        Begin, or go on at another server.

        The beginning is fetched, so that most troubles show before anybody has read anything.

        @raise Conflict: the document begins with something else than what was read of it.
        """
        self._incoming = await Incoming.begin(self._asker, located, self._request(located.ticket))
        self._awaited = awaited(located)
        self.newer_on = newer_on(located)
        try:
            await self._skip(self.size)
            await self._look_ahead()
        except BaseException:
            self._incoming.close()
            self._ready.clear()
            self.complete = False
            raise

    async def whole(self) -> bytes:
        """All of it, for contents that are known to fit into memory; then it is closed."""
        pieces = []
        try:
            while piece := await self.read():
                pieces.append(piece)
        finally:
            self.close()
        return b"".join(pieces)

    async def _skip(self, size: int) -> None:
        """Pass over what was read already, and make sure that it is the same."""
        assert self._incoming is not None
        skipped = hashlib.sha256()
        while size:
            piece = await self._incoming.read()
            if not piece:
                break
            skipped.update(piece[:size])
            if len(piece) > size:
                self._ready.append(piece[size:])
            size -= min(size, len(piece))
        if size or skipped.digest() != self._read_so_far.digest():
            raise Conflict(f"{self.path!r} was changed while it was read; read it again")

    async def _look_ahead(self) -> None:
        assert self._incoming is not None
        ahead = sum(map(len, self._ready))
        while ahead < AHEAD:
            piece = await self._incoming.read()
            if not piece:
                self.complete = True
                return
            self._ready.append(piece)
            ahead += len(piece)

    def read(self) -> Deferred[bytes]:
        """
        The next piece; empty at the end, when all of it came and has the right hash.

        @return: fails with a L{DFSError} if it was cut or damaged: what came before is void then.
        """
        return Deferred.fromCoroutine(self._read())

    async def _read(self) -> bytes:
        while not self._ready and not self.complete:
            assert self._incoming is not None
            try:
                with self._asker.noticing(self._awaited):
                    piece = await self._incoming.read()
            except (Unavailable, Moved) as error:
                await self._go_on(error)
                continue
            except DFSError:
                self._asker.locations.forget(self.path)
                raise
            self._attempts = None
            if piece:
                self._ready.append(piece)
            else:
                self.complete = True
        if not self._ready:
            return b""
        piece = self._ready.popleft()
        self.size += len(piece)
        self._read_so_far.update(piece)
        return piece

    async def _go_on(self, error: DFSError) -> None:
        """
        Look for the rest at another server.

        @raise DFSError: there is nothing more to be tried.
        """
        self._asker.locations.forget(self.path)
        if self._closed:
            raise error
        if self._attempts is None:
            self._attempts = self._asker.attempts(repeatable=True)
        pause = self._attempts.pause(error, self._asker.clock.seconds())
        if pause is None:
            raise error
        await self._asker.pause(pause)
        await self._asker.document(self.path, "r", self.open, repeatable=True, bulk=True)

    def close(self) -> None:
        """Read no more."""
        self._ready.clear()
        self._closed = True
        self.complete = True
        if self._incoming is not None:
            self._incoming.close()


async def begin_download(
    asker: Asker, path: str, request: Callable[[str], Request[Stop]] = Read
) -> Download:
    """Open a document for reading, wherever it is; see L{Download}."""
    download = Download(asker, path, request)
    await asker.document(path, "r", download.open, repeatable=True)
    return download


def newer_on(located: Located) -> str:
    """Which server, that is away, has a newer version of a document; empty if none has."""
    if not located.behind:
        return ""
    return f"the backup of {located.pair}" if located.server == located.pair else located.pair


class Words:
    """
    A document word by word, at the pace of its server.

    When the server is lost, the rest comes from whichever server has the document then, from the
    next word on.

    @ivar path: of the document.
    @ivar count: words that were read so far.
    @ivar changed: the server that went on has another text than the one that began.
    @ivar newer_on: see L{Download}.
    """

    def __init__(self, asker: Asker, path: str, delay: float) -> None:
        """
        @param delay: seconds from one word to the next.
        """
        self.path = path
        self.count = 0
        self.changed = False
        self.newer_on = ""
        self._asker = asker
        self._delay = delay
        self._sha256 = ""
        self._awaited = ""
        self._incoming: Incoming | None = None
        self._held = b""  # a word without the white space that tells that it is whole
        self._whole_words = True
        self._over = False
        self._attempts: Attempts | None = None

    def read(self) -> Deferred[bytes]:
        """
        The next word with the white space that follows it; empty at the end.

        @return: fails with a L{DFSError} if the document cannot be read, or not any more.
        """
        return Deferred.fromCoroutine(self._read())

    def close(self) -> None:
        """Read no more."""
        self._over = True
        if self._incoming is not None:
            self._incoming.close()

    async def _read(self) -> bytes:
        while not self._over:
            try:
                piece = await self._next()
            except (Unavailable, Moved) as error:
                await self._recover(error)
                continue
            if not piece:
                self._over = True
                self.count += len(self._held.split())
                return self._held
            ready = self._ready(self._held + piece)
            if ready:
                return ready
        return b""

    def _ready(self, text: bytes) -> bytes:
        """What of the text are whole words; the rest is held."""
        end = max(map(text.rfind, _WHITE_BYTES)) + 1
        if not end and len(text) > LONGEST_PART:
            # No word anybody can read: pass it on, and do not try to go on in the middle of it.
            end = len(text)
            self._whole_words = False
        self._held = text[end:]
        self.count += len(text[:end].split())
        if end:
            self._attempts = None
        return text[:end]

    async def _next(self) -> bytes:
        if self._incoming is None:
            self._held = b""
            self._incoming, piece = await self._asker.document(
                self.path, "r", self._begin, repeatable=True
            )
            return piece
        with self._asker.noticing(self._awaited, NOTICE_SECONDS + self._delay):
            return await self._incoming.read(SILENCE_SECONDS + self._delay)

    async def _begin(self, located: Located) -> tuple[Incoming, bytes]:
        request = Stream(located.ticket, delay=self._delay, start=self.count)
        # Answered before the words are; nobody waits for it.
        which = Stat(located.ticket)
        incoming = await Incoming.begin(self._asker, located, request, which, self._know)
        self._awaited = awaited(located)
        self.newer_on = newer_on(located)
        try:
            return incoming, await incoming.read(SILENCE_SECONDS + self._delay)
        except BaseException:
            incoming.close()
            raise

    def _know(self, facts: Facts) -> None:
        """Notice whether this is still the text that the reader began with."""
        if self._sha256 and facts.sha256 != self._sha256:
            self.changed = True
        self._sha256 = facts.sha256

    async def _recover(self, error: DFSError) -> None:
        """
        Make ready for another server.

        @raise DFSError: there is nothing more to be tried.
        """
        if self._incoming is None or not self._whole_words:
            # Opening it was tried for as long as is allowed.
            raise error
        self._incoming = None
        self._asker.locations.forget(self.path)
        if self._attempts is None:
            self._attempts = self._asker.attempts(repeatable=True)
        pause = self._attempts.pause(error, self._asker.clock.seconds())
        if pause is None:
            raise error
        await self._asker.pause(pause)


_WHITE_BYTES = [bytes([byte]) for byte in WHITE]
