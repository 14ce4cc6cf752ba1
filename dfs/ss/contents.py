"""
Bytes of documents on their way out of the store and into it.

Decides in which pieces content travels and who waits for whom.  Must not know which document the
bytes belong to, nor who may see them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred

from dfs.core.documents import Content
from dfs.errors import Invalid, TooLarge
from dfs.store.interfaces import PIECE_BYTES, IReader, IStore
from dfs.wire.messages import Stop

T = TypeVar("T")


class Source(Protocol):
    """Content that a peer sends."""

    size: int | None

    def read(self) -> Deferred[bytes]:
        """The next piece; empty at the end."""


class Parcel(Protocol):
    """What came with a request: all of it, or where it is read from."""

    body: bytes | None

    @property
    def content(self) -> Source | None:
        """Where the rest is read from, if it did not come as a whole."""


class Sink(Protocol):
    """Where an answer's content goes to."""

    def data(self, piece: bytes) -> None:
        """Send a piece."""

    def room(self) -> Deferred[None] | None:
        """None, or what to wait for before more is sent."""


async def send(reader: IReader, content: Content, sink: Sink) -> Stop:
    """
    Send a content of any size.

    @param reader: of that content; closed at the end.
    @raise Corrupt: the bytes are damaged; what was sent is void.
    """
    try:
        while piece := await reader.read():
            sink.data(piece)
            room = sink.room()
            if room is not None:
                await room
    finally:
        reader.close()
    return Stop(content.size, content.sha256.hex())


async def pieces_of(reader: IReader) -> AsyncIterator[bytes]:
    """A content of any size, piece by piece, verified at the end; the caller closes the reader."""
    while piece := await reader.read():
        yield piece


async def loaded(store: IStore, content: Content) -> list[bytes]:
    """All pieces of a content; for those that are known to fit into memory."""
    reader = store.reader(content)
    try:
        return [piece async for piece in pieces_of(reader)]
    finally:
        reader.close()


async def pieces_of_parcel(parcel: Parcel) -> AsyncIterator[bytes]:
    """What follows a request, however it comes."""
    source = parcel.content
    if source is None:
        async for piece in cut(parcel.body or b""):
            yield piece
        return
    while piece := await source.read():
        yield piece


async def cut(data: bytes) -> AsyncIterator[bytes]:
    """Bytes in pieces as the store likes them."""
    for at in range(0, len(data), PIECE_BYTES):
        yield data[at : at + PIECE_BYTES]


async def coming(source: Source, limit: int) -> AsyncIterator[bytes]:
    """
    What a peer sends, as long as it stays below a limit.

    @raise TooLarge: it does not.
    """
    size = 0
    while piece := await source.read():
        size += len(piece)
        if size > limit:
            raise TooLarge(f"more than {limit} bytes; this server takes no more for this")
        yield piece


async def joined(*parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Several runs of pieces, one after the other."""
    for part in parts:
        async for piece in part:
            yield piece


async def keep(
    store: IStore,
    size: int | None,
    pieces: AsyncIterator[bytes],
    then: Callable[[Content], Awaitable[T]],
) -> T:
    """
    Bring content into the store, then do something that refers to it.

    Whatever fails, nothing is left of it.

    @param size: bytes that will come, if known.
    @param then: called when the content is durable; commits a document that refers to it.
    """
    incoming = store.receive(size)
    try:
        async for piece in pieces:
            waiting = incoming.write(piece)
            if waiting is not None:
                await waiting
        return await then(await incoming.finish())
    finally:
        incoming.release()


async def gathered(text: str, parcel: Parcel, limit: int, take: Callable[[int], None]) -> bytes:
    """
    A short content that may stand in the line of a request or follow it.

    @param text: what stood in the line.
    @param parcel: what follows it.
    @param take: is told of bytes before they are kept, and may refuse them.
    @raise TooLarge: it is longer than C{limit}.
    @raise Invalid: it was given twice.
    """
    body, source = parcel.body, parcel.content
    if text and (body is not None or source is not None):
        raise Invalid("give the text in the line or after it, not both")
    if source is None:
        whole = text.encode() if body is None else body
        take(len(whole))
        return whole
    if source.size is not None and source.size > limit:
        raise TooLarge(f"at most {limit} bytes here, {source.size} were announced")
    # Not a list of pieces: each of these may be a single byte.
    kept = bytearray()
    async for piece in coming(source, limit):
        take(len(piece))
        kept += piece
    return bytes(kept)
