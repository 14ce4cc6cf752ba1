"""
How fast one member of a pair is copied to the other: lag, catching up, one large document.

Decides what is written and when it counts as copied.  The lag is read from the name server's log
afterwards (C{replication_job_done}, to a millisecond), so that nobody is asked meanwhile.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from bisect import bisect_left
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from bench.asking import Asking
from bench.cluster import Cluster, eventually
from bench.documents import content, name
from bench.pairs import PAIR, busy, line, settled, spread, watch
from bench.processes import environment, python
from bench.report import Figure, Target
from bench.window import quantile
from dfs.core.versions import Version
from dfs.wire.codec import Answer
from dfs.wire.messages import Locate, Located, Put, ServerLine, Servers

#: Bytes of the documents that a backup has to catch up with.
SMALL_BYTES = 1024

#: Commits a second while lag is measured under load, bytes of each, documents, and seconds.
RATE, LOAD_BYTES, LOAD_DOCUMENTS, LOAD_SECONDS = 500, 4096, 100, 10

#: Connections under load, commits that one of them asks for at once, and samples when idle.
LANES, PORTION, SAMPLES = 5, 5, 200

_DONE = re.compile(r"^(\S+) .*replication_job_done .*document=(\w+) version=([\w.]+)", re.MULTILINE)

#: Moments of one document, and which version was acknowledged, or is on the peer.
Moments = dict[str, list[tuple[Version, float]]]


# ------------------------------------------------------------------------------------------ lag


class _Timed(Asking):
    """Knows when each answer came."""

    def __init__(self, address: str) -> None:
        self.moments: dict[str, float] = {}
        super().__init__(address)

    def _answer(self) -> Answer:
        answer = super()._answer()
        self.moments[answer.tag] = time.time()
        return answer


def lag(folder: Path, repetitions: int) -> Iterator[Figure]:
    """How long after its OK a change is on the peer."""
    cluster = Cluster(folder, options=("--log-level", "debug"))
    try:
        cluster.start(*PAIR)
        settled(cluster)
        cluster.create(range(LOAD_DOCUMENTS + 1))
        settled(cluster)
        yield _lag(cluster, "idle", repetitions, 0.5, Target(20, at_least=False))
        yield _lag(cluster, "loaded", repetitions, 0.99, Target(1000, at_least=False))
    finally:
        cluster.stop()


def _lag(cluster: Cluster, what: str, repetitions: int, share: float, target: Target) -> Figure:
    values, everything, rates, others, said = [], [], [], [], ""
    for _ in range(repetitions):
        assert cluster.nm is not None
        after = len(cluster.nm.text())
        watched, begun = watch(cluster, ("load", os.getpid())), time.monotonic()
        committed = _one_by_one(cluster) if what == "idle" else _steadily(cluster)
        rates.append(sum(map(len, committed.values())) / (time.monotonic() - begun))
        load = watched.load()
        others.append(load.others)
        said = busy(load)
        settled(cluster)
        lags = sorted(_lags(committed, _copied(cluster.nm.text()[after:])))
        values.append(quantile(lags, share))
        everything += lags
    return Figure(
        f"lag of a copy, {what}, p{100 * share:.0f}",
        "ms",
        values,
        target=target,
        note=f"OK to replication_job_done, ms: {spread(everything, '.1f')} changes; "
        f"{min(rates):.0f} … {max(rates):.0f} commits/s; "
        f"others {min(others):.0%} … {max(others):.0%}; last {said}",
        details={"commits/s": rates, "others": others},
    )


def _one_by_one(cluster: Cluster) -> Moments:
    """A small commit, a pause, and so on."""
    asking = Asking(cluster.address)
    located = asking.ask(Locate(name(0), "w"))
    storage = Asking(located.address)
    moments = []
    for sample in range(SAMPLES):
        committed = storage.ask(Put(located.ticket), f"Sample {sample} {time.time()}.".encode())
        moments.append((Version.parse(committed.version), time.time()))
        time.sleep(0.05)
    storage.close()
    asking.close()
    return {located.id: moments}


def _steadily(cluster: Cluster) -> Moments:
    """So many commits a second, by several who do not wait for each other."""
    asking = Asking(cluster.address)
    numbers = range(1, LOAD_DOCUMENTS + 1)
    found: list[Located] = asking.ask_all([(Locate(name(one), "w"), None) for one in numbers])
    asking.close()
    with ThreadPoolExecutor(LANES) as pool:
        lanes = list(pool.map(_lane, [found[lane::LANES] for lane in range(LANES)]))
    return {document: moments for lane in lanes for document, moments in lane.items()}


def _lane(found: list[Located]) -> Moments:
    """The share of one connection, with documents of its own."""
    storage = _Timed(found[0].address)
    texts = [content(number, LOAD_BYTES - 48) for number in range(len(found))]
    moments: Moments = {one.id: [] for one in found}
    begun = time.monotonic()
    for start in range(0, RATE * LOAD_SECONDS // LANES, PORTION):
        time.sleep(max(0.0, begun + start * LANES / RATE - time.monotonic()))
        asked = [(start + each) % len(found) for each in range(PORTION)]
        answers = storage.ask_all(
            # No two contents are equal: those would be stored, and copied, once.
            (
                Put(found[one].ticket),
                f"{found[one].id} {time.time_ns():<30} ".encode() + texts[one],
            )
            for one in asked
        )
        for each, (one, answer) in enumerate(zip(asked, answers, strict=True)):
            version = Version.parse(answer.version)
            moments[found[one].id].append((version, storage.moments[str(each)]))
    storage.close()
    return moments


def _copied(log: str) -> Moments:
    moments: Moments = {}
    for said, document, version in _DONE.findall(log):
        moment = datetime.fromisoformat(said).timestamp()
        moments.setdefault(document, []).append((Version.parse(version), moment))
    return moments


def _lags(committed: Moments, copied: Moments) -> Iterator[float]:
    """Milliseconds; a copy of a newer version will do, since older ones are skipped."""
    for document, changes in committed.items():
        copies = copied[document]
        versions = [version for version, _ in copies]
        assert versions == sorted(versions), "copies in the wrong order"
        for version, moment in changes:
            # A version that was never copied is a failure, and ends the measurement.
            yield 1000 * max(0.0, copies[bisect_left(versions, version)][1] - moment)


# ------------------------------------------------------------------------------------- catching up


def _without_backup(folder: Path) -> Cluster:
    """A pair whose backup is away."""
    cluster = Cluster(folder)
    cluster.start(*PAIR)
    settled(cluster)
    cluster.create([0])
    settled(cluster)
    cluster.servers.pop("ss1_backup").stop()
    eventually(lambda: line(cluster).protection == "DEGRADED", "a pair without its backup")
    return cluster


def _returned(cluster: Cluster, documents: int) -> tuple[float, float, str]:
    """
    Start the backup.

    @param documents: that it lacks.
    @return: seconds from its start, and from its registration, until SERVERS shows no lag; and who
        was busy.
    """
    nm = cluster.nm
    assert nm is not None
    missing = line(cluster).lag_documents
    assert missing == documents, f"{missing} documents wait, not {documents}"
    after, begun = len(nm.text()), time.monotonic()
    cluster.start_ss("ss1_backup")
    watched = watch(cluster)
    nm.wait_for("replication_assign", after=after)
    registered = time.monotonic()
    asking = Asking(cluster.address)
    while any(
        isinstance(one, ServerLine) and one.lag_documents for one in asking.ask_items(Servers())
    ):
        time.sleep(0.02)
    ended = time.monotonic()
    asking.close()
    said = busy(watched.load())
    settled(cluster)
    return ended - begun, ended - registered, said


def catch_up(folder: Path, repetitions: int, documents: int) -> Iterator[Figure]:
    """Many small documents were made while the backup was away."""
    rates, registered, said = [], [], ""
    for repetition in range(repetitions):
        cluster = _without_backup(folder / str(repetition))
        try:
            _fill(cluster, documents)
            whole, since, said = _returned(cluster, documents)
        finally:
            cluster.stop()
        rates.append(documents / whole)
        registered.append(documents / since)
    yield Figure(
        f"catch-up of {documents:,} documents of {SMALL_BYTES} bytes",
        "/s",
        rates,
        target=Target(800),
        note="from the start of the process until SERVERS shows lag 0; from its registration "
        f"{min(registered):.0f} … {max(registered):.0f}/s; {said}",
        details={"from registration": registered},
    )


def _fill(cluster: Cluster, documents: int) -> None:
    asking = Asking(cluster.address)
    cluster.create(range(1, documents + 1))
    for start in range(1, documents + 1, 1000):
        numbers = range(start, min(start + 1000, documents + 1))
        found = asking.ask_all([(Locate(name(number), "w"), None) for number in numbers])
        storage = Asking(found[0].address)
        storage.ask_all(
            (Put(one.ticket), content(number, SMALL_BYTES))
            for number, one in zip(numbers, found, strict=True)
        )
        storage.close()
    asking.close()
    # The name server hears of the last changes a moment after they were acknowledged.
    eventually(lambda: line(cluster).lag_documents == documents, "notes of all documents")


def large(folder: Path, repetitions: int, size: int) -> Iterator[Figure]:
    """One large document was put while the backup was away."""
    speeds, whole_speeds, peaks, said = [], [], [], ""
    for repetition in range(repetitions):
        cluster = _without_backup(folder / str(repetition))
        try:
            subprocess.run(
                python("bench.stream", "put", cluster.address, name(0), str(size)),
                cwd=cluster.folder,
                env=environment(),
                check=True,
                stdout=subprocess.DEVNULL,
            )
            eventually(lambda c=cluster: line(c).lag_documents == 1, "a note")  # type: ignore[misc]
            assert cluster.nm is not None
            cluster.nm.forget_peak()
            whole, since, said = _returned(cluster, 1)
            peaks.append(cluster.nm.peak() / 2**20)
        finally:
            cluster.stop()
        speeds.append(size / since / 1e6)
        whole_speeds.append(size / whole / 1e6)
    yield Figure(
        f"copy of {size / 2**20:,.0f} MiB through the name server",
        "MB/s",
        speeds,
        target=Target(250),
        note="from the registration of the backup until SERVERS shows lag 0; from its start "
        f"{min(whole_speeds):.0f} … {max(whole_speeds):.0f} MB/s; {said}",
        details={"from its start": whole_speeds},
    )
    yield Figure(
        "peak memory of the name server meanwhile",
        "MiB",
        peaks,
        target=Target(150, at_least=False),
        note=f"max {max(peaks):.1f} MiB",
    )
