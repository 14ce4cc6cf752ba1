"""
What a person is told who waits for servers.

Decides after how long, how often, and in which words.  Must not know what is waited for, nor where
the words go.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from dfs.client.failures import Unanswered, Unreachable
from dfs.errors import DFSError, Moved
from dfs.wire.messages import Located

#: Seconds of waiting after which it is said what is waited for.
NOTICE_SECONDS = 2.0

#: Where the words go.
Tell = Callable[[str], None]

NAME_SERVER = "the name server does not answer; waiting for it …"


class Notice:
    """
    One sentence, told once, if a wait takes long.

    @ivar text: what would be told now.
    """

    def __init__(self, pause: Callable[[float], Deferred[None]], tell: Tell | None) -> None:
        """
        @param pause: waits so many seconds.
        @param tell: where the words go, if anybody listens.
        """
        self.text = ""
        self._pause = pause
        self._tell = tell
        self._timer: Deferred[None] | None = None
        self._failed: float | None = None

    def begin(self, seconds: float = NOTICE_SECONDS) -> None:
        """Speak after so many seconds."""
        if self._tell is not None:
            self._timer = self._pause(seconds)
            self._timer.addCallbacks(self._late, lambda cancelled: None)

    def end(self) -> None:
        """The wait is over."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def failed(self, error: DFSError, now: float) -> None:
        """A try was in vain, and there will be another one."""
        if not isinstance(error, Unanswered | Unreachable | Moved):
            # What a server says about it is better than what we guessed.
            self.text = f"{str(error).partition(';')[0]}; waiting …"
        if self._failed is None:
            self._failed = now
        elif now - self._failed >= NOTICE_SECONDS:
            self._say()

    def _late(self, _: None) -> None:
        self._timer = None
        self._say()

    def _say(self) -> None:
        tell, self._tell = self._tell, None
        if tell is not None and self.text:
            tell(self.text)


def awaited(located: Located) -> str:
    """Who does not answer, and who else might."""
    other = "its backup" if located.server == located.pair else located.pair
    return f"{located.server} does not answer; waiting for it or {other} …"
