"""
C{dfs top}: readings, keys, and the screen.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import click
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dfs.client import dashboard, top
from dfs.client.__main__ import program
from dfs.client.dashboard import Line, Tone
from dfs.client.fullscreen import FullScreen
from dfs.client.monitor import Monitor
from dfs.client.table import table
from dfs.client.verbs import Verb
from dfs.sim.cluster import NAME_SERVER, Cluster
from tests.client.desk import Desk


class MonitorTests(SynchronousTestCase):
    """
    Readings of a cluster in memory.
    """

    def setUp(self) -> None:
        """Watch a pair."""
        self.cluster = Cluster("ss1", "ss1_backup")
        self.addCleanup(self.cluster.close)
        self.changes = 0
        self.monitor = Monitor(
            self.cluster.session("alice"),
            self.cluster.clock,
            self.cluster.wall,
            NAME_SERVER,
            1.0,
            self._changed,
        )
        self.until: Deferred[None] = Deferred()

    def _changed(self) -> None:
        self.changes += 1

    def watch(self) -> None:
        """Begin; it ends with the test."""
        watching = Deferred.fromCoroutine(self.monitor.run(self.until))

        def end() -> None:
            self.until.callback(None)
            self.successResultOf(watching)

        self.addCleanup(end)
        self.cluster.advance(0.5)

    def shown(self) -> str:
        """What is to be seen."""
        return "\n".join(line.text for line in dashboard.frame(self.monitor.scene(), 100, 24))

    def test_readings(self) -> None:
        """It asks once a second, and says each time that there is something new."""
        self.watch()
        first = self.monitor.scene().reading
        assert first is not None
        self.cluster.advance(3.0)
        second = self.monitor.scene().reading
        assert second is not None
        self.assertAlmostEqual(second.when - first.when, 3.0, places=2)
        self.assertGreaterEqual(self.changes, 6)
        self.assertRegex(self.shown(), r"ss1_backup  LIVE   peer ")

    def test_rate(self) -> None:
        """Notes are counted from reading to reading."""
        alice = self.cluster.session("alice")
        self.cluster.run(alice.create("a.txt"))
        self.cluster.advance(1.0)
        self.watch()
        self.cluster.run(alice.append("a.txt", "One."))
        self.cluster.advance(1.2)
        self.assertNotIn(" 0.0 notes/s", self.shown())
        self.cluster.advance(2.0)
        self.assertIn(" 0.0 notes/s", self.shown())

    def test_failover(self) -> None:
        """A failover is seen, and told among the last events."""
        self.watch()
        self.cluster.crash("ss1")
        self.cluster.advance(6.0)
        shown = self.shown()
        self.assertRegex(shown, r"ss1   FAILED_OVER  ss1_backup")
        self.assertIn("pair ss1 is served by ss1_backup, in epoch 2", shown)
        self.assertNotIn("not answered", shown)

    def test_name_server(self) -> None:
        """While the name server is away it says so, and goes on when it is back."""
        self.watch()
        self.cluster.crash_nm()
        self.cluster.advance(5.0)
        self.assertRegex(self.shown(), r"The name server has not answered for [56] s; trying on")
        self.assertIn("ss1_backup", self.shown())
        self.cluster.advance(60.0)
        self.assertIn("trying on", self.shown())
        self.cluster.start_nm()
        self.cluster.advance(8.0)
        self.assertNotIn("trying on", self.shown())
        self.assertIn("the name server was started anew", self.shown())

    def test_never(self) -> None:
        """Without any answer it says that nothing is known, and why."""
        self.cluster.crash_nm()
        self.watch()
        self.cluster.advance(40.0)
        self.assertRegex(self.shown(), r"Nothing is known of the cluster yet: \w")

    def test_pause(self) -> None:
        """While it is paused nobody is asked, and what is shown stays."""
        self.watch()
        self.monitor.pause()
        before = self.monitor.scene().reading
        self.cluster.advance(5.0)
        self.assertIs(self.monitor.scene().reading, before)
        self.assertIn("PAUSED", self.shown())
        self.monitor.pause()
        self.cluster.advance(2.0)
        self.assertIsNot(self.monitor.scene().reading, before)

    def test_keys(self) -> None:
        """Keys change the order and show the help, at once."""
        self.monitor.sort()
        self.monitor.help()
        self.assertEqual(self.changes, 2)
        scene = self.monitor.scene()
        self.assertEqual((scene.sort, scene.help), (dashboard.Sort.TROUBLE, True))

    def test_end(self) -> None:
        """When it ends nothing is asked any more, not even what was under way."""
        self.cluster.freeze("nm")
        watching = Deferred.fromCoroutine(self.monitor.run(self.until))
        self.cluster.advance(2.0)
        self.until.callback(None)
        self.successResultOf(watching)
        self.cluster.thaw("nm")


class OnceTests(SynchronousTestCase):
    """
    C{dfs top --once}.
    """

    def setUp(self) -> None:
        """Somebody types it, without a terminal."""
        self.cluster = Cluster("ss1", "ss1_backup")
        self.addCleanup(self.cluster.close)

    def run_once(self, *, json: bool = False) -> Desk:
        """Run it."""
        desk = Desk(self.cluster.session("alice"), self.cluster.run, json=json)
        desk.work.reactor = self.cluster.clock
        desk.work.name_servers = NAME_SERVER
        desk.run(desk.interpreter.run(verb(), {"once": True, "interval": 1.0}))
        return desk

    def test_text(self) -> None:
        """It is one frame of text, with everything and without keys."""
        desk = self.run_once()
        self.assertEqual(desk.status, 0)
        self.assertRegex(desk.seen(), r"(?m)^ss1   PROTECTED  ss1 ")
        self.assertNotIn("quits", desk.seen())

    def test_json(self) -> None:
        """For a program it is one object."""
        [record] = [json.loads(line) for line in self.run_once(json=True).seen().splitlines()]
        self.assertEqual([one["name"] for one in record["servers"]], ["ss1", "ss1_backup"])
        self.assertEqual(record["status"]["role"], "nm")

    def test_refused(self) -> None:
        """Without an answer it fails as any command does."""
        self.cluster.crash_nm()
        desk = self.run_once()
        self.assertEqual(desk.status, 3)
        self.assertIn("cannot reach a name server", desk.complaints)


class CommandTests(SynchronousTestCase):
    """
    How it is typed.
    """

    def test_needs_a_terminal(self) -> None:
        """Without a terminal it says what to type instead, and ends with 2."""
        prepare = verb().prepare
        assert prepare is not None
        error = self.assertRaises(click.UsageError, prepare, {"once": False, "json": False})
        self.assertIn("dfs top --once", str(error))
        prepare({"once": True, "json": False})
        prepare({"once": False, "json": True})

    def test_known(self) -> None:
        """It is a command of the command line in any case, and none of the shell."""
        group = program(table())
        context = click.Context(group)
        for name in ("top", "TOP"):
            self.assertIsNotNone(group.get_command(context, name))
        self.assertRaises(click.UsageError, table().find, "top")


class ScreenTests(SynchronousTestCase):
    """
    The screen, on a terminal that is none.
    """

    def show(
        self, typed: str, keys: dict[str, Callable[[], object]], stop: bool = False
    ) -> tuple[list[tuple[int, int]], FakeReactor]:
        """Type something; the sizes that were drawn."""
        drawn: list[tuple[int, int]] = []
        reactor = FakeReactor()

        def draw(columns: int, rows: int) -> list[Line]:
            drawn.append((columns, rows))
            return [Line("x", tone) for tone in Tone]

        async def run() -> None:
            with create_pipe_input() as terminal:
                screen = FullScreen(draw, keys, terminal, DummyOutput())
                screen.redraw()
                showing = Deferred.fromCoroutine(screen.run(reactor))
                running = showing.asFuture(asyncio.get_running_loop())
                if stop:
                    asyncio.get_running_loop().call_later(0.01, reactor.fire)
                terminal.send_text(typed)
                await asyncio.wait_for(running, 10)
                screen.end()

        self.run_loop(run())
        return drawn, reactor

    def run_loop(self, doing: Coroutine[Any, Any, None]) -> None:
        """Run it in a loop of its own."""
        asyncio.run(doing)

    def test_quit(self) -> None:
        """q and Ctrl-C end it, and the reactor's end is not waited for any more."""
        for key in ("q", "Q", "\x03", "\x04"):
            drawn, reactor = self.show(key, {})
            self.assertIn((80, 40), drawn)
            self.assertEqual(reactor.triggers, [])

    def test_keys(self) -> None:
        """Other keys do what they are for, in any order; unknown ones nothing."""
        pressed: list[str] = []
        keys = {key: (lambda key=key: pressed.append(key)) for key in ("s", "?", " ")}
        self.show("s?xyz s q", keys)  # type: ignore[arg-type]
        self.assertEqual(pressed, ["s", "?", " ", "s", " "])

    def test_stopped(self) -> None:
        """When the reactor stops, by a signal for one, the screen is left before it does."""
        _, reactor = self.show("", {}, stop=True)
        assert reactor.ended is not None
        self.successResultOf(reactor.ended)


class FakeReactor:
    """
    What a screen needs of a reactor.

    @ivar triggers: what is to be called before the end.
    @ivar ended: what the end waits for.
    """

    def __init__(self) -> None:
        self.triggers: list[Callable[[], Deferred[None]]] = []
        self.ended: Deferred[None] | None = None

    def addSystemEventTrigger(
        self, phase: str, event: str, call: Callable[[], Deferred[None]]
    ) -> object:
        """Remember it."""
        assert (phase, event) == ("before", "shutdown")
        self.triggers.append(call)
        return call

    def removeSystemEventTrigger(self, trigger: Any) -> None:
        """Forget it."""
        self.triggers.remove(trigger)

    def fire(self) -> None:
        """The reactor is about to stop."""
        [trigger] = self.triggers
        self.ended = trigger()


def verb() -> Verb:
    """The command."""
    command: Any = top.group(lambda: False)["top"]
    found: Verb = command.verb
    return found
