"""
Who goes on when: the connections of a server share the time of each turn of the reactor.

Decides how long they may work before others are heard, and in which order they go on.  Must not
know what they work on.

Note [Shared].  A limit for each connection is not enough: fifty that have typed very much, or that
waited for one thing and are told of it in one call, would keep everybody else waiting for fifty
times as long.  So whoever has used up the time of a turn waits for a later one, in a line with
others; while there is a line, anybody may do one thing when something arrives, which is all that
most people want.
"""

from __future__ import annotations

from collections import OrderedDict
from math import inf
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: Seconds that the connections may work in a turn of the reactor, as long as several want to.
ROUND_SECONDS = 0.005


class Resting(Protocol):
    """A connection that has more to do."""

    def go_on(self) -> None:
        """Work, until the time is up."""


class Rounds:
    """
    The line of those who have more to do, see Note [Shared].

    @ivar _end: until when anybody may work in this turn; no limit but his own if nobody waits.
    @ivar _round: when those in the line go on; None if nobody is in it.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._line: OrderedDict[Resting, None] = OrderedDict()
        self._end = inf
        self._round: IDelayedCall | None = None

    def until(self) -> float:
        """Until when (seconds of the clock) somebody may work; one thing he may do at any time."""
        return min(self._end, self._clock.seconds() + ROUND_SECONDS)

    def rest(self, who: Resting) -> None:
        """Let somebody go on in a later turn; C{go_on} is called once."""
        self._line[who] = None
        if self._round is None:
            self._end = self._clock.seconds()
            self._round = self._clock.callLater(0, self._go_round)

    def leave(self, who: Resting) -> None:
        """Somebody does not want to go on any more, if he did."""
        self._line.pop(who, None)
        if not self._line and self._round is not None and self._round.active():
            self._round.cancel()
            self._over()

    def _go_round(self) -> None:
        self._end = self._clock.seconds() + ROUND_SECONDS
        try:
            # Who rests again meanwhile goes on in the next turn.
            for _ in range(len(self._line)):
                if not self._line or self._clock.seconds() > self._end:
                    break
                self._line.popitem(last=False)[0].go_on()
        finally:
            if self._line:
                self._round = self._clock.callLater(0, self._go_round)
            else:
                self._over()

    def _over(self) -> None:
        self._round = None
        self._end = inf
