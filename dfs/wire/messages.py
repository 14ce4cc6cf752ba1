"""
The words of the protocol: one class per verb, one per shape of answer.

Decides which fields a message has, in which order, and who may send it.  Must not know how a line
is written (L{dfs.wire.codec} does) or what a message does.

A request class has its fixed arguments first; attributes with a default are options that are
written as C{name=value} after them.  To add a verb: a class here, its place in L{REQUESTS}, a
function on the side that answers it, a paragraph in C{docs/protocol.rst}.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from dfs.wire.access import Approve, Deny, RequestAccess, ViewRequests
from dfs.wire.checkpoints import (
    DeleteCheckpoint,
    ListCheckpoints,
    MakeCheckpoint,
    Revert,
    ViewCheckpoint,
)
from dfs.wire.content import Abort, Append, Edit, Etirw, Put, Read, Redo, Stat, Stream, Undo, Write
from dfs.wire.internal import (
    Admin,
    DeleteFile,
    Drain,
    GetContent,
    GetFileContent,
    Goodbye,
    Heartbeat,
    Mend,
    Promote,
    PutContent,
    PutFileContent,
    PutFolders,
    PutMetadata,
    Renote,
    SSRegister,
    WriteComplete,
)
from dfs.wire.locks import LockLine, Locks
from dfs.wire.records import (
    Applied,
    Beaten,
    CheckpointLine,
    Committed,
    Count,
    Created,
    Decided,
    Done,
    Drained,
    Facts,
    Heard,
    HelpLine,
    Info,
    Located,
    Me,
    Opened,
    Placed,
    Ran,
    Record,
    Registered,
    Removed,
    Requested,
    RequestLine,
    Sentence,
    ServerLine,
    StatusLine,
    Stop,
    UserLine,
    ViewLine,
    Welcome,
)
from dfs.wire.request import Audience, Request
from dfs.wire.tree import CreateFolder, DeleteFolder, Move, ViewFolder

__all__ = [
    "PROTOCOL",
    "REQUESTS",
    "Abort",
    "AddAccess",
    "Admin",
    "Append",
    "Applied",
    "Approve",
    "Audience",
    "Beaten",
    "CheckpointLine",
    "Committed",
    "Count",
    "Create",
    "CreateFolder",
    "Created",
    "Decided",
    "Delete",
    "DeleteCheckpoint",
    "DeleteFile",
    "DeleteFolder",
    "Deny",
    "Done",
    "Drain",
    "Drained",
    "Edit",
    "Etirw",
    "Execute",
    "Facts",
    "GetContent",
    "GetFileContent",
    "GetInfo",
    "Goodbye",
    "Heard",
    "Heartbeat",
    "Hello",
    "Help",
    "HelpLine",
    "Info",
    "ListCheckpoints",
    "ListUsers",
    "Locate",
    "Located",
    "LockLine",
    "Locks",
    "Login",
    "MakeCheckpoint",
    "Me",
    "Mend",
    "Move",
    "Opened",
    "Placed",
    "Promote",
    "Prove",
    "Put",
    "PutContent",
    "PutFileContent",
    "PutFolders",
    "PutMetadata",
    "Quit",
    "Ran",
    "Read",
    "Record",
    "Redo",
    "Registered",
    "RemAccess",
    "Removed",
    "Renote",
    "Request",
    "RequestAccess",
    "RequestLine",
    "Requested",
    "Revert",
    "SSRegister",
    "Sentence",
    "ServerLine",
    "Servers",
    "Stat",
    "Status",
    "StatusLine",
    "Stop",
    "Stream",
    "Undo",
    "UserLine",
    "View",
    "ViewCheckpoint",
    "ViewFolder",
    "ViewLine",
    "ViewRequests",
    "Welcome",
    "WhoAmI",
    "Write",
    "WriteComplete",
]

#: Version of the protocol that HELLO names.
PROTOCOL = 1

#: Random bytes that name a client's session in HELLO.
SESSION_BYTES = 8


# ---- both servers


@frozen
class Hello(Request[Welcome]):
    """
    ``HELLO|<version>|<role>|<name>[|nonce=<hex>][|session=<hex>]``: a program says who it is.

    Roles: C{client} (logs C{name} in), C{ss}, C{nm} and C{admin} (must prove it with PROVE).  A
    client that comes back names its C{session} again, and its connection before is closed.
    """

    verb: ClassVar[str] = "HELLO"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Welcome
    version: int
    role: str
    name: str
    nonce: str = ""
    session: str = ""


@frozen
class Prove(Request[Done]):
    """``PROVE|<proof, hex>``: a server shows that it knows the cluster's secret."""

    verb: ClassVar[str] = "PROVE"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Done
    proof: str


@frozen
class Login(Request[Me]):
    """``LOGIN|<user>``: a person says who they are."""

    verb: ClassVar[str] = "LOGIN"
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Me
    user: str


