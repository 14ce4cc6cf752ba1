"""
What a log says of refusals: each of them, but not of a flood.

Decides how many are written in a while, and that the others are counted.  Must not know why
anything was refused.
"""

from __future__ import annotations

from attrs import define, field
from twisted.logger import Logger

#: Refusals that are written between two calls of L{Refusals.look}.
MOST = 200

_log = Logger(namespace="dfs.wire")


@define(eq=False)
class Refusals:
    """The refusals of one server."""

    _most: int = MOST
    _written: int = field(default=0, init=False)
    _left_out: int = field(default=0, init=False)

    def may_write(self) -> bool:
        """One more is to be written; if it may not be, it is counted."""
        if self._written >= self._most:
            self._left_out += 1
            return False
        self._written += 1
        return True

    def look(self) -> None:
        """A while is over: say how many were left out, and begin anew."""
        left_out, self._left_out, self._written = self._left_out, 0, 0
        if left_out:
            _log.warn(
                "{count} more refusals were not written here",
                log_event="refusals_left_out",
                count=left_out,
            )
