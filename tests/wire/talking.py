"""
One server in memory, spoken to in bytes.

Decides how a test talks to the wire.  Must not know what it is tested for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from dfs.wire.messages import Request
from dfs.wire.protocol import ServerProtocol
from dfs.wire.reception import Handler, Reception
from dfs.wire.server import Exchange, Limits, Peer, ServerFactory

SECRET = b"secret of the cluster"


class Wire(StringTransport):
    """A transport that remembers how it was ended, and refuses what a real one refuses."""

    aborted = False

    def abortConnection(self) -> None:
        """End now."""
        self.disconnecting = True
        self.aborted = True

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send."""
        self.write(b"".join(data))

    @property
    def open(self) -> bool:
        """Nobody ended it."""
        return not self.disconnecting and not self.aborted

    def loseConnection(self) -> None:
        """End; a real transport would wait for ever for a producer that is still there."""
        assert self.producer is None, "unregisterProducer comes before loseConnection"
        super().loseConnection()


@define
class Visitor:
    """Somebody at the other end of one connection."""

    server: ServerProtocol
    wire: Wire
    clock: Clock

    @property
    def peer(self) -> Peer:
        """As the server sees it."""
        return self.server.peer

    def say(self, *lines: str) -> list[str]:
        """Send lines; what is answered at once."""
        return self.send("".join(f"{line}\n" for line in lines).encode())

    def send(self, data: bytes) -> list[str]:
        """Send bytes; the lines that are answered at once."""
        self.server.dataReceived(data)
        return self.heard()

    def heard(self) -> list[str]:
        """The lines that came since the last time."""
        return self.raw().decode().splitlines()

    def turn(self) -> list[str]:
        """Let the next turn of the reactor come; the lines that came until then."""
        self.clock.advance(0)
        return self.heard()

    def raw(self) -> bytes:
        """The bytes that came since the last time."""
        data: bytes = self.wire.value()
        self.wire.clear()
        return data

    def leave(self, reason: Any = None) -> None:
        """Be gone."""
        if reason is None:
            self.server.connectionLost()
        else:
            self.server.connectionLost(reason)


def counted() -> Callable[[int], bytes]:
    """Entropy that never repeats and is the same in every run."""
    drawn = 0

    def draw(size: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return drawn.to_bytes(size, "big")

    return draw


@define
class Later:
    """A handler whose answers the test gives."""

    asked: list[tuple[Any, Exchange, Deferred[Any]]] = Factory(list)

    def __call__(self, request: Request[Any], exchange: Exchange) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()
        self.asked.append((request, exchange, answer))
        return answer

    def answer(self, number: int, record: Any = None) -> None:
        """End one of them well."""
        self.asked[number][2].callback(record)


@define
class House:
    """A server and what it answers."""

    handlers: dict[type[Request[Any]], Handler] = Factory(dict)
    limits: Limits = Factory(Limits)
    role: str = "nm"
    name: str = "nm1"
    log_in: Callable[[Peer, str], Deferred[None] | None] = lambda peer, user: None
    clock: Clock = Factory(Clock)
    factory: ServerFactory = Factory(lambda self: self._factory(), takes_self=True)

    def _factory(self) -> ServerFactory:
        reception = Reception(
            role=self.role,
            name=self.name,
            secret=SECRET,
            entropy=counted(),
            handlers=self.handlers,
            log_in=self.log_in,
        )
        return ServerFactory(self.clock, reception, self.limits)

    def visitor(self) -> Visitor:
        """A new connection; nothing was said on it."""
        protocol = self.factory.buildProtocol(None)
        wire = Wire()
        protocol.makeConnection(wire)
        return Visitor(protocol, wire, self.clock)

    def user(self, name: str = "alice") -> Visitor:
        """A connection of somebody who logged in."""
        visitor = self.visitor()
        assert visitor.say(f"LOGIN|{name}") == [f"OK|{name}"]
        return visitor
