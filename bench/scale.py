"""
Many documents and many connections: memory, starts, and an inventory while others are served.

Decides how large things are made and watched.  Knows one thing about the inside of a name server:
where its journal says how far a storage server was heard, because nothing but setting that back
makes a storage server tell everything again.
"""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

from attrs import define, field

from bench.asking import Asking
from bench.cluster import Cluster, eventually, start_bare
from bench.documents import name
from bench.processes import ROOT, Process, Watch, environment, python
from bench.report import Figure, Target, number
from bench.window import quantile
from dfs.wire.messages import GetInfo, Locate

#: Documents that are there before memory is looked at.
WARM = 100

#: Connections that make documents; each has up to 60 requests under way.
MAKERS = 4

#: Seconds that memory is given to settle.
SETTLE = 1.0

#: Processes that hold idle connections.
HOLDERS = 4


# -------------------------------------------------------------------------------- documents


def documents(folder: Path, many: int, repetitions: int) -> Iterator[Figure]:
    """
    Fill a name server, restart it, and let a storage server tell it everything again.

    @param many: documents, half of them on each of two storage servers.
    """
    cluster = Cluster(folder / "cluster")
    try:
        cluster.start("ss1", "ss2")
        cluster.create(range(WARM))
        nm = cluster.nm
        assert nm is not None
        time.sleep(SETTLE)
        empty = nm.resident()
        yield _fill(cluster, many)
        time.sleep(SETTLE)
        filled = nm.resident()
        starts = [_restart(cluster, many) for _ in range(repetitions)]
        yield _bytes_each("filled", [filled - empty], many)
        yield _bytes_each("restarted", [memory - empty for _, _, memory in starts], many)
        yield Figure(
            f"name server start, {many:,} documents: INFO",
            "s",
            [info for info, _, _ in starts],
            target=Target(5, at_least=False),
            note="after kill -9, from the start of the process to the first right answer",
        )
        yield Figure(
            f"name server start, {many:,} documents: LOCATE",
            "s",
            [locate for _, locate, _ in starts],
            target=Target(5, at_least=False),
            note="the storage servers have come back by themselves",
        )
        yield from _inventory(cluster, many, repetitions)
    finally:
        cluster.stop()


def _fill(cluster: Cluster, many: int) -> Figure:
    begun = time.monotonic()
    watch = Watch((process.name, process.pid) for process in cluster.processes())
    each = many // MAKERS
    with ThreadPoolExecutor(MAKERS) as pool:
        starts = range(WARM, WARM + many, each)
        jobs = [pool.submit(cluster.create, range(start, start + each)) for start in starts]
        for job in jobs:
            job.result()
    rate = each * len(jobs) / (time.monotonic() - begun)
    busy = ", ".join(f"{who} {share:.0%}" for who, share in watch.load().shares.items())
    note = f"{MAKERS} connections with up to 60 requests under way each; busy: {busy}"
    return Figure(f"CREATE pipelined, {many:,} documents", "/s", [rate], note=note)


def _bytes_each(when: str, grown: list[int], many: int) -> Figure:
    return Figure(
        f"name server memory a document, {when}",
        "bytes",
        [size / many for size in grown],
        target=Target(800, at_least=False),
        note=f"growth of resident memory, {number(max(grown) / 2**20)} MiB for {many:,} documents",
    )


