"""
What all commands do in the same way: several documents one after another, and what is said then.

Decides what one failure among several means.  Must not know any single command.  Imports no
Twisted, so that C{dfs --help} is quick.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from dfs.client.failures import NoNameServer
from dfs.client.verbs import Failed, Work
from dfs.errors import DFSError


async def each(work: Work, paths: tuple[str, ...], do: Callable[[str], Awaitable[None]]) -> None:
    """
    The same for several documents; one that fails does not keep the others from it.

    @raise Failed: at least one failed.
    """
    if len(paths) == 1:
        await do(paths[0])
        return
    failed = False
    for path in paths:
        try:
            await do(path)
        except NoNameServer:
            raise
        except DFSError as error:
            work.screen.error(type(error)(f"{path}: {error}"))
            failed = True
    if failed:
        raise Failed


def warn_behind(work: Work, path: str, server: str) -> None:
    """
    Say that what is read may not be the newest.

    @param server: that has a newer version; empty if none is known.
    """
    if server:
        work.screen.note(
            f"warning: {path}: a newer version of this document is on {server}, which is away"
        )


def done(work: Work, message: str, **fields: Any) -> None:
    """Say that a change was made."""
    work.screen.result(message, message=message, **fields)
