"""
Consoles of real daemons, and C{dfs top} on a real terminal.
"""

from __future__ import annotations

import signal
import sys
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol

from tests.process.processes import (
    PATIENCE,
    Cluster,
    Daemon,
    Process,
    environment,
    reactor,
    within,
)

#: Where a console listens: on any port.
DOOR = ("--console", "tcp:0:interface=127.0.0.1")

#: How a terminal is told to change to another screen and back.
OTHER_SCREEN, OWN_SCREEN = b"\x1b[?1049h", b"\x1b[?1049l"


class Telnet(Protocol):
    """
    Somebody at a console.

    @ivar seen: what was shown since this was asked last.
    @ivar over: fires when the other end has closed.
    """

    def __init__(self) -> None:
        self.seen = ""
        self.over: Deferred[None] = Deferred()
        self._waiting: tuple[str, Deferred[str]] | None = None

    def dataReceived(self, data: bytes) -> None:
        """Something is shown."""
        self.seen += data.decode("utf-8", "backslashreplace")
        self._look()

    def connectionLost(self, reason: Any = None) -> None:
        """The other end has closed."""
        self.over.callback(None)

    def until(self, text: str) -> Deferred[str]:
        """Fires with everything up to this text."""
        waiting: Deferred[str] = Deferred()
        self._waiting = (text, waiting)
        self._look()
        return waiting.addTimeout(PATIENCE, reactor)

    def ask(self, line: str) -> Deferred[str]:
        """Type a line; fires with what is shown until the next prompt."""
        self.type(line.encode() + b"\r\n")
        return self.until("> ")

    def type(self, data: bytes) -> None:
        """Type something."""
        assert self.transport is not None
        self.transport.write(data)

    def _look(self) -> None:
        if self._waiting is not None and self._waiting[0] in self.seen:
            text, waiting = self._waiting
            self._waiting = None
            shown, _, self.seen = self.seen.partition(text)
            waiting.callback(shown)


async def console(daemon: Daemon, name: str) -> Telnet:
    """Somebody at the console of a daemon, who was greeted."""
    event = await daemon.logged("listening", name=f"the console of {name}")
    endpoint = TCP4ClientEndpoint(reactor, event["address"], event["port"])
    telnet: Telnet = await connectProtocol(endpoint, Telnet())
    await telnet.until("> ")
    return telnet


@within(180)
async def test_consoles(empty_cluster: Cluster) -> None:
    """H43: consoles tell what happens through a crash, whatever else is typed at them."""
    cluster = empty_cluster
    cluster.options = cluster.ss_options = DOOR
    await cluster.start("ss1", "ss1_backup")
    assert cluster.nm is not None
    await cluster.dfs("CREATE", "notes.txt")
    nm = await console(cluster.nm, "nm")
    backup = await console(cluster.servers["ss1_backup"], "ss1_backup")
    assert "ss1 serves it" in await nm.ask("why notes.txt")
    assert "serves nobody" in await backup.ask("lease")
    assert "Nobody edits anything" in await nm.ask("locks")

    watching = await console(cluster.nm, "nm")
    watching.type(b"tail ss1_backup\r\n")
    await watching.until("ends it.")
    noise = Random(7)
    for _ in range(20):
        garbage = await console(cluster.nm, "nm")
        garbage.type(noise.randbytes(3000) * 2)
        garbage.type(b"\xff\xf0\x15\r\n\x15\r\n\x15quit\r\n")
        await garbage.over

    await cluster.servers.pop("ss1").kill()
    await watching.until("failover_complete")
    assert "ss1_backup serves it" in await nm.ask("why notes.txt")
    assert "FAILED_OVER" in await nm.ask("pairs")
    await cluster.servers["ss1_backup"].logged("promoted")
    assert "may serve for" in await backup.ask("lease")
    for daemon in cluster.processes():
        assert not [event for event in daemon.events if "failure" in event]


@within(60)
async def test_ends_with_open_consoles(empty_cluster: Cluster) -> None:
    """H45: a daemon ends at once although somebody watches it, and they are let go."""
    cluster = empty_cluster
    cluster.options = DOOR
    nm = await cluster.start_nm()
    telnet = await console(nm, "nm")
    telnet.type(b"tail\r\n")
    await telnet.until("ends it.")
    assert await nm.stop() == -signal.SIGTERM
    await telnet.over
    assert "Traceback" not in nm.text


@within(120)
async def test_top(cluster: Cluster) -> None:
    """dfs top draws on a terminal, and leaves it as it was when the process is told to end."""
    terminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    top = Process(
        [sys.executable, "-c", terminal, *cluster.client("top")],
        cluster.path,
        environment(TERM="xterm"),
    )
    await top.when(lambda: b"ss1_backup" in top.output)
    assert OTHER_SCREEN in top.output
    top.write("?")
    await top.when(lambda: b"Ctrl-C" in top.output)
    assert OWN_SCREEN not in top.output
    top.write("q")
    assert await top.exited() == 0
    assert OWN_SCREEN in top.output
    assert "Traceback" not in top.text
