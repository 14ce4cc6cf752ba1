"""
The words about named versions of one document, which clients say to the storage server that has it.

Decides which fields each has; a ticket says who asks and for which document.  Must not know what a
request does.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from dfs.wire.records import CheckpointLine, Committed, Count, Record, Stop
from dfs.wire.request import Audience, Request


@frozen
class MakeCheckpoint(Request[Committed]):
    """``CHECKPOINT|<ticket>|<tag>``: keep the present text under a name."""

    verb: ClassVar[str] = "CHECKPOINT"
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Committed
    ticket: str
    tag: str


@frozen
class ViewCheckpoint(Request[Stop]):
    """``VIEWCHECKPOINT|<ticket>|<tag>``: a text that was kept, as DATA, then STOP."""

    verb: ClassVar[str] = "VIEWCHECKPOINT"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Stop
    ticket: str
    tag: str


@frozen
class Revert(Request[Committed]):
    """``REVERT|<ticket>|<tag>``: make a text that was kept the present one."""

    verb: ClassVar[str] = "REVERT"
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Committed
    ticket: str
    tag: str


@frozen
class ListCheckpoints(Request[Count]):
    """``LISTCHECKPOINTS|<ticket>``: the texts that were kept."""

    verb: ClassVar[str] = "LISTCHECKPOINTS"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Count
    item: ClassVar[type[Record] | None] = CheckpointLine
    ticket: str


@frozen
class DeleteCheckpoint(Request[Committed]):
    """``DELETECHECKPOINT|<ticket>|<tag>``: keep a text no longer."""

    verb: ClassVar[str] = "DELETECHECKPOINT"
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Committed
    ticket: str
    tag: str
