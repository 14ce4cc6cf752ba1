"""
A pair of servers: how long nobody is served when one dies, and how soon the other one has a copy.

Decides what is done to which server, and when.  What a client sees is measured by a writer of its
own (L{bench.writer}); C{time.monotonic} is the same in all processes of a machine.
"""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from attrs import define, field

from bench.asking import Asking
from bench.cluster import Cluster, eventually
from bench.documents import content, name
from bench.processes import Process, Watch, environment, python
from bench.report import Figure, Target
from dfs.errors import DFSError
from dfs.wire.messages import GetInfo, Locate, Put, ServerLine, Servers

PAIR = ("ss1", "ss1_backup")

#: How a primary ends, and within how many seconds somebody else should serve.
ENDS = (
    ("crash", signal.SIGKILL, Target(1.5, at_least=False)),
    ("clean stop", signal.SIGTERM, Target(0.5, at_least=False)),
    ("silence", signal.SIGSTOP, Target(17.0, at_least=False)),
)

#: Documents that a backup has to catch up with, and bytes of each.
SMALL_BYTES = 1024

#: Commits a second while lag is measured under load, and bytes of each.
RATE, LOAD_BYTES = 500, 4096


def failover(
    folder: Path, repetitions: int, documents: int, transfer: int, samples: int
) -> Iterator[Figure]:
    """
    Measure everything about pairs.

    @param documents: that a backup has to catch up with.
    @param transfer: bytes of one large document.
    @param samples: changes whose lag is measured.
    """
    yield from _ends(folder / "ends", repetitions)
    yield from _lag(folder / "lag", samples)
    yield from _catch_up(folder / "catch-up", max(1, repetitions // 2), documents)
    yield from _large(folder / "large", max(1, repetitions // 2), transfer)


# -------------------------------------------------------------------------------------- looking


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


def settled(cluster: Cluster, *, active: bool = True) -> None:
    """Wait until the pair protects, and nothing is left to copy."""

    def looks() -> bool:
        seen = line(cluster)
        return seen.protection == "PROTECTED" and not seen.lag_documents and seen.active == active

    eventually(looks, "a settled pair", 600.0)


# -------------------------------------------------------------------------------------- failure


@define
class Writer:
    """The process that writes."""

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
        """End it; when it was acknowledged, and when it was refused, and why."""
        self.process.send_signal(signal.SIGUSR1)
        said, complaints = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, complaints[-2000:]
        heard = json.loads(said)
        return heard["done"], heard["refused"]


def longest_gap(done: Sequence[float], begin: float, end: float) -> float:
    """The longest time between two acknowledgements, both between two moments."""
    moments = [one for one in done if begin <= one <= end]
    return max(b - a for a, b in pairwise(moments))


def served_again(cluster: Cluster, path: str) -> float:
    """Ask for a small change until somebody makes it; the moment."""
    while True:
        try:
            asking = Asking(cluster.address)
            try:
                located = asking.ask(Locate(path, "w"))
            finally:
                asking.close()
            storage = Asking(located.address, timeout=0.5)
            try:
                storage.ask(Put(located.ticket), f"Probe {time.monotonic()}.".encode())
            finally:
                storage.close()
            return time.monotonic()
        except (OSError, DFSError):
            time.sleep(0.01)


@define
class _Ends:
    gaps: dict[str, list[float]] = field(factory=dict)
    pauses: list[float] = field(factory=list)
    refused: list[str] = field(factory=list)


def _ends(folder: Path, repetitions: int) -> Iterator[Figure]:
    cluster = Cluster(folder, options=("--handback-after", "0"))
    seen = _Ends()
    try:
        cluster.start(*PAIR)
        cluster.create([0, 1])
        settled(cluster)
        for kind, number, _ in ENDS:
            for _ in range(repetitions if number != signal.SIGSTOP else max(1, repetitions // 2)):
                _end(cluster, kind, number, seen)
    finally:
        for server in cluster.servers.values():
            if server.running:
                server.send(signal.SIGCONT)
        cluster.stop()
    for kind, _, target in ENDS:
        yield Figure(
            f"nobody served after a {kind}",
            "s",
            seen.gaps[kind],
            target=target,
            note="from the signal to the first change that somebody else was told OK",
        )
    yield Figure(
        "pause at a handback",
        "s",
        seen.pauses,
        target=Target(2.0, at_least=False),
        note=f"longest {max(seen.pauses):.3f} s of {len(seen.pauses)}; "
        f"the writer, which never pauses, was refused {len(seen.refused)} times",
        details=seen.refused,
    )


def _end(cluster: Cluster, kind: str, number: int, seen: _Ends) -> None:
    """One primary ends, is replaced, comes back and is given its place."""
    assert cluster.nm is not None
    writer = Writer.start(cluster, name(0))
    time.sleep(1.0)
    primary = cluster.servers["ss1"]
    begun = time.monotonic()
    primary.send(number)
    if number == signal.SIGSTOP:
        # What was asked before it stopped is answered when it goes on, and counts for nothing.
        time.sleep(0.5)
    seen.gaps.setdefault(kind, []).append(served_again(cluster, name(1)) - begun)
    eventually(lambda: line(cluster).protection == "FAILED_OVER", "failover")
    time.sleep(2.0)
    if number == signal.SIGSTOP:
        primary.send(signal.SIGCONT)
    else:
        primary.stop(signal.SIGKILL)
        cluster.start_ss("ss1")
    returned = time.monotonic()
    settled(cluster)
    back = time.monotonic()
    time.sleep(1.0)
    done, refused = writer.stop()
    # A change that was asked of a server which froze is in doubt for half a minute.
    if sum(returned <= moment <= back for moment in done) > 10:
        seen.pauses.append(longest_gap(done, returned, back + 0.5))
    seen.refused += [why for moment, why in refused if returned <= moment <= back + 0.5]


# ------------------------------------------------------------------------------------------ lag


def _lag(folder: Path, samples: int) -> Iterator[Figure]:
    cluster = Cluster(folder)
    try:
        cluster.start(*PAIR)
        cluster.create(range(200))
        settled(cluster)
        yield _lag_figure(cluster, "idle", samples, Target(20, at_least=False), 50)
        load = Load(cluster)
        load.start()
        time.sleep(1.0)
        watch = Watch((server.name, server.pid) for server in cluster.processes())
        begun = time.monotonic()
        busy_figure = _lag_figure(cluster, "loaded", samples, Target(1000, at_least=False), 99)
        seconds = time.monotonic() - begun
        used = watch.seconds()
        load.stop()
        busy = ", ".join(f"{who} {value / seconds:.0%}" for who, value in used.items())
        yield Figure(
            busy_figure.name,
            busy_figure.unit,
            busy_figure.values,
            target=busy_figure.target,
            note=f"{busy_figure.note}; {load.rate:.0f} commits/s of {LOAD_BYTES} bytes beside it; "
            f"busy: {busy}",
        )
    finally:
        cluster.stop()


class Load(threading.Thread):
    """So many PUTs a second, each acknowledged."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self._cluster = cluster
        self._over = threading.Event()
        self._count = 0
        self._begun = self._ended = 0.0

    @property
    def rate(self) -> float:
        """PUTs a second that were acknowledged."""
        return self._count / (self._ended - self._begun)

    def run(self) -> None:
        """Put, in portions of a tenth of a second."""
        asking = Asking(self._cluster.address)
        found = asking.ask_all([(Locate(name(number), "w"), None) for number in range(100, 200)])
        storage = Asking(found[0].address)
        self._begun = time.monotonic()
        portion = RATE // 10
        while not self._over.is_set():
            due = self._begun + self._count / RATE
            time.sleep(max(0.0, due - time.monotonic()))
            storage.ask_all(
                (
                    Put(found[(self._count + each) % 100].ticket),
                    content(self._count + each, LOAD_BYTES),
                )
                for each in range(portion)
            )
            self._count += portion
        self._ended = time.monotonic()
        storage.close()
        asking.close()

    def stop(self) -> None:
        """Put no more."""
        self._over.set()
        self.join()


def _lag_figure(
    cluster: Cluster, what: str, samples: int, target: Target, percentile: int
) -> Figure:
    """How long after its OK a small change is on the peer; INFO is asked again and again."""
    asking = Asking(cluster.address)
    lags = []
    located = asking.ask(Locate(name(0), "w"))
    storage = Asking(located.address)
    for sample in range(samples):
        if sample % 50 == 0:
            located = asking.ask(Locate(name(0), "w"))
        committed = storage.ask(Put(located.ticket), f"Sample {what} {sample}.".encode())
        begun = time.monotonic()
        while True:
            info = asking.ask(GetInfo(name(0)))
            if info.replica_current and info.version == committed.version:
                break
            time.sleep(0.001)
        lags.append(1000 * (time.monotonic() - begun))
        time.sleep(0.02)
    storage.close()
    asking.close()
    cuts = statistics.quantiles(lags, n=100) if len(lags) > 1 else lags * 99
    return Figure(
        f"lag of a copy, {what}, p{percentile}",
        "ms",
        [cuts[percentile - 1]],
        target=target,
        note=f"p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, most {max(lags):.1f} ms "
        f"of {len(lags)} changes",
    )


# ------------------------------------------------------------------------------------- catching up


def _catch_up(folder: Path, repetitions: int, documents: int) -> Iterator[Figure]:
    """A backup that joins a primary with many documents."""
    rates, loads = [], []
    for repetition in range(repetitions):
        cluster = Cluster(folder / str(repetition))
        try:
            cluster.start("ss1")
            _fill(cluster, documents)
            seconds, busy = _joined(cluster)
            rates.append(documents / seconds)
            loads.append(busy)
        finally:
            cluster.stop()
    yield Figure(
        f"catch-up with {documents:,} documents of {SMALL_BYTES} bytes",
        "/s",
        rates,
        target=Target(800),
        note=f"busy: {loads[-1]}",
    )


def _fill(cluster: Cluster, documents: int) -> None:
    cluster.create(range(documents))
    asking = Asking(cluster.address)
    for start in range(0, documents, 1000):
        numbers = range(start, min(start + 1000, documents))
        found = asking.ask_all([(Locate(name(number), "w"), None) for number in numbers])
        storage = Asking(found[0].address)
        storage.ask_all(
            (Put(one.ticket), content(number, SMALL_BYTES))
            for number, one in zip(numbers, found, strict=True)
        )
        storage.close()
    asking.close()


def _joined(cluster: Cluster) -> tuple[float, str]:
    """Start the backup; seconds from its registration until it has everything, and who was busy."""
    nm = cluster.nm
    assert nm is not None
    after = len(nm.text())
    backup = cluster.start_ss("ss1_backup")
    nm.wait_for("replication_assign", after=after)
    begun = time.monotonic()
    servers: list[Process] = cluster.processes()
    assert backup in servers
    watch = Watch((server.name, server.pid) for server in servers)
    nm.wait_for("recovery_complete", 900.0, after=after)
    seconds = time.monotonic() - begun
    busy = ", ".join(f"{who} {used / seconds:.0%}" for who, used in watch.seconds().items())
    return seconds, busy


def _large(folder: Path, repetitions: int, size: int) -> Iterator[Figure]:
    """One large document goes through the name server."""
    speeds, peaks, busy = [], [], ""
    for repetition in range(repetitions):
        cluster = Cluster(folder / str(repetition))
        try:
            cluster.start("ss1")
            cluster.create([0])
            subprocess.run(
                python("bench.stream", "put", cluster.address, name(0), str(size)),
                cwd=cluster.folder,
                env=environment(),
                check=True,
                stdout=subprocess.DEVNULL,
            )
            assert cluster.nm is not None
            cluster.nm.forget_peak()
            seconds, busy = _joined(cluster)
            speeds.append(size / seconds / 1e6)
            peaks.append(cluster.nm.peak() / 2**20)
        finally:
            cluster.stop()
    yield Figure(
        f"copy of {size / 2**20:,.0f} MiB through the name server",
        "MB/s",
        speeds,
        target=Target(250),
        note=f"busy: {busy}",
    )
    yield Figure(
        "peak memory of the name server meanwhile",
        "MiB",
        peaks,
        target=Target(150, at_least=False),
    )
