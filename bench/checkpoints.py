"""
Checkpoints of one large document: how long it takes to keep its text, and to go back to it.

Nothing may be copied, so a gigabyte takes as long as a line does.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from bench.asking import Asking
from bench.cluster import Cluster
from bench.documents import name
from bench.report import Figure, Target
from bench.transfers import stream
from dfs.wire.messages import Committed, Locate, MakeCheckpoint, Put, Request, Revert

#: Milliseconds that either may take, whatever the size.
QUICK = Target(50, at_least=False)

#: How often each is done before the figure with many checkpoints.
ROUNDS = 10


def checkpoints(folder: Path, size: int, repetitions: int, many: int) -> Iterator[Figure]:
    """
    Measure CHECKPOINT and REVERT.

    @param size: bytes of the document.
    @param many: checkpoints that it has in the end.
    """
    cluster = Cluster(folder / "cluster")
    try:
        cluster.start("ss1")
        cluster.create(range(1))
        stream(cluster, "push", 0, size)  # how long that takes is measured elsewhere
        with_few, back, with_many = _measure(cluster, repetitions * ROUNDS, many)
    finally:
        cluster.stop()
    large = f"{size / 2**20:,.0f} MiB"
    yield _figure(f"CHECKPOINT of {large}", with_few, "with a 4 KiB text put between")
    yield _figure(f"REVERT to {large}", back, "from that text")
    yield _figure(f"CHECKPOINT of {large} beside {many:,}", with_many, "the last ten of so many")


def _measure(
    cluster: Cluster, rounds: int, many: int
) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of each CHECKPOINT, of each REVERT, and of the last ten CHECKPOINTs of many."""
    asking, storage = Asking(cluster.address), Asking(cluster.storage())
    kept, back, more = [], [], []
    for number in range(many):
        if number % 100 == 0:  # a ticket is good for a minute
            ticket = asking.ask(Locate(name(0), "w")).ticket
        took = _took(storage, MakeCheckpoint(ticket, f"tag-{number}"))
        if number < rounds:
            kept.append(took)
            storage.ask(Put(ticket), b"%4096d" % number)
            back.append(_took(storage, Revert(ticket, f"tag-{number}")))
        elif number >= many - 10:
            more.append(took)
    asking.close()
    storage.close()
    return kept, back, more


def _took(storage: Asking, request: Request[Committed]) -> float:
    began = time.perf_counter()
    storage.ask(request)
    return (time.perf_counter() - began) * 1e3


def _figure(title: str, values: list[float], note: str) -> Figure:
    longest = f"{note}; the longest of {len(values)} took {max(values):.1f} ms"
    return Figure(title, "ms", values, target=QUICK, note=longest)
