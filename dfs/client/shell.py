"""
The line editor of the interactive shell.

Decides how a line is edited and completed, and where the history is.  Must not know what commands
do.  Imports prompt_toolkit, which takes its time: imported by the interactive shell only.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import Any, NoReturn

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from dfs.client.completion import Completions
from dfs.client.keyboard import Interrupted
from dfs.client.screen import one_line


class Prompt:
    """
    Lines that a person edits.

    @ivar interactive: always.
    """

    interactive = True

    def __init__(self, history: History, completer: Completer | None = None) -> None:
        self._prompts: PromptSession[str] = PromptSession(
            history=history,
            completer=completer,
            complete_while_typing=False,
            interrupt_exception=Interrupted,
            enable_open_in_editor=False,
        )

    def next(self, prompt: str) -> Deferred[str | None]:
        """
        The next line; None after Ctrl-D.

        @raise Interrupted: Ctrl-C (Deferred failure).
        """
        line: Deferred[str | None] = Deferred.fromFuture(asyncio.ensure_future(self._next(prompt)))
        return line.addErrback(_given_up)

    async def _next(self, prompt: str) -> str | None:
        try:
            with patch_stdout(raw=True):
                return await self._prompts.prompt_async(prompt)
        except EOFError:
            return None


def _given_up(failure: Failure) -> NoReturn:
    """Ctrl-C before the line had the terminal: then the command was told, and gives it up."""
    failure.trap(asyncio.CancelledError)
    raise Interrupted


class RemoteCompleter(Completer):
    """Completes commands and names, without ever blocking the line that is typed."""

    def __init__(self, completions: Completions) -> None:
        self._completions = completions

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Nothing: names have to be asked for."""
        return ()

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """What the word before the cursor may become."""
        line = document.text_before_cursor
        finding = Deferred.fromCoroutine(self._completions.find(line))
        start, found = await finding.asFuture(asyncio.get_running_loop())
        for text in found:
            yield Completion(text, start_position=start - len(line), display=one_line(text))


def history_at(folder: Path) -> History:
    """The history of earlier shells, private; only of this one if it cannot be kept."""
    path = folder / "history"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


def install_reactor() -> Any:
    """
    The reactor that shares its loop with the line editor; before anything asks for another.
    """
    from twisted.internet import asyncioreactor

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)
    from twisted.internet import reactor

    return reactor
