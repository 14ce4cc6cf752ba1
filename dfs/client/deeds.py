"""
What methods of the library are.

Decides how a coroutine becomes a Deferred.  Must not know any verb.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred

from dfs.client.asking import Doing

P = ParamSpec("P")
T = TypeVar("T")


def deferred(method: Callable[P, Doing[T]]) -> Callable[P, Deferred[T]]:
    """Let a coroutine function return a Deferred."""

    @functools.wraps(method)
    def begin(*args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        return Deferred.fromCoroutine(method(*args, **kwargs))

    return begin
