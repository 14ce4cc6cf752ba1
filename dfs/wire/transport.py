"""
What this protocol needs of a transport.

Decides nothing; Twisted spreads these methods over several interfaces that its TCP, TLS and
in-memory transports all provide.  A C{typing.Protocol} rather than a zope interface, because nobody
asks at run time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.interfaces import IAddress, ITCPTransport
from twisted.python.failure import Failure

#: Bytes that are read, and sent, at one go while large content flows.
WIDE = 256 * 1024


class Transport(Protocol):
    """A stream of bytes with back-pressure both ways."""

    def write(self, data: bytes) -> None:
        """Send."""

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send."""

    def loseConnection(self) -> None:
        """End after what was written."""

    def abortConnection(self) -> None:
        """End now."""

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Tell a producer when to pause."""

    def unregisterProducer(self) -> None:
        """The producer is done."""

    def pauseProducing(self) -> None:
        """Read no more for now."""

    def resumeProducing(self) -> None:
        """Read again."""


def prompt(transport: object) -> None:
    """
    Have small answers sent at once, and a peer that vanished without a word noticed some day.

    Without it, an answer waits for the other side to acknowledge the one before, up to 40 ms.
    """
    if ITCPTransport.providedBy(transport):
        transport.setTcpNoDelay(True)
        transport.setTcpKeepAlive(True)


def flow(transport: object, wide: bool) -> None:
    """
    Read and send more at one go while large content flows through a connection, or no longer.

    Each read makes a buffer of full size, which would only cost time where lines are read.
    """
    if isinstance(transport, FileDescriptor):
        kind = type(transport)
        transport.bufferSize = WIDE if wide else kind.bufferSize
        transport.SEND_LIMIT = WIDE if wide else kind.SEND_LIMIT


def taken(transport: object) -> object:
    """
    Something that changes whenever the other side takes some of what was written.

    Twisted tells a producer only when all of it was taken.  Sending moves C{offset} or replaces
    C{dataBuffer}; writing does neither.
    """
    if isinstance(transport, FileDescriptor):
        return len(transport.dataBuffer), transport.offset
    return None


def address_text(address: IAddress) -> str:
    """C{host:port}, or whatever the transport has instead."""
    if isinstance(address, IPv4Address):
        return f"{address.host}:{address.port}"
    if isinstance(address, IPv6Address):
        return f"[{address.host}]:{address.port}"
    return str(address)


def cancelled(failure: Failure) -> Failure:
    """
    A dial that nobody wants any more fails as everything else does that is cancelled.

    Endpoints have an error of their own for that, which whoever sets a time limit, or looks whether
    it was cancelled, would take for an answer of the other side.
    """
    if failure.check(ConnectingCancelledError):
        return Failure(CancelledError())
    return failure
