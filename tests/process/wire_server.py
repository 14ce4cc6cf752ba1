"""
A server of the wire and nothing else, as a process: for tests of sockets.

Run as C{python -m tests.process.wire_server <descriptors> <connections>}; writes its port.
"""

from __future__ import annotations

import os
import resource
import sys

from dfs.wire.messages import Status, StatusLine
from dfs.wire.reception import Reception
from dfs.wire.server import Exchange, Limits, ServerFactory
from tests.process.processes import reactor


def much(request: Status, exchange: Exchange) -> None:
    """An answer of 64 KiB."""
    for _ in range(64):
        exchange.item(StatusLine("much", "x" * 1000))


def main(descriptors: int, connections: int) -> None:
    """Listen until somebody ends this process."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
    reception = Reception(
        role="nm",
        name="nm1",
        secret=b"secret",
        entropy=os.urandom,
        handlers={Status: much},
        log_in=lambda peer, user: None,
    )
    factory = ServerFactory(reactor, reception, Limits(connections=connections))
    port = reactor.listenTCP(0, factory, backlog=2048, interface="127.0.0.1")
    print(f"port {port.getHost().port}.", flush=True)
    reactor.run()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
