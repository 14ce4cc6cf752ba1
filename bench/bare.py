"""
The reference: the least that a Twisted server can do for a request.

Decides what "bare" means: a C{LineReceiver} that answers every line with the same bytes, which are
one line, or a content of 4 KiB in the form in which a storage server sends it.  Run in a process
of its own: C{python -m bench.bare line|content}.
"""

from __future__ import annotations

import resource
import sys
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver

from bench.documents import CONTENT_BYTES, content, wire_content

#: About as long as an answer to LOCATE.
ANSWER = b"OK|" + b"x" * 16 + b"|" + b"x" * 140


class Bare(LineReceiver):
    """Answers every line."""

    delimiter = b"\n"

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(self._answer)


class BareFactory(Factory):
    """Many of them."""

    noisy = False

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def buildProtocol(self, addr: IAddress | None) -> Bare:
        return Bare(self._answer)


def main(kind: str) -> None:
    """Listen on a port that the system chooses, say which, and serve."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    reactor: Any = _reactor
    answers = {"line": ANSWER, "content": wire_content(content(0, CONTENT_BYTES)).rstrip(b"\n")}
    port = reactor.listenTCP(0, BareFactory(answers[kind]), interface="127.0.0.1", backlog=4096)
    host = port.getHost()
    print(f"bare {kind} listens on {host.host}:{host.port}", flush=True)
    reactor.run()


if __name__ == "__main__":
    main(sys.argv[1])
