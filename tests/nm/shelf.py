"""
What a scripted storage server has, for those who copy.

Decides how few words a test needs to say which member has what, and what is answered.  A record is
opaque to the name server; here it is C{<version> <number>} and the hashes that it refers to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import Deferred, succeed

from dfs.core.versions import Version
from dfs.errors import DFSError, NotFound
from dfs.wire.exchange import Exchange
from dfs.wire.messages import (
    Applied,
    Committed,
    GetContent,
    GetFileContent,
    Put,
    PutContent,
    PutFileContent,
    Record,
    Renote,
    Stop,
)
from dfs.wire.parts import HEADER_BYTES, part, read_header

#: Bytes that are sent at one go.
PIECE = 64 * 1024

#: Called before an answer: what it raises is the answer, what it returns is waited for.
Gate = Callable[[Any], "Deferred[None] | None"]


def _open(request: Any) -> Deferred[None] | None:
    return None


@define(eq=False)
class Shelf:
    """
    The copies of one member.

    @ivar home: it is the home primary.
    @ivar records: by id, what is sent of a document.
    @ivar contents: by hash.
    @ivar calls: everything that was asked, in order.
    @ivar taken: what was pushed, as a whole, with its request.
    @ivar puts: texts that came as from a client.
    @ivar voided: how many pushes did not come whole.
    @ivar given: bytes that were sent of contents.
    @ivar gate: see L{Gate}.
    @ivar lacks: what it says it lacks besides.
    @ivar reading: waited for before each piece of what is pushed in blocks.
    @ivar sending: called before each piece of a content, with its position.
    """

    home: bool = True
    records: dict[str, bytes] = field(factory=dict)
    contents: dict[str, bytes] = field(factory=dict)
    calls: list[Any] = field(factory=list)
    taken: list[tuple[PutFileContent, bytes]] = field(factory=list)
    puts: list[bytes] = field(factory=list)
    voided: int = 0
    given: int = 0
    gate: Gate = _open
    lacks: Callable[[PutFileContent], tuple[str, ...]] = lambda request: ()
    reading: Deferred[None] = field(factory=lambda: succeed(None))
    sending: Callable[[int], Deferred[None] | None] = _open

    def has(self, id: str, version: str, *contents: bytes, number: int = 7) -> None:
        """This member has this version of a document now."""
        self.records[id] = record(version, *contents, number=number)
        for content in contents:
            self.contents[hashlib.sha256(content).hexdigest()] = content

    def version(self, id: str) -> str:
        """What this member has."""
        return read(self.records[id])[0] if id in self.records else ""

    def called(self, kind: type[Any]) -> list[Any]:
        """What was asked of one kind."""
        return [one for one in self.calls if type(one) is kind]

    async def _admitted(self, request: Any) -> None:
        self.calls.append(request)
        waiting = self.gate(request)
        if waiting is not None:
            await waiting

    async def get(self, request: GetFileContent, exchange: Exchange) -> Record:
        """GET_FILE_CONTENT."""
        await self._admitted(request)
        found = self.contents.get(request.sha256) if request.sha256 else self._packed(request.id)
        if found is None:
            raise NotFound("there is no such document here")
        for at in range(0, len(found), PIECE):
            waiting = self.sending(at) if request.sha256 else None
            if waiting is not None:
                await waiting
            exchange.data(found[at : at + PIECE])
            self.given += len(found[at : at + PIECE]) if request.sha256 else 0
            room = exchange.room()
            if room is not None:
                await room
        return Stop(len(found), hashlib.sha256(found).hexdigest())

    def _packed(self, id: str) -> bytes | None:
        found = self.records.get(id)
        return None if found is None else part(found)

    async def get_content(self, request: GetContent, exchange: Exchange) -> Record:
        """GET_CONTENT."""
        await self._admitted(request)
        found = self.contents.get(request.sha256)
        if found is None:
            raise NotFound("no document here refers to that content")
        for at in range(0, len(found), PIECE):
            exchange.data(found[at : at + PIECE])
        return Stop(len(found), hashlib.sha256(found).hexdigest())

    async def put_content(self, request: PutContent, exchange: Exchange) -> None:
        """PUT_CONTENT."""
        await self._admitted(request)
        self.contents[request.sha256] = await self._body(exchange)

    async def put(self, request: PutFileContent, exchange: Exchange) -> Record:
        """PUT_FILE_CONTENT."""
        try:
            body = await self._body(exchange)
        except DFSError:
            self.voided += 1
            raise
        await self._admitted(request)
        came = parts(body)
        copy = came.pop(0)
        version, number, needed = read(copy)
        brought = {hashlib.sha256(one).hexdigest(): one for one in came}
        lacks = [one for one in needed if one.split(":")[0] not in {**self.contents, **brought}]
        lacks += self.lacks(request)
        if lacks:
            return Applied("0.0", 0, tuple(lacks))
        self.taken.append((request, body))
        self.contents.update(brought)
        own = self.version(request.id)
        if request.orphan:
            version = above(own or "0.0", version, home=self.home)
            copy = record(version, number=number)
        elif own and Version.parse(own) >= Version.parse(version):
            return Applied(own, max(number, read(self.records[request.id])[1]))
        self.records[request.id] = copy
        return Applied(version, number)

    async def put_text(self, request: Put, exchange: Exchange) -> Record:
        """PUT, as a client does it."""
        self.puts.append(await self._body(exchange))
        return Committed("1.0", len(self.puts[-1]), 1, 6)

    async def _body(self, exchange: Exchange) -> bytes:
        if exchange.content is None:
            return exchange.body or b""
        pieces = []
        waiting: Awaitable[bytes] = exchange.content.read()
        while piece := await waiting:
            pieces.append(piece)
            if not self.reading.called:
                await self.reading
            waiting = exchange.content.read()
        return b"".join(pieces)

    async def renote(self, request: Renote, exchange: Exchange) -> None:
        """RENOTE."""
        await self._admitted(request)


def record(version: str, *contents: bytes, number: int = 7) -> bytes:
    """What is opaque to everybody else."""
    refers = [f"{hashlib.sha256(one).hexdigest()}:{len(one)}" for one in contents]
    return " ".join([version, str(number), *refers]).encode()


def read(copy: bytes) -> tuple[str, int, list[str]]:
    """Version, number and what is referred to."""
    version, number, *refers = copy.decode().split(" ")
    return version, int(number), refers


def parts(body: bytes) -> list[bytes]:
    """The parts of a copy; each has the hash that is announced."""
    found, at = [], 0
    while at < len(body):
        sha256, size = read_header(body, at)
        at += HEADER_BYTES
        found.append(body[at : at + size])
        assert hashlib.sha256(found[-1]).digest() == sha256
        at += size
    return found


def above(one: str, other: str, *, home: bool) -> str:
    """A version that is above both, by a commit of one member."""
    mine, theirs = Version.parse(one), Version.parse(other)
    both = Version(max(mine.a, theirs.a), max(mine.b, theirs.b))
    new = evolve(both, a=both.a + 1) if home else evolve(both, b=both.b + 1)
    return str(new)
