"""
Running clusters for tests of real processes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted

from tests.process.processes import Cluster

#: How often the peer of a real process took its place.
FAILOVERS = pytest.StashKey[int]()

#: What tests say about themselves, also when they pass.
SAID = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count."""
    config.stash[FAILOVERS] = 0
    config.stash[SAID] = []


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was counted."""
    for said in config.stash.get(SAID, []):
        terminalreporter.write_line(said)
    if config.stash.get(FAILOVERS, 0):
        terminalreporter.write_line(f"failovers of real processes: {config.stash[FAILOVERS]}")


async def _end(cluster: Cluster, config: pytest.Config) -> None:
    """End a cluster; pytest shows what is printed only if its test fails."""
    if cluster.nm is not None:
        events = [event["event"] for event in cluster.nm.events]
        config.stash[FAILOVERS] += events.count("failover_complete")
    print(cluster.report())
    await cluster.stop()


@pytest_twisted.async_yield_fixture
async def cluster(tmp_path: Path, pytestconfig: pytest.Config) -> AsyncIterator[Cluster]:
    """A name server, C{ss1} and C{ss1_backup}, registered; their logs are shown on failure."""
    running = Cluster(tmp_path)
    try:
        await running.start("ss1", "ss1_backup")
        yield running
    finally:
        await _end(running, pytestconfig)


@pytest_twisted.async_yield_fixture
async def empty_cluster(tmp_path: Path, pytestconfig: pytest.Config) -> AsyncIterator[Cluster]:
    """A cluster of which nothing runs yet; whatever the test starts is ended after it."""
    running = Cluster(tmp_path)
    try:
        yield running
    finally:
        await _end(running, pytestconfig)
