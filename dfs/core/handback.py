"""
When a home primary gets its place back.

Decides how long it has to follow before that: a server that fails again and again waits longer and
longer.  Must not know how places change; the time is an argument.
"""

from __future__ import annotations

from attrs import define, field

#: The longest that anybody has to wait, in seconds.
LONGEST = 600.0

#: Failures that count, in seconds before now.
MEMORY = 3600.0

#: Seconds until the next try after one that could not be finished.
RETRY = 5.0


@define
class Hold:
    """
    How long one pair's home primary has to follow.

    @ivar after: seconds, the first time; doubled with each further failure within an hour.
    """

    after: float
    _failures: list[float] = field(factory=list, init=False)
    _until: float | None = field(default=None, init=False)
    _tries: int = field(default=0, init=False)

    @property
    def begun(self) -> bool:
        """It is known from when on it follows."""
        return self._until is not None

    def failed(self, now: float) -> None:
        """The home primary has failed."""
        self._failures = [one for one in self._failures if one > now - MEMORY] + [now]

    def begin(self, now: float) -> None:
        """It has caught up."""
        self._tries = 0
        recent = sum(1 for one in self._failures if one > now - MEMORY)
        self._until = now + min(LONGEST, self.after * 2 ** max(0, min(recent - 1, 20)))

    def stop(self) -> None:
        """It does not follow any more."""
        self._until = None

    def undone(self, now: float) -> None:
        """The backup could not finish: somebody may be editing for long."""
        self._until = now + min(LONGEST, RETRY * 2 ** min(self._tries, 20))
        self._tries += 1

    def skip(self, now: float) -> None:
        """An operator does not want to wait."""
        self._until = now

    def left(self, now: float) -> float | None:
        """Seconds for which it still has to follow; None: it is not known."""
        return None if self._until is None else max(0.0, self._until - now)

    def over(self, now: float) -> bool:
        """It has followed for long enough."""
        return self._until is not None and now >= self._until
