"""
One measurement of a server under load.

Decides how the generators are started, when their answers count, and what is known of a window
afterwards.  Must not know what is asked.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from attrs import asdict, frozen

from bench.processes import ROOT, Died, Load, Process, Watch, environment, python
from bench.work import DOCUMENTS_EACH

#: Seconds of load before anything counts.
WARM_SECONDS = 0.5


@frozen
class Spec:
    """
    What the generators do.

    @ivar kind: see L{bench.work.prepare}.
    @ivar address: of the server that is asked.
    @ivar bare: it is the bare server.
    @ivar name_server: where tickets come from.
    @ivar documents: how many there are to ask the name server for.
    @ivar first: number of the first document whose content is read or written.
    @ivar connections: of all generators together.
    """

    kind: str
    address: str
    bare: bool = False
    name_server: str = ""
    documents: int = 1
    first: int = 0
    connections: int = 32


@frozen
class Sample:
    """
    What a window showed.

    @ivar rate: units a second.
    @ivar median_ms: latency of a unit.
    @ivar p99_ms: latency that 99 of 100 units stay below.
    @ivar errors: answers that were not right, and the text of one.
    @ivar load: how busy everybody was; the generators are called C{load 1}, C{load 2} …
    @ivar cost_us: processor time of all servers for one unit, in microseconds.
    """

    rate: float
    median_ms: float
    p99_ms: float
    errors: int
    strange: str
    load: Load
    cost_us: float


def measure(
    spec: Spec, servers: Sequence[Process], *, seed: str, seconds: float, generators: int = 2
) -> Sample:
    """
    Put a load on a server for a while.

    @param servers: processes that do the work.
    @param seed: different in every window, so that nothing is made or put twice.
    """
    started = [_start(spec, seed, number, generators) for number in range(generators)]
    try:
        for popen in started:
            _line(popen)
        begin = time.monotonic() + WARM_SECONDS
        for popen in started:
            assert popen.stdin is not None
            popen.stdin.write(f"{begin} {begin + seconds}\n".encode())
            popen.stdin.flush()
        time.sleep(max(0.0, begin - time.monotonic()))
        watched = [(server.name, server.pid) for server in servers]
        watched += [(f"load {number + 1}", popen.pid) for number, popen in enumerate(started)]
        watch = Watch(watched)
        time.sleep(max(0.0, begin + seconds - time.monotonic()))
        used = watch.seconds()
        load = watch.load()
        results = [json.loads(_line(popen)) for popen in started]
    finally:
        for popen in started:
            popen.kill()
            popen.communicate()
    return _sample(results, load, sum(used[server.name] for server in servers))


def _sample(results: list[dict[str, Any]], load: Load, used: float) -> Sample:
    units = sum(result["units"] for result in results)
    latencies = sorted(latency for result in results for latency in result["latencies"])
    return Sample(
        rate=sum(result["units"] / result["seconds"] for result in results),
        median_ms=quantile(latencies, 0.5) * 1000,
        p99_ms=quantile(latencies, 0.99) * 1000,
        errors=sum(result["errors"] for result in results),
        strange=next((result["strange"] for result in results if result["strange"]), ""),
        load=load,
        cost_us=used / max(1, units) * 1e6,
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that this share of sorted values stays below; 0 if there are none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _start(spec: Spec, seed: str, number: int, generators: int) -> subprocess.Popen[bytes]:
    popen = subprocess.Popen(
        python("bench.load"),
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    # Each generator has its own connections and, with them, its own documents.
    connections = spec.connections // generators
    told = asdict(spec) | {
        "connections": connections,
        "first": spec.first + number * connections * DOCUMENTS_EACH,
        "seed": f"{seed}{number}",
    }
    assert popen.stdin is not None
    popen.stdin.write(json.dumps(told).encode() + b"\n")
    popen.stdin.flush()
    return popen


def _line(popen: subprocess.Popen[bytes]) -> bytes:
    """
    The next line of a generator.

    @raise Died: it ended instead.
    """
    assert popen.stdout is not None
    assert popen.stderr is not None
    line = popen.stdout.readline()
    if not line:
        raise Died(popen.stderr.read().decode("utf-8", "replace")[-2000:])
    return line
