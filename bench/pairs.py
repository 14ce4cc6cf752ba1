"""
A pair of servers under measure, and what somebody who writes sees of it.

Decides when a pair counts as settled and what a pause is.  Must not know what is done to the
servers.  C{time.monotonic} is the same in all processes of a machine.
"""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from itertools import pairwise

from attrs import define, field

from bench.asking import Asking
from bench.cluster import Cluster, eventually
from bench.processes import Load, Watch, environment, python
from bench.window import quantile
from dfs.errors import DFSError
from dfs.wire.messages import Locate, Put, ServerLine, Servers

PAIR = ("ss1", "ss1_backup")

#: Seconds that the prober waits for an answer, and between two questions.
PROBE_TIMEOUT, PROBE_PAUSE = 0.5, 0.002


def line(cluster: Cluster, server: str = "ss1") -> ServerLine:
    """What the name server says of one server."""
    asking = Asking(cluster.address)
    try:
        for one in asking.ask_items(Servers()):
            if isinstance(one, ServerLine) and one.name == server:
                return one
    finally:
        asking.close()
    raise LookupError(server)


def settled(cluster: Cluster) -> None:
    """Wait until the home primary serves, the backup follows, and nothing is left to copy."""

    def looks() -> bool:
        seen = line(cluster)
        return seen.protection == "PROTECTED" and seen.active and not seen.lag_documents

    eventually(looks, "a settled pair", 900.0)


def watch(cluster: Cluster, *more: tuple[str, int]) -> Watch:
    """Watch all servers, and other processes."""
    return Watch([*((one.name, one.pid) for one in cluster.processes()), *more])


def busy(load: Load) -> str:
    """How busy everybody was, for a note."""
    shares = ", ".join(f"{who} {share:.0%}" for who, share in load.shares.items())
    return f"busy: {shares}, others {load.others:.0%}"


def spread(values: Sequence[float], form: str = ".3f") -> str:
    """Three figures of many values, for a note."""
    ordered = sorted(values)
    p50, p99, most = quantile(ordered, 0.5), quantile(ordered, 0.99), ordered[-1]
    return f"p50 {p50:{form}}, p99 {p99:{form}}, max {most:{form}} of {len(ordered)}"


def longest_gap(done: Sequence[float], begin: float, end: float) -> float:
    """The longest time between two acknowledgements, also if it only begins or ends meanwhile."""
    return max((b - a for a, b in pairwise(done) if b >= begin and a <= end), default=0.0)


@define
class Writer:
    """The process that writes without a pause, through the library; see L{bench.writer}."""

    process: subprocess.Popen[str]

    @classmethod
    def start(cls, cluster: Cluster, path: str) -> Writer:
        """Start it, and wait until it has written once."""
        process = subprocess.Popen(
            python("bench.writer", cluster.address, path),
            cwd=cluster.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        assert process.stderr.readline() == "begins\n"
        return cls(process)

    def stop(self) -> tuple[list[float], list[tuple[float, str]]]:
        """
        End it, after one more acknowledgement: a pause is never cut off.

        @return: when it was acknowledged, and when it was refused, and why.
        """
        self.process.send_signal(signal.SIGUSR1)
        said, complaints = self.process.communicate(timeout=180)
        assert self.process.returncode == 0, complaints[-2000:]
        heard = json.loads(said)
        return heard["done"], heard["refused"]

    def end(self) -> None:
        """End it by force, if it is there."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@define(eq=False)
class Prober(threading.Thread):
    """
    Writes small texts with plain sockets, and knows who acknowledged them.

    It does not wait for a server that says nothing: it asks anew where the document is.

    @ivar done: when a change was acknowledged, and by which address.
    """

    _cluster: Cluster
    _path: str
    done: list[tuple[float, str]] = field(factory=list)
    _over: threading.Event = field(factory=threading.Event)

    def __attrs_post_init__(self) -> None:
        super().__init__(daemon=True)

    def run(self) -> None:
        """Write until told to stop."""
        while not self._over.is_set():
            try:
                self._write()
            except (OSError, DFSError):
                time.sleep(0.01)

    def _write(self) -> None:
        asking = Asking(self._cluster.address, timeout=10.0)
        try:
            located = asking.ask(Locate(self._path, "w"))
        finally:
            asking.close()
        storage = Asking(located.address, timeout=PROBE_TIMEOUT)
        try:
            # A ticket is good for a minute.
            until = time.monotonic() + 20
            while not self._over.is_set() and time.monotonic() < until:
                storage.ask(Put(located.ticket), f"Probe {time.monotonic()}.".encode())
                self.done.append((time.monotonic(), located.address))
                time.sleep(PROBE_PAUSE)
        finally:
            storage.close()

    def moved(self, address: str) -> tuple[float, float] | None:
        """When this address acknowledged for the last time, and another one after it."""
        last = max((moment for moment, who in self.done if who == address), default=0.0)
        first = min((m for m, who in self.done if who != address and m > last), default=0.0)
        return (last, first) if last and first else None

    def stop(self) -> None:
        """Write no more."""
        self._over.set()
        self.join()
