"""
The words about folders and places, which clients say to the name server.

Decides which fields each has.  Must not know what a request does.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from dfs.wire.records import Count, Created, Placed, Record, Removed, ViewLine
from dfs.wire.request import Request


@frozen
class CreateFolder(Request[Created]):
    """
    ``CREATEFOLDER|<path>[|existing=1]``: a new, empty folder of yours, and those above it.

    @ivar existing: one that is there already will do, whosever it is.
    """

    verb: ClassVar[str] = "CREATEFOLDER"
    changes: ClassVar[bool] = True
    answer: ClassVar[type[Record]] = Created
    path: str
    existing: bool = False


@frozen
class ViewFolder(Request[Count]):
    """
    ``VIEWFOLDER|<path>[|all=1][|deep=1][|itself=1]``: what is in a folder; C{/} is the root.

    @ivar all: documents that you may not read, too.
    @ivar deep: what stands in the folders there, too.
    @ivar itself: only the folder.
    """

    verb: ClassVar[str] = "VIEWFOLDER"
    answer: ClassVar[type[Record]] = Count
    item: ClassVar[type[Record] | None] = ViewLine
    path: str
    all: bool = False
    deep: bool = False
    itself: bool = False


@frozen
class Move(Request[Placed]):
    """
    ``MOVE|<path>|<folder or new path>``: a document or folder; owners only.

    Into a folder if there is one at that path, or if it ends with C{/}; else it is the new path.
    """

    verb: ClassVar[str] = "MOVE"
    changes: ClassVar[bool] = True
    answer: ClassVar[type[Record]] = Placed
    path: str
    target: str


@frozen
class DeleteFolder(Request[Count]):
    """
    ``DELETEFOLDER|<path>[|recursive=1]``: remove an empty folder, or all in it; owners only.

    @ivar recursive: everything in it, which must all be yours; an ITEM tells of each document.
    """

    verb: ClassVar[str] = "DELETEFOLDER"
    changes: ClassVar[bool] = True
    answer: ClassVar[type[Record]] = Count
    item: ClassVar[type[Record] | None] = Removed
    path: str
    recursive: bool = False
