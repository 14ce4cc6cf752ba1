"""
Somebody who writes without a pause, through the client library, whatever happens to servers.

Decides nothing; says on its standard output when each small change was acknowledged, and what was
refused.  Run by L{bench.pairs}: C{python -m bench.writer ADDRESS PATH}, until it gets SIGUSR1
and was acknowledged once more.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.task import react

from bench.documents import USER
from dfs.client.session import Session
from dfs.errors import DFSError
from dfs.wire.client import Connection, connect


async def write(reactor: Any, address: str, path: str) -> None:
    """Write until told to stop, and acknowledged once more: a pause is not cut off."""

    def to(text: str) -> Deferred[Connection]:
        host, _, port = text.rpartition(":")
        return connect(HostnameEndpoint(reactor, host, int(port)), reactor)

    over: list[float] = []
    signal.signal(signal.SIGUSR1, lambda number, frame: over.append(time.monotonic()))
    session = Session(
        reactor, time.time, to, [address], USER, random=random.random, entropy=os.urandom
    )
    done: list[float] = []
    refused: list[tuple[float, str]] = []
    number = 0
    while not over or not done or done[-1] < over[0]:
        number += 1
        try:
            await session.put(path, f"Text {number}.".encode())
        except DFSError as error:
            refused.append((time.monotonic(), f"{error.code} {error}"))
        else:
            done.append(time.monotonic())
            if number == 1:
                print("begins", file=sys.stderr, flush=True)
    session.close()
    print(json.dumps({"done": done, "refused": refused}))


def main(reactor: Any, address: str, path: str) -> Deferred[None]:
    """See L{write}."""
    return Deferred.fromCoroutine(write(reactor, address, path))


if __name__ == "__main__":
    react(main, sys.argv[1:])
