"""
The sessions of C{docs/protocol.rst}, typed again.

Decides how a session is written down.  C{.. session: carol at nm} says who speaks to which server;
the same words again go on with the same connection.  In the block after it:

  - C{C:} is typed; lines that stand together are sent together.  C{<ticket>} is the last ticket
    that anybody got, C{<proof>} what a server answers to the greeting.
  - C{S:} is answered within a second.
  - C{(5 seconds later)}: time passes.
  - C{(closed)}: the server has closed the connection.

Clock and chance are the same in every run, so whole answers are compared.  With
C{DFS_REWRITE_TRANSCRIPTS=1} the answers are written anew: review the difference as you would review
code.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from dfs.sim.cluster import SECRET, Cluster
from dfs.wire.messages import REQUESTS
from dfs.wire.proof import Claim, prove, proves
from dfs.wire.protocol import ServerProtocol
from dfs.wire.server import ServerFactory
from tests.simulation.scripted import ScriptedCluster

PAGE = Path(__file__).resolve().parent.parent / "docs" / "protocol.rst"

_BLOCK = re.compile(
    r"(?P<head>^\.\. session: (?P<who>[\w ]+) at (?P<at>nm|ss)\n\n::\n\n)(?P<lines>(?:    .*\n)+)",
    re.MULTILINE,
)
_TICKET = re.compile(r"[0-9a-f]{16}\.[rw](?:\.[0-9]+){3}\.[\w-]+\.[\w-]+")
_HELLO = re.compile(r"HELLO\|1\|(?P<role>\w+)\|(?P<name>\w+)\|nonce=(?P<nonce>\w+)")
_WELCOME = re.compile(
    r"OK\|1\|(?P<role>\w+)\|(?P<name>\w+)\|nonce=(?P<nonce>\w+)\|proof=(?P<proof>\w+)"
)
_LATER = re.compile(r"\((\d+) seconds? later\)")


class Telnet:
    """
    Somebody at one connection, who types lines and waits for what comes.

    @ivar proof: what a server answers to the greeting, after HELLO.
    """

    def __init__(self, cluster: Cluster, factory: ServerFactory) -> None:
        self._cluster = cluster
        self._protocol: ServerProtocol = factory.buildProtocol(None)
        self._screen = StringTransport()
        self._protocol.makeConnection(self._screen)
        self.proof = ""

    def type(self, lines: list[str]) -> list[str]:
        """What is seen in the second after some lines were typed."""
        self._protocol.dataReceived("".join(f"{line}\r\n" for line in lines).encode())
        shown = self.wait(1.0)
        if hello := _HELLO.search("\n".join(lines)):
            self._greeted(hello, shown)
        return shown

    def wait(self, seconds: float) -> list[str]:
        """What is seen while time passes."""
        self._cluster.advance(seconds)
        seen: bytes = self._screen.value()
        self._screen.clear()
        shown = [f"S: {line}".rstrip() for line in seen.decode().splitlines()]
        if self._screen.disconnecting and not self._protocol.lost:
            self.hang_up()
            shown.append("(closed)")
        return shown

    def hang_up(self) -> None:
        """The connection is gone."""
        if not self._protocol.lost:
            self._protocol.connectionLost()

    def _greeted(self, hello: re.Match[str], shown: list[str]) -> None:
        welcome = _WELCOME.search("\n".join(shown))
        assert welcome is not None, shown
        claim = Claim.of(
            (hello["role"], hello["name"], hello["nonce"]),
            (welcome["role"], welcome["name"], welcome["nonce"]),
        )
        assert proves(SECRET, "callee", claim, welcome["proof"])
        self.proof = prove(SECRET, "caller", claim)


class TranscriptTests(SynchronousTestCase):
    """The protocol's description is what the servers do."""

    def setUp(self) -> None:
        self.cluster = ScriptedCluster("ss1", "ss1_backup")
        self.addCleanup(self.cluster.close)
        assert self.cluster.nm is not None
        reception = self.cluster.servers["ss1"].reception
        self.factories = {
            "nm": self.cluster.nm.factory,
            "ss": ServerFactory(self.cluster.clock, reception),
        }
        self.people: dict[tuple[str, str], Telnet] = {}
        self.ticket = ""

    def person(self, who: str, at: str) -> Telnet:
        """Somebody, at the connection that they have, or at a new one."""
        if (who, at) not in self.people:
            self.people[who, at] = one = Telnet(self.cluster, self.factories[at])
            self.addCleanup(one.hang_up)
        return self.people[who, at]

    def replay(self, person: Telnet, lines: list[str]) -> Iterator[str]:
        """What a session looks like now."""
        for typed, group in groupby(lines, lambda line: line.startswith("C:")):
            if typed:
                batch = list(group)
                yield from batch
                yield from self.seen(person.type([self.said(line, person) for line in batch]))
                continue
            for line in group:
                if later := _LATER.match(line):
                    yield line
                    yield from self.seen(person.wait(float(later[1])))

    def said(self, line: str, person: Telnet) -> str:
        """What is sent for a line of the page."""
        text = line.removeprefix("C:").removeprefix(" ")
        return text.replace("<ticket>", self.ticket).replace("<proof>", person.proof)

    def seen(self, lines: list[str]) -> list[str]:
        """The same lines; the last ticket among them is remembered."""
        for found in _TICKET.finditer("\n".join(lines)):
            self.ticket = found[0]
        return lines

    def test_protocol_page(self) -> None:
        """The annotated sessions come out as they are printed."""
        page = PAGE.read_text("utf-8")
        self.assertEqual(len(list(_BLOCK.finditer(page))), page.count(".. session:"))

        def now(block: re.Match[str]) -> str:
            written = [line.strip() for line in block["lines"].splitlines()]
            shown = self.replay(self.person(block["who"], block["at"]), written)
            return block["head"] + "".join(f"    {line}\n" for line in shown)

        if os.environ.get("DFS_REWRITE_TRANSCRIPTS"):
            PAGE.write_text(_BLOCK.sub(now, page), "utf-8")
            return
        for block in _BLOCK.finditer(page):
            self.assertEqual(block[0].splitlines(), now(block).splitlines())

    def test_every_verb(self) -> None:
        """Each verb is typed in some session."""
        blocks = _BLOCK.finditer(PAGE.read_text("utf-8"))
        typed = re.findall(
            r"C: (?:#[^|]+\|)?(\w+)", "".join(block["lines"] for block in blocks).upper()
        )
        self.assertEqual([r.verb for r in REQUESTS if r.verb not in typed], [])
