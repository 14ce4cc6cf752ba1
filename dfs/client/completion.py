"""
What a half-typed line of the shell may go on with.

Decides where its last word begins, and which kind of name is wanted there.  Must not know the
terminal; finding names may take a while, but never longer than somebody would wait.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from typing import Any

import click
from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.interfaces import IReactorTime

from dfs.client.session import Session
from dfs.client.verbs import RemotePath, Table, UserName, Verb, VerbName
from dfs.errors import DFSError

#: Seconds that a list of names is good for, and that somebody waits for one.
FRESH_SECONDS = 5.0
WAIT_SECONDS = 1.0


@frozen
class Unfinished:
    """
    A line that somebody is typing.

    @ivar words: those before the last.
    @ivar last: what of the last word is there, without its quotation marks.
    @ivar start: where the last word begins in the line.
    """

    words: tuple[str, ...]
    last: str
    start: int


def unfinished(line: str) -> Unfinished:
    """Take a line apart as C{shlex.split} will when it is finished."""
    words: list[str] = []
    word: list[str] = []
    start: int | None = None
    quote = ""
    characters = iter(enumerate(line))
    for at, mark in characters:
        if not quote and mark.isspace():
            if start is not None:
                words.append("".join(word))
            word, start = [], None
            continue
        start = at if start is None else start
        if mark == quote:
            quote = ""
        elif not quote and mark in "'\"":
            quote = mark
        elif mark == "\\" and quote != "'":
            _, escaped = next(characters, (0, ""))
            keep = quote == '"' and escaped not in '"\\'
            word.append(mark + escaped if keep else escaped)
        else:
            word.append(mark)
    return Unfinished(tuple(words), "".join(word), len(line) if start is None else start)


def wanted(verb: Verb, place: int) -> click.ParamType[Any] | None:
    """
    What kind of name stands at a place among a command's arguments.

    @param place: 0 for the first one.
    """
    arguments = [one for one in verb.params if isinstance(one, click.Argument)]
    if not arguments or (place >= len(arguments) and arguments[-1].nargs != -1):
        return None
    return arguments[min(place, len(arguments) - 1)].type


class Names:
    """
    What the cluster knows, remembered for a few seconds.
    """

    def __init__(self, clock: IReactorTime, session: Session) -> None:
        self._clock = clock
        self._session = session
        self._known: dict[str, tuple[float, list[str]]] = {}

    async def paths(self) -> list[str]:
        """Documents and folders, which end with a slash."""
        return await self._fresh("paths", self._all_paths)

    def _all_paths(self) -> Deferred[list[str]]:
        return self._session.folders.view(deep=True).addCallback(
            lambda lines: [f"{one.path}/" if one.folder else one.path for one in lines]
        )

    async def users(self) -> list[str]:
        """Users."""
        return await self._fresh(
            "users",
            lambda: self._session.users().addCallback(lambda lines: [x.user for x in lines]),
        )

    async def _fresh(self, kind: str, ask: Callable[[], Deferred[list[str]]]) -> list[str]:
        now = self._clock.seconds()
        when, names = self._known.get(kind, (float("-inf"), []))
        if now - when < FRESH_SECONDS:
            return names
        try:
            names = await ask().addTimeout(WAIT_SECONDS, self._clock)
        except (DFSError, TimedOut):
            return names
        self._known[kind] = (now, names)
        return names


class Completions:
    """Completes lines of the shell."""

    def __init__(self, table: Table, names: Names) -> None:
        self._table = table
        self._names = names

    async def find(self, line: str) -> tuple[int, list[str]]:
        """
        What the last word may become.

        @return: where the word begins, and the words as they are to be typed.
        """
        typed = unfinished(line)
        if not typed.words:
            return typed.start, self._table.beginning(typed.last)
        try:
            verb = self._table.find(typed.words[0])
        except click.UsageError:
            return typed.start, []
        if typed.last.startswith("-"):
            found = [o for p in verb.command.params for o in p.opts if o.startswith("-")]
            return typed.start, [option for option in found if option.startswith(typed.last)]
        place = sum(1 for word in typed.words[1:] if not word.startswith("-"))
        found = await self._candidates(verb, place, typed.last)
        return typed.start, [shlex.quote(name) for name in sorted(set(found))]

    async def _candidates(self, verb: Verb, place: int, start: str) -> list[str]:
        kind = wanted(verb, place)
        found: list[str] = []
        if isinstance(kind, VerbName):
            return self._table.beginning(start)
        if isinstance(kind, UserName):
            found = await self._names.users()
        elif isinstance(kind, RemotePath | click.Path):
            # What PUT and GET copy is of one kind, where they copy it may be of both.
            both = place > 0 and verb.name in ("PUT", "GET")
            if both or isinstance(kind, RemotePath):
                found = await self._names.paths()
            if both or isinstance(kind, click.Path):
                found = [*found, *local_files(start)]
        return [name for name in found if name.startswith(start)]


def local_files(start: str) -> list[str]:
    """Local files and folders whose name begins so; folders end with a slash."""
    folder = os.path.dirname(start)
    hidden = os.path.basename(start).startswith(".")
    try:
        with os.scandir(folder or ".") as entries:
            return [
                os.path.join(folder, entry.name) + ("/" if entry.is_dir() else "")
                for entry in entries
                if hidden or not entry.name.startswith(".")
            ]
    except OSError:
        return []
