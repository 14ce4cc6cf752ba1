"""
A pair of servers: how long nobody is served when one ends, and when it gets its place back.

Decides what is done to which server, and when.  What is seen of it is L{bench.pairs}; how fast one
member is copied to the other is L{bench.copying}.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from attrs import define, field, frozen

from bench.cluster import Cluster, eventually
from bench.copying import catch_up, lag, large
from bench.documents import name
from bench.pairs import PAIR, Prober, Writer, busy, line, longest_gap, settled, spread, watch
from bench.report import Figure, Target
from bench.window import quantile

#: Handbacks in a full run; their p99 is the longest.
HANDBACKS = 12


@frozen
class End:
    """
    A way in which a primary ends.

    @ivar target: seconds within which another one should serve.
    """

    kind: str
    number: signal.Signals
    target: float


ENDS = (
    End("crash", signal.SIGKILL, 1.5),
    End("clean stop", signal.SIGTERM, 0.5),
    End("silence", signal.SIGSTOP, 17.0),
)


def failover(
    folder: Path, repetitions: int, documents: int, transfer: int, transfers: int
) -> Iterator[Figure]:
    """
    Measure everything about pairs.

    @param documents: that a backup has to catch up with.
    @param transfer: bytes of one large document.
    @param transfers: repetitions of what takes long.
    """
    yield from _ends(folder / "ends", repetitions, transfers)
    yield from _handbacks(folder / "handbacks", HANDBACKS if repetitions > 1 else 2)
    yield from lag(folder / "lag", repetitions)
    yield from catch_up(folder / "catch-up", transfers, documents)
    yield from large(folder / "large", transfers, transfer)


# -------------------------------------------------------------------------------------- failure


@define
class _Seen:
    """
    What was seen of one way to end.

    @ivar probed: from the last acknowledgement of the one to the first of the other.
    @ivar told: from the signal until the name server's log has failover_complete.
    @ivar library: the longest pause of the writer of the library.
    """

    probed: list[float] = field(factory=list)
    told: list[float] = field(factory=list)
    library: list[float] = field(factory=list)
    refused: list[str] = field(factory=list)
    busy: str = ""


def _ends(folder: Path, repetitions: int, silences: int) -> Iterator[Figure]:
    cluster = Cluster(folder, options=("--handback-after", "0"))
    try:
        cluster.start(*PAIR)
        settled(cluster)
        cluster.create([0, 1])
        settled(cluster)
        for end in ENDS:
            seen = _Seen()
            for _ in range(silences if end.number == signal.SIGSTOP else repetitions):
                _end(cluster, end, seen)
            yield from _figures(end, seen)
    finally:
        for server in cluster.servers.values():
            if server.running:
                server.send(signal.SIGCONT)
        cluster.stop()


def _figures(end: End, seen: _Seen) -> Iterator[Figure]:
    target = Target(end.target, at_least=False)
    yield Figure(
        f"failover after a {end.kind}",
        "s",
        seen.probed,
        target=target,
        note=f"from the last OK of ss1 to the first of ss1_backup; max {max(seen.probed):.3f}; "
        f"signal to failover_complete: {spread(seen.told)}; {seen.busy}",
        details={"signal to failover_complete": seen.told},
    )
    yield Figure(
        f"pause of the library after a {end.kind}",
        "s",
        seen.library,
        target=target,
        note=f"between two OKs of a writer that uses the library; max {max(seen.library):.3f}; "
        f"it was refused {len(seen.refused)} times (what was under way is in doubt)",
        details=seen.refused,
    )


def _end(cluster: Cluster, end: End, seen: _Seen) -> None:
    """One primary ends, is replaced, comes back and is given its place."""
    assert cluster.nm is not None
    primary, address = cluster.servers["ss1"], line(cluster).address
    after = len(cluster.nm.text())
    writer, prober = Writer.start(cluster, name(0)), Prober(cluster, name(1))
    try:
        prober.start()
        time.sleep(1.0)
        watched = watch(cluster, ("writer", writer.process.pid))
        begun, wall = time.monotonic(), time.time()
        primary.send(end.number)
        eventually(lambda: prober.moved(address), "failover")
        seen.busy = busy(watched.load())
        prober.stop()
        told = cluster.nm.wait_for("failover_complete", after=after)
        seen.told.append(logged(told) - wall)
        last, first = prober.moved(address) or (0.0, 0.0)
        seen.probed.append(first - last)
        time.sleep(1.0)
        # While the primary is still away: what the writer waits for must come from the other one.
        done, refused = writer.stop()
    finally:
        prober.stop()
        writer.end()
    seen.library.append(longest_gap(done, begun, first))
    seen.refused += [f"{moment - begun:.3f} s after the signal: {why}" for moment, why in refused]
    if end.number == signal.SIGSTOP:
        primary.send(signal.SIGCONT)
    else:
        primary.stop(signal.SIGKILL)
        cluster.start_ss("ss1")
    settled(cluster)


def logged(said: str) -> float:
    """When a line of a log was written, seconds since the epoch."""
    return datetime.fromisoformat(said.split(" ", 1)[0]).timestamp()


# ------------------------------------------------------------------------------------- handback


def _handbacks(folder: Path, repetitions: int) -> Iterator[Figure]:
    cluster = Cluster(folder, options=("--handback-after", "0"))
    pauses: list[float] = []
    refusals: list[str] = []
    try:
        cluster.start(*PAIR)
        settled(cluster)
        cluster.create([0])
        settled(cluster)
        for _ in range(repetitions):
            said = _handback(cluster, pauses, refusals)
    finally:
        cluster.stop()
    yield Figure(
        "pause at a handback, p99",
        "s",
        [quantile(sorted(pauses), 0.99)],
        target=Target(2.0, at_least=False),
        note=f"longest time between two OKs of the library: {spread(pauses)} handbacks; {said}",
        details=pauses,
    )
    yield Figure(
        "errors of a writer at handbacks",
        "",
        [len(refusals)],
        target=Target(0, at_least=False),
        note=f"in all {len(pauses)} handbacks together",
        details=refusals,
    )


def _handback(cluster: Cluster, pauses: list[float], refusals: list[str]) -> str:
    """The primary comes back under the hands of a writer; who was busy."""
    assert cluster.nm is not None
    cluster.servers["ss1"].stop()
    eventually(lambda: line(cluster).protection == "FAILED_OVER", "failover")
    # It begins after the failover, so whatever it is refused is due to the handback.
    writer = Writer.start(cluster, name(0))
    try:
        time.sleep(0.5)
        after, begun = len(cluster.nm.text()), time.monotonic()
        cluster.start_ss("ss1")
        watched = watch(cluster, ("writer", writer.process.pid))
        cluster.nm.wait_for("handback_complete", after=after)
        settled(cluster)
        said = busy(watched.load())
        time.sleep(1.0)
        ended = time.monotonic()
        done, refused = writer.stop()
    finally:
        writer.end()
    pauses.append(longest_gap(done, begun, ended))
    refusals += [why for _, why in refused]
    return said
