"""
One large document in one stream: how fast, and how much memory any process needs for it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from bench.cluster import Cluster
from bench.documents import name
from bench.processes import Watch, environment, python
from bench.report import Figure, Target


@frozen
class Transfer:
    """
    A way to move the large document.

    @ivar verb: see L{bench.stream}.
    """

    verb: str
    name: str
    target: Target | None
    note: str

    @property
    def plain(self) -> bool:
        """Without the client library."""
        return self.verb in ("push", "fetch")


_DIGEST = "the client library verifies the hash; the content is thrown away"
_PLAIN = "a plain socket that throws the content away: what the server alone can do"
_COLD = "read for the first time: from the disk, because a PUT leaves nothing in the page cache"
_WARM = "read for the second time: from the page cache"

TRANSFERS = (
    Transfer("put", "PUT one stream", Target(250), "through the client library, which hashes it"),
    Transfer("get", "GET one stream, cold", None, f"{_DIGEST}; {_COLD}"),
    Transfer("get", "GET one stream", Target(800), f"{_DIGEST}; {_WARM}"),
    Transfer("push", "PUT one stream, plain", None, "a plain socket; the hash is known before"),
    Transfer("fetch", "GET one stream, plain, cold", None, f"{_PLAIN}; {_COLD}"),
    Transfer("fetch", "GET one stream, plain", None, f"{_PLAIN}; {_WARM}"),
)

#: What any process may hold while 1 GiB passes through it.
MEMORY = Target(150, at_least=False)


@define
class _Seen:
    """What was seen of one way."""

    speeds: list[float] = field(factory=list)
    peaks: list[dict[str, float]] = field(factory=list)
    loads: list[dict[str, float]] = field(factory=list)


def transfers(folder: Path, size: int, repetitions: int) -> Iterator[Figure]:
    """
    Measure all ways, in turns.

    @param size: bytes of the document.
    """
    cluster = Cluster(folder / "cluster")
    seen = {way.name: _Seen() for way in TRANSFERS}
    try:
        cluster.start("ss1")
        cluster.create(range(2 * repetitions))
        for repetition in range(repetitions):
            for way in TRANSFERS:
                document = 2 * repetition + way.plain
                _transfer(cluster, way.verb, document, size, seen[way.name])
    finally:
        cluster.stop()
    yield from (_speed(way, seen[way.name], size) for way in TRANSFERS)
    yield _memory(seen)


def stream(cluster: Cluster, verb: str, document: int, size: int) -> dict[str, Any]:
    """Move a large document, in a process of its own, see L{bench.stream}; what that says."""
    done = subprocess.run(
        python("bench.stream", verb, cluster.address, name(document), str(size)),
        cwd=cluster.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def _transfer(cluster: Cluster, verb: str, document: int, size: int, seen: _Seen) -> None:
    servers = cluster.processes()
    for server in servers:
        server.forget_peak()
    watch = Watch((server.name, server.pid) for server in servers)
    said = stream(cluster, verb, document, size)
    seen.speeds.append(size / said["seconds"] / 1e6)
    # The client is busy before and after too, so only the servers' time says anything.
    seen.loads.append({who: used / said["seconds"] for who, used in watch.seconds().items()})
    peaks = {server.name: server.peak() / 2**20 for server in servers}
    seen.peaks.append(peaks | {"client": said["peak"] / 2**20})


def _speed(way: Transfer, seen: _Seen, size: int) -> Figure:
    busy = ", ".join(f"{who} {max(load[who] for load in seen.loads):.0%}" for who in seen.loads[0])
    return Figure(
        f"{way.name}, {size / 2**20:,.0f} MiB",
        "MB/s",
        seen.speeds,
        target=way.target,
        note=f"{way.note}; busy: {busy}",
        details={"peaks MiB": seen.peaks, "busy": seen.loads},
    )


def _memory(seen: dict[str, _Seen]) -> Figure:
    """The largest process in each transfer; the plain client does not count, it is no part."""
    parts = [
        {who: size for who, size in peaks.items() if who != "client" or not way.plain}
        for way in TRANSFERS
        for peaks in seen[way.name].peaks
    ]
    most = {who: max(peaks.get(who, 0.0) for peaks in parts) for who in ("nm", "ss1", "client")}
    return Figure(
        "peak memory of any process meanwhile",
        "MiB",
        [max(peaks.values()) for peaks in parts],
        target=MEMORY,
        note="most: " + ", ".join(f"{who} {value:.0f} MiB" for who, value in most.items()),
        details=most,
    )