@frozen
class WhoAmI(Request[Me]):
    """``WHOAMI``: who you are here."""

    verb: ClassVar[str] = "WHOAMI"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Me


@frozen
class Help(Request[Count]):
    """``HELP[|about=<verb>]``: what can be asked here, or more about one verb."""

    verb: ClassVar[str] = "HELP"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Count
    item: ClassVar[type[Record] | None] = HelpLine
    about: str = ""


@frozen
class Status(Request[Count]):
    """``STATUS``: how this server is."""

    verb: ClassVar[str] = "STATUS"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Count
    item: ClassVar[type[Record] | None] = StatusLine


@frozen
class Quit(Request[Done]):
    """``QUIT``: answer, then close the connection."""

    verb: ClassVar[str] = "QUIT"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Done


# ---- client to name server


@frozen
class Servers(Request[Count]):
    """``SERVERS``: the storage servers."""

    verb: ClassVar[str] = "SERVERS"
    answer: ClassVar[type[Record]] = Count
    item: ClassVar[type[Record] | None] = ServerLine


@frozen
class ListUsers(Request[Count]):
    """``LIST``: everybody who ever logged in."""

    verb: ClassVar[str] = "LIST"
    answer: ClassVar[type[Record]] = Count
    item: ClassVar[type[Record] | None] = UserLine


@frozen
class View(Request[Count]):
    """``VIEW[|all=1]``: the documents that you may read, or all."""

    verb: ClassVar[str] = "VIEW"
    answer: ClassVar[type[Record]] = Count
    item: ClassVar[type[Record] | None] = ViewLine
    all: bool = False


@frozen
class Create(Request[Created]):
    """``CREATE|<path>``: a new, empty document of yours."""

    verb: ClassVar[str] = "CREATE"
    changes: ClassVar[bool] = True
    answer: ClassVar[type[Record]] = Created
    path: str


@frozen
class Locate(Request[Located]):
    """``LOCATE|<path>|<r or w>``: where a document is, and a ticket for it."""

    verb: ClassVar[str] = "LOCATE"
    answer: ClassVar[type[Record]] = Located
    path: str
    right: str


@frozen
class GetInfo(Request[Info]):
    """``INFO|<path>``: what the name server knows about a document."""

    verb: ClassVar[str] = "INFO"
    answer: ClassVar[type[Record]] = Info
    path: str


@frozen
class Delete(Request[Done]):
    """``DELETE|<path>``: remove a document for ever; owners only."""

    verb: ClassVar[str] = "DELETE"
    changes: ClassVar[bool] = True
    answer: ClassVar[type[Record]] = Done
    path: str


@frozen
class AddAccess(Request[Done]):
    """``ADDACCESS|<path>|<user>|<r or w>``: let somebody read, or write too; owners only."""

    verb: ClassVar[str] = "ADDACCESS"
    changes: ClassVar[bool] = True
    answer: ClassVar[type[Record]] = Done
    path: str
    user: str
    right: str


@frozen
class RemAccess(Request[Done]):
    """``REMACCESS|<path>|<user>``: let somebody in no longer; owners only."""

    verb: ClassVar[str] = "REMACCESS"
    changes: ClassVar[bool] = True
    answer: ClassVar[type[Record]] = Done
    path: str
    user: str


@frozen
class Execute(Request[Ran]):
    """``EXEC|<path>``: run a document as a shell script, in a sandbox at the name server."""

    verb: ClassVar[str] = "EXEC"
    answer: ClassVar[type[Record]] = Ran
    path: str


#: Every verb.  What a server answers is decided by its own table of handlers.
REQUESTS: tuple[type[Request[Record]], ...] = (
    Hello,
    Prove,
    Login,
    WhoAmI,
    Help,
    Status,
    Quit,
    Servers,
    ListUsers,
    View,
    Create,
    Locate,
    GetInfo,
    Delete,
    AddAccess,
    RemAccess,
    RequestAccess,
    ViewRequests,
    Approve,
    Deny,
    CreateFolder,
    ViewFolder,
    Move,
    DeleteFolder,
    Execute,
    Read,
    Stream,
    Stat,
    Put,
    Append,
    Undo,
    Redo,
    MakeCheckpoint,
    ViewCheckpoint,
    Revert,
    ListCheckpoints,
    DeleteCheckpoint,
    Write,
    Edit,
    Etirw,
    Abort,
    SSRegister,
    Heartbeat,
    WriteComplete,
    Goodbye,
    Mend,
    PutMetadata,
    DeleteFile,
    GetFileContent,
    PutFileContent,
    GetContent,
    PutContent,
    PutFolders,
    Promote,
    Drain,
    Renote,
    Locks,
    Admin,
)  # type: ignore[assignment]
