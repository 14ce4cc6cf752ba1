"""
Commands one after another: of a person at a terminal, or of a script.

Decides what Ctrl-C and Ctrl-D do, and that a script stops at its first failure.  Must not know what
commands do, nor how lines are edited.
"""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred

from dfs.client.interpreter import INTERRUPTED, Interpreter
from dfs.client.keyboard import Interrupted, Lines
from dfs.client.screen import one_line


class Conversation:
    """
    Commands of a person, until they leave.
    """

    def __init__(self, interpreter: Interpreter, commands: Lines, user: str) -> None:
        self._interpreter = interpreter
        self._commands = commands
        self._prompt = f"{one_line(user)}@dfs> "
        self._running: Deferred[int] | None = None

    async def run(self) -> int:
        """
        Run commands.

        @return: the exit status: a conversation always ends well.
        """
        while not self._interpreter.finished:
            try:
                line = await self._commands.next(self._prompt)
            except Interrupted:
                continue
            if line is None:
                break
            await self._do(line)
        return 0

    def interrupt(self) -> None:
        """Ctrl-C while a command runs."""
        if self._running is not None:
            self._running.cancel()

    async def _do(self, line: str) -> int:
        screen = self._interpreter.work.screen
        self._running = Deferred.fromCoroutine(self._interpreter.line(line))
        try:
            return await self._running
        except CancelledError:
            screen.note("Interrupted.")
            return INTERRUPTED
        finally:
            self._running = None
            screen.flush()


async def script(interpreter: Interpreter, lines: Lines) -> int:
    """
    Commands line by line, up to the first that fails.

    @return: its exit status.
    """
    while not interpreter.finished:
        line = await lines.next("")
        if line is None:
            break
        status = await interpreter.line(line)
        if status:
            return status
    return 0
