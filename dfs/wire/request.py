"""
What every request has in common.

Decides what a verb must say about itself.  Must not know any verb.
"""

from __future__ import annotations

import enum
from typing import ClassVar, Generic, TypeVar

from dfs.wire.records import Record

#: Characters of what a request is about; no path that exists is longer.
SUBJECT = 1024


class Audience(enum.Enum):
    """Who may send a request."""

    ANYONE = "anyone"
    USER = "user"
    MACHINE = "machine"


A = TypeVar("A", bound=Record)


class Request(Record, Generic[A]):
    """
    A question.

    @cvar verb: its first field.
    @cvar aliases: what may stand there too.
    @cvar audience: who may ask.
    @cvar answer: what ends a good answer.
    @cvar item: what each C{ITEM} line before it holds, if there are any.
    @cvar takes_content: bytes may follow, announced by C{bytes=<n>} or C{bytes=*}.
    @cvar changes: it changes something that lasts, so it is logged by default.
    """

    __slots__ = ()
    verb: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    audience: ClassVar[Audience] = Audience.USER
    answer: ClassVar[type[Record]]
    item: ClassVar[type[Record] | None] = None
    takes_content: ClassVar[bool] = False
    changes: ClassVar[bool] = False

    @property
    def subject(self) -> str:
        """What this is about, for logs: a path or an id, not endless; empty if nothing."""
        found = getattr(self, "path", "") or getattr(self, "id", "")
        return str(found or getattr(self, "ticket", "")[:16])[:SUBJECT]
