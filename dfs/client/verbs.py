"""
What a command is: its name, how it is typed, what it means, what it does.

Decides how the table of commands becomes a command line, a line of the shell, a help text.  Must
not know any single command.  Imports no Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click
from attrs import define, field, frozen

#: Commands of the command line that the shell does not have.
OUTSIDE = ("admin", "export", "sim", "top")

#: Characters that are repeated of a word that nobody knows.
SHOWN = 40

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from dfs.client.drafts import Draft
    from dfs.client.keyboard import Lines, StandardInput
    from dfs.client.operator import Operator
    from dfs.client.screen import Screen
    from dfs.client.session import Session


class Failed(Exception):
    """
    A command that has said already what went wrong.

    @ivar status: what it ends with.
    """

    def __init__(self, status: int = 1) -> None:
        super().__init__(status)
        self.status = status


class Leave(Exception):
    """EXIT."""


@define
class Work:
    """
    What a command works with.

    @ivar table: all commands, for HELP.
    @ivar lines: where the lines of WRITE come from.
    @ivar input: standard input, for C{PUT -}; None where the shell owns it.
    @ivar draft: what a lost WRITE session left, for RETRY.
    @ivar operator: who carries the orders of C{dfs admin}; None: nobody.
    @ivar reactor: who runs all this, for what lasts; C{name_servers} is where they should be.
    """

    session: Session
    screen: Screen
    lines: Lines
    table: Table
    input: StandardInput | None = None
    draft: Draft | None = None
    operator: Operator | None = None
    reactor: Any = None
    name_servers: str = ""


Does = Callable[..., Coroutine[Any, Any, None]]


# Newer versions of click say which type a parameter has, older ones cannot.
if TYPE_CHECKING:
    _Text = click.ParamType[str]
else:
    _Text = click.ParamType


class _Name(_Text):
    """A text that the shell can complete from what the cluster knows."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Take it as it is; the servers judge it."""
        return value


class RemotePath(_Name):
    """The path of a document."""

    name = "path"


class UserName(_Name):
    """A user."""

    name = "user"


class VerbName(_Name):
    """A command."""

    name = "command"


@frozen
class Verb:
    """
    One command.

    @ivar name: in capitals.
    @ivar form: what follows the name when it is typed.
    @ivar meaning: one sentence; the first line of its help.
    @ivar does: gets the L{Work} and the values of C{params}.
    @ivar params: how click takes its arguments apart.
    @ivar aliases: other names, in lower case.
    @ivar examples: as typed in the shell.
    @ivar details: more than one sentence.
    @ivar free_text: arguments may look like options.
    @ivar prepare: called with the values before a reactor is chosen; on the command line only.
    @ivar offline: does it in place of C{does}, without servers and reactor: gets the L{Screen}, the
        time (seconds since the epoch) and the values, and returns the exit status.
    """

    name: str
    form: str
    meaning: str
    does: Does
    params: tuple[click.Parameter, ...] = ()
    aliases: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    details: str = ""
    free_text: bool = False
    prepare: Callable[[dict[str, Any]], None] | None = None
    offline: Callable[..., int] | None = None
    command: click.Command = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "command", _Command(self))

    @property
    def usage(self) -> str:
        """How it is typed."""
        return f"{self.name} {self.form}".rstrip()

    def parse(self, words: list[str]) -> dict[str, Any]:
        """
        The values for C{does}.

        @raise click.UsageError: they do not fit.
        @raise click.exceptions.Exit: C{--help} was asked for, and shown.
        """
        return self.command.make_context(self.name, list(words)).params


class _Command(click.Command):
    """A verb on the command line."""

    def __init__(self, verb: Verb) -> None:
        json = click.Option(["--json"], is_flag=True, help="Write JSON objects, one a line.")
        settings: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
        if verb.free_text:
            settings["ignore_unknown_options"] = True
        super().__init__(
            verb.name,
            callback=self._begin,
            params=[*verb.params, json],
            short_help=verb.meaning + _also(verb),
            context_settings=settings,
        )
        self.verb = verb

    def _begin(self, **values: Any) -> Any:
        """Run from the command line; whoever made the outer context knows how."""
        return click.get_current_context().find_root().obj(self.verb, values)

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The form as the table has it."""
        formatter.write_usage(self.verb.name, self.verb.form)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The meaning, as the table has it."""
        verb = self.verb
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(verb.meaning + _also(verb))
            if verb.details:
                formatter.write_paragraph()
                formatter.write_text(verb.details)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The examples, as the table has them."""
        if self.verb.examples:
            with formatter.section("Examples"):
                for example in self.verb.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")


def _also(verb: Verb) -> str:
    return f"  (Also: {', '.join(verb.aliases)}.)" if verb.aliases else ""


def _shortened(name: str) -> str:
    return name if len(name) <= SHOWN else name[:SHOWN] + "…"


class Table:
    """
    Every command, by any of its names, in any case.

    @ivar verbs: in the order in which HELP shows them.
    """

    def __init__(self, verbs: Iterable[Verb]) -> None:
        self.verbs = tuple(verbs)
        self._named = {name.lower(): verb for verb in self.verbs for name in self.names(verb)}

    @staticmethod
    def names(verb: Verb) -> tuple[str, ...]:
        """All names of a command."""
        return (verb.name, *verb.aliases)

    def find(self, name: str) -> Verb:
        """
        A command by name.

        @raise click.UsageError: there is none.
        """
        verb = self._named.get(name.lower())
        if verb is not None:
            return verb
        if name.lower() in OUTSIDE:
            outside = f"dfs {name.lower()}"
            raise click.UsageError(
                f"{outside!r} is typed outside of the shell; '{outside} --help' explains it"
            )
        close = difflib.get_close_matches(name.lower(), self._named, 1, cutoff=0.75)
        hint = f"did you mean {self._named[close[0]].name}?" if close else "HELP lists them"
        raise click.UsageError(f"there is no command {_shortened(name)!r}; {hint}")

    def beginning(self, start: str) -> list[str]:
        """The names that begin so, in the case of what was typed."""
        lower = start[:1].islower()
        known = [name for verb in self.verbs for name in self.names(verb)]
        if lower:
            return sorted({name.lower() for name in known if name.lower().startswith(start)})
        return [verb.name for verb in self.verbs if verb.name.startswith(start.upper())]

    def group(self, more: Mapping[str, click.Command], **settings: Any) -> click.Group:
        """
        The whole C{dfs} command line.

        @param more: commands of the command line only, by name in lower case.
        """
        return _Group(self, more, **settings)


class _Group(click.Group):
    """C{dfs [OPTIONS] [COMMAND …]}."""

    def __init__(self, table: Table, more: Mapping[str, click.Command], **settings: Any) -> None:
        super().__init__(commands=dict(more), **settings)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        return [*(verb.name for verb in self._table.verbs), *self.commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """By any name; None only where click asks without wanting an explanation."""
        if cmd_name.lower() in self.commands:
            return self.commands[cmd_name.lower()]
        try:
            return self._table.find(cmd_name).command
        except click.UsageError:
            if ctx.resilient_parsing or cmd_name.startswith("-"):
                return None
            raise

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names of commands in the case that was begun, and options."""
        from click.shell_completion import CompletionItem

        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            CompletionItem(name, help=self._table.find(name).meaning)
            for name in self._table.beginning(incomplete)
        ] + [
            CompletionItem(name)
            for name in self.commands
            if incomplete and name.startswith(incomplete)
        ]
