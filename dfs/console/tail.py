"""
Log events as they happen, for those who watch.

Decides who sees which event.  The log is observed only while somebody watches.  Must not know what
events there are, nor how lines travel.

Note [Threads].  An event may be logged in any thread, and in the middle of anything; so it is shown
a moment later, in the thread of the reactor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from attrs import define, field, frozen
from twisted.logger import ILogObserver, LogEvent, LogLevel, LogPublisher
from zope.interface import implementer

from dfs.logs import text_line

#: Events that may wait to be shown; more are left out.
WAITING = 1_000


@frozen(eq=False)
class Watcher:
    """
    Somebody who watches.

    @ivar show: called with each line; None: so many events were left out.
    """

    _words: re.Pattern[str] | None
    show: Callable[[str], object]

    @classmethod
    def of(cls, words: Sequence[str], show: Callable[[str], object]) -> Watcher:
        """
        @param words: one of them must be in a line, as a whole word; all lines if there are none.
        """
        either = "|".join(re.escape(word) for word in words)
        pattern = re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE) if words else None
        return cls(pattern, show)

    def offer(self, line: str) -> None:
        """Show a line, if it is wanted."""
        if self._words is None or self._words.search(line):
            self.show(line)


@implementer(ILogObserver)
@define(eq=False)
class Tail:
    """
    Everybody who watches.

    @ivar _publisher: the log.
    @ivar _later: calls a function in the reactor's thread; from any thread.
    """

    _publisher: LogPublisher
    _later: Callable[..., object]
    _watchers: list[Watcher] = field(factory=list, init=False)
    _waiting: int = field(default=0, init=False)
    _left_out: int = field(default=0, init=False)

    def __call__(self, event: LogEvent) -> None:
        """An event was logged; see Note [Threads]."""
        if event.get("log_level", LogLevel.info) is LogLevel.debug:
            return
        if self._waiting >= WAITING:
            self._left_out += 1
            return
        self._waiting += 1
        self._later(self._show, event)

    def watch(self, watcher: Watcher) -> None:
        """Show somebody what happens from now on."""
        if not self._watchers:
            self._publisher.addObserver(self)
        self._watchers.append(watcher)

    def leave(self, watcher: Watcher) -> None:
        """Show it to them no more; harmless if they left before."""
        if watcher in self._watchers:
            self._watchers.remove(watcher)
            if not self._watchers:
                self._publisher.removeObserver(self)

    def _show(self, event: LogEvent) -> None:
        self._waiting -= 1
        line = text_line(event).partition("\n")[0]
        left_out, self._left_out = self._left_out, 0
        for watcher in list(self._watchers):
            if left_out:
                watcher.show(f"… {left_out} events were left out: there were too many at once")
            watcher.offer(line)
