"""
Jobs in lines: one after the other where order matters, side by side where it does not.

Decides whose turn it is.  Must not know what a job does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from dfs.errors import Busy

T = TypeVar("T")

#: Jobs that may wait in one line; more are refused.
WAITING = 1_000


@frozen(eq=False)
class _Job:
    """One place in a line."""

    work: Callable[[], Awaitable[Any]]
    done: Deferred[Any]


@define(eq=False)
class Lines:
    """
    Jobs with the same key, one after the other; jobs with different keys, side by side.

    A line exists only while it has a job.
    """

    _lines: dict[str, deque[_Job]] = field(factory=dict, init=False)

    def busy(self, key: str) -> bool:
        """Whether a job with that key runs or waits."""
        return key in self._lines

    def standing(self) -> list[tuple[str, int]]:
        """The keys of all lines, and how many jobs wait behind the one that runs."""
        return [(key, len(line)) for key, line in self._lines.items()]

    def run(self, key: str, work: Callable[[], Awaitable[T]]) -> Deferred[T]:
        """
        Do something when everything before it with the same key is over; at once if nothing is.

        Who asked may go away: the job is done all the same.

        @raise Busy: the line is too long (Deferred failure).
        """
        done: Deferred[T] = Deferred()
        line = self._lines.get(key)
        if line is None:
            self._lines[key] = line = deque([_Job(work, done)])
            Deferred.fromCoroutine(self._serve(key, line))
        elif len(line) >= WAITING:
            return fail(Busy("too many wait to change this; try again in a moment"))
        else:
            line.append(_Job(work, done))
        return done

    async def _serve(self, key: str, line: deque[_Job]) -> None:
        while line:
            job = line.popleft()
            try:
                result = await job.work()
            except Exception:
                job.done.errback(Failure())
            else:
                job.done.callback(result)
        del self._lines[key]
