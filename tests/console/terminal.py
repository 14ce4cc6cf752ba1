"""
Somebody at a console, in memory: what they type, what they see.

Decides how a test reads what a console shows.  Must not know what a test is about.
"""

from __future__ import annotations

from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from dfs.console.protocol import Console, Consoles


class Terminal:
    """
    One connection.

    @ivar console: the other end of it.
    """

    def __init__(self, consoles: Consoles) -> None:
        self.transport = StringTransport()
        self.console: Console = consoles.buildProtocol(None)
        self.console.makeConnection(self.transport)

    def type(self, data: bytes) -> str:
        """Type something; what is shown for it."""
        self.console.dataReceived(data)
        return self.seen()

    def seen(self) -> str:
        """What was shown since this was asked last."""
        shown: str = self.transport.value().decode("utf-8", "backslashreplace")
        self.transport.clear()
        return shown

    def go(self) -> None:
        """Go away."""
        self.console.connectionLost(Failure(ConnectionDone()))
