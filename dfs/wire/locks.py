"""
The question who holds which sentence, from the name server to a storage server.

Decides which fields it and its answer have.  Must not know what a lock is for.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from dfs.wire.records import Count, Record
from dfs.wire.request import Audience, Request


@frozen
class LockLine(Record):
    """
    ``ITEM|<document>|<path>|<user>|<session>|<held>|<idle>|<left>|<sentence>``.

    @ivar document: its id.
    @ivar held: seconds since the sentence was locked.
    @ivar idle: seconds since its writer last did something.
    @ivar left: seconds until the session ends if they go on doing nothing.
    @ivar sentence: how it begins.
    """

    document: str
    path: str
    user: str
    session: str
    held: float
    idle: float
    left: float
    sentence: str


@frozen
class Locks(Request[Count]):
    """
    ``LOCKS|<most>[|id=<id>]``: who holds which sentence, the longest first.

    The count is that of all, also of those that were too many to be told.

    @ivar most: how many are wanted.
    @ivar id: of this document only.
    """

    verb: ClassVar[str] = "LOCKS"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Count
    item: ClassVar[type[Record] | None] = LockLine
    most: int
    id: str = ""
