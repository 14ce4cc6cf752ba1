"""
Somebody who types commands, in memory: what they type, what they see.

Decides how a test reads what the C{dfs} command wrote.  The servers are real and in memory too.
"""

from __future__ import annotations

import io
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed

from dfs.client.interpreter import Interpreter
from dfs.client.keyboard import Interrupted, StandardInput
from dfs.client.screen import Screen
from dfs.client.session import Session
from dfs.client.table import table
from dfs.client.verbs import Work

CTRL_C = "\x03"


class Typed:
    """
    Lines that somebody types; Ctrl-D after the last one.

    @ivar prompts: what they were asked with.
    """

    def __init__(self, lines: Iterable[str], *, interactive: bool) -> None:
        self.interactive = interactive
        self.prompts: list[str] = []
        self._lines = list(lines)

    def next(self, prompt: str) -> Deferred[str | None]:
        """The next line."""
        self.prompts.append(prompt)
        if not self._lines:
            return succeed(None)
        line = self._lines.pop(0)
        if line == CTRL_C:
            return fail(Interrupted())
        return succeed(line)


def standard_input(content: bytes, most: int = 7) -> StandardInput:
    """Standard input with this content, which comes in small pieces."""
    file = io.BytesIO(content)
    return StandardInput(lambda size: succeed(file.read(min(size, most))))


class Desk:
    """
    One person with a terminal, or a script without one.

    @ivar status: what the last command ended with.
    @ivar session: the library under the commands.
    @ivar work: what the commands work with.
    """

    def __init__(
        self,
        session: Session,
        run: Callable[[Awaitable[int]], int],
        *,
        json: bool = False,
        terminal: bool = False,
    ) -> None:
        """
        @param run: waits for something to end.
        """
        self.session = session
        self.status = 0
        self._run = run
        self._out, self._err = io.BytesIO(), io.BytesIO()
        self.screen = Screen(self._out, self._err, json=json, terminal=terminal)
        self._terminal = terminal
        self.work = Work(session, self.screen, Typed((), interactive=terminal), table())
        self.interpreter = Interpreter(self.work, name_servers="127.0.0.1:5000")

    def type(self, line: str, *more: str, input: bytes = b"") -> str:
        """
        Run one command.

        @param more: lines for WRITE.
        @param input: standard input for PUT.
        @return: what it wrote to standard output.
        """
        return self.bytes(line, *more, input=input).decode()

    def bytes(self, line: str, *more: str, input: bytes = b"") -> bytes:
        """The same, byte for byte."""
        self.forget()
        self.work.lines = Typed(more, interactive=self._terminal)
        self.work.input = standard_input(input)
        self.status = self._run(self.interpreter.line(line))
        return self._out.getvalue()

    def records(self, line: str, *more: str) -> list[dict[str, Any]]:
        """Run one command; the JSON objects that it wrote."""
        return [json.loads(one) for one in self.type(line, *more).splitlines()]

    def run(self, command: Awaitable[int]) -> None:
        """Run a command that was taken apart already."""
        self.forget()
        self.status = self._run(command)

    @property
    def complaints(self) -> str:
        """What the last command wrote to standard error."""
        return self._err.getvalue().decode()

    def seen(self) -> str:
        """What was written to standard output since the last command began."""
        return self._out.getvalue().decode()

    def forget(self) -> None:
        """Clear the screen."""
        for stream in (self._out, self._err):
            stream.seek(0)
            stream.truncate()
