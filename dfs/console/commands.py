"""
What can be typed at a console.

Decides how a line is taken apart and which command is meant.  Must not know what any command does,
nor how it travels.
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol as Interface

from attrs import frozen

from dfs.columns import count, table
from dfs.errors import Invalid

#: Entries of a list that are shown if nobody asks for more, and at most.
SHOWN, MOST = 40, 500


class NoSuchCommand(Invalid):
    """Nothing, or more than one thing, is called so."""


@frozen
class Asked:
    """
    A command that somebody typed.

    @ivar words: what followed its name.
    @ivar who: which console, for the log.
    """

    words: Sequence[str]
    who: str

    @property
    def text(self) -> str:
        """What followed its name, with a space between two words."""
        return " ".join(self.words)

    def one(self, what: str) -> str:
        """
        The only word that followed.

        @param what: what it should have been.
        @raise Invalid: there was none, or more than one.
        """
        if len(self.words) != 1:
            raise Invalid(f"say which {what}, and nothing else")
        return self.words[0]

    def limit(self) -> tuple[str, int]:
        """A word to look for, if there is one, and how many entries are wanted."""
        words = list(self.words)
        wanted = SHOWN
        if words and words[-1].isascii() and words[-1].isdigit():
            wanted = max(1, min(MOST, int(words.pop()[:6])))
        return " ".join(words), wanted


#: What a command says: lines, now or later.
Answer = Iterable[str] | Awaitable[Iterable[str]]


@frozen
class Command:
    """
    One command.

    @ivar name: in lower case.
    @ivar form: what follows its name when it is typed.
    @ivar meaning: a sentence.
    """

    name: str
    form: str
    meaning: str
    does: Callable[[Asked], Answer]


class Role(Interface):
    """
    What a server can tell at its console.

    @ivar name: of the server; the prompt.
    @ivar greeting: one sentence.
    """

    name: str

    @property
    def greeting(self) -> str:
        """Who this is, in one sentence."""

    def commands(self) -> Sequence[Command]:
        """What can be asked, in the order of the help."""

    def also(self, word: str) -> Sequence[str]:
        """Other words for the same thing in the log, such as the id of a document at a path."""


def split(line: str) -> list[str]:
    """
    Words as a POSIX shell would make them.

    @raise NoSuchCommand: a quotation does not end.
    """
    try:
        return shlex.split(line)
    except ValueError:
        raise NoSuchCommand("a quotation does not end; names with spaces are quoted") from None


def find(name: str, commands: Iterable[Command]) -> Command:
    """
    The command that is meant, in any case; the beginning of its name will do.

    @raise NoSuchCommand: none is, or more than one; one sentence with the nearest.
    """
    known = {command.name: command for command in commands}
    lower = name.lower()
    if lower in known:
        return known[lower]
    begin = [one for one in known if one.startswith(lower)]
    if len(begin) == 1:
        return known[begin[0]]
    if begin:
        raise NoSuchCommand(f"{name!r} may be {either(begin)}; type more of it")
    close = difflib.get_close_matches(lower[:40], known, 1, cutoff=0.6)
    hint = f"did you mean {close[0]}?" if close else "help lists what there is."
    raise NoSuchCommand(f"there is no command {name[:40]!r}; {hint}")


def either(words: Sequence[str]) -> str:
    """Words in a sentence: a, b or c."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def explain(commands: Sequence[Command]) -> list[str]:
    """All commands, one a line."""
    return table(
        ("COMMAND", "MEANING"),
        ((f"{one.name} {one.form}".rstrip(), one.meaning) for one in commands),
    )


def listed(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    limit: int,
    total: int,
    right: Sequence[int] = (),
    none: str = "None.",
) -> list[str]:
    """
    A table of so many rows at most, and how many more there are.

    @param total: how many there are in all.
    @param none: what is said if there are none.
    """
    shown = [row for row, _ in zip(rows, range(limit), strict=False)]
    if not shown:
        return [none]
    lines = table(head, shown, right)
    if total > len(shown):
        more = count(total - len(shown), "more", "more")
        lines.append(f"… and {more}; a number after the command shows so many.")
    return lines
