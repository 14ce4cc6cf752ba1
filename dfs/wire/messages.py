"""
The words of the protocol: one class per verb, one per shape of answer.

Decides which fields a message has, in which order, and who may send it.  Must not know how a line
is written (L{dfs.wire.codec} does) or what a message does.

A request class has its fixed arguments first; attributes with a default are options that are
written as C{name=value} after them.  To add a verb: a class here, its place in L{REQUESTS}, a
function on the side that answers it, a paragraph in C{docs/protocol.rst}.
"""

from __future__ import annotations

import enum
from typing import ClassVar, Generic, TypeVar

from attrs import frozen

#: Version of the protocol that HELLO names.
PROTOCOL = 1


class Audience(enum.Enum):
    """Who may send a request."""

    ANYONE = "anyone"
    USER = "user"
    MACHINE = "machine"


class Record:
    """
    What travels in the fields of one line.

    @cvar word: how its line begins when it is an answer.
    """

    __slots__ = ()
    word: ClassVar[str] = "OK"


A = TypeVar("A", bound=Record)


class Request(Record, Generic[A]):
    """
    A question.

    @cvar verb: its first field.
    @cvar audience: who may ask.
    @cvar answer: what ends a good answer.
    @cvar item: what each C{ITEM} line before it holds, if there are any.
    @cvar takes_content: bytes may follow, announced by C{bytes=<n>} or C{bytes=*}.
    """

    __slots__ = ()
    verb: ClassVar[str]
    audience: ClassVar[Audience] = Audience.USER
    answer: ClassVar[type[Record]]
    item: ClassVar[type[Record] | None] = None
    takes_content: ClassVar[bool] = False

    @property
    def subject(self) -> str:
        """The document that this is about, for logs: a path or an id; empty if none."""
        return getattr(self, "path", "") or getattr(self, "ticket", "")[:16]


# ---------------------------------------------------------------------------------- answers


@frozen
class Done(Record):
    """``OK``: it was done."""


@frozen
class Count(Record):
    """``OK|<count>``: that many C{ITEM} lines came before."""

    count: int


@frozen
class Stop(Record):
    """``STOP|<bytes>|<sha256>``: the content is complete; what it should have added up to."""

    word: ClassVar[str] = "STOP"
    size: int
    sha256: str


@frozen
class Welcome(Record):
    """``OK|<version>|<role>|<name>[|nonce=<hex>][|proof=<hex>]``: who is on this side."""

    version: int
    role: str
    name: str
    nonce: str = ""
    proof: str = ""


@frozen
class Me(Record):
    """``OK|<user>``: who you are; empty before LOGIN."""

    user: str


@frozen
class HelpLine(Record):
    """``ITEM|<form>|<meaning>``."""

    form: str
    meaning: str


@frozen
class StatusLine(Record):
    """``ITEM|<name>|<value>``: one fact about a server."""

    name: str
    value: str


@frozen
class ServerLine(Record):
    """
    ``ITEM|<name>|<role>|<state>|<pair>|<epoch>|<address>|<documents>|<bytes>|<silent>``.

    @ivar role: C{primary} or C{backup}.
    @ivar state: C{LIVE}, C{FAILED}, C{HELD}.
    @ivar pair: name of the pair's home primary.
    @ivar protection: of the pair: C{UNPROTECTED} or its state.
    @ivar silent: seconds since it was heard.
    """

    word: ClassVar[str] = "ITEM"
    name: str
    role: str
    state: str
    pair: str
    protection: str
    epoch: int
    address: str
    documents: int
    size: int
    silent: float


@frozen
class UserLine(Record):
    """``ITEM|<user>|<online>``."""

    user: str
    online: bool


