"""
Many sockets, few descriptors, slow peers: what only a real network shows.
"""

from __future__ import annotations

import os
import re
import resource
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_twisted
from attrs import define
from twisted.internet.defer import Deferred, DeferredList, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from dfs.wire.client import Connection, connect
from dfs.wire.greeting import greet_as_client
from dfs.wire.messages import WhoAmI
from tests.process.processes import ROOT, Process, reactor, within

#: Descriptors that the server has in the test that lets them run out.
FEW = 64


@define
class Server:
    """A process that speaks the wire."""

    process: Process
    port: int

    def endpoint(self) -> TCP4ClientEndpoint:
        """Where it is."""
        return TCP4ClientEndpoint(reactor, "127.0.0.1", self.port, timeout=60)

    def cpu_seconds(self) -> float:
        """What it has worked so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def greeted(self, user: str = "alice") -> Connection:
        """A connection on which somebody said who they are."""
        connection = await connect(self.endpoint(), reactor)
        await greet_as_client(connection, user)
        return connection


async def serve(tmp_path: Path, descriptors: int, connections: int = 12_000) -> Server:
    """Start one."""
    words = [sys.executable, "-m", "tests.process.wire_server", str(descriptors), str(connections)]
    process = Process(words, ROOT)
    found = await process.when(lambda: re.search(r"port (\d+)\.", process.text))
    return Server(process, int(found[1]))


class Raw(Protocol):
    """A peer that says what it is told to."""

    def __init__(self) -> None:
        self.heard = b""
        self.gone: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone.callback(self.heard)


@pytest_twisted.async_yield_fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """A server with descriptors enough for everybody."""
    running = await serve(tmp_path, 8192)
    try:
        yield running
    finally:
        print(running.process.text)
        await running.process.kill()


@pytest_twisted.async_yield_fixture
async def poor(tmp_path: Path) -> AsyncIterator[Server]:
    """A server with few descriptors."""
    running = await serve(tmp_path, FEW)
    try:
        yield running
    finally:
        print(running.process.text)
        await running.process.kill()


@within(120)
async def test_descriptors_run_out(poor: Server) -> None:
    """Who comes when no descriptor is left is turned away at once; later there is room (H47)."""
    peers = await gatherResults(
        [connectProtocol(poor.endpoint(), Raw()) for _ in range(FEW + 40)], consumeErrors=True
    )
    turned_away, _ = await DeferredList([peers[-1].gone], fireOnOneCallback=True)
    assert turned_away == b""
    before = poor.cpu_seconds()
    await deferLater(reactor, 1.0)
    assert poor.cpu_seconds() - before < 0.3
    staying = [peer for peer in peers if not peer.gone.called]
    assert 20 < len(staying) < FEW
    # Those who were let in are served all the while.
    staying[0].transport.write(b"WHOAMI\n")
    staying[1].transport.loseConnection()
    await staying[1].gone
    connection = await poor.greeted()
    assert (await connection.ask(WhoAmI())).user == "alice"
    assert staying[0].heard == b"OK|\n"
    for peer in staying:
        peer.transport.abortConnection()
    connection.close()
    await connection.when_lost()


@within(120)
async def test_full(tmp_path: Path) -> None:
    """Who comes when the server is full is told so in words (H47)."""
    running = await serve(tmp_path, 256, connections=20)
    try:
        peers = [await connectProtocol(running.endpoint(), Raw()) for _ in range(21)]
        heard = await peers[-1].gone
        assert heard.startswith(b"ERROR|BUSY|20 connections are open")
        peers[0].transport.loseConnection()
        await peers[0].gone
        connection = await running.greeted()
        connection.close()
        await connection.when_lost()
        for peer in peers:
            peer.transport.abortConnection()
    finally:
        await running.process.kill()


@within(120)
async def test_2048_at_once(server: Server) -> None:
    """2,048 clients come at the same time; all are answered (H52)."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))
    begun = reactor.seconds()
    waits: list[float] = []

    async def one(number: int) -> Connection:
        connection = await server.greeted(f"user{number}")
        assert (await connection.ask(WhoAmI())).user == f"user{number}"
        waits.append(reactor.seconds() - begun)
        return connection

    connections = await gatherResults([Deferred.fromCoroutine(one(n)) for n in range(2048)])
    print(f"the slowest waited {max(waits):.1f} s")
    # They are all there together, and all are served again.
    again = await gatherResults([connection.ask(WhoAmI()) for connection in connections])
    assert {me.user for me in again} == {f"user{number}" for number in range(2048)}
    gone = gatherResults([connection.when_lost() for connection in connections])
    for connection in connections:
        connection.close()
    await gone


@within(120)
async def test_slow_lines(server: Server) -> None:
    """Half-typed lines, and answers that nobody reads, do not hold up others (H50)."""
    slow = await gatherResults([connectProtocol(server.endpoint(), Raw()) for _ in range(220)])
    for peer in slow[:200]:
        peer.transport.write(b"HELLO|1|cli")
    for peer in slow[200:]:
        peer.transport.pauseProducing()
        # Far more than the system keeps for a peer that does not take it.
        peer.transport.write(b"STATUS\n" * 1000)
    connection = await server.greeted()
    for _ in range(200):
        await connection.ask(WhoAmI())
    for peer in slow[:200]:
        peer.transport.write(b"ent|slow\n")
    await connection.ask(WhoAmI())
    rss = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    assert rss * os.sysconf("SC_PAGE_SIZE") < 200 * 1024 * 1024
    for peer in slow:
        peer.transport.abortConnection()
    connection.close()
    await connection.when_lost()
