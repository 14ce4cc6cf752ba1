"""
Links between processes that can be troubled: TCP proxies, one for each edge.

Decides what a trouble does to bytes on their way.  Must not know who talks, or why.

Note [A port that is kept].  While the process behind a link is gone, its port has to refuse, and to
be the same port afterwards.  So a second socket stays bound to it, which never listens: the system
gives the port to nobody else, and refuses who comes.
"""

from __future__ import annotations

import socket
from collections import deque
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IListeningPort, IPushProducer
from twisted.internet.protocol import ClientFactory, Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

#: Bytes that wait on their way in one direction before their sender has to wait.
MOST = 256 * 1024

#: The two directions of a link: to whoever listens, and back.
TO, FRO = "to", "fro"


@define(eq=False)
class Trouble:
    """
    What happens to bytes of one direction.

    @ivar held: nothing gets through; it comes later.
    @ivar lost: nothing gets through, ever.
    @ivar delay: seconds that everything is late.
    @ivar rate: bytes a second, if there is a limit.
    @ivar piece: bytes that arrive at once, if they arrive in pieces.
    """

    held: bool = False
    lost: bool = False
    delay: float = 0.0
    rate: float = 0.0
    piece: int = 0

    def calm(self) -> None:
        """No trouble any more."""
        self.held = self.lost = False
        self.delay = self.rate = 0.0
        self.piece = 0


@implementer(IPushProducer)
@define(eq=False)
class Pipe:
    """
    One direction of one connection.

    @ivar source: where bytes come from; C{sink}: where they go.
    """

    reactor: Any
    trouble: Trouble
    source: End
    sink: End
    _waiting: deque[tuple[float, bytes]] = field(factory=deque, init=False)
    _size: int = field(default=0, init=False)
    _full: bool = field(default=False, init=False)
    _next: float = field(default=0.0, init=False)
    _call: Any = field(default=None, init=False)
    _ending: bool = field(default=False, init=False)

    def put(self, data: bytes) -> None:
        """Something came."""
        if self.trouble.lost or not self.sink.open:
            return
        self._waiting.append((self.reactor.seconds() + self.trouble.delay, data))
        self._size += len(data)
        self.pump()

    def end(self) -> None:
        """Nothing more comes: the other side hears of it when it has everything."""
        self._ending = True
        self.pump()

    def pump(self) -> None:
        """Send what may be sent now, and see when there is more."""
        trouble = self.trouble
        while self._waiting and not (self._full or trouble.held or self._call):
            due, data = self._waiting[0]
            wait = max(due, self._next) - self.reactor.seconds()
            if wait > 0:
                self._later(wait)
                break
            self._waiting.popleft()
            self._send(data)
        self._flow()
        if self._ending and not self._waiting and not trouble.held and not trouble.lost:
            self.sink.close()

    def _send(self, data: bytes) -> None:
        trouble = self.trouble
        size = trouble.piece or len(data)
        if trouble.rate:
            size = min(size, max(1, int(trouble.rate / 20)))
            self._next = self.reactor.seconds() + min(size, len(data)) / trouble.rate
        if len(data) > size:
            self._waiting.appendleft((0.0, data[size:]))
            self._next = max(self._next, self.reactor.seconds() + 0.0005)
        self._size -= min(size, len(data))
        self.sink.write(data[:size])

    def _later(self, seconds: float) -> None:
        self._call = self.reactor.callLater(seconds, self._resume)

    def _resume(self) -> None:
        self._call = None
        self.pump()

    def _flow(self) -> None:
        """The source waits while too much is on its way."""
        self.source.wait(self._full or self._size > MOST)

    def resumeProducing(self) -> None:
        """There is room at the sink."""
        self._full = False
        self.pump()

    def pauseProducing(self) -> None:
        """There is no room at the sink."""
        self._full = True
        self._flow()

    def stopProducing(self) -> None:
        """The sink is gone."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
        self._waiting.clear()


class End(Protocol):
    """
    One end of a proxied connection.

    @ivar open: it is not lost.
    """

    open = True
    _pipe: Pipe | None = None
    _waits = False

    def joined(self, pipe: Pipe, back: Pipe) -> None:
        """
        Both ends are there.

        @param pipe: where what comes here goes on.
        @param back: what comes from the other end.
        """
        self._pipe = pipe
        self._transport.registerProducer(back, True)
        self._transport.setTcpNoDelay(True)

    @property
    def _transport(self) -> Any:
        return self.transport

    def write(self, data: bytes) -> None:
        """Send it on."""
        if self.open:
            self._transport.write(data)

    def wait(self, waits: bool) -> None:
        """Whether nothing more is taken for now."""
        if waits != self._waits and self.open:
            self._waits = waits
            (self._transport.pauseProducing if waits else self._transport.resumeProducing)()

    def close(self) -> None:
        """End it in good order."""
        if self.open:
            self._transport.unregisterProducer()
            self._transport.loseConnection()

    def abort(self) -> None:
        """End it at once."""
        if self.open:
            self._transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        """Something came."""
        assert self._pipe is not None
        self._pipe.put(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The other end hears of it, as soon as it has everything."""
        self.open = False
        if self._pipe is not None:
            self._pipe.end()


