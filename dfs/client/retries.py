"""
What is tried again, and when.

Decides which failures mean that nothing was done, and how long to wait before the next try.  Pure;
must not know what is asked, nor have a clock or randomness of its own.

Note [Safe to repeat]
=====================
A server that answers C{MOVED}, C{BUSY} or C{UNAVAILABLE} has done nothing, and neither has one that
could not be reached: any request may be sent again.  When the connection broke after a request was
sent, it may have been carried out; then only a request that changes nothing, or changes to the
same state again, is repeated.
"""

from __future__ import annotations

from collections.abc import Callable

from dfs.client.failures import Unanswered
from dfs.errors import Busy, DFSError, Moved, Unavailable

#: The first pause, in seconds; each later one is twice as long.
FIRST_PAUSE = 0.05

#: The longest pause, in seconds.
LONGEST_PAUSE = 2.0


def nothing_was_done(error: DFSError) -> bool:
    """Whether this failure passes by itself and left everything as it was."""
    if isinstance(error, Unanswered):
        return False
    return isinstance(error, Moved | Busy | Unavailable)


class Attempts:
    """The tries of one request."""

    def __init__(
        self, now: float, patience: float, repeatable: bool, random: Callable[[], float]
    ) -> None:
        """
        @param now: seconds on any steady clock.
        @param patience: seconds after which no further try begins.
        @param repeatable: it does no harm to do the request twice.
        @param random: a number from 0 to 1, a new one at each call.
        """
        self._end = now + patience
        self._repeatable = repeatable
        self._random = random
        self._pause = FIRST_PAUSE
        self._sent_on = False

    def pause(self, error: DFSError, now: float) -> float | None:
        """
        What to do after a failure.

        @return: seconds to wait before the next try; C{None}: give up.
        """
        again = nothing_was_done(error) or (self._repeatable and isinstance(error, Unanswered))
        if not again:
            return None
        if isinstance(error, Moved) and not self._sent_on:
            # The name server most likely knows the right place already.
            self._sent_on = True
            return 0.0
        pause = self._pause * (0.5 + self._random() / 2)
        self._pause = min(LONGEST_PAUSE, self._pause * 2)
        return pause if now + pause <= self._end else None
