"""
Running clusters for tests of real processes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_twisted

from tests.process.processes import Cluster


@pytest_twisted.async_yield_fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A name server, C{ss1} and C{ss1_backup}, registered; their logs are shown on failure."""
    running = Cluster(tmp_path)
    try:
        await running.start("ss1", "ss1_backup")
        yield running
    finally:
        # pytest shows what is printed only if the test fails.
        print(running.report())
        await running.stop()


@pytest_twisted.async_yield_fixture
async def empty_cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A cluster of which nothing runs yet; whatever the test starts is ended after it."""
    running = Cluster(tmp_path)
    try:
        yield running
    finally:
        print(running.report())
        await running.stop()