class _Inner(ClientFactory):
    """The way from a link to the process behind it."""

    noisy = False

    def __init__(self, link: Link, outer: Outer) -> None:
        self.link, self.outer = link, outer

    def buildProtocol(self, addr: object) -> Inner:
        """One end."""
        return Inner(self.link, self.outer)

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        """Nobody is there any more."""
        self.outer.abort()


class Inner(End):
    """The end at the process that listens."""

    def __init__(self, link: Link, outer: Outer) -> None:
        self.link, self.outer = link, outer

    def connectionMade(self) -> None:
        """Let it flow."""
        self.link.join(self.outer, self)


class Outer(End):
    """The end at whoever dialled."""

    def __init__(self, link: Link) -> None:
        self.link = link

    def connectionMade(self) -> None:
        """Connect to the process behind the link."""
        self._transport.pauseProducing()
        self.link.dial(self)

    def begin(self) -> None:
        """What waits here can go on."""
        self._transport.resumeProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is over, perhaps before it began."""
        super().connectionLost(reason)
        self.link.gone(self)


@define(eq=False)
class Link:
    """
    A port that leads to a process.

    @ivar name: who talks to whom.
    @ivar port: the same all the time.
    """

    reactor: Any
    name: str
    port: int = field(default=0, init=False)
    to: Trouble = field(factory=Trouble, init=False)
    fro: Trouble = field(factory=Trouble, init=False)
    target: int = field(default=0, init=False)
    _kept: socket.socket = field(init=False)
    _listening: IListeningPort | None = field(default=None, init=False)
    _outers: set[Outer] = field(factory=set, init=False)
    _pipes: set[Pipe] = field(factory=set, init=False)

    def __attrs_post_init__(self) -> None:
        self._kept = self._bound(0)
        self.port = self._kept.getsockname()[1]

    @property
    def address(self) -> str:
        """What to dial."""
        return f"127.0.0.1:{self.port}"

    @staticmethod
    def _bound(port: int) -> socket.socket:
        """See Note [A port that is kept]."""
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(("127.0.0.1", port))
        return made

    def open(self, target: int) -> None:
        """
        The process behind it listens.

        @param target: its port.
        """
        self.target = target
        if self._listening is None:
            listening = self._bound(self.port)
            listening.listen(1024)
            listening.setblocking(False)
            factory = Factory()
            factory.noisy = False
            factory.buildProtocol = lambda addr: Outer(self)  # type: ignore[method-assign]
            self._listening = self.reactor.adoptStreamPort(
                listening.fileno(), socket.AF_INET, factory
            )
            listening.close()

    def shut(self) -> None:
        """Refuse who comes."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.stopListening()

    def close(self) -> None:
        """For ever."""
        self.shut()
        self.reset()
        self._kept.close()

    # --------------------------------------------------------------------------- connections

    def dial(self, outer: Outer) -> None:
        """Somebody came."""
        self._outers.add(outer)
        self.reactor.connectTCP("127.0.0.1", self.target, _Inner(self, outer), timeout=10)

    def join(self, outer: Outer, inner: Inner) -> None:
        """The process behind it is reached."""
        if outer not in self._outers:
            inner.abort()
            return
        self._outers.discard(outer)
        there = Pipe(self.reactor, self.to, outer, inner)
        back = Pipe(self.reactor, self.fro, inner, outer)
        self._pipes = {pipe for pipe in self._pipes if pipe.source.open or pipe.sink.open}
        self._pipes |= {there, back}
        outer.joined(there, back)
        inner.joined(back, there)
        outer.begin()

    def gone(self, outer: Outer) -> None:
        """A connection is over before it began."""
        self._outers.discard(outer)

    # ------------------------------------------------------------------------------- troubles

    def reset(self) -> None:
        """Break all connections."""
        for outer in list(self._outers):
            outer.abort()
        for pipe in list(self._pipes):
            pipe.source.abort()

    def calm(self) -> None:
        """No trouble any more; where something was lost, the connection is of no use."""
        lost = self.to.lost or self.fro.lost
        self.to.calm()
        self.fro.calm()
        if lost:
            self.reset()
        for pipe in list(self._pipes):
            pipe.pump()
