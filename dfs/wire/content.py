"""
The words about the content of one document, which clients say to the storage server that has it.

Decides which fields each has; a ticket says who asks and for which document.  Must not know what a
request does.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from dfs.wire.records import Committed, Done, Facts, Opened, Record, Sentence, Stop
from dfs.wire.request import Audience, Request


@frozen
class Read(Request[Stop]):
    """``READ|<ticket>``: the whole content as DATA, then STOP."""

    verb: ClassVar[str] = "READ"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Stop
    ticket: str


@frozen
class Stream(Request[Stop]):
    """
    ``STREAM|<ticket>[|delay=<seconds>][|start=<word>]``: word by word.

    The hash in STOP is of what was sent.
    """

    verb: ClassVar[str] = "STREAM"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Stop
    ticket: str
    delay: float = 0.1
    start: int = 0


@frozen
class Stat(Request[Facts]):
    """``STAT|<ticket>``: what this server knows about a document, exactly and now."""

    verb: ClassVar[str] = "STAT"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Facts
    ticket: str


@frozen
class Put(Request[Committed]):
    """``PUT|<ticket>|bytes=<n>`` or ``…|bytes=*``: a whole new content."""

    verb: ClassVar[str] = "PUT"
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Committed
    takes_content: ClassVar[bool] = True
    ticket: str


@frozen
class Append(Request[Committed]):
    """``APPEND|<ticket>|<text>`` or ``APPEND|<ticket>||bytes=<n>``: add to the end."""

    verb: ClassVar[str] = "APPEND"
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Committed
    takes_content: ClassVar[bool] = True
    ticket: str
    text: str


@frozen
class Undo(Request[Committed]):
    """``UNDO|<ticket>``: take the last change back."""

    verb: ClassVar[str] = "UNDO"
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Committed
    ticket: str


@frozen
class Redo(Request[Committed]):
    """``REDO|<ticket>``: bring back what UNDO took."""

    verb: ClassVar[str] = "REDO"
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Committed
    ticket: str


@frozen
class Write(Request[Opened]):
    """``WRITE|<ticket>|<sentence>``: lock one sentence and begin to edit it."""

    verb: ClassVar[str] = "WRITE"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Opened
    ticket: str
    sentence: int


@frozen
class Edit(Request[Sentence]):
    """
    ``EDIT|<word>|<text>[|session=<s>]`` or ``EDIT|<word>||bytes=<n>``: insert before a word.

    Without C{session=} it is the newest session that this connection opened.
    """

    verb: ClassVar[str] = "EDIT"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Sentence
    takes_content: ClassVar[bool] = True
    word: int
    text: str
    session: str = ""


@frozen
class Etirw(Request[Committed]):
    """``ETIRW[|session=<s>]``: commit the session's edits as one change."""

    verb: ClassVar[str] = "ETIRW"
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Committed
    session: str = ""


@frozen
class Abort(Request[Done]):
    """``ABORT[|session=<s>]``: end the session; nothing changes."""

    verb: ClassVar[str] = "ABORT"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Done
    session: str = ""
