"""
A whole cluster of real processes under chaos, for some minutes; see C{tests/chaos}.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

import pytest

from tests.chaos.runs import Run
from tests.chaos.storm import kinds, schedule
from tests.process.processes import within

#: What storms run into differs from run to run, so they run when somebody asks for them.
storms = pytest.mark.skipif(
    "DFS_CHAOS" not in os.environ, reason="DFS_CHAOS is not set; make chaos runs storms, too"
)

#: Seconds that a storm lasts here at least, and how often the peer has to take the place meanwhile.
SECONDS, FAILOVERS = 80.0, 11


async def _survives(seed: int, *options: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix=f"dfs-chaos-{seed}-"))
    run = Run(seed, SECONDS, folder, print, options, FAILOVERS)
    await run.all()
    print(run.report())
    assert not run.wrong, run.complaints()
    assert run.events()["failover_complete"] >= FAILOVERS, "too little has happened"


def _seed() -> int:
    """A new one each time, unless somebody wants to see one again."""
    return int(os.environ.get("DFS_CHAOS_SEED") or secrets.randbelow(1_000_000))


@storms
@within(900)
async def test_storm() -> None:
    """
    R6, H14: whatever is killed, stopped, cut off or slowed down, whatever was acknowledged is there
    afterwards, once, on both members; and everything is as it was before.
    """
    await _survives(_seed())


@storms
@within(900)
async def test_storm_with_replicas() -> None:
    """R6: the same where a change is acknowledged when both members have it."""
    await _survives(_seed(), "--ack", "replica")


def test_schedule() -> None:
    """The same seed is the same schedule; another one is another."""
    links = ["a>nm", "nm>a"]
    first, again, other = (schedule(seed, 60.0, links, kinds("")) for seed in (7, 7, 8))
    assert first == again != other


def test_no_strace() -> None:
    """Where strace cannot attach, no disk fails, and the rest of the schedule stays."""
    links = ["a>nm"]
    rest = [fault for fault in schedule(7, 60.0, links, kinds("")) if fault.kind != "fsync"]
    assert schedule(7, 60.0, links, kinds("it is not here")) == rest
