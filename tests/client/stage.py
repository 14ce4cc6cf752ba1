"""
A name server and storage servers that say what a test wants, on a network in memory.

Decides what such a server answers unless a test says otherwise.  Every word goes through the real
codec and the real connections; only what the words do is not real.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from dfs.client.session import Session, Waiting
from dfs.sim.network import Network
from dfs.wire.messages import Info, Locate, Located, Request
from dfs.wire.reception import Reception
from dfs.wire.server import Exchange, ServerFactory

T = TypeVar("T")

NAME_SERVER = "127.0.0.1:5000"
OTHER_NAME_SERVER = "127.0.0.1:5001"
STORAGE = "127.0.0.1:6001"
OTHER_STORAGE = "127.0.0.1:6002"

#: Seconds since the epoch when the clock shows 0.
START = 1_700_000_000.0

#: Answers a request: a record, a Deferred, None, or an exception that it raises.
Answer = Callable[[Any, Exchange], Any]


class Server:
    """
    One server.

    @ivar asked: the verbs of the requests that came, in order.
    @ivar requests: the requests themselves.
    @ivar answers: for each kind of request a record, an exception, an L{Answer}, or a list of them,
        of which the last one is used for ever.
    """

    def __init__(self, clock: Clock, role: str, name: str) -> None:
        self.asked: list[str] = []
        self.requests: list[Request[Any]] = []
        self.answers: dict[type[Request[Any]], Any] = {}
        self._reception = Reception(
            role=role,
            name=name,
            secret=b"secret",
            entropy=lambda size: bytes(size),
            handlers={},
            log_in=lambda peer, user: None,
        )
        self.factory = ServerFactory(clock, self)

    def received(self, request: Request[Any], exchange: Exchange) -> Any:
        """Answer what the test said; greet as any server does."""
        answer = self.answers.get(type(request))
        if answer is None:
            return self._reception.received(request, exchange)
        self.asked.append(request.verb)
        self.requests.append(request)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            return answer(request, exchange)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def hang_up(self, request: Any, exchange: Exchange) -> Deferred[Any]:
        """Take a request, and go away without a word."""
        exchange.peer.close()
        return Deferred()

    def be_silent(self, request: Any, exchange: Exchange) -> Deferred[Any]:
        """Take a request, and never answer."""
        return Deferred()


class Stage:
    """
    Everything that there is.

    @ivar dialled: addresses to which connections were made or tried.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.network = Network(self.clock)
        self.dialled: list[str] = []
        self.nm = Server(self.clock, "nm", "nm1")
        self.ss = Server(self.clock, "ss", "ss1")
        self.other = Server(self.clock, "ss", "ss1_backup")
        self.place = STORAGE
        self.nm.answers[Locate] = self.locate
        self.network.listen(NAME_SERVER, self.nm.factory)
        self.network.listen(STORAGE, self.ss.factory)
        self.network.listen(OTHER_STORAGE, self.other.factory)
        self.sessions: list[Session] = []

    def wall(self) -> float:
        """Seconds since the epoch."""
        return START + self.clock.seconds()

    def locate(self, request: Locate, exchange: Exchange) -> Located:
        """Every document is at C{place}."""
        return located(request.path, self.place, self.wall())

    def dial(self, address: str) -> Any:
        """Connect, and remember."""
        self.dialled.append(address)
        return self.network.dial(address)

    def session(self, *name_servers: str, patience: float = 30.0) -> Session:
        """The library, for alice."""
        session = Session(
            self.clock,
            self.wall,
            self.dial,
            name_servers or (NAME_SERVER,),
            "alice",
            random=lambda: 1.0,
            entropy=lambda size: b"s" * size,
            waiting=Waiting(patience=patience),
        )
        self.sessions.append(session)
        return session

    def advance(self, seconds: float) -> None:
        """Let time pass, event by event."""
        end = self.clock.seconds() + seconds
        while (calls := self.clock.getDelayedCalls()) and calls[0].getTime() <= end:
            self.clock.advance(max(0.0, calls[0].getTime() - self.clock.seconds()))
        self.clock.advance(max(0.0, end - self.clock.seconds()))

    def run(self, deferred: Deferred[T], seconds: float = 120.0) -> T:
        """The result of something, which takes no longer than so many seconds."""
        results: list[Any] = []
        errors: list[Any] = []
        deferred.addCallbacks(results.append, errors.append)
        end = self.clock.seconds() + seconds
        while not results and not errors and self.clock.seconds() < end:
            calls = self.clock.getDelayedCalls()
            assert calls, "it waits for something that never happens"
            self.clock.advance(max(0.0, calls[0].getTime() - self.clock.seconds()))
        if errors:
            errors[0].raiseException()
        assert results, f"nothing came of it within {seconds:g} s"
        result: T = results[0]
        return result

    def close(self) -> None:
        """End everything; nothing may be left that waits."""
        for session in self.sessions:
            session.close()
        for server, address in (
            (self.nm, NAME_SERVER),
            (self.ss, STORAGE),
            (self.other, OTHER_STORAGE),
        ):
            if server.factory.numPorts:
                self.network.silence(address)
            self.network.cut(address)
        self.advance(0.1)
        left = self.clock.getDelayedCalls()
        assert not left, f"still waiting after the end: {left}"


def located(path: str, address: str, wall: float, lasts: int = 60) -> Located:
    """A location."""
    return Located("0" * 16, "ss1", "ss1", address, 1, int(wall) + lasts, f"ticket for {path}")


def content(*pieces: bytes) -> Answer:
    """A handler that answers READ or STREAM with these pieces."""

    def answer(request: Any, exchange: Exchange) -> Any:
        for piece in pieces:
            exchange.data(piece)
        return stop(*pieces)

    return answer


def stop(*pieces: bytes) -> Any:
    """What STOP says after these pieces."""
    import hashlib

    from dfs.wire.messages import Stop

    whole = b"".join(pieces)
    return Stop(len(whole), hashlib.sha256(whole).hexdigest())


def cut_after(*pieces: bytes) -> Answer:
    """A handler that answers these pieces and then goes away."""

    def answer(request: Any, exchange: Exchange) -> Any:
        for piece in pieces:
            exchange.data(piece)
        exchange.peer.close()
        return Deferred()

    return answer


def some_info(path: str) -> Info:
    """What a name server might know about a document."""
    return Info(
        id="0" * 16,
        path=path,
        owner="alice",
        created=START,
        modified=START + 1,
        modified_by="bob",
        size=12,
        words=2,
        characters=12,
        sentences=1,
        version="2.0",
        sha256="ab" * 32,
        grants=("r:carol", "w:bob"),
        right="o",
        server="ss1",
        state="LIVE",
        replica="",
        replica_current=False,
        checkpoints=0,
        conflicts=0,
        protection="SOLO",
        behind=False,
    )
