"""
One large document, put or got by a process of its own.

Decides what a transfer is made of.  C{put} and C{get} go through the client library, as every
program would; C{push} and C{fetch} speak the wire with plain sockets and do nothing with what they
get, and so show what the server alone can do.  Run by L{bench.transfers}; says on its standard
output how long it took and what memory it needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import socket
import sys
import time
from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.task import react

from bench.asking import Asking, dial
from bench.documents import USER
from bench.processes import peak
from dfs.client.session import Session
from dfs.wire.client import Connection, connect
from dfs.wire.codec import UNKNOWN_LENGTH, encode_request
from dfs.wire.messages import PROTOCOL, Hello, Locate, Put, Read

#: Bytes of one piece of content.
PIECE = 256 * 1024


def pieces(size: int) -> Iterator[bytes]:
    """Content that no other transfer has, without the cost of new randomness for each piece."""
    block = os.urandom(PIECE - 8)
    left = size
    while left:
        piece = (left.to_bytes(8, "big") + block)[:left]
        left -= len(piece)
        yield piece


class Pieces:
    """The same for the library."""

    def __init__(self, size: int) -> None:
        self._pieces = pieces(size)

    def read(self) -> bytes:
        """The next piece."""
        return next(self._pieces, b"")


async def through_library(reactor: Any, verb: str, address: str, path: str, size: int) -> float:
    """Transfer with the client library; seconds that it took."""

    def to(text: str) -> Deferred[Connection]:
        host, _, port = text.rpartition(":")
        return connect(HostnameEndpoint(reactor, host, int(port)), reactor)

    session = Session(
        reactor, time.time, to, [address], USER, random=random.random, entropy=os.urandom
    )
    await session.whoami()
    begun = time.monotonic()
    if verb == "put":
        await session.put(path, lambda: Pieces(size))
    else:
        download = await session.open_read(path)
        while await download.read():
            pass
        assert download.size == size, download.size
    seconds = time.monotonic() - begun
    session.close()
    return seconds


def fetch(link: socket.socket, file: Any, ticket: str, size: int) -> float:
    """READ, and throw away what comes."""
    room = bytearray(4 * 1024 * 1024)
    begun = time.monotonic()
    link.sendall(encode_request(Read(ticket)))
    got = 0
    while True:
        word, _, rest = file.readline().partition(b"|")
        if word != b"DATA":
            break
        length = int(rest)
        count = file.readinto(memoryview(room)[: length + 1])
        assert count == length + 1
        got += length
    assert word == b"STOP", (word, rest)
    assert got == size, got
    return time.monotonic() - begun


def push(link: socket.socket, file: Any, ticket: str, size: int) -> float:
    """PUT; the hash is known before the time counts."""
    # One block of randomness for both passes: the second sends what the first has hashed.
    content = list(pieces(min(size, 64 * PIECE)))
    rounds = size // sum(map(len, content))
    assert rounds * sum(map(len, content)) == size
    digest = hashlib.sha256()
    for _ in range(rounds):
        for piece in content:
            digest.update(piece)
    begun = time.monotonic()
    link.sendall(encode_request(Put(ticket), length=UNKNOWN_LENGTH))
    for _ in range(rounds):
        for piece in content:
            link.sendall(b"DATA|%d\n%s\n" % (len(piece), piece))
    link.sendall(b"STOP|%d|%s\n" % (size, digest.hexdigest().encode()))
    answer = file.readline()
    assert answer.startswith(b"OK|"), answer
    return time.monotonic() - begun


def plainly(verb: str, address: str, path: str, size: int) -> float:
    """Transfer with plain sockets; seconds that it took."""
    asking = Asking(address)
    located = asking.ask(Locate(path, "w" if verb == "push" else "r"))
    asking.close()
    link = dial(located.address, None)
    file = link.makefile("rb", buffering=1024 * 1024)
    link.sendall(encode_request(Hello(PROTOCOL, "client", USER)))
    assert file.readline().startswith(b"OK|")
    return (push if verb == "push" else fetch)(link, file, located.ticket, size)


def main() -> None:
    """Do one transfer."""
    verb, address, path, size = *sys.argv[1:4], int(sys.argv[4])

    def tell(seconds: float) -> None:
        print(json.dumps({"seconds": seconds, "peak": peak(os.getpid())}), flush=True)

    if verb in ("push", "fetch"):
        tell(plainly(verb, address, path, size))
        return

    async def transfer(reactor: Any) -> None:
        tell(await through_library(reactor, verb, address, path, size))

    react(lambda reactor: Deferred.fromCoroutine(transfer(reactor)))


if __name__ == "__main__":
    main()
