"""
The words of those who ask to be let in, and of owners who decide; said to the name server.

Decides which fields each has.  Must not know what a request does.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from dfs.wire.records import Count, Decided, Record, Requested, RequestLine
from dfs.wire.request import Request


@frozen
class RequestAccess(Request[Requested]):
    """``REQUESTACCESS|<path>|<r or w>``: ask its owner to let you read, or write too."""

    verb: ClassVar[str] = "REQUESTACCESS"
    aliases: ClassVar[tuple[str, ...]] = ("RACC",)
    changes: ClassVar[bool] = True
    answer: ClassVar[type[Record]] = Requested
    path: str
    right: str


@frozen
class ViewRequests(Request[Count]):
    """``VIEWREQUESTS[|mine=1]``: who asks about your documents, or what you asked for."""

    verb: ClassVar[str] = "VIEWREQUESTS"
    aliases: ClassVar[tuple[str, ...]] = ("VIEWACCR",)
    answer: ClassVar[type[Record]] = Count
    item: ClassVar[type[Record] | None] = RequestLine
    mine: bool = False


@frozen
class Approve(Request[Decided]):
    """``APPROVE|<id>``: grant what a request asks for; owners only."""

    verb: ClassVar[str] = "APPROVE"
    aliases: ClassVar[tuple[str, ...]] = ("APPROVEACCR",)
    changes: ClassVar[bool] = True
    answer: ClassVar[type[Record]] = Decided
    id: int


@frozen
class Deny(Request[Decided]):
    """``DENY|<id>``: remove a request and grant nothing; owners only."""

    verb: ClassVar[str] = "DENY"
    aliases: ClassVar[tuple[str, ...]] = ("DISACCR",)
    changes: ClassVar[bool] = True
    answer: ClassVar[type[Record]] = Decided
    id: int