def _restart(cluster: Cluster, many: int) -> tuple[float, float, int]:
    """
    Kill the name server and start it again.

    @return: seconds until INFO and until LOCATE are answered, and the memory then.
    """
    assert cluster.nm is not None
    cluster.nm.stop(signal.SIGKILL)
    begun = time.monotonic()
    nm = cluster.start_nm()
    asking = Asking(cluster.address)
    asking.ask(GetInfo(name(many // 2)))
    info = time.monotonic() - begun
    # Neighbours are on different storage servers.
    neighbours = [(Locate(name(number), "w"), None) for number in (many // 2, many // 2 + 1)]
    eventually(lambda: asking.ask_all(neighbours), "service")
    locate = time.monotonic() - begun
    asking.close()
    eventually(lambda: cluster.live() >= set(cluster.servers), "registration")
    time.sleep(SETTLE)
    return info, locate, nm.resident()


def _inventory(cluster: Cluster, many: int, repetitions: int) -> Iterator[Figure]:
    seconds: list[float] = []
    tails: list[float] = []
    most: list[float] = []
    calm: list[float] = []
    busy: dict[str, float] = {}
    for _ in range(repetitions):
        _forget_notes(cluster, "ss2")
        nm = cluster.nm
        assert nm is not None
        with Sampler(cluster.address) as before:
            time.sleep(SETTLE)
        after = len(nm.text())
        with Sampler(cluster.address) as meanwhile:
            process = cluster.start_ss("ss2")
            nm.wait_for("ss2 is registered", after=after)
            begun = time.monotonic()
            watch = Watch((each.name, each.pid) for each in (nm, process))
            nm.wait_for("notes of ss2 are complete", after=after, seconds=300)
            seconds.append(time.monotonic() - begun)
            busy = watch.load().shares
        eventually(lambda: "ss2" in cluster.live(), "service")
        calm.append(quantile(sorted(before.times), 0.99) * 1000)
        tails.append(quantile(sorted(meanwhile.times), 0.99) * 1000)
        most.append(max(meanwhile.times) * 1000)
    shares = ", ".join(f"{who} {share:.0%}" for who, share in busy.items())
    yield Figure(
        f"inventory of {many // 2:,} documents",
        "s",
        seconds,
        target=Target(10, at_least=False),
        note=f"from SS_REGISTER until the name server has heard everything; busy: {shares}",
    )
    yield Figure(
        "INFO p99 meanwhile, one caller",
        "ms",
        tails,
        note=f"before: {number(max(calm))} ms; longest meanwhile: {number(max(most))} ms",
    )


def _forget_notes(cluster: Cluster, server: str) -> None:
    """Make the name server forget what it heard of a storage server, as a restored one would."""
    cluster.servers.pop(server).stop()
    assert cluster.nm is not None
    cluster.nm.stop()
    with closing(sqlite3.connect(cluster.folder / "nm" / "journal.db")) as journal, journal:
        changed = journal.execute("UPDATE servers SET noted=0 WHERE name=?", (server,))
        assert changed.rowcount == 1
    cluster.start_nm()
    eventually(lambda: cluster.live() >= set(cluster.servers), "registration")


@define(eq=False)
class Sampler:
    """
    One caller who asks INFO, waits for the answer, and after a moment asks again.

    @ivar times: seconds that the answers took.
    """

    address: str
    times: list[float] = field(factory=list)
    _over: threading.Event = field(factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Sampler:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        assert self._thread is not None
        self._thread.join()

    def _run(self) -> None:
        asking = Asking(self.address)
        number = 0
        while not self._over.wait(0.002):
            number = (number + 1) % WARM
            begun = time.monotonic()
            asking.ask(GetInfo(name(number)))
            self.times.append(time.monotonic() - begun)
        asking.close()


# ------------------------------------------------------------------------------ connections


def connections(folder: Path, many: int) -> Iterator[Figure]:
    """Memory of idle connections that said who they are, to each server and to the bare one."""
    cluster = Cluster(folder / "cluster")
    bare, address = start_bare("line", folder)
    try:
        cluster.start("ss1")
        cluster.create(range(1))
        compared = _held(bare, address, many, greet=False)
        assert cluster.nm is not None
        for server, where in (
            (cluster.nm, cluster.address),
            (cluster.servers["ss1"], cluster.storage()),
        ):
            yield Figure(
                f"{many:,} idle connections to {server.name}, each",
                "KiB",
                [_held(server, where, many, greet=True)],
                [compared],
                Target(25, at_least=False),
                "resident memory of the server; the kernel's buffers are not in it",
            )
    finally:
        cluster.stop()
        bare.stop()


def _held(server: Process, address: str, many: int, *, greet: bool) -> float:
    """KiB that each connection takes."""
    before = server.resident()
    with ExitStack() as stack:
        holders = []
        for _ in range(HOLDERS):
            popen = subprocess.Popen(
                python("bench.idle", address, str(many // HOLDERS), str(int(greet))),
                cwd=ROOT,
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            stack.callback(popen.communicate)
            holders.append(popen)
        for popen in holders:
            assert popen.stdout is not None
            assert b"stand" in popen.stdout.readline(), "connections were refused"
        time.sleep(SETTLE)
        # It must still be at work, not just hold them.
        if greet:
            Asking(address).close()
        return (server.resident() - before) / many / 1024
