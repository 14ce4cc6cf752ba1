"""
Leases: until when a storage server may serve.

Decides whether one holds now.  The name server gives it with the answer to a heartbeat and never
gives it to two members of a pair at once; it is counted from the moment at which the heartbeat was
sent, so it ends here before the name server may think that it has ended.  Must not know how
heartbeats travel; the time is an argument.

After C. Gray and D. Cheriton, "Leases: an efficient fault-tolerant mechanism for distributed file
cache consistency", SOSP 1989.
"""

from __future__ import annotations

from attrs import define, field


@define
class Lease:
    """
    The lease of one server.

    @ivar seconds: how long it lasts, from the sending of the heartbeat that was answered.
    """

    seconds: float = 0.0
    _until: float | None = field(default=None, init=False)

    def grant(self, sent: float) -> None:
        """The heartbeat that was sent then was answered: serve."""
        until = sent + self.seconds
        self._until = until if self._until is None else max(until, self._until)

    def revoke(self) -> None:
        """Serve no more."""
        self._until = None

    def holds(self, now: float) -> bool:
        """Whether to serve."""
        return self._until is not None and now < self._until

    def left(self, now: float) -> float:
        """Seconds that remain; 0 if it does not hold."""
        return 0.0 if self._until is None else max(0.0, self._until - now)

    def expired(self, now: float) -> bool:
        """It was given, and nobody renewed it in time."""
        return self._until is not None and now >= self._until
