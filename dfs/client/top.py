"""
C{dfs top}: the cluster as a live view of the whole screen, or once as text.

Decides how it is typed and what it needs.  Must not know what is shown, nor how.  Imports no
Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from dfs.client.verbs import Verb, Work

if TYPE_CHECKING:
    from dfs.client.monitor import Monitor

#: Columns where no terminal says how many there are.
COLUMNS = 120


async def top(work: Work, once: bool, interval: float) -> None:
    """C{dfs top}."""
    from twisted.internet.defer import Deferred

    from dfs.client import dashboard

    if once or work.screen.json:
        await _once(work, interval)
        return
    from dfs.client.fullscreen import FullScreen

    def draw(columns: int, rows: int) -> list[dashboard.Line]:
        return dashboard.frame(monitor.scene(), columns, rows)

    def redraw() -> None:
        screen.redraw()

    monitor = _monitor(work, interval, redraw)
    keys = {"s": monitor.sort, "p": monitor.pause, " ": monitor.pause}
    screen = FullScreen(draw, {**keys, "?": monitor.help, "h": monitor.help})
    await monitor.run(Deferred.fromCoroutine(screen.run(work.reactor)))


def _monitor(work: Work, interval: float, changed: Callable[[], object]) -> Monitor:
    from dfs.client.monitor import Monitor

    clock = work.reactor
    return Monitor(work.session, clock, clock.seconds, work.name_servers, interval, changed)


async def _once(work: Work, interval: float) -> None:
    """One frame, with everything on it."""
    from attrs import asdict

    from dfs.client import dashboard

    monitor = _monitor(work, interval, lambda: None)
    await monitor.read()
    scene = monitor.scene()
    if work.screen.json and scene.reading is not None:
        servers = [asdict(line) for line in scene.reading.servers]
        work.screen.record(status=dict(scene.reading.status), servers=servers)
        return
    columns = shutil.get_terminal_size((COLUMNS, 0)).columns
    for line in dashboard.frame(scene, columns, None):
        work.screen.text(line.text + "\n")


def at_terminal() -> bool:
    """Whether a person looks at the output, and types."""
    return bool(sys.stdin and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty())


def _prepare(values: dict[str, Any], terminal: Callable[[], bool]) -> None:
    """
    Choose the reactor that shares its loop with the screen.

    @raise click.UsageError: there is no terminal.
    """
    if values["once"] or values["json"]:
        return
    if not terminal():
        raise click.UsageError("this needs a terminal; 'dfs top --once' writes it once as text")
    from dfs.client.shell import install_reactor

    install_reactor()


def group(terminal: Callable[[], bool] = at_terminal) -> dict[str, click.Command]:
    """
    What C{dfs} has besides its table, by name.

    @param terminal: whether there is one.
    """
    verb = Verb(
        "dfs top",
        "[--once] [-i <seconds>]",
        "Watch the whole cluster on one screen.",
        top,
        (
            click.Option(["--once"], is_flag=True, help="Write it once, as text; no terminal."),
            click.Option(
                ["-i", "--interval"],
                type=click.FloatRange(0.1, 3600),
                default=1.0,
                help="Seconds from one look to the next; 1 by default.",
            ),
        ),
        details="Keys: q quits, s sorts by name, trouble, lag or documents, p pauses, ? helps. It "
        "goes on while the name server is away and while servers fail, and says so.",
        prepare=lambda values: _prepare(values, terminal),
    )
    return {"top": verb.command}
