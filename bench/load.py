"""
A load generator: many connections, each of which asks the next thing as soon as it is answered.

Decides how load is made with as little work as possible: plain sockets, one C{epoll}, requests
encoded beforehand.  Run as a process of its own, several at a time, by L{bench.window}, which
tells it on standard input what to ask, and from when to when the answers count.
"""

from __future__ import annotations

import json
import math
import select
import sys
import time
from typing import Any

from bench.asking import dial
from bench.documents import USER
from bench.work import Work, prepare
from dfs.wire.codec import encode_request
from dfs.wire.messages import PROTOCOL, Hello

#: Latencies that are handed on, evenly chosen from the sorted ones.
KEPT = 2000


class Talk:
    """One connection."""

    __slots__ = ("begun", "buffer", "link", "recv", "send", "work")

    def __init__(self, address: str, work: Work, greet: bool) -> None:
        self.link = dial(address)
        if greet:
            self.link.sendall(encode_request(Hello(PROTOCOL, "client", USER)))
            answer = self.link.recv(65536)
            assert answer.startswith(b"OK|"), answer
        self.link.setblocking(False)
        self.work = work
        self.buffer = b""
        self.begun = 0.0
        self.recv = self.link.recv
        self.send = self.link.send


class Generator:
    """
    All connections of this process.
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        works = prepare(spec)
        self._talks = {}
        self._poll = select.epoll()
        for work in works:
            talk = Talk(spec["address"], work, not spec["bare"])
            self._talks[talk.link.fileno()] = talk
            self._poll.register(talk.link.fileno(), select.EPOLLIN)

    def run(self, begin: float, end: float) -> dict[str, Any]:
        """
        Ask until the end.

        @param begin: from when on answers count, on the monotonic clock.
        """
        latencies: list[float] = []
        now = time.monotonic()
        for talk in self._talks.values():
            talk.begun = now
            talk.send(talk.work.first())
        self._until(begin, [])
        before = self._counted()
        started = time.monotonic()
        self._until(end, latencies)
        seconds = time.monotonic() - started
        units, errors = (b - a for a, b in zip(before, self._counted(), strict=True))
        # What is measured from outside must not see the load end early.
        self._until(time.monotonic() + 0.1, [])
        latencies.sort()
        stride = max(1, math.ceil(len(latencies) / KEPT))
        strange = [talk.work.strange for talk in self._talks.values() if talk.work.strange]
        return {
            "units": units,
            "errors": errors,
            "seconds": seconds,
            "strange": strange[0].decode("utf-8", "replace") if strange else "",
            "latencies": latencies[stride // 2 :: stride],
        }

    def _counted(self) -> tuple[int, int]:
        works = [talk.work for talk in self._talks.values()]
        return sum(work.units for work in works), sum(work.errors for work in works)

    def _until(self, end: float, latencies: list[float]) -> None:
        """The loop; written for speed, not for beauty."""
        talks = self._talks
        wait = self._poll.poll
        clock = time.monotonic
        note = latencies.append
        now = clock()
        while now < end:
            for number, _ in wait(0.05):
                talk = talks[number]
                data = talk.recv(65536)
                if not data:
                    raise ConnectionError("the server closed a connection")
                if talk.buffer:
                    data = talk.buffer + data
                work = talk.work
                units = work.units
                asked = work.step(data)
                if asked is None:
                    talk.buffer = data
                    continue
                talk.buffer = b""
                if work.units != units:
                    now = clock()
                    note(now - talk.begun)
                    talk.begun = now
                if talk.send(asked) != len(asked):
                    raise OSError("a request did not fit into the socket")
            now = clock()


def main() -> None:
    """Obey L{bench.window}."""
    spec = json.loads(sys.stdin.readline())
    generator = Generator(spec)
    print("ready", flush=True)
    begin, end = map(float, sys.stdin.readline().split())
    print(json.dumps(generator.run(begin, end)), flush=True)


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"{type(error).__name__}: {error}")
