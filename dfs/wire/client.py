"""
The asking side of the protocol: one connection, many questions at once.

Decides which answer belongs to which question and that every question ends.  Must not know what
is asked, nor when a connection is made or made again.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import (
    IDelayedCall,
    IPushProducer,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from dfs.errors import DFSError, Internal, Unavailable, error_for
from dfs.wire.answers import Answering, Contents, Items, Single
from dfs.wire.codec import (
    UNKNOWN_LENGTH,
    Answer,
    decode_answer,
    encode_request,
    read_number,
    unescape,
)
from dfs.wire.framing import Framer
from dfs.wire.messages import Record, Request
from dfs.wire.sending import Sending
from dfs.wire.transport import Transport, cancelled, flow, prompt
from dfs.wire.upload import MAX_BLOCK

A = TypeVar("A", bound=Record)

#: Seconds that an answer may take unless told otherwise.
ANSWER_SECONDS = 30.0

#: Bytes of a line of an answer; an access list may be long.
_MAX_ANSWER = 1024 * 1024

#: Content blocks up to this many bytes are handed on whole, larger ones as they come.
_WHOLE_BLOCK = 64 * 1024

#: What gives the next piece of content to be sent; empty at the end.
Source = Callable[[], "Awaitable[bytes] | bytes"]


@implementer(IPushProducer)
class Connection(Protocol):
    """
    One connection to a server.

    @ivar lost: it is gone.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._framer = Framer(_MAX_ANSWER)
        self._asked: dict[str, Answering] = {}
        self._tag = 0
        self._block: Answering | None = None  # whose bytes are coming
        self._after_upload: list[bytes] | None = None
        self._room: list[Deferred[None]] = []
        self._clogged = False
        self._wide = False
        self._held = 0
        self._lost_waiters: list[Deferred[None]] = []
        self._link: Transport
        self.lost = False

    # ------------------------------------------------------------------------------- asking

    def ask(
        self,
        request: Request[A],
        body: bytes | None = None,
        timeout: float | None = ANSWER_SECONDS,
    ) -> Deferred[A]:
        """
        Ask for one answer.

        @param body: content to send along.
        @param timeout: seconds to wait; None to wait as long as the connection lasts.
        @return: fails with the L{DFSError} of the other side, or with L{Unavailable} if there is
            no answer.
        """
        single: Single[A] = Single(request.answer)
        self._start(request, single, None if body is None else len(body), body, timeout)
        return single.result

    def ask_items(self, request: Request[A], timeout: float | None = ANSWER_SECONDS) -> Items:
        """
        Ask for a list.

        @param timeout: seconds until the first entry or the end.
        """
        assert request.item is not None
        items = Items(request.item, self._hold, self._release)
        self._start(request, items, None, None, timeout)
        return items

    def ask_content(
        self,
        request: Request[A],
        timeout: float | None = ANSWER_SECONDS,
        *,
        verified: bool = True,
    ) -> Contents:
        """
        Ask for content.

        @param timeout: seconds until the first piece or the end.
        @param verified: compare the hash; not needed by who only passes it on to who does.
        """
        contents = Contents(self._hold, self._release, request.answer, verified=verified)
        self._start(request, contents, None, None, timeout)
        return contents

    def send(
        self, request: Request[A], source: Source, timeout: float | None = ANSWER_SECONDS
    ) -> Deferred[A]:
        """
        Ask with content of any length, sent in pieces as the other side takes them.

        Other questions wait until all of it is sent.

        @param timeout: seconds from the end of the content to the answer.
        """
        assert self._after_upload is None, "one upload at a time"
        single: Single[A] = Single(request.answer)
        tag = self._start(request, single, UNKNOWN_LENGTH, None, None)
        if tag is None:
            return single.result
        self._after_upload = []
        # It takes care of its failures itself.
        Deferred.fromCoroutine(self._send(tag, source, timeout))
        return single.result

    def _start(
        self,
        request: Request[Any],
        answering: Answering,
        length: int | None,
        body: bytes | None,
        timeout: float | None,
    ) -> str | None:
        if self.lost:
            answering.fail(Unavailable("the connection is gone; try again"))
            return None
        self._tag += 1
        tag = str(self._tag)
        try:
            line = encode_request(request, tag, length)
        except DFSError as error:
            answering.fail(error)
            return None
        self._asked[tag] = answering
        answering.forget = lambda: self._forget(tag)
        self._limit(answering, tag, timeout)
        self._write(line if body is None else line + body)
        return tag

    def _limit(self, answering: Answering, tag: str, timeout: float | None) -> None:
        if timeout is not None:
            answering.timer = self._clock.callLater(timeout, self._late, tag, timeout)

    def _late(self, tag: str, timeout: float) -> None:
        answering = self._asked.get(tag)
        if answering is not None:
            answering.timer = None
            self._over(tag, Unavailable(f"no answer within {timeout:g} s; try again"))

    def _forget(self, tag: str) -> None:
        """Nobody waits for this answer any more; what still comes of it is skipped."""
        answering = self._asked.pop(tag, None)
        if answering is not None:
            _cancel(answering)

    def _over(self, tag: str, error: DFSError) -> None:
        answering = self._asked.pop(tag, None)
        if answering is not None:
            _cancel(answering)
            answering.fail(error)

    # ------------------------------------------------------------------------ sending content

    async def _send(self, tag: str, source: Source, timeout: float | None) -> None:
        sending = Sending()
        self._flow(True)
        # What was sent must not pass for the whole if it ends before its end.
        end = sending.void()
        try:
            while tag in self._asked:  # an early refusal ends the sending
                piece = source()
                data = await piece if inspect.isawaitable(piece) else piece
                if not data:
                    end = sending.stop()
                    break
                for at in range(0, len(data), MAX_BLOCK):
                    self._put(sending.block(data[at : at + MAX_BLOCK]))
                room = self.room()
                if room is not None:
                    await room
        except DFSError as error:
            self._over(tag, error)
        except Exception as error:
            self._over(tag, Unavailable(f"the content could not be read: {error}"))
        self._put(end)
        self._upload_over()
        answering = self._asked.get(tag)
        if answering is not None:
            self._limit(answering, tag, timeout)

    def _flow(self, wide: bool) -> None:
        """Large content begins to flow, or does not flow any more."""
        if wide is not self._wide:
            self._wide = wide
            flow(self.transport, wide)

    def _upload_over(self) -> None:
        self._flow(False)
        waiting, self._after_upload = self._after_upload, None
        for data in waiting or ():
            self._put(data)

    def _write(self, data: bytes) -> None:
        if self._after_upload is not None:
            self._after_upload.append(data)
        else:
            self._put(data)

    def _put(self, data: bytes) -> None:
        if not self.lost:
            self._link.write(data)

    def room(self) -> Deferred[None] | None:
        """None if more may be written now; else a Deferred to wait for."""
        if self.lost:
            return fail(Unavailable("the connection was lost"))
        if not self._clogged:
            return None
        waiting: Deferred[None] = Deferred()
        self._room.append(waiting)
        return waiting

    # ------------------------------------------------------------- what the transport calls

    def connectionMade(self) -> None:
        self._link = cast(Transport, self.transport)
        prompt(self.transport)
        self._link.registerProducer(self, True)

    def dataReceived(self, data: bytes) -> None:
        self._framer.feed(data)
        try:
            while self._step():
                pass
        except DFSError:
            # The other side does not speak this protocol: nothing it says can be used.
            self.close(abort=True)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = True
        why = "was closed" if reason.check(ConnectionDone) else "was lost"
        asked, self._asked = self._asked, {}
        for answering in asked.values():
            _cancel(answering)
            answering.fail(Unavailable(f"the connection {why}; try again"))
        room, self._room = self._room, []
        for waiting in room:
            waiting.errback(Unavailable("the connection was lost"))
        waiters, self._lost_waiters = self._lost_waiters, []
        for waiter in waiters:
            waiter.callback(None)

    def pauseProducing(self) -> None:
        self._clogged = True

    def resumeProducing(self) -> None:
        self._clogged = False
        waiting, self._room = self._room, []
        for deferred in waiting:
            deferred.callback(None)

    def stopProducing(self) -> None:
        """The transport is about to say connectionLost."""

    # ------------------------------------------------------------------------------- answers

    def _step(self) -> bool:
        framer = self._framer
        if framer.raw:
            small = framer.raw <= _WHOLE_BLOCK
            piece = framer.take_whole() if small else framer.take()
            if not piece:
                return False
            block = self._block
            if not framer.raw:
                self._block = None
            if block is not None:
                block.piece(piece)
            return True
        raw = framer.line()
        if raw is None:
            return False
        if raw:
            self._answer(decode_answer(raw))
        return True

    def _answer(self, answer: Answer) -> None:
        answering = self._asked.get(answer.tag)
        if answer.word == "DATA":
            self._framer.raw = size = read_number(answer.fields)
            if size > _WHOLE_BLOCK:
                self._flow(True)
            self._block = answering
            if answering is not None:
                _cancel(answering)
            return
        if answering is None:
            if not answer.tag and answer.word == "ERROR":
                self._refused(answer.fields)
            return  # late: whoever asked has gone
        _cancel(answering)
        if answer.word == "ITEM":
            answering.item(answer.fields)
            return
        if answer.word == "STOP" and self._after_upload is None:
            self._flow(False)
        error = _error(answer.fields) if answer.word == "ERROR" else None
        del self._asked[answer.tag]
        if error is not None:
            answering.fail(error)
        elif answer.word in ("OK", "STOP"):
            answering.end(answer.fields)
        else:
            answering.fail(Internal(f"unknown answer {answer.word[:40]!r}"))

    def _refused(self, fields: list[str]) -> None:
        """The server refuses the connection as a whole and closes it."""
        error = _error(fields)
        asked, self._asked = self._asked, {}
        for answering in asked.values():
            _cancel(answering)
            answering.fail(error)

    def _hold(self) -> None:
        """Somebody reads too slowly: let the other side wait."""
        self._held += 1
        if self._held == 1 and not self.lost:
            self._link.pauseProducing()

    def _release(self) -> None:
        self._held -= 1
        if self._held == 0 and not self.lost:
            self._link.resumeProducing()

    # ----------------------------------------------------------------------------------- end

    def when_lost(self) -> Deferred[None]:
        """Fires when the connection is gone; a new Deferred for each who asks."""
        waiter: Deferred[None] = Deferred()
        if self.lost:
            waiter.callback(None)
        else:
            self._lost_waiters.append(waiter)
        return waiter

    def close(self, *, abort: bool = False) -> None:
        """
        End the connection.

        @param abort: at once, without what is still to be written.
        """
        if self.lost:
            return
        if abort:
            self._link.abortConnection()
        else:
            self._link.unregisterProducer()
            self._link.loseConnection()


def _cancel(answering: Answering) -> None:
    timer: IDelayedCall | None = answering.timer
    answering.timer = None
    if timer is not None and timer.active():
        timer.cancel()


def _error(fields: list[str]) -> DFSError:
    code, message = [*fields, "", ""][:2]
    return error_for(code, unescape(message))


def connect(endpoint: IStreamClientEndpoint, clock: IReactorTime) -> Deferred[Connection]:
    """
    Dial.

    @return: fails with what the endpoint says; C{CancelledError} if nobody wants it any more.
    """
    factory = Factory.forProtocol(lambda: Connection(clock))
    # Otherwise each try is two lines in the log.
    factory.noisy = False
    return cast("Deferred[Connection]", endpoint.connect(factory).addErrback(cancelled))