@frozen
class ViewLine(Record):
    """
    ``ITEM|<path>|<owner>|<right>|<words>|<characters>|<size>|<modified>|<by>|<server>|<replica>``.

    @ivar right: what the asker may do: C{r}, C{w}, C{o} or C{-}.
    @ivar modified: seconds since the epoch.
    @ivar replica: state of the copy on the peer.
    """

    path: str
    owner: str
    right: str
    words: int
    characters: int
    size: int
    modified: float
    modified_by: str
    server: str
    replica: str


@frozen
class Created(Record):
    """``OK|<id>``."""

    id: str


@frozen
class Located(Record):
    """
    ``OK|<id>|<pair>|<server>|<address>|<epoch>|<expires>|<ticket>``.

    @ivar address: C{host:port} of the active server.
    @ivar expires: when the ticket ends, seconds since the epoch.
    """

    id: str
    pair: str
    server: str
    address: str
    epoch: int
    expires: int
    ticket: str


@frozen
class Info(Record):
    """
    What the name server knows about a document.

    @ivar grants: C{r:<user>} or C{w:<user>} each.
    @ivar sha256: hex.
    @ivar replica: name of the peer, empty if there is none.
    """

    id: str
    path: str
    owner: str
    created: float
    modified: float
    modified_by: str
    size: int
    words: int
    characters: int
    sentences: int
    version: str
    sha256: str
    grants: tuple[str, ...]
    right: str
    server: str
    state: str
    replica: str
    replica_current: bool
    checkpoints: int
    conflicts: int


@frozen
class Facts(Record):
    """
    What the storage server knows about a document (answer to STAT).

    @ivar locks: C{<user> <since, ISO time> <sentence text, shortened>} each.
    @ivar accessed: when it was last read, seconds since the epoch; 0 if unknown.
    @ivar undo: how many changes can be taken back.
    """

    version: str
    size: int
    words: int
    characters: int
    sentences: int
    is_text: bool
    sha256: str
    modified: float
    modified_by: str
    accessed: float
    accessed_by: str
    undo: int
    redo: int
    locks: tuple[str, ...]
    checkpoints: tuple[str, ...]
    conflicts: tuple[str, ...]


@frozen
class Opened(Record):
    """``OK|<session>|<words>|<sentence>``: the sentence is locked; valid words are 0 … words."""

    session: str
    words: int
    sentence: str


@frozen
class Sentence(Record):
    """``OK|<words>|<sentence>``: how it reads now."""

    words: int
    sentence: str


@frozen
class Committed(Record):
    """``OK|<version>|<size>|<words>|<characters>``: durable."""

    version: str
    size: int
    words: int
    characters: int


@frozen
class Registered(Record):
    """
    ``OK|<cluster id>|<epoch>|<noted>|<home>``.

    @ivar noted: the newest change of this store that the name server has made durable.
    @ivar home: the server is its pair's home primary.
    """

    cluster_id: str
    epoch: int
    noted: int
    home: bool


# -------------------------------------------------------------------- requests: both servers


@frozen
class Hello(Request[Welcome]):
    """
    ``HELLO|<version>|<role>|<name>[|nonce=<hex>]``: a program says who it is.

    Roles: C{client} (logs C{name} in), C{ss} and C{nm} (must prove it with PROVE).
    """

    verb: ClassVar[str] = "HELLO"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Welcome
    version: int
    role: str
    name: str
    nonce: str = ""


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
    """``HELP[|about=<verb>]``: what can be asked here (a person may type ``HELP|READ``)."""

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


# --------------------------------------------------------- requests: client to name server


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
    """``DELETE|<path>``: owners only."""

    verb: ClassVar[str] = "DELETE"
    answer: ClassVar[type[Record]] = Done
    path: str


@frozen
class AddAccess(Request[Done]):
    """``ADDACCESS|<path>|<user>|<r or w>``: owners only."""

    verb: ClassVar[str] = "ADDACCESS"
    answer: ClassVar[type[Record]] = Done
    path: str
    user: str
    right: str


@frozen
class RemAccess(Request[Done]):
    """``REMACCESS|<path>|<user>``: owners only."""

    verb: ClassVar[str] = "REMACCESS"
    answer: ClassVar[type[Record]] = Done
    path: str
    user: str


