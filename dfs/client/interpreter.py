"""
One command, from its words to its exit status.

Decides how a line is split, what every kind of failure is called, and which status it ends with.
Must not know what commands do, nor where lines come from.
"""

from __future__ import annotations

import shlex
import traceback
from typing import Any

import click
from twisted.internet.defer import CancelledError, Deferred

from dfs.client.failures import NoNameServer
from dfs.client.keyboard import Interrupted
from dfs.client.verbs import Failed, Leave, Verb, Work
from dfs.errors import (
    DFSError,
    Exists,
    Internal,
    Invalid,
    NotFound,
    Unauthorized,
    Unavailable,
)

#: What a command ends with.
DONE, REFUSED, USAGE, UNREACHABLE, INTERRUPTED = 0, 1, 2, 3, 130


def split(line: str) -> list[str]:
    """
    Words as a POSIX shell would make them; a line that begins with # has none.

    @raise Invalid: a quotation does not end.
    """
    if line.lstrip().startswith("#"):
        return []
    try:
        return shlex.split(line)
    except ValueError as error:
        raise Invalid(f"{str(error).lower()}; names with spaces are quoted: 'a b.txt'") from None


def from_system(error: OSError) -> DFSError:
    """What a failure of the local machine is called."""
    text = error.strerror or str(error)
    if error.filename is not None:
        name = error.filename
        text = f"{name.decode(errors='replace') if isinstance(name, bytes) else name}: {text}"
    for kind, known in (
        (FileNotFoundError, NotFound),
        (PermissionError, Unauthorized),
        (FileExistsError, Exists),
        (IsADirectoryError, Invalid),
        (NotADirectoryError, Invalid),
    ):
        if isinstance(error, kind):
            return known(text)
    return Unavailable(text)


class Interpreter:
    """
    Runs commands one after another.

    @ivar work: what they work with.
    @ivar finished: EXIT was said.
    """

    def __init__(self, work: Work, *, name_servers: str, debug: bool = False) -> None:
        """
        @param name_servers: where they should be, for the message that they are not.
        @param debug: show where an unexpected error came from.
        """
        self.work = work
        self.finished = False
        self._json = work.screen.json
        self._name_servers = name_servers
        self._debug = debug
        self._running = False
        work.session.tell_waits(self._waits)

    async def line(self, text: str) -> int:
        """Run what a line says; the exit status."""
        try:
            words = split(text)
            if not words:
                return DONE
            verb = self.work.table.find(words[0])
            values = verb.parse(words[1:])
        except click.exceptions.Exit as exit:
            return exit.exit_code
        except click.UsageError as error:
            return self.misused(error)
        except DFSError as error:
            self.work.screen.error(error)
            return USAGE
        return await self.run(verb, values)

    def misused(self, error: click.UsageError) -> int:
        """Say how it is done."""
        self.work.screen.error(Invalid(usage_message(error)))
        return USAGE

    async def run(self, verb: Verb, values: dict[str, Any]) -> int:
        """Run a command; the exit status."""
        arguments = dict(values)
        screen = self.work.screen
        screen.json = arguments.pop("json", False) or self._json
        self._running = True
        try:
            await self._doing(verb, arguments)
            screen.flush()
        except click.UsageError as error:
            error.ctx = error.ctx or click.Context(verb.command, info_name=verb.name)
            return self.misused(error)
        except (BrokenPipeError, CancelledError):
            raise
        except Exception as error:
            return self._failed(error)
        finally:
            self._running = False
            screen.json = self._json
        return DONE

    def _waits(self, text: str) -> None:
        """A command waits for servers; what the shell completes meanwhile is nobody's concern."""
        if self._running and not self.work.screen.json:
            self.work.screen.note(text)

    def _doing(self, verb: Verb, arguments: dict[str, Any]) -> Deferred[None]:
        return Deferred.fromCoroutine(verb.does(self.work, **arguments))

    def _failed(self, error: Exception) -> int:
        if isinstance(error, Leave):
            self.finished = True
            return DONE
        if isinstance(error, Failed):
            return error.status
        if isinstance(error, Interrupted):
            return INTERRUPTED
        if isinstance(error, NoNameServer):
            self.work.screen.error(
                NoNameServer(
                    f"cannot reach a name server at {self._name_servers}; is it running, and is "
                    f"--nm (or DFS_NM) right? ({error})"
                )
            )
            return UNREACHABLE
        self.work.screen.error(self._named(error))
        return REFUSED

    def _named(self, error: Exception) -> DFSError:
        if isinstance(error, DFSError):
            return error
        if isinstance(error, OSError):
            return from_system(error)
        if self._debug:
            for line in traceback.format_exception(error):
                for row in line.rstrip().splitlines():
                    self.work.screen.note(row)
        return Internal(
            f"unexpected {type(error).__name__}: {error}; this is a defect of the client, "
            "dfs --debug shows more"
        )


def usage_message(error: click.UsageError) -> str:
    """What is wrong with the words of a command, and how it is typed."""
    verb = getattr(error.ctx.command, "verb", None) if error.ctx is not None else None
    usage = f"; usage: {verb.usage}" if isinstance(verb, Verb) else ""
    message = error.format_message().rstrip(".")
    if "unexpected extra argument" in message:
        usage += "; names with spaces are quoted: 'a b.txt'"
    return message + usage
