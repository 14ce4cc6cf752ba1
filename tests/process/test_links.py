"""
Links that can be troubled, as chaos uses them: what a trouble does to bytes, and what it does not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_twisted
from attrs import define
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint, connectProtocol
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.protocols.wire import Echo
from twisted.python.failure import Failure

from tests.chaos.links import Link
from tests.process.processes import reactor, within


class Talker(Protocol):
    """Somebody who talks through a link."""

    def __init__(self) -> None:
        self.heard = b""
        self.gone: Deferred[None] = Deferred()
        self._wanted = 0
        self._waiting: Deferred[bytes] | None = None

    def say(self, data: bytes) -> None:
        """Send something."""
        assert self.transport is not None
        self.transport.write(data)

    async def hear(self, size: int) -> bytes:
        """So many bytes that came back."""
        self._wanted, self._waiting = size, Deferred()
        self._look()
        return await self._waiting

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        self._look()

    def _look(self) -> None:
        waiting = self._waiting
        if waiting is not None and not waiting.called and len(self.heard) >= self._wanted:
            heard, self.heard = self.heard[: self._wanted], self.heard[self._wanted :]
            waiting.callback(heard)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone.callback(None)


@define
class Line:
    """A link to a server that says what it hears."""

    link: Link
    target: int

    async def talker(self) -> Talker:
        """Somebody new."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.link.port)
        talker: Talker = await connectProtocol(endpoint, Talker())
        return talker


@pytest_twisted.async_yield_fixture
async def line() -> AsyncIterator[Line]:
    """One that nothing troubles."""
    endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    port = await endpoint.listen(Factory.forProtocol(Echo))
    link = Link(reactor, "a>b")
    link.open(port.getHost().port)
    try:
        yield Line(link, port.getHost().port)
    finally:
        link.close()
        await port.stopListening()


@within(30)
async def test_large(line: Line) -> None:
    """Everything gets through, in order, also in pieces, late and slowly."""
    sent = bytes(range(256)) * 4096
    talker = await line.talker()
    talker.say(sent)
    assert await talker.hear(len(sent)) == sent
    line.link.to.piece, line.link.fro.delay, line.link.to.rate = 3, 0.1, 20_000.0
    talker.say(sent[:2000])
    assert await talker.hear(2000) == sent[:2000]


@within(30)
async def test_held(line: Line) -> None:
    """What is held comes later, also if whoever sent it is gone by then."""
    talker, other = await line.talker(), await line.talker()
    line.link.fro.held = True
    talker.say(b"one")
    await deferLater(reactor, 0.2)
    assert talker.heard == b""
    line.link.fro.held = False
    line.link.calm()
    assert await talker.hear(3) == b"one"
    line.link.to.held = True
    other.say(b"two")
    other.transport.loseConnection()  # type: ignore[union-attr]
    await other.gone
    line.link.calm()
    talker.say(b"three")
    assert await talker.hear(5) == b"three"


@within(30)
async def test_lost(line: Line) -> None:
    """What is lost never comes, and the connection is of no use afterwards."""
    talker = await line.talker()
    talker.say(b"one")
    assert await talker.hear(3) == b"one"
    line.link.to.lost = True
    talker.say(b"two")
    await deferLater(reactor, 0.2)
    line.link.calm()
    await talker.gone
    assert talker.heard == b""


@within(30)
async def test_refused(line: Line) -> None:
    """A link that leads nowhere refuses, and has the same port afterwards."""
    talker = await line.talker()
    line.link.shut()
    line.link.reset()
    await talker.gone
    with pytest.raises(ConnectionRefusedError):
        await line.talker()
    line.link.open(line.target)
    talker = await line.talker()
    talker.say(b"one")
    assert await talker.hear(3) == b"one"
