"""
People with the real library, at a cluster of real processes.

Decides how they reach it.  Must not know what they do.
"""

from __future__ import annotations

import os
import time

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint

from dfs.client.session import Session, Waiting
from dfs.wire.client import Connection, connect
from tests.process.processes import Cluster, reactor


def person(cluster: Cluster, user: str = "alice", patience: float = 30.0) -> Session:
    """Somebody, who waits so many seconds for servers that are away."""

    def dial(address: str) -> Deferred[Connection]:
        host, _, port = address.rpartition(":")
        return connect(HostnameEndpoint(reactor, host, int(port)), reactor)

    return Session(
        reactor,
        time.time,
        dial,
        [cluster.address],
        user,
        random=lambda: 0.5,
        entropy=os.urandom,
        waiting=Waiting(patience=patience),
    )
