"""
A folder with very many documents: how soon it is listed, and how long it takes to move it.

Decides what is made, asked and timed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench.asking import Asking
from bench.cluster import Cluster
from bench.documents import name
from bench.processes import Process
from bench.report import Figure, Target, number
from dfs.wire.codec import encode_request
from dfs.wire.messages import Create, Move, ViewFolder

#: Where the documents are, by turns.
PLACES = ("many", "elsewhere/many")

#: Seconds that memory is given to settle.
SETTLE = 1.0


def folders(folder: Path, many: int, repetitions: int) -> Iterator[Figure]:
    """
    Fill one folder, list it, move it.

    @param many: documents in it.
    """
    cluster = Cluster(folder)
    try:
        cluster.start("ss1")
        assert cluster.nm is not None
        asking = Asking(cluster.address)
        asking.ask_all((Create(f"{PLACES[0]}/{name(each)}"), None) for each in range(many))
        time.sleep(SETTLE)
        yield from _listed(cluster.nm, asking, many, repetitions)
        yield _moved(asking, many, repetitions)
        asking.close()
    finally:
        cluster.stop()


def _listed(nm: Process, asking: Asking, many: int, repetitions: int) -> Iterator[Figure]:
    begins, ends, grown = [], [], []
    for _ in range(repetitions):
        nm.forget_peak()
        before = nm.resident()
        begun = time.monotonic()
        asking.link.sendall(encode_request(ViewFolder(PLACES[0]), "", None))
        received = asking.link.recv(1)
        begins.append((time.monotonic() - begun) * 1000)
        lines = 0
        while not received.endswith(f"OK|{many}\n".encode()):
            piece = asking.link.recv(256 * 1024)
            assert piece, "the server closed the connection"
            lines += piece.count(b"\n")
            received = received[-32:] + piece
        assert lines == many + 1
        ends.append((time.monotonic() - begun) * 1000)
        grown.append((nm.peak() - before) / 2**20)
    yield Figure(
        f"VIEWFOLDER of {many:,} documents: first byte",
        "ms",
        begins,
        target=Target(50, at_least=False),
        note=f"all of it after {number(min(ends))} … {number(max(ends))} ms",
    )
    yield Figure(
        "… memory of the name server meanwhile",
        "MiB",
        grown,
        target=Target(30, at_least=False),
        note="most resident memory above that before",
    )


def _moved(asking: Asking, many: int, repetitions: int) -> Figure:
    times = []
    for turn in range(10 * repetitions):
        source, target = PLACES[turn % 2], PLACES[1 - turn % 2]
        begun = time.monotonic()
        asking.ask(Move(source, target))
        times.append((time.monotonic() - begun) * 1000)
    return Figure(
        f"MOVE of a folder with {many:,} documents",
        "ms",
        times,
        target=Target(20, at_least=False),
        note=f"to the answer, durable; longest of {len(times)}: {number(max(times))} ms",
    )
