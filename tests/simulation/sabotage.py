"""
How a part of a server becomes another one, which does not keep some rule.

That is done from outside: an object becomes one of a subclass, before its server starts.  Nothing
in C{dfs} knows of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dfs.nm.service import NameServer
from dfs.sim.cluster import Built
from dfs.ss.service import StorageServer


def become(thing: Any, kind: type[Any]) -> None:
    """
    Let something behave as an object of a subclass does.

    @raise TypeError: it is of another class; no history may take that for what it looks for.
    """
    if not issubclass(kind, type(thing)):
        raise TypeError(f"{kind.__name__} does not stand for {type(thing).__name__}")
    thing.__class__ = kind


def ss(change: Callable[[StorageServer], None]) -> Built:
    """A rule of storage servers."""

    def off(server: NameServer | StorageServer) -> None:
        if isinstance(server, StorageServer):
            change(server)

    return off


def nm(change: Callable[[NameServer], None]) -> Built:
    """A rule of name servers."""

    def off(server: NameServer | StorageServer) -> None:
        if isinstance(server, NameServer):
            change(server)

    return off


def answering(server: NameServer | StorageServer, request: type[Any]) -> Any:
    """What answers a request."""
    handler: Any = server.reception._handlers[request]
    return getattr(handler, "__wrapped__", handler).__self__


def part(path: str, kind: type[Any], request: type[Any] | None = None) -> Callable[[Any], None]:
    """Let a part of a server become another one."""

    def change(server: Any) -> None:
        thing = server if request is None else answering(server, request)
        for name in path.split(".") if path else ():
            thing = getattr(thing, name)
        become(thing, kind)

    return change
