"""
A whole screen that is drawn again and again, and single keys.

Decides how lines are coloured, and that the terminal is as it was afterwards, however it ends.
Must not know what is shown.  Imports prompt_toolkit, which takes its time: imported when a screen
is needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prompt_toolkit.application import Application
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.layout import FormattedTextControl, Layout, Window
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style
from twisted.internet.defer import Deferred

from dfs.client.dashboard import Line, Tone, padded

_STYLE = Style.from_dict(
    {
        Tone.TITLE.value: "reverse",
        Tone.HEAD.value: "bold",
        Tone.PLAIN.value: "",
        Tone.WARN.value: "ansiyellow",
        Tone.BAD.value: "bold ansired",
        Tone.FOOT.value: "reverse",
    }
)

#: Keys that end it, as prompt_toolkit calls them.
QUIT = ("q", "Q", "c-c", "c-d", "<sigint>")


class FullScreen:
    """
    The screen.
    """

    def __init__(
        self,
        draw: Callable[[int, int], Sequence[Line]],
        keys: Mapping[str, Callable[[], object]],
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        """
        @param draw: the lines for a screen of so many columns and lines.
        @param keys: what keys do.
        @param input: the terminal, if it is another one; C{output} likewise.
        """
        self._draw = draw
        self._stopping = False
        bindings = KeyBindings()
        for key in QUIT:
            bindings.add(key)(lambda event: self.end())
        for key, act in keys.items():
            bindings.add(key)(lambda event, act=act: act())
        window = Window(
            FormattedTextControl(self._text, show_cursor=False), always_hide_cursor=True
        )
        self._application: Application[None] = Application(
            layout=Layout(window),
            style=_STYLE,
            key_bindings=bindings,
            full_screen=True,
            input=input,
            output=output,
        )

    def redraw(self) -> None:
        """Something else is to be seen; only what differs is sent."""
        self._application.invalidate()

    def end(self) -> None:
        """Leave the screen; harmless at any time."""
        application = self._application
        if application.is_running and application.future and not application.future.done():
            application.exit()

    async def run(self, reactor: Any) -> None:
        """Show it until somebody quits, or the reactor stops; the terminal is as before then."""
        showing: Deferred[None] = Deferred.fromFuture(asyncio.ensure_future(self._show()))
        over: Deferred[None] = Deferred()

        def stop() -> Deferred[None]:
            self._stopping = True
            self.end()
            return over

        trigger = reactor.addSystemEventTrigger("before", "shutdown", stop)
        try:
            await showing
        finally:
            if not self._stopping:
                reactor.removeSystemEventTrigger(trigger)
            over.callback(None)

    async def _show(self) -> None:
        await self._application.run_async(handle_sigint=False, set_exception_handler=False)

    def _text(self) -> StyleAndTextTuples:
        size = self._application.output.get_size()
        lines = self._draw(size.columns, size.rows)
        return [
            (f"class:{line.tone.value}", padded(line, size.columns) + "\n" * (row < size.rows))
            for row, line in enumerate(lines, 1)
        ]
