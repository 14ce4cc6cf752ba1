"""
The one way to run a repeating loop.

Decides that a loop survives its own body.  Must not know what the body does.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.application.internet import TimerService
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

_log = Logger(namespace="dfs.timing")


def steady(clock: IReactorTime, seconds: float, beat: Callable[[], None]) -> TimerService:
    """
    A service that calls C{beat} at once and then again and again, whatever C{beat} raises.

    A bare C{LoopingCall} ends at the first exception while its service still claims to run, and
    it waits for ever for a Deferred that does not fire; so C{beat} returns nothing.

    @param clock: where the time comes from.
    @param seconds: from one beat to the next.
    @param beat: what to do; an exception is logged and the loop goes on.
    """

    def guarded() -> None:
        try:
            beat()
        except Exception:
            _log.failure(
                "{beat} failed; again in {seconds} s",
                log_event="loop_failed",
                beat=getattr(beat, "__qualname__", repr(beat)),
                seconds=seconds,
            )

    timer = TimerService(seconds, guarded)
    timer.clock = clock
    return timer
