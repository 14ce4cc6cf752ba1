"""
The answering side of one connection: requests in their order, each with exactly one end.

Decides when a request is read and when it is its turn.  Must not know what any request does, nor
what becomes of other connections.
"""

from __future__ import annotations

from typing import Protocol as Interface
from typing import cast

from attrs import frozen
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from dfs.browsers import is_request
from dfs.errors import DFSError, Internal
from dfs.wire.codec import BadRequest, Line, decode_request, encode_answer, encode_error
from dfs.wire.crowd import origin
from dfs.wire.exchange import Exchange, Peer, Receiver
from dfs.wire.framing import Framer
from dfs.wire.limits import Limits
from dfs.wire.messages import Done, Record, Request
from dfs.wire.rounds import Rounds
from dfs.wire.transport import Transport, address_text, flow, prompt, taken
from dfs.wire.upload import SMALL_BYTES, Upload

_log = Logger(namespace="dfs.wire")

#: Bytes of answers that are gathered before they are written, and the transport may say stop.
_GATHERED_BYTES = 64 * 1024

#: What one connection may cost before others have their turn, about two milliseconds: as many
#: blank lines or pieces of content, or a tenth as many requests.
_TURN = 1000

#: What a request costs, in the same unit.
_REQUEST = 10


class Doorkeeper(Interface):
    """Who keeps count of the connections."""

    rounds: Rounds

    def next_number(self) -> int:
        """A number for a connection."""

    def admitted(self, protocol: ServerProtocol) -> DFSError | None:
        """A connection has come; why it may not stay, if so."""

    def left(self, protocol: ServerProtocol) -> None:
        """A connection has gone."""

    def refused(self, peer: Peer, error: DFSError) -> None:
        """Log what was no request at all."""

    def answered(self, exchange: Exchange, outcome: str, message: str) -> None:
        """Log a request and its answer."""


