"""
The date of a running cluster is set, as by an operator or by NTP after a flat battery.

libfaketime tells the processes another date; the clock that nobody can set stays as it is.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import define

from tests.process.processes import Cluster, within
from tests.process.test_failover import SHORT, Pair

#: Where Debian's package faketime has it.
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))

#: Seconds.
HOUR, DAY = 3600, 86400


@define
class Dated(Cluster):
    """A cluster whose date can be set."""

    @property
    def _date(self) -> Path:
        return self.path / "date"

    def before(self, name: str) -> Sequence[str]:
        """What lets a process ask for the date in a file."""
        return (
            *("env", f"LD_PRELOAD={LIBRARIES[0]}", f"FAKETIME_TIMESTAMP_FILE={self._date}"),
            *("FAKETIME_NO_CACHE=1", "DONT_FAKE_MONOTONIC=1"),
        )

    def set_date(self, seconds: int) -> None:
        """Let it be so many seconds later than it is; nobody finds half a date."""
        new = self.path / "date.new"
        new.write_text(f"{seconds:+d}\n")
        new.replace(self._date)


@pytest.mark.skipif(not LIBRARIES, reason="there is no libfaketime: apt-get install faketime")
@within(240)
async def test_date(empty_cluster: Cluster) -> None:
    """
    R15: whatever the date is set to, a failure is noticed, a change acknowledged, and a member
    taken back, as if it were right.
    """
    cluster = Dated(empty_cluster.path)
    cluster.set_date(0)
    try:
        pair = await Pair.started(cluster, SHORT)
        await pair.do("CREATE", "x.txt")
        await pair.do("APPEND", "x.txt", "One.")
        cluster.set_date(-HOUR)
        await pair.do("APPEND", "x.txt", " Two.")
        # Otherwise it may be on ss1 alone, and end in a conflict checkpoint.
        await pair.until_current("x.txt")
        await pair.fail(signal.SIGSTOP)
        await pair.do("APPEND", "x.txt", " Three.")
        cluster.set_date(DAY)
        await pair.back()
        await pair.do("APPEND", "x.txt", " Four.")
        assert await pair.do("READ", "x.txt") == "One. Two. Three. Four."
    finally:
        print(cluster.report())
        await cluster.stop()
