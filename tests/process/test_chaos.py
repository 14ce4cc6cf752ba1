"""
A whole cluster of real processes under chaos, for some minutes; see C{tests/chaos}.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.chaos.runs import Run
from tests.chaos.storm import kinds, schedule
from tests.process.conftest import FAILOVERS, SAID
from tests.process.processes import within
from tests.simulation.seeds import drawn

#: They take minutes; C{make test} asks for them.
storms = pytest.mark.skipif(
    "DFS_CHAOS" not in os.environ,
    reason="DFS_CHAOS is not set; make test sets it",
)

#: Seconds that a storm lasts here at least, and how often the peer has to take the place meanwhile.
SECONDS, ENOUGH = 80.0, 11


async def _survives(config: pytest.Config, *options: str) -> None:
    """A storm of the seed that the code draws, unless somebody wants to see another one again."""
    seed = int(os.environ.get("DFS_CHAOS_SEED") or drawn())
    folder = Path(tempfile.mkdtemp(prefix=f"dfs-chaos-{seed}-"))
    run = Run(seed, SECONDS, folder, print, options, ENOUGH)
    await run.all()
    config.stash[SAID].append(run.report())
    config.stash[FAILOVERS] += run.events()["failover_complete"]
    assert not run.wrong, run.complaints()
    assert run.events()["failover_complete"] >= ENOUGH, "too little has happened"


@storms
@within(900)
async def test_storm(pytestconfig: pytest.Config) -> None:
    """
    R6, H14: whatever is killed, stopped, cut off or slowed down, whatever was acknowledged is there
    afterwards, once, on both members; and everything is as it was before.
    """
    await _survives(pytestconfig)


@storms
@within(900)
async def test_storm_with_replicas(pytestconfig: pytest.Config) -> None:
    """R6: the same where a change is acknowledged when both members have it."""
    await _survives(pytestconfig, "--ack", "replica")


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
