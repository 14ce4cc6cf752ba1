"""
Standard input, line by line and piece by piece.

Decides where a line ends.  Must not know what lines mean, nor how reading is done without letting
others wait: reading is an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred

#: Bytes that are read at once, and the most that a line may have.
PIECE = 256 * 1024
LONGEST_LINE = 16 * 1024 * 1024


class Interrupted(Exception):
    """Somebody pressed Ctrl-C instead of typing a line."""


class Lines(Protocol):
    """
    Where lines come from.

    @ivar interactive: a person types them.
    """

    interactive: bool

    def next(self, prompt: str) -> Deferred[str | None]:
        """
        The next line without its end; None when there are no more.

        @raise Interrupted: Ctrl-C (Deferred failure).
        """


class StandardInput:
    """
    Lines of a file or pipe, or of a terminal without any editing.

    @ivar interactive: a person types them.
    """

    def __init__(
        self,
        read: Callable[[int], Deferred[bytes]],
        *,
        interactive: bool = False,
        show: Callable[[str], None] = lambda prompt: None,
    ) -> None:
        """
        @param read: at most so many bytes; none at the end.
        @param show: writes a prompt.
        """
        self.interactive = interactive
        self._read = read
        self._show = show
        self._rest = b""
        self._ended = False

    def next(self, prompt: str) -> Deferred[str | None]:
        """The next line without its end; None when there are no more."""
        return Deferred.fromCoroutine(self._next(prompt))

    def piece(self) -> Deferred[bytes]:
        """Whatever comes next; empty at the end."""
        return Deferred.fromCoroutine(self._piece())

    async def _next(self, prompt: str) -> str | None:
        if self.interactive:
            self._show(prompt)
        searched = 0
        while (end := self._rest.find(b"\n", searched)) < 0:
            searched = len(self._rest)
            more = b"" if searched > LONGEST_LINE else await self._more()
            if not more:
                end = searched
                break
            self._rest += more
        if not self._rest:
            return None
        line, self._rest = self._rest[:end], self._rest[end + 1 :]
        return line.removesuffix(b"\r").decode("utf-8", "surrogateescape")

    async def _piece(self) -> bytes:
        rest, self._rest = self._rest, b""
        return rest or await self._more()

    async def _more(self) -> bytes:
        if self._ended:
            return b""
        data = await self._read(PIECE)
        # On a terminal, Ctrl-D ends one input; what is typed after it is the next one.
        self._ended = not data and not self.interactive
        return data
