"""
What does not depend on a running cluster: the disk, and how soon the command answers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from bench.processes import environment
from bench.report import Figure, Target


def disk(folder: Path, seconds: float = 1.0) -> Figure:
    """How many small writes the disk can make durable, one by one: no promise can be quicker."""
    descriptor = os.open(folder / "fsync", os.O_WRONLY | os.O_CREAT, 0o600)
    page = b"x" * 4096
    values = []
    try:
        for _ in range(3):
            count = 0
            begun = time.monotonic()
            while time.monotonic() - begun < seconds / 3:
                os.pwrite(descriptor, page, count % 1024 * len(page))
                os.fdatasync(descriptor)
                count += 1
            values.append(count / (time.monotonic() - begun))
    finally:
        os.close(descriptor)
    return Figure("disk: fdatasync of 4 KiB", "/s", values, note="for comparison: one thread")


def help_time(folder: Path, repetitions: int) -> Figure:
    """How long C{dfs --help} takes, from start to end of its process."""
    values = []
    # The first run compiles and fills the page cache.
    for repetition in range(repetitions + 1):
        begun = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "dfs.client", "--help"],
            cwd=folder,
            env=environment(),
            check=True,
            stdout=subprocess.DEVNULL,
        )
        if repetition:
            values.append((time.monotonic() - begun) * 1000)
    return Figure("dfs --help", "ms", values, target=Target(200, at_least=False))
