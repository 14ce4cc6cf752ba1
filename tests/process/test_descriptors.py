"""
Real servers that have no file descriptor left.
"""

from __future__ import annotations

import os
import resource
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.protocol import Protocol

from dfs.errors import DFSError
from tests.process.people import person
from tests.process.processes import Cluster, Daemon, reactor, within

#: Larger than what is kept in the database: it becomes a file of its own.
LARGE = b"large " * 100_000

#: Descriptors that are left when the crowd comes, and how many come.
LEFT, CROWD = 8, 40

#: Seconds for which people here wait for servers that are away.
PATIENCE = 3.0


def limit(process: Daemon, descriptors: int | None) -> None:
    """Let a process have so many descriptors; as many as possible if None."""
    _, most = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    few = most if descriptors is None else descriptors
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (few, most))


def used(process: Daemon) -> int:
    """How many it has now."""
    return len(os.listdir(f"/proc/{process.pid}/fd"))


async def crowd(address: str) -> list[Any]:
    """Connections that say nothing."""
    host, _, port = address.rpartition(":")
    endpoint = HostnameEndpoint(reactor, host, int(port))
    return await gatherResults([connectProtocol(endpoint, Protocol()) for _ in range(CROWD)])


async def outcome(doing: Deferred[Any], words: list[str]) -> str:
    """What becomes of something: C{OK}, or the code of its refusal, whose words are kept."""
    try:
        await doing
    except DFSError as error:
        words.append(str(error))
        return error.code
    return "OK"


@within(60)
async def test_storage_server(empty_cluster: Cluster) -> None:
    """
    H47: a storage server without a descriptor left serves who is there, refuses what it cannot do
    in words, keeps its store, and works again afterwards.
    """
    await empty_cluster.start("ss1")
    server = empty_cluster.servers["ss1"]
    alice = person(empty_cluster, "alice", PATIENCE)
    await alice.put("small.txt", b"small")
    await alice.put("large.txt", LARGE)
    [line] = await alice.servers()
    limit(server, used(server) + LEFT)
    peers = await crowd(line.address)
    words: list[str] = []
    try:
        assert await alice.read("small.txt") == b"small"
        # Whoever is not let in is gone by now: not one is left.
        limit(server, used(server))
        said = {
            "READ": await outcome(alice.read("large.txt"), words),
            "APPEND": await outcome(alice.append("small.txt", "er"), words),
            "PUT": await outcome(alice.put("other.txt", LARGE[::-1]), words),
        }
        print(said, words)
        assert set(said.values()) <= {"OK", "UNAVAILABLE", "BUSY"}
        assert said["APPEND"] == "OK"
        assert "/" not in "".join(words), "names of the server's files are nobody's business"
    finally:
        for peer in peers:
            peer.transport.abortConnection()
        limit(server, None)
    assert server.running, "it stopped"
    assert await alice.read("large.txt") == LARGE
    assert await alice.read("small.txt") == b"smaller"
    await alice.put("other.txt", LARGE[::-1])
    assert await alice.read("other.txt") == LARGE[::-1]
    assert not [event for event in server.events if event["event"] == "store_failed"]
    alice.close()


@within(60)
async def test_name_server(empty_cluster: Cluster) -> None:
    """
    H47: a name server without a descriptor left answers who is there, keeps its journal and its
    storage servers, and works again afterwards.
    """
    await empty_cluster.start("ss1")
    nm = empty_cluster.nm
    assert nm is not None
    alice = person(empty_cluster, "alice", PATIENCE)
    await alice.put("a.txt", b"text")
    limit(nm, used(nm) + LEFT)
    peers = await crowd(empty_cluster.address)
    try:
        await alice.create("b.txt")
        assert [line.path for line in await alice.view()] == ["a.txt", "b.txt"]
        bob = person(empty_cluster, "bob", PATIENCE)
        assert await outcome(bob.whoami(), []) in ("OK", "UNAVAILABLE", "BUSY")
        bob.close()
    finally:
        for peer in peers:
            peer.transport.abortConnection()
        limit(nm, None)
    bob = person(empty_cluster, "bob", PATIENCE)
    assert await bob.whoami() == "bob"
    assert [line.state for line in await bob.servers()] == ["LIVE"]
    assert nm.running, "it stopped"
    bob.close()
    alice.close()