# ------------------------------------------------------ requests: client to storage server


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
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Committed
    takes_content: ClassVar[bool] = True
    ticket: str


@frozen
class Append(Request[Committed]):
    """``APPEND|<ticket>|<text>`` or ``APPEND|<ticket>||bytes=<n>``: add to the end."""

    verb: ClassVar[str] = "APPEND"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Committed
    takes_content: ClassVar[bool] = True
    ticket: str
    text: str


@frozen
class Undo(Request[Committed]):
    """``UNDO|<ticket>``: take the last change back."""

    verb: ClassVar[str] = "UNDO"
    audience: ClassVar[Audience] = Audience.ANYONE
    answer: ClassVar[type[Record]] = Committed
    ticket: str


@frozen
class Redo(Request[Committed]):
    """``REDO|<ticket>``: bring back what UNDO took."""

    verb: ClassVar[str] = "REDO"
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


# ------------------------------------------------ requests: storage server to name server


@frozen
class SSRegister(Request[Registered]):
    """
    ``SS_REGISTER|<address>|<store id>|<cluster id>|<epoch>|<last seq>|<documents>|<bytes>``.

    The name was given, and proved, by HELLO.
    """

    verb: ClassVar[str] = "SS_REGISTER"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Registered
    address: str
    store_id: str
    cluster_id: str
    epoch: int
    last_seq: int
    documents: int
    size: int


@frozen
class Heartbeat(Request[Done]):
    """``HEARTBEAT|<epoch>|<documents>|<bytes>``: this storage server lives."""

    verb: ClassVar[str] = "HEARTBEAT"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Done
    epoch: int
    documents: int
    size: int


@frozen
class WriteComplete(Request[Done]):
    """A note: one document's newest state; answered when the name server shows it."""

    verb: ClassVar[str] = "WRITE_COMPLETE"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Done
    seq: int
    id: str
    version: str
    epoch: int
    sha256: str
    size: int
    words: int
    characters: int
    sentences: int
    is_text: bool
    modified: float
    modified_by: str
    metadata_number: int
    checkpoints: int
    conflicts: int
    deleted: bool


@frozen
class Goodbye(Request[Done]):
    """``GOODBYE|<reason>``: this storage server stops on purpose."""

    verb: ClassVar[str] = "GOODBYE"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Done
    reason: str


# ------------------------------------------------ requests: name server to storage server


@frozen
class PutMetadata(Request[Done]):
    """
    ``PUT_METADATA|<id>|<epoch>|<path>|<owner>|<grants>|<created>|<number>[|create=1]``.

    @ivar grants: C{r:<user>} or C{w:<user>} each.
    @ivar create: make an empty document if there is none.
    """

    verb: ClassVar[str] = "PUT_METADATA"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Done
    id: str
    epoch: int
    path: str
    owner: str
    grants: tuple[str, ...]
    created: float
    number: int
    create: bool = False


@frozen
class DeleteFile(Request[Done]):
    """``DELETE_FILE|<id>|<epoch>|<user>``: bury a document; refused while it is edited."""

    verb: ClassVar[str] = "DELETE_FILE"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Done
    id: str
    epoch: int
    user: str


@frozen
class GetFileContent(Request[Stop]):
    """``GET_FILE_CONTENT|<id>|<epoch>|<sha256>``: one content of a document, as DATA and STOP."""

    verb: ClassVar[str] = "GET_FILE_CONTENT"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Stop
    id: str
    epoch: int
    sha256: str


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
    Read,
    Stream,
    Stat,
    Put,
    Append,
    Undo,
    Redo,
    Write,
    Edit,
    Etirw,
    Abort,
    SSRegister,
    Heartbeat,
    WriteComplete,
    Goodbye,
    PutMetadata,
    DeleteFile,
    GetFileContent,
)  # type: ignore[assignment]
