"""The line editor of the shell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from prompt_toolkit.application import create_app_session
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dfs.client.keyboard import Interrupted
from dfs.client.shell import Prompt


def typed(do: Callable[[PipeInput, Deferred[str | None]], object]) -> Any:
    """What becomes of a line at which somebody does something; a failure is its exception."""

    async def line() -> Any:
        with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
            waiting = Prompt(InMemoryHistory()).next("> ")
            do(keys, waiting)
            results: list[Any] = []
            over = asyncio.Event()
            waiting.addBoth(results.append).addCallback(lambda _: over.set())
            await asyncio.wait_for(over.wait(), 60)
        [result] = results
        return type(result.value) if isinstance(result, Failure) else result

    return asyncio.run(line())


class PromptTests(SynchronousTestCase):
    """One line."""

    def test_typed(self) -> None:
        """A line is what was typed; Ctrl-D is the end, and Ctrl-C an interrupt."""
        self.assertEqual(typed(lambda keys, _: keys.send_text("ls -l\r")), "ls -l")
        self.assertIsNone(typed(lambda keys, _: keys.send_text("\x04")))
        self.assertIs(typed(lambda keys, _: keys.send_text("\x03")), Interrupted)

    def test_given_up(self) -> None:
        """A command that is interrupted when it has just asked for a line is told so."""
        self.assertIs(typed(lambda _, waiting: waiting.cancel()), Interrupted)
