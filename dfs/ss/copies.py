"""
GET_FILE_CONTENT, PUT_FILE_CONTENT, RENOTE: copies of whole documents, from one member to the other.

Decides what is sent of a document, what is done with a copy that comes, and that half a copy
changes nothing.  Must not know which document is copied when, nor why; which of two states is
newer L{dfs.core.replicas} knows.

Note [A copy is one change]
===========================
The contents are received first, each verified by its hash, and kept as uploads are: nothing refers
to them.  When all are here it is the copy's turn in the line of its document; there it is compared
with what this member has, and committed as a whole or not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from functools import partial

from attrs import define, evolve, field

from dfs.core import replicas
from dfs.core.documents import Content, Document, Metadata, Summary
from dfs.errors import Busy, Corrupt, Invalid, NotFound
from dfs.ss.changes import Changes, Outcome
from dfs.ss.contents import pieces_of_parcel, send
from dfs.ss.membership import Membership
from dfs.ss.orders import alive, obey
from dfs.ss.sessions import Sessions
from dfs.store.encoding import decode_record, encode_record
from dfs.store.interfaces import INLINE_BYTES, PIECE_BYTES, Head, IIncoming, IStore
from dfs.wire.exchange import Exchange
from dfs.wire.messages import Applied, GetFileContent, PutFileContent, Renote, Stop
from dfs.wire.parts import HEADER_BYTES, part, read_header

#: Bytes that the record of one document may have; a thousand checkpoints have 300,000.
RECORD_BYTES = 64 * 1024 * 1024

#: How often a text that vanished between looking it up and reading it is looked up again.
TRIES = 5


@define(eq=False)
class Copies:
    """Answers whoever copies."""

    _store: IStore
    _changes: Changes
    _membership: Membership
    _sessions: Sessions

    # ----------------------------------------------------------------------------- giving

    async def get_file_content(self, request: GetFileContent, exchange: Exchange) -> Stop:
        """Send a document, or one of the contents that it refers to."""
        await obey(self._membership, exchange.peer, request.epoch)
        if request.sha256:
            content = self._content(request)
            return await send(self._store.reader(content), content, exchange)
        data = self._packed(request.id)
        for at in range(0, len(data), PIECE_BYTES):
            exchange.data(data[at : at + PIECE_BYTES])
            room = exchange.room()
            if room is not None:
                await room
        return Stop(len(data), hashlib.sha256(data).hexdigest())

    def _content(self, request: GetFileContent) -> Content:
        for content in alive(self._store.document(request.id)).contents():
            if content.sha256.hex() == request.sha256:
                return content
        raise NotFound("the document does not refer to that content any more")

    def _packed(self, document_id: str) -> bytes:
        """The record of one committed state, and its present text if that is small."""
        for _ in range(TRIES):
            document = self._store.document(document_id)
            if document is None:
                raise NotFound("there is no such document here")
            record = part(encode_record(document))
            content = document.current.content
            if not 0 < content.size <= INLINE_BYTES:
                return record
            try:
                text = self._store.small(content)
            except NotFound:
                continue  # replaced this moment
            assert text is not None, "it is small"
            return record + part(text)
        raise Busy("the document changes too fast; try again in a moment")

    # ----------------------------------------------------------------------------- taking

    async def put_file_content(self, request: PutFileContent, exchange: Exchange) -> Applied:
        """Take a copy of a document, if it is newer or has to be judged."""
        await obey(self._membership, exchange.peer, request.epoch)
        parts = _Parts(pieces_of_parcel(exchange))
        copy = _labelled(decode_record(await parts.record()), request)
        incoming: list[IIncoming] = []
        try:
            brought = await self._receive(parts, copy, incoming)
            job = partial(self._apply, request, copy, brought)
            return await self._changes.lines.run(request.id, job)
        finally:
            for one in incoming:
                one.release()

    async def _receive(
        self, parts: _Parts, copy: Document, incoming: list[IIncoming]
    ) -> frozenset[bytes]:
        """
        Keep the contents that come, until they are released.

        @param incoming: gets what is to be released.
        @return: their hashes.
        """
        wanted = {one.sha256: one.measure for one in copy.contents()}
        brought: set[bytes] = set()
        while (header := await parts.header()) is not None:
            sha256, size = header
            known = wanted.get(sha256)
            if known is None or known.size != size or sha256 in brought:
                raise Invalid(f"the document does not refer to {sha256.hex()} of {size} bytes")
            one = self._store.receive(size, known)
            incoming.append(one)
            async for piece in parts.body(size):
                waiting = one.write(piece)
                if waiting is not None:
                    await waiting
            came = await one.finish()
            if came.sha256 != sha256:
                raise Corrupt(f"the content {sha256.hex()} was damaged on its way; send it again")
            brought.add(sha256)
        return frozenset(brought)

    async def _apply(
        self, request: PutFileContent, copy: Document, brought: frozenset[bytes]
    ) -> Applied:
        """The job in the line of the document."""
        own = self._store.document(request.id)
        new = self._decide(own, copy, request)
        if new is None:
            return _applied(own or copy)
        lacks = self._lacks(new, brought)
        if lacks:
            return _applied(own, lacks)
        if own is not None and (new.deleted or new.current.content != own.current.content):
            # Sentences are locked at places in the text that is here.
            self._sessions.may_replace(request.id)
        try:
            outcome: Outcome = await self._changes.obey(new, request.epoch)
        except Corrupt:
            # Another document that had one of the contents may have let go of it this moment.
            lacks = self._lacks(new, brought)
            if not lacks:
                raise
            return _applied(own, lacks)
        return _applied(outcome.document)

    def _decide(
        self, own: Document | None, copy: Document, request: PutFileContent
    ) -> Document | None:
        # Before anything is answered: what is here may be newer because of a newer epoch.
        self._changes.serving.check_order(request.epoch)
        if request.orphan:
            return replicas.judged(own, copy, request.orphan, self._changes.stamp(""))
        return replicas.received(own, copy)

    def _lacks(self, document: Document, brought: frozenset[bytes]) -> tuple[str, ...]:
        """What has to be sent along."""
        needed = {one.sha256: one.size for one in document.contents() if one.size}
        return tuple(
            f"{sha256.hex()}:{size}"
            for sha256, size in needed.items()
            if sha256 not in brought and not self._store.has(sha256)
        )

    # ----------------------------------------------------------------------------- telling

    async def renote(self, request: Renote, exchange: Exchange) -> None:
        """Say again what this member has of a document."""
        await obey(self._membership, exchange.peer, request.epoch)
        head = self._store.head(request.id)
        if head is None:
            raise NotFound("there is no such document here")
        await self._changes.notes.renote(_summary(head))


@define(eq=False)
class _Parts:
    """
    Parts of a copy, out of a run of pieces that are cut anywhere.

    @ivar _rest: what was read and not used yet.
    """

    _pieces: AsyncIterator[bytes]
    _rest: bytes = field(default=b"", init=False)

    async def record(self) -> bytes:
        """The first part, verified."""
        header = await self.header()
        if header is None:
            raise Invalid("a copy begins with a record")
        sha256, size = header
        if size > RECORD_BYTES:
            raise Invalid(f"a record has at most {RECORD_BYTES} bytes, not {size}")
        record = b"".join([piece async for piece in self.body(size)])
        if hashlib.sha256(record).digest() != sha256:
            raise Corrupt("the record was damaged on its way; send it again")
        return record

    async def header(self) -> tuple[bytes, int] | None:
        """Hash and length of the next part; None if there is none."""
        while len(self._rest) < HEADER_BYTES:
            piece = await anext(self._pieces, b"")
            if not piece:
                if self._rest:
                    raise Invalid("a part of a copy is cut off")
                return None
            self._rest += piece
        sha256, size = read_header(self._rest)
        self._rest = self._rest[HEADER_BYTES:]
        return sha256, size

    async def body(self, size: int) -> AsyncIterator[bytes]:
        """The bytes of the part whose header was read."""
        while size:
            piece = self._rest or await anext(self._pieces, b"")
            if not piece:
                raise Invalid("a part of a copy is cut off")
            self._rest = piece[size:]
            piece = piece[:size]
            size -= len(piece)
            yield piece


def _labelled(copy: Document, request: PutFileContent) -> Document:
    """
    The copy under the id that is meant.

    An orphan whose own document is deleted goes on as another one: it gets the id of the request,
    and whatever metadata the name server gives to that.
    """
    if copy.id == request.id:
        return copy
    if not request.orphan:
        raise Invalid(f"the record is that of {copy.id}, not of {request.id}")
    unnumbered: Metadata = evolve(copy.metadata, number=0)
    return evolve(copy, id=request.id, metadata=unnumbered)


def _applied(document: Document | None, lacks: tuple[str, ...] = ()) -> Applied:
    """What is here now, and what would have been needed."""
    if document is None:
        return Applied("0.0", 0, lacks)
    return Applied(str(document.version), document.metadata.number, lacks)


def _summary(head: Head) -> Summary:
    return Summary(
        head.seq,
        head.id,
        head.version,
        head.epoch,
        head.current.content,
        head.current.modified,
        head.current.modified_by,
        head.metadata.number,
        head.checkpoints,
        head.conflicts,
        head.deleted,
    )
