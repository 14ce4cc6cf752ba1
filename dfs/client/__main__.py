"""
The C{dfs} command: options, signals, and the one place where a reactor and real files are chosen.

Decides how the process begins and with which status it ends.  Must not know any command.  What
needs Twisted is imported when a command really runs, so that C{dfs --help} is quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import click
from attrs import frozen

import dfs
from dfs.client import admin, offline, top
from dfs.client import settings as surroundings
from dfs.client.standard import let_go, reader_gone, screen_of_process
from dfs.client.table import table
from dfs.client.verbs import Table, Verb, Work
from dfs.errors import Invalid
from dfs.sim import command as simulation

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred

    from dfs.client.interpreter import Interpreter
    from dfs.client.keyboard import StandardInput
    from dfs.client.links import Dial
    from dfs.client.operator import Operator
    from dfs.client.session import Session


@frozen
class Options:
    """
    What stands before the command.
    """

    nm: str | None
    user: str | None
    json: bool
    debug: bool
    config: str | None
    patience: float | None

    def settings(self) -> surroundings.Settings:
        """
        These, and what the surroundings say.

        @raise click.exceptions.Exit: one of them makes no sense; that was said.
        """
        try:
            return surroundings.decide(
                nm=self.nm,
                user=self.user,
                patience=self.patience,
                config=self.config or os.environ.get("DFS_CONFIG"),
                environment={"USER": _system_user(), **os.environ},
            )
        except Invalid as error:
            screen_of_process(self.json).error(error)
            raise click.exceptions.Exit(2) from None


def _system_user() -> str:
    """Who the system says this is; empty if it does not know."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def program(commands: Table) -> click.Group:
    """The command line."""
    return commands.group(
        {
            **top.group(),
            **admin.group(),
            **offline.group(),
            "sim": simulation.command(_timer, _quiet_log),
        },
        name="dfs",
        invoke_without_command=True,
        callback=_begin,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Work with shared documents. Without a COMMAND: an interactive shell, or commands "
        "line by line from standard input.",
        epilog="Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 no name server "
        "reached. Settings may also stand in ~/.config/dfs/config.toml: nm, user, patience.",
        params=[
            click.Option(
                ["--nm"],
                metavar="HOST:PORT[,…]",
                help="Name servers. [DFS_NM; default: 127.0.0.1:5000]",
            ),
            click.Option(
                ["--user"], metavar="NAME", help="Who you are. [DFS_USER; default: $USER]"
            ),
            click.Option(
                ["--json"], is_flag=True, help="Write JSON objects, one a line, errors too."
            ),
            click.Option(
                ["--patience"],
                type=float,
                metavar="SECONDS",
                help="How long to wait for servers that are away; for a name server that never "
                "answered, 2 s at most. [DFS_PATIENCE; default: 30]",
            ),
            click.Option(
                ["--config"], metavar="FILE", help="Settings to read instead. [DFS_CONFIG]"
            ),
            click.Option(["--debug"], is_flag=True, help="Show where unexpected errors come from."),
            click.Option(
                ["--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_version,
                help="Show the version and exit.",
            ),
        ],
    )


def _version(context: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        click.echo(f"dfs {dfs.__version__}")
        context.exit()


@click.pass_context
def _begin(context: click.Context, /, **values: Any) -> Any:
    options = Options(**values)
    if context.invoked_subcommand is None:
        return run_shell(options)
    run = {True: run_command, False: run_offline}
    context.obj = lambda verb, values: run[verb.offline is None](options, verb, values)
    return 0


def main() -> NoReturn:
    """What the console script C{dfs} runs."""
    try:
        sys.exit(_main(sys.argv[1:]))
    finally:
        let_go()


def _main(arguments: list[str]) -> int:
    commands = table()
    try:
        return int(program(commands).main(arguments, "dfs", standalone_mode=False) or 0)
    except click.UsageError as error:
        from dfs.client.interpreter import USAGE, usage_message

        screen_of_process("--json" in arguments).error(Invalid(usage_message(error)))
        return USAGE
    except click.Abort:
        return 130
    except BrokenPipeError:
        return reader_gone()
    except OSError as error:  # commands name what else fails
        from dfs.client.interpreter import REFUSED, from_system

        let_go()
        screen_of_process(json=False).error(from_system(error))
        return REFUSED


def run_offline(options: Options, verb: Verb, values: dict[str, Any]) -> int:
    """Run a command that needs neither servers nor a reactor; the exit status."""
    import time

    assert verb.offline is not None
    screen = screen_of_process(values.pop("json", False) or options.json)
    act = partial(verb.offline, screen, time.time(), **values)
    return offline.run(act, screen, debug=options.debug)


# ------------------------------------------------------------------------------ with a reactor


def run_command(options: Options, verb: Verb, values: dict[str, Any]) -> NoReturn:
    """Run one command and exit."""
    settings = options.settings()
    if verb.prepare is not None:
        verb.prepare(values)

    async def act(parts: Parts) -> int:
        return await parts.until_signal(parts.interpreter.run(verb, values))

    _react(options, settings, act)


def run_shell(options: Options) -> NoReturn:
    """Run the shell and exit."""
    settings = options.settings()
    if sys.stdin is not None and sys.stdin.isatty() and sys.stdout and sys.stdout.isatty():
        from dfs.client import shell

        shell.install_reactor()
        _react(options, settings, _converse)
    _react(options, settings, _script)


async def _script(parts: Parts) -> int:
    from dfs.client.conversation import script

    return await parts.until_signal(script(parts.interpreter, parts.input))


async def _converse(parts: Parts) -> int:
    from prompt_toolkit.history import InMemoryHistory

    from dfs.client.completion import Completions, Names
    from dfs.client.conversation import Conversation
    from dfs.client.shell import Prompt, RemoteCompleter, history_at

    work = parts.interpreter.work
    # Lines of WRITE are texts, no commands: nobody wants them in a file.
    work.lines = Prompt(InMemoryHistory())
    work.input = None
    names = Names(parts.reactor, work.session)
    commands = Prompt(
        history_at(surroundings.state_folder(os.environ)),
        RemoteCompleter(Completions(work.table, names)),
    )
    conversation = Conversation(parts.interpreter, commands, work.session.user)
    parts.on_signal(conversation.interrupt)
    return await conversation.run()


@frozen
class Parts:
    """
    What a process of the client is made of.
    """

    reactor: Any
    interpreter: Interpreter
    input: StandardInput

    def on_signal(self, act: Callable[[], None]) -> None:
        """Do something at Ctrl-C, instead of stopping the reactor in the middle of something."""
        import signal

        def handle(number: int, frame: object) -> None:
            self.reactor.callFromThread(act)

        # The reactor installs handlers of its own when it starts.
        self.reactor.callWhenRunning(signal.signal, signal.SIGINT, handle)

    async def until_signal(self, doing: Any) -> int:
        """Run to the end, or to Ctrl-C."""
        from twisted.internet.defer import CancelledError, Deferred

        from dfs.client.interpreter import INTERRUPTED

        running: Deferred[int] = Deferred.fromCoroutine(doing)
        self.on_signal(running.cancel)
        try:
            return await running
        except CancelledError:
            return INTERRUPTED


def _react(options: Options, settings: surroundings.Settings, act: Any) -> NoReturn:
    from twisted.internet import task

    _quiet_log(options.debug)

    async def begin(reactor: Any) -> None:
        parts = _parts(reactor, options, settings)
        status = 1
        try:
            status = await act(parts)
            parts.interpreter.work.screen.flush()
        except BrokenPipeError:
            status = reader_gone()
        finally:
            parts.interpreter.work.session.close()
        if status:
            raise SystemExit(status)

    task.react(begin)


def _timer() -> float:
    """Seconds, to tell how long something took."""
    import time

    return time.perf_counter()


def _quiet_log(debug: bool = False) -> None:
    """What Twisted would say of its own accord is for those who look for defects."""
    from twisted.logger import globalLogBeginner, textFileLogObserver

    observers: list[Any] = [textFileLogObserver(sys.stderr)] if debug else [lambda event: None]
    globalLogBeginner.beginLoggingTo(observers, discardBuffer=True, redirectStandardIO=False)


def _parts(reactor: Any, options: Options, settings: surroundings.Settings) -> Parts:
    from dfs.client.interpreter import Interpreter
    from dfs.client.keyboard import StandardInput

    screen = screen_of_process(options.json)
    interactive = bool(sys.stdin and sys.stdin.isatty())

    def show(prompt: str) -> None:
        if screen.terminal and not screen.json:
            screen.text(prompt)
            screen.flush()

    lines = StandardInput(_reader(reactor), interactive=interactive, show=show)
    work = Work(_session(reactor, settings), screen, lines, table(), lines)
    work.operator = _operator(reactor, settings)
    work.reactor, work.name_servers = reactor, ",".join(settings.name_servers)
    interpreter = Interpreter(work, name_servers=work.name_servers, debug=options.debug)
    return Parts(reactor, interpreter, lines)


def _session(reactor: Any, settings: surroundings.Settings) -> Session:
    import random
    import time

    from dfs.client.session import Session, Waiting

    return Session(
        reactor,
        time.time,
        _dialler(reactor),
        settings.name_servers,
        settings.user,
        random=random.random,
        entropy=os.urandom,
        waiting=Waiting(patience=settings.patience),
    )


def _operator(reactor: Any, settings: surroundings.Settings) -> Operator:
    from dfs.client.operator import Operator
    from dfs.secret import read_secret

    return Operator(
        reactor,
        _dialler(reactor),
        settings.name_servers,
        settings.user,
        os.urandom,
        read_secret,
    )


def _dialler(reactor: Any) -> Dial:
    from twisted.internet.abstract import isIPAddress, isIPv6Address
    from twisted.internet.endpoints import (
        HostnameEndpoint,
        TCP4ClientEndpoint,
        TCP6ClientEndpoint,
    )

    from dfs.wire.client import Connection, connect

    def dial(address: str) -> Deferred[Connection]:
        host, _, port = address.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        # A plain address needs no thread that looks names up.
        kind: Any = HostnameEndpoint
        if isIPAddress(host):
            kind = TCP4ClientEndpoint
        elif isIPv6Address(host):
            kind = TCP6ClientEndpoint
        return connect(kind(reactor, host, int(port)), reactor)

    return dial


def _reader(reactor: Any) -> Callable[[int], Deferred[bytes]]:
    """
    Reads standard input in a thread of its own for each read.

    A thread of the reactor's pool would be waited for at the end; and C{sys.stdin} would be
    locked then by somebody who still waits for a line.
    """
    import threading

    from twisted.internet.defer import Deferred
    from twisted.python.failure import Failure

    def read(most: int) -> Deferred[bytes]:
        waiting: Deferred[bytes] = Deferred(lambda cancelled: None)

        def tell(result: bytes | Failure) -> None:
            if not waiting.called:
                waiting.callback(result)

        def wait() -> None:
            try:
                result: bytes | Failure = os.read(0, most)
            except OSError:
                result = Failure()
            reactor.callFromThread(tell, result)

        threading.Thread(target=wait, daemon=True).start()
        return waiting

    return read


if __name__ == "__main__":
    main()
