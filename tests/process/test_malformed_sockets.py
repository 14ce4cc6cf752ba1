"""
Malformed input over real sockets, against real daemons; meanwhile somebody asks all the time.

How long that somebody waited is printed, not asserted: the machine has other things to do.
"""

from __future__ import annotations

import random
import sys
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from tests.process.processes import ROOT, Cluster, Daemon, Process, reactor, within
from tests.simulation.malformed import Lines

#: Connections that say lines that are nearly right, and of those each so many.
NEARLY, LINES = 60, 12

DEFECTS = {"internal_error", "loop_failed", "store_failed"}


def endpoint(address: str) -> HostnameEndpoint:
    """Where a server is."""
    host, _, port = address.rpartition(":")
    return HostnameEndpoint(reactor, host, int(port))


class Rude(Protocol):
    """Somebody who says what they want, and how they were answered."""

    def __init__(self) -> None:
        self.heard = 0
        self.gone: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.heard += len(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone.callback(None)


async def asking(side: Process) -> None:
    """Wait until it asks."""
    await side.when(lambda: "asking" in side.text)


async def told(side: Process) -> str:
    """How long the one at the side waited since this was asked last."""
    before = side.stdout.count("side:")
    side.write("\n")
    await side.when(lambda: side.stdout.count("side:") > before)
    return side.stdout.splitlines()[-1].removeprefix("side: ")


async def say(address: str, data: bytes, *, pieces: int = 0, stay: float = 0.2) -> int:
    """Say something, at once or in pieces that come slowly; how much was answered."""
    rude = await connectProtocol(endpoint(address), Rude())
    transport: Any = rude.transport
    if pieces:
        for at in range(0, len(data), pieces):
            transport.write(data[at : at + pieces])
            await deferLater(reactor, 0.01)
            if rude.gone.called:
                break
    else:
        transport.write(data)
    limit: Deferred[None] = deferLater(reactor, stay)
    limit.addErrback(lambda failure: None)
    await limit
    if not rude.gone.called:
        transport.abortConnection()
    await rude.gone
    heard: int = rude.heard
    return heard


async def flood(address: str, megabytes: int) -> int:
    """A line that never ends."""
    rude = await connectProtocol(endpoint(address), Rude())
    transport: Any = rude.transport
    for _ in range(megabytes):
        if rude.gone.called:
            break
        transport.write(b"x" * 1_000_000)
        await deferLater(reactor, 0.0)
    if not rude.gone.called:
        transport.abortConnection()
    await rude.gone
    heard: int = rude.heard
    return heard


def attacks(chance: random.Random) -> list[tuple[str, bytes, int]]:
    """Names of attacks, what they say, and in pieces of how many bytes."""
    login = b"LOGIN|mallory\n"
    return [
        ("slowloris", b"LOCATE|" + b"a" * 100, 1),
        ("a line of NUL", b"\0" * 5_000 + b"\n", 0),
        ("NUL after login", login + b"READ|\0|\0\n" * 100, 0),
        ("half a frame", login + b"PUT|x|bytes=70000\n" + b"y" * 100, 0),
        ("half a block", login + b"PUT|x|bytes=*\nDATA|500\nshort", 0),
        ("10,000 pipelined", login + b"#t|WHOAMI\n" * 10_000, 0),
        ("10,000 that change", login + b"CREATEFOLDER|f\n" * 10_000, 0),
        ("10,000 blank", login + b"\n" * 10_000, 0),
        ("10,000 wrong", login + b"NONSENSE|%zz\n" * 10_000, 0),
        ("HELLO again and again", b"HELLO|1|ss|ss1|nonce=" + b"00" * 16 + b"\n" * 2, 0),
        ("PROVE first", b"PROVE|" + b"ab" * 32 + b"\n" * 3, 0),
        ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(500), 0),
        ("garbage", chance.randbytes(200_000), 0),
        ("garbage in bytes", chance.randbytes(60), 1),
    ]


@within(170)
async def test_rude(cluster: Cluster) -> None:
    """Whatever is sent, both daemons live and serve, log no defect, and forget who has gone."""
    assert cluster.nm is not None
    chance = random.Random(5)
    daemons: dict[str, tuple[str, Daemon]] = {"nm": (cluster.address, cluster.nm)}
    server = cluster.servers["ss1"]
    daemons["ss1"] = (await server.listening(), server)
    inputs = 0
    for name, (address, daemon) in daemons.items():
        side = Process([sys.executable, "-m", "tests.process.side", *address.split(":")], ROOT)
        await asking(side)
        for what, data, pieces in attacks(chance):
            await gatherResults(
                [Deferred.fromCoroutine(say(address, data, pieces=pieces)) for _ in range(5)]
            )
            inputs += 5
            print(f"{name}: {what}: {await told(side)}")
        await flood(address, 100)
        print(f"{name}: a line of 100 MB: {await told(side)}")
        lines = Lines(chance)
        for _ in range(NEARLY):
            said = b"LOGIN|alice\n" + b"".join(lines.line() for _ in range(LINES))
            await say(address, said, stay=0.02)
            inputs += LINES
        print(f"{name}: lines that are nearly right: {await told(side)}")
        side.end_of_input()
        await side.exited()
        assert daemon.running, daemon.text
        assert not [one for one in daemon.events if one["event"] in DEFECTS]
    done = await cluster.dfs("PUT", "-", "after.txt", typed="They serve.")
    assert done.status == 0, done.text
    read = await cluster.dfs("READ", "after.txt")
    assert read.stdout == "They serve."
    print(f"{inputs} inputs over sockets")
