"""
The sessions of C{docs/protocol.rst}, typed again.

Each block after C{.. session:} holds what a person types (C{C:}) and what is answered (C{S:}).  The
clock and chance are the same in every run, so whole answers are compared; the ticket that LOCATE
gave stands as C{<ticket>}.  With C{DFS_REWRITE_TRANSCRIPTS=1} the answers are written anew: review
the difference as you would review code.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from dfs.wire.protocol import ServerProtocol
from dfs.wire.server import ServerFactory
from tests.simulation.cluster import Cluster

PAGE = Path(__file__).resolve().parent.parent / "docs" / "protocol.rst"

_BLOCK = re.compile(r"(?P<head>^\.\. session: (?P<at>\w+)\n\n::\n\n)(?P<lines>(?:    .*\n)+)", re.M)
_TICKET = re.compile(r"[0-9a-f]{16}\.[rw](?:\.[0-9]+){3}\.[\w-]+\.[\w-]+")


class Telnet:
    """A person at one connection, who types a line and waits for what comes."""

    def __init__(self, cluster: Cluster, factory: ServerFactory) -> None:
        self._cluster = cluster
        self._protocol: ServerProtocol = factory.buildProtocol(None)
        self._screen = StringTransport()
        self._protocol.makeConnection(self._screen)

    def type(self, line: str) -> list[str]:
        """The lines that answer a line."""
        self._screen.clear()
        self._protocol.dataReceived(line.encode() + b"\r\n")
        self._cluster.advance(1.0)
        seen: bytes = self._screen.value()
        return seen.decode().splitlines()


class TranscriptTests(SynchronousTestCase):
    """The protocol's description is what the servers do."""

    def setUp(self) -> None:
        self.cluster = Cluster("ss1", "ss1_backup")
        self.addCleanup(self.cluster.close)
        self.ticket = ""

    def replay(self, at: str, lines: list[str]) -> list[str]:
        """What a session looks like now."""
        assert self.cluster.nm is not None
        factories = {
            "nm": self.cluster.nm.factory,
            "ss": ServerFactory(self.cluster.clock, self.cluster.servers["ss1"].reception),
        }
        person = Telnet(self.cluster, factories[at])
        shown = []
        for line in lines:
            if line.startswith("C: "):
                shown.append(line)
                for answer in person.type(line[3:].replace("<ticket>", self.ticket)):
                    if found := _TICKET.search(answer):
                        self.ticket = found[0]
                    shown.append("S: " + _TICKET.sub("<ticket>", answer))
        return shown

    def test_protocol_page(self) -> None:
        """The annotated sessions come out as they are printed."""
        text = PAGE.read_text("utf-8")
        blocks = list(_BLOCK.finditer(text))
        self.assertEqual([block["at"] for block in blocks], ["nm", "ss"])
        for block in blocks:
            written = [line.strip() for line in block["lines"].splitlines()]
            shown = self.replay(block["at"], written)
            if os.environ.get("DFS_REWRITE_TRANSCRIPTS"):
                new = "".join(f"    {line}".rstrip() + "\n" for line in shown)
                text = text.replace(block[0], block["head"] + new)
            else:
                self.assertEqual(written, [line.rstrip() for line in shown])
        if os.environ.get("DFS_REWRITE_TRANSCRIPTS"):
            PAGE.write_text(text, "utf-8")
