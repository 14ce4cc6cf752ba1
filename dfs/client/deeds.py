"""
What all parts of the library have in common.

Decides how a coroutine becomes a Deferred, and what is said of a change at the name server whose
answer was lost.  Must not know any verb.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from attrs import define
from twisted.internet.defer import Deferred

from dfs.client.asking import Asker, Doing
from dfs.client.failures import Unanswered, in_doubt
from dfs.wire.messages import Record, Request

A = TypeVar("A", bound=Record)
P = ParamSpec("P")
T = TypeVar("T")


def deferred(method: Callable[P, Doing[T]]) -> Callable[P, Deferred[T]]:
    """Let a coroutine function return a Deferred."""

    @functools.wraps(method)
    def begin(*args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        return Deferred.fromCoroutine(method(*args, **kwargs))

    return begin


@define(eq=False)
class Deeds:
    """Some of the methods of a session."""

    _asker: Asker

    async def _change(self, request: Request[A], what: str, path: str, look: str) -> A:
        """A change that the name server makes."""
        try:
            return await self._asker.name_server(request, repeatable=False)
        except Unanswered:
            raise in_doubt(what, path, look) from None
