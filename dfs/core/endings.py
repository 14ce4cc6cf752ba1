"""
How a script ended, in a number and in words.

Decides what a user is told about it.  Pure; must not know how a script is run, nor who ends it.
"""

from __future__ import annotations

import enum
import json

from attrs import frozen

from dfs.errors import Internal

#: What a shell makes of a process that was killed; and of one that had its share of processor.
KILLED, TOO_BUSY = 128 + 9, 128 + 24


class Stopped(enum.Enum):
    """Why a script was ended before its end."""

    LATE = "it ran for more than {seconds:g} s"
    LONG = "its output is cut at {mib:g} MiB"
    UNHEARD = "nobody listens to it any more"
    CLOSING = "the name server stops"


@frozen
class Ending:
    """
    What became of a script.

    @ivar status: what it ended with, as a shell says it; 0 if all went well.
    @ivar note: what a person should know besides; empty if nothing.
    """

    status: int
    note: str = ""


def ending(report: bytes, stopped: Stopped | None, *, seconds: float, size: int) -> Ending:
    """
    What became of a script.

    @param report: what the process that watched it wrote at its end (L{dfs.sandbox.helper}).
    @param stopped: why it was told to end it, if it was.
    @param seconds: that a script may take.
    @param size: bytes that it may write.
    @raise Internal: the script was not run at all.
    """
    if stopped is not None:
        return _terminated(stopped.value.format(seconds=seconds, mib=size / 2**20))
    found = _read(report)
    if "failed" in found:
        raise Internal(f"there is no sandbox for the script: {found['failed']}")
    if "terminated" in found:
        return _terminated(str(found["terminated"]))
    status = found.get("status")
    if not isinstance(status, int):
        return _terminated("its sandbox ended before it")
    if status == TOO_BUSY:
        return Ending(status, "terminated: it took too much of the processor")
    return Ending(status)


def _terminated(why: str) -> Ending:
    return Ending(KILLED, f"terminated: {why}")


def _read(report: bytes) -> dict[str, object]:
    """The first line of a report; nothing if it is none."""
    try:
        found = json.loads(report.partition(b"\n")[0])
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
