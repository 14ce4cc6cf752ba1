"""
How many requests a second: the figures that are taken under a load of 32 connections.

Decides what each is asked of, and what it should reach.  Each repetition measures the bare server
and then, under the same conditions, the real one.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from attrs import asdict, define, field, frozen

from bench.cluster import Cluster, start_bare
from bench.processes import Process
from bench.report import Figure, Target, number
from bench.window import Sample, Spec, measure
from bench.work import DOCUMENTS_EACH

#: Callers.
CONNECTIONS = 32

#: Documents with content that one figure uses.
_CONTENTS = CONNECTIONS * DOCUMENTS_EACH


@frozen
class Subject:
    """
    A request that is measured.

    @ivar kind: see L{bench.work.prepare}.
    @ivar asks: C{nm} or C{ss}: who is asked.
    @ivar bare: which bare server it is compared with.
    @ivar first: number of the first document it uses, if it uses content.
    """

    name: str
    kind: str
    asks: str
    bare: str
    target: Target
    first: int = 0
    connections: int = CONNECTIONS


#: In this order, so that what only reads comes before what changes.
SUBJECTS = (
    Subject("INFO", "info", "nm", "line", Target(0.5, of_ratio=True)),
    Subject("LOCATE", "locate", "nm", "line", Target(0.5, of_ratio=True)),
    Subject("READ 4 KiB", "read", "ss", "content", Target(0.4, of_ratio=True)),
    Subject("WRITE sessions", "write", "ss", "line", Target(1500), _CONTENTS),
    Subject("PUT 4 KiB", "put", "ss", "line", Target(1500), 2 * _CONTENTS),
    Subject("CREATE", "create", "nm", "line", Target(1500)),
)


@define(eq=False)
class Stand:
    """
    A filled cluster and the bare servers beside it.

    @ivar documents: how many there are; the first ones have content.
    @ivar repetitions: windows of each.
    @ivar seconds: length of a window.
    """

    folder: Path
    documents: int
    repetitions: int
    seconds: float
    cluster: Cluster = field(init=False)
    bare: dict[str, tuple[Process, str]] = field(factory=dict)
    storage: str = ""

    def start(self) -> None:
        """Start everything and make the documents."""
        self.cluster = Cluster(self.folder / "cluster")
        self.cluster.start("ss1")
        for kind in ("line", "content"):
            self.bare[kind] = start_bare(kind, self.folder)
        documents = max(self.documents, 3 * _CONTENTS)
        self.cluster.create(range(documents))
        self.cluster.put(range(3 * _CONTENTS))
        self.documents = documents
        self.storage = self.cluster.storage()

    def stop(self) -> None:
        """End everything."""
        self.cluster.stop()
        for process, _ in self.bare.values():
            process.stop()

    def figure(self, subject: Subject) -> Figure:
        """Measure one kind of request."""
        bare: list[Sample] = []
        real: list[Sample] = []
        for repetition in range(self.repetitions):
            seed = f"{subject.kind}{repetition}"
            process, address = self.bare[subject.bare]
            bare.append(self._window(subject, address, [process], f"b{seed}", True))
            address = self.cluster.address if subject.asks == "nm" else self.storage
            servers = self.cluster.processes()
            real.append(self._window(subject, address, servers, f"r{seed}", False))
        return Figure(
            subject.name,
            "/s",
            [sample.rate for sample in real],
            [sample.rate for sample in bare],
            subject.target,
            _note(bare, real),
            {"bare": [asdict(one) for one in bare], "real": [asdict(one) for one in real]},
        )

    def _window(
        self, subject: Subject, address: str, servers: Sequence[Process], seed: str, bare: bool
    ) -> Sample:
        spec = Spec(
            subject.kind,
            address,
            bare,
            self.cluster.address,
            self.documents,
            subject.first,
            subject.connections,
        )
        return measure(spec, servers, seed=seed, seconds=self.seconds)


def _note(bare: Sequence[Sample], real: Sequence[Sample]) -> str:
    """What a reader has to know to believe a figure."""
    errors = sum(sample.errors for sample in [*bare, *real])
    strange = next((sample.strange for sample in [*real, *bare] if sample.strange), "")
    middle = statistics.median
    # Processor time hardly depends on what else the machine does, so this ratio is the steadier.
    cost = middle([sample.cost_us for sample in real])
    plain = middle([sample.cost_us for sample in bare])
    words = [
        f"median {number(middle([s.median_ms for s in real]))} ms, "
        f"p99 {number(middle([s.p99_ms for s in real]))} ms",
        f"processor {number(cost)} µs each (bare {number(plain)}: ratio {plain / cost:.2f})",
        f"busy: {_busy(real)}; bare: {_busy(bare)}",
    ]
    if errors:
        words.append(f"{errors} WRONG ANSWERS, such as {strange[:120]!r}")
    return "; ".join(words)


def _busy(samples: Sequence[Sample]) -> str:
    """Median shares of one processor."""
    shares = {
        name: statistics.median(sample.load.shares[name] for sample in samples)
        for name in samples[0].load.shares
    }
    shares["others"] = statistics.median(sample.load.others for sample in samples)
    return ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
