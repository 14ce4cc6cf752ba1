"""
One connection and one request, as those who answer see them.

Decides what a handler can say and ask.  Must not know how a connection reads and writes.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from typing import Protocol as Interface

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from dfs.wire.codec import encode_answer
from dfs.wire.messages import Record, Request
from dfs.wire.upload import Upload

_log = Logger(namespace="dfs.wire")

#: What a handler may give back: the record that ends the answer (None: C{Done}), now or later.
Outcome = Record | None | Deferred[Any] | Coroutine[Deferred[Any], Any, Record | None]


class Lines(Interface):
    """What an exchange needs of the connection that it belongs to."""

    lost: bool
    peer: Peer
    close_after: Exchange | None

    def write(self, data: bytes) -> None:
        """Write a whole line."""

    def write_data(self, tag: str, piece: bytes) -> None:
        """Write a piece of content."""

    def room(self) -> Deferred[None] | None:
        """See L{Exchange.room}."""


class Receiver(Interface):
    """What stands behind a server's connections."""

    def received(self, request: Request[Any], exchange: Exchange) -> Outcome:
        """
        Answer a request.

        @raise DFSError: it is refused.
        """


@define(eq=False)
class Peer:
    """
    One connection, as those who answer see it.

    @ivar number: unique in this process.
    @ivar address: C{host:port} of the other end.
    @ivar user: the person it speaks for; empty if unknown.
    @ivar machine: the name of a server, or operator, that proved the secret; empty for all others.
    @ivar role: C{client}, C{ss}, C{nm}, C{admin}; empty for a person.
    @ivar greeting: what L{dfs.wire.reception.Reception} remembers between HELLO and PROVE.
    """

    number: int
    address: str
    _close: Callable[[], None]
    user: str = ""
    machine: str = ""
    role: str = ""
    greeting: Any = None
    _lost: list[Callable[[], None]] | None = Factory(list)

    @property
    def known(self) -> bool:
        """It has said who it is."""
        return bool(self.user or self.machine)

    def when_lost(self, callback: Callable[[], None]) -> None:
        """Call back once when the connection is gone; at once if it is gone already."""
        if self._lost is None:
            callback()
        else:
            self._lost.append(callback)

    def close(self) -> None:
        """End the connection after what was written."""
        self._close()

    def was_lost(self) -> None:
        """The connection is gone: tell everybody who asked."""
        callbacks, self._lost = self._lost, None
        for callback in callbacks or ():
            try:
                callback()
            except Exception:
                # The others must hear of it all the same: they give locks back.
                _log.failure("after a lost connection", log_event="internal_error")


class Exchange:
    """
    One request that is being answered.

    @ivar peer: who asked.
    @ivar body: the whole content, if it was announced with its length and is small; else None.
    @ivar content: a large content, to be read in pieces; else None.
    """

    __slots__ = ("_server", "body", "content", "peer", "request", "started", "tag")

    def __init__(self, server: Lines, request: Request[Any], tag: str, started: float) -> None:
        self._server = server
        self.peer = server.peer
        self.tag = tag
        self.request = request
        self.started = started
        self.body: bytes | None = None
        self.content: Upload | None = None

    @property
    def lost(self) -> bool:
        """The peer has gone, or is about to go; nobody reads the answer."""
        return self._server.lost

    def item(self, record: Record) -> None:
        """Write a list entry."""
        self._server.write(encode_answer(record, self.tag, "ITEM"))

    def data(self, piece: bytes) -> None:
        """Write a piece of content."""
        self._server.write_data(self.tag, piece)

    def close_after(self) -> None:
        """Nothing more is read; the connection ends when this request is answered."""
        self._server.close_after = self

    def room(self) -> Deferred[None] | None:
        """
        None if more may be written now; else a Deferred to wait for.

        The Deferred fails with C{ConnectionLost} if the peer goes away.
        """
        return self._server.room()