@implementer(IPushProducer)
class ServerProtocol(Protocol):
    """One connection of a server."""

    factory: Doorkeeper

    def __init__(self, clock: IReactorTime, receiver: Receiver, limits: Limits) -> None:
        self._clock = clock
        self._receiver = receiver
        self._limits = limits
        self._framer = Framer(limits.stranger_line)
        self._out: list[bytes] = []
        self._out_bytes = 0
        self._reading = False  # inside dataReceived: answers are gathered and written at its end
        self._deaf = False  # what follows cannot be told apart: nothing more is read
        # A stranger's requests wait for each other: whether he may ask depends on the one before.
        self._most_open = 1
        self._greeted = False
        self._open = 0  # requests without an end
        self._turn: Exchange | None = None  # the untagged request that is being answered
        self._next: Line | None = None  # a request that waits for its turn or its content
        self._resting = False  # goes on when others have had their turn
        self._upload: Upload | None = None
        self._room: list[Deferred[None]] = []
        self._closing = False
        self._throttled = False
        self._wide = False
        self.close_after: Exchange | None = None
        self.clogged_since: float | None = None
        self._taken: object = None
        self.lost = False
        self.peer: Peer
        self.origin = ""
        self._link: Transport
        self.since = 0.0

    # ------------------------------------------------------------- what the transport calls

    def connectionMade(self) -> None:
        self.since = self._clock.seconds()
        assert self.transport is not None
        address = address_text(self.transport.getPeer())
        self.origin = origin(self.transport.getPeer())
        self._link = cast(Transport, self.transport)
        prompt(self.transport)
        self.peer = Peer(self.factory.next_number(), address, self.close)
        self._link.registerProducer(self, True)
        refusal = self.factory.admitted(self)
        if refusal is not None:
            self.refuse_all(refusal)

    def dataReceived(self, data: bytes) -> None:
        if self._closing or self._deaf:
            return
        self._framer.feed(data)
        self._advance()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = True
        self._closing = True
        self.factory.rounds.leave(self)
        self.factory.left(self)
        waiting, self._room = self._room, []
        for deferred in waiting:
            deferred.errback(ConnectionLost())
        if self._upload is not None:
            self._upload.cut()
        self.peer.was_lost()

    def pauseProducing(self) -> None:
        # Said again at each write; but writing to somebody gives him no more time.
        if self.clogged_since is None:
            self._clogged()

    def _clogged(self) -> None:
        """The peer has something to take, and from now on it is watched whether it does."""
        self.clogged_since = self._clock.seconds()
        self._taken = taken(self.transport)

    def resumeProducing(self) -> None:
        self.clogged_since = None
        waiting, self._room = self._room, []
        for deferred in waiting:
            deferred.callback(None)
        if not self.lost and not self._reading:
            self._advance()

    def stopProducing(self) -> None:
        """The transport is about to say connectionLost."""

    # ----------------------------------------------------------------------------- reading

    def _advance(self) -> None:
        """Work on what arrived, as far as the limits allow and others can wait."""
        if not self._resting:
            self._reading = True
            try:
                self._work()
            finally:
                self._reading = False
                self._flush()
        self._throttle()

    def _work(self) -> None:
        left = _TURN
        end = self.factory.rounds.until()
        while not self._closing and self.clogged_since is None:
            try:
                cost = self._step()
            except DFSError as error:
                self._upload = None
                self._hear_no_more(Line("", Refused(error), None))
                cost = _REQUEST
            if not cost:
                return
            left -= cost
            if self._out_bytes > _GATHERED_BYTES:
                self._flush()
            if left <= 0 or self._clock.seconds() > end:
                # Some requests, and their lines in the log, cost more time than others.
                self._rest()
                return

    def _rest(self) -> None:
        """Let others have their turn, if there is more to do."""
        if self._upload is not None or self._next is not None or len(self._framer):
            self._resting = True
            self.factory.rounds.rest(self)

    def go_on(self) -> None:
        """The others have had their turn."""
        self._resting = False
        self._advance()

    def _hear_no_more(self, last: Line) -> None:
        """
        Execute nothing of what follows, because it cannot be told apart any more.

        The refusal is given in its turn, as every answer is; then the connection ends.
        """
        self._deaf = True
        self._framer = Framer(0)
        self._next = last

    def _step(self) -> int:
        """Do one thing; what it cost, 0 if nothing can be done before something happens."""
        if self._upload is not None:
            if not self._upload.advance():
                return 0
            if self._upload.complete:
                self._upload = None
                self._flow(False)
            return 1
        if self._next is not None:
            return self._begin(self._next)
        if self._deaf or self._open >= self._most_open:
            return 0
        raw = self._framer.line()
        if raw is None:
            return 0
        if not raw or raw.isspace():
            return 1
        try:
            line = decode_request(raw)
        except BadRequest as bad:
            # In its turn: an untagged answer must not overtake the ones before it.
            line = Line(bad.tag, Refused(bad.error), bad.length)
            if bad.hopeless or is_request(raw.decode("latin-1")):
                self._hear_no_more(line)
        return self._begin(line)

    def _begin(self, line: Line) -> int:
        """Start a request, if it is its turn and its small content is here; else keep it."""
        self._next = line
        if not line.tag and self._turn is not None:
            return 0
        upload = None
        body = None
        if line.length is not None:
            refused = isinstance(line.request, Refused)
            if not refused and 0 <= line.length <= SMALL_BYTES:
                self._framer.raw = line.length
                body = self._framer.take_whole()
                if body is None:
                    return 0
            else:
                upload = Upload(self._framer, line.length, self._resume)
                self._flow(True)
        self._next = None
        exchange = Exchange(self, line.request, line.tag, self._clock.seconds())
        exchange.body = body
        exchange.content = self._upload = upload
        self._open += 1
        if not line.tag:
            self._turn = exchange
        if self._deaf:
            self.close_after = exchange
        self._answer(exchange)
        return _REQUEST

    def _resume(self) -> None:
        """The upload has room again."""
        if not self._reading and not self.lost:
            self._advance()

    def _throttle(self) -> None:
        """Let the transport read only while what it reads can be worked on soon."""
        if self._closing:
            return
        full = len(self._framer) > SMALL_BYTES + self._framer.max_line
        if full and not self._throttled:
            self._link.pauseProducing()
        elif self._throttled and not full:
            self._link.resumeProducing()
        self._throttled = full

    # --------------------------------------------------------------------------- answering

    def _answer(self, exchange: Exchange) -> None:
        try:
            if isinstance(exchange.request, Refused):
                self.factory.refused(self.peer, exchange.request.error)
                raise exchange.request.error
            outcome = self._receiver.received(exchange.request, exchange)
            if not (outcome is None or isinstance(outcome, _AS_IT_IS)):
                outcome = Deferred.fromCoroutine(outcome)
        except DFSError as error:
            self._refuse(exchange, error)
            return
        except Exception:
            self._failed(Failure(), exchange)
            return
        if isinstance(outcome, Deferred):
            outcome.addCallbacks(
                self._end, self._failed, callbackArgs=(exchange,), errbackArgs=(exchange,)
            )
        else:
            self._end(outcome, exchange)

    def _end(self, record: Record | None, exchange: Exchange) -> None:
        try:
            data = encode_answer(_DONE if record is None else record, exchange.tag)
        except Exception:
            self._failed(Failure(), exchange)
            return
        self.write(data)
        self._finished(exchange, "OK")

    def _failed(self, failure: Failure, exchange: Exchange) -> None:
        if isinstance(failure.value, DFSError):
            self._refuse(exchange, failure.value)
        elif self._closing and failure.check(ConnectionLost):
            self._finished(exchange, "LOST")
        else:
            _log.failure(
                "{verb} failed", failure, log_event="internal_error", verb=exchange.request.verb
            )
            self._refuse(exchange, Internal("this is a defect of the server; its log says more"))

    def _refuse(self, exchange: Exchange, error: DFSError) -> None:
        self.write(encode_error(error, exchange.tag))
        self._finished(exchange, error.code, str(error))

    def _finished(self, exchange: Exchange, outcome: str, message: str = "") -> None:
        self._open -= 1
        if self._turn is exchange:
            self._turn = None
        if self.close_after is exchange:
            self.close()
        if exchange.content is not None:
            exchange.content.discard()
        if self._wide and self._upload is None:
            self._flow(False)
        self.factory.answered(exchange, outcome, message)
        if not self._greeted and self.peer.known:
            self._greet()
        if not self._reading and not self.lost:
            # Not inside of this call: it may tell many, of whom each would begin to work.
            self._rest()

    def _greet(self) -> None:
        """The peer is no stranger any more."""
        self._greeted = True
        machine = bool(self.peer.machine)
        limits = self._limits
        self._framer.max_line = limits.machine_line if machine else limits.line
        self._most_open = limits.machine_unanswered if machine else limits.unanswered

    # ----------------------------------------------------------------------------- writing

    def write(self, data: bytes) -> None:
        """Write a whole line."""
        if self._closing:
            return
        self._out.append(data)
        self._out_bytes += len(data)
        if not self._reading:
            self._flush()

    def write_data(self, tag: str, piece: bytes) -> None:
        """Write a piece of content."""
        if self._closing:
            return
        if len(piece) >= SMALL_BYTES:
            self._flow(True)
        self._out += (f"{tag}DATA|{len(piece)}\n".encode(), piece, b"\n")
        self._out_bytes += len(piece)
        if not self._reading:
            self._flush()

    def _flow(self, wide: bool) -> None:
        """Large content begins to flow, or does not flow any more."""
        if wide is not self._wide:
            self._wide = wide
            flow(self.transport, wide)

    def _flush(self) -> None:
        if self._out and not self.lost:
            out, self._out = self._out, []
            self._out_bytes = 0
            self._link.writeSequence(out)

    def room(self) -> Deferred[None] | None:
        """See L{Exchange.room}."""
        if self._closing:
            return fail(ConnectionLost())
        self._flush()
        if self.clogged_since is None:
            return None
        waiting: Deferred[None] = Deferred()
        self._room.append(waiting)
        return waiting

    def refuse_all(self, error: DFSError) -> None:
        """Say why, then end the connection at once; nothing more is read or answered."""
        self.write(encode_error(error))
        self.close()

    def stuck_since(self) -> float | None:
        """Since when the peer has taken nothing of what waits for it; None if nothing waits."""
        if self.clogged_since is not None and taken(self.transport) != self._taken:
            self._clogged()
        return self.clogged_since

    @property
    def busy(self) -> bool:
        """Something that was asked is not answered yet."""
        return self._open > 0

    def close(self) -> None:
        """End the connection after what was written."""
        if self._closing:
            return
        self._closing = True
        self._flush()
        if self.clogged_since is None:
            # Who does not take the rest is dropped like others who do not read.
            self._clogged()
        # loseConnection waits for a registered producer to say that it is done.
        self._link.unregisterProducer()
        self._link.loseConnection()

    def abort(self) -> None:
        """End the connection now."""
        self._link.abortConnection()


@frozen
class Refused(Request[Done]):
    """Stands in the place of a line that is no request, so that it is answered in its turn."""

    verb = "?"
    error: DFSError


_DONE = Done()

#: Answers that need not be waited for as coroutines.
_AS_IT_IS = (Record, Deferred)
