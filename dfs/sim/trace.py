"""
What happened in a simulated history, as lines, and as one hash of all of it.

Decides what is remembered and what counts as a defect of its own: whatever is logged as a failure.
Must not know what should have happened.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable

from attrs import define, field
from twisted.logger import ILogObserver, LogEvent
from twisted.python.failure import Failure
from zope.interface import implementer

from dfs.sim.cluster import Cluster
from dfs.sim.links import Link

#: Lines that are kept.
LAST = 200

#: Fields of events that every event has.
_USUAL = {"message", "time", "isError", "format"}


def _nowhere(line: str) -> None:
    """Nobody listens."""


@implementer(ILogObserver)
@define(eq=False)
class Trace:
    """
    What happened.

    @ivar echo: is told each line at once.
    @ivar last: the newest lines.
    @ivar defects: what was logged as a failure.
    @ivar counts: how often what happened.
    """

    _cluster: Cluster
    echo: Callable[[str], None] = _nowhere
    last: deque[str] = field(factory=lambda: deque(maxlen=LAST), init=False)
    defects: list[str] = field(factory=list, init=False)
    counts: Counter[str] = field(factory=Counter, init=False)
    _hash: hashlib.blake2b = field(factory=lambda: hashlib.blake2b(digest_size=16), init=False)
    _who: str = field(default="", init=False)

    @property
    def digest(self) -> str:
        """All of it in 32 hex digits: equal when the same happened at the same time."""
        return self._hash.hexdigest()

    def tell(self, who: str, what: str) -> None:
        """Something happened."""
        line = f"{self._cluster.clock.seconds():11.6f} {who:<12} {what}"
        self._hash.update(line.encode("utf-8", "backslashreplace"))
        self.last.append(line)
        self.echo(line)

    def arrived(self, link: Link, data: bytes) -> None:
        """Bytes got somewhere; they go into the hash, not into the lines."""
        self._who = link.owner
        now = self._cluster.clock.seconds()
        self._hash.update(f"{now!r} {link.peer} {link.host} ".encode() + data)

    def __call__(self, event: LogEvent) -> None:
        """Something was logged by a process, unless that is dead."""
        cluster = self._cluster
        if cluster.burying:
            return
        running = cluster.clock.running
        who = self._who if running is None else running.name
        failure = event.get("log_failure")
        if failure is not None:
            self._defect(who, failure)
            return
        name = event.get("log_event")
        if name is None:
            return
        self.counts[name] += 1
        fields = [
            f"{key}={value}"
            for key, value in event.items()
            if not key.startswith("log_") and key not in _USUAL and _plain(value)
        ]
        self.tell(who, f"{name} {' '.join(fields)}")

    def _defect(self, who: str, failure: Failure) -> None:
        # A failure of the simulation itself is nobody's defect but ours; it counts all the same.
        self.defects.append(f"{who}: {failure.getTraceback()}")
        self.tell(who, f"FAILURE {failure.getErrorMessage()}")


def _plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
