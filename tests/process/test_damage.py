"""
Files of a running storage server are changed and removed behind its back.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.process.processes import Cluster, within
from tests.process.test_failover import LARGE, SHORT, Pair


def flip(file: Path) -> None:
    """Change one byte."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x10
    file.write_bytes(data)


def cut(file: Path) -> None:
    """Take the end away."""
    file.write_bytes(file.read_bytes()[:-1])


def sweep(file: Path) -> None:
    """Remove everything."""
    shutil.rmtree(file.parent.parent)


@within(240)
@pytest.mark.parametrize("harm", [flip, cut, Path.unlink, sweep])
async def test_mended(empty_cluster: Cluster, harm: Callable[[Path], None]) -> None:
    """F27, F31: who reads gets the right text, and the file is as it was."""
    pair = await Pair.started(empty_cluster, SHORT)
    await pair.write("large.txt", LARGE)
    name = hashlib.sha256(LARGE.encode()).hexdigest()
    file = pair.cluster.path / "ss1" / "objects" / name[:2] / name
    harm(file)
    assert await pair.do("READ", "large.txt") == LARGE
    assert file.read_bytes() == LARGE.encode()
    events = [one["event"] for one in pair.cluster.servers["ss1"].events]
    assert events.count("content_damaged") == events.count("content_mended") == 1
