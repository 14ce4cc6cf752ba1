"""How connections begin, and how the wish for one ends."""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.defer import CancelledError, TimeoutError
from twisted.internet.endpoints import TCP4ClientEndpoint
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dfs.wire.client import connect


class DiallingTests(SynchronousTestCase):
    """Somebody dials, and nobody answers yet."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        endpoint = TCP4ClientEndpoint(self.reactor, "127.0.0.1", 5000)
        self.dialling = connect(endpoint, self.reactor)

    def test_cancelled(self) -> None:
        """A dial that is cancelled says so as everything else does (chaos, seed 2)."""
        self.dialling.cancel()
        self.failureResultOf(self.dialling, CancelledError)

    def test_limited(self) -> None:
        """A dial that takes too long says so as everything else does."""
        self.dialling.addTimeout(1.0, self.reactor)
        self.reactor.advance(1.0)
        self.failureResultOf(self.dialling, TimeoutError)

    def test_refused(self) -> None:
        """What the other side says is told as it is."""
        [(_, _, factory, _, _)] = self.reactor.tcpClients
        factory.clientConnectionFailed(cast(Any, None), Failure(ConnectionRefusedError()))
        self.failureResultOf(self.dialling, ConnectionRefusedError)
