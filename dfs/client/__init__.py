"""
The client: a library, and the C{dfs} command on top of it.

L{dfs.client.session.Session} is what programs use; C{from dfs.client import Session} works too.
Importing this package alone imports nothing, so that C{dfs --help} stays quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dfs.client.session import Session

__all__ = ["Session"]


def __getattr__(name: str) -> object:
    """Import L{Session} when it is asked for."""
    if name == "Session":
        from dfs.client.session import Session

        return Session
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
