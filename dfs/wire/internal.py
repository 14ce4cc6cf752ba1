"""
The words that the servers of a cluster say to each other.

Decides which fields each has.  Must not know what a request does.  Nobody but a server that proved
the cluster's secret may send one.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from dfs.wire.records import Applied, Beaten, Done, Drained, Heard, Record, Registered, Stop
from dfs.wire.request import Audience, Request

# ---- storage server to name server


@frozen
class SSRegister(Request[Registered]):
    """
    A storage server is there.  Its name was given, and proved, by HELLO.

    @ivar folders: the number up to which it has every folder.
    """

    verb: ClassVar[str] = "SS_REGISTER"
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Registered
    address: str
    store_id: str
    cluster_id: str
    epoch: int
    last_seq: int
    documents: int
    size: int
    folders: int


@frozen
class Heartbeat(Request[Beaten]):
    """``HEARTBEAT|<epoch>|<documents>|<bytes>``: this storage server lives; may it serve?"""

    verb: ClassVar[str] = "HEARTBEAT"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Beaten
    epoch: int
    documents: int
    size: int


@frozen
class WriteComplete(Request[Heard]):
    """
    A note: one document's newest state; answered when the name server shows it.

    With C{--ack replica} it is answered when the peer has it too, or is known to be away.
    """

    verb: ClassVar[str] = "WRITE_COMPLETE"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Heard
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
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Done
    reason: str


@frozen
class Mend(Request[Done]):
    """
    ``MEND|<sha256>``: a content is damaged here; have what the other member has of it brought.

    Answered when it was brought, with PUT_CONTENT, and is durable.
    """

    verb: ClassVar[str] = "MEND"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Done
    sha256: str


# ---- name server to storage server


@frozen
class PutMetadata(Request[Done]):
    """
    What the name server decided about a document.

    @ivar folder: id of the folder that it stands in, 16 hex digits.
    @ivar grants: C{r:<user>} or C{w:<user>} each.
    @ivar named: the number with which it got its folder and name.
    @ivar create: make an empty document if there is none.
    """

    verb: ClassVar[str] = "PUT_METADATA"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Done
    id: str
    epoch: int
    folder: str
    name: str
    owner: str
    grants: tuple[str, ...]
    created: float
    number: int
    named: int
    create: bool = False


@frozen
class PutFolders(Request[Done]):
    """
    ``PUT_FOLDERS|<epoch>|<number>|bytes=<n>``: what is new about folders.

    What follows is what L{dfs.wire.branches} writes.

    @ivar number: with these, every folder up to this number is known.
    """

    verb: ClassVar[str] = "PUT_FOLDERS"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Done
    takes_content: ClassVar[bool] = True
    epoch: int
    number: int


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
    """
    ``GET_FILE_CONTENT|<id>|<epoch>[|sha256=<hex>]``: a document, or one content of it.

    Without C{sha256=} DATA is the record of one committed version and, if it is small, the present
    text, as L{dfs.wire.parts} writes them; STOP's hash is of all of it.

    @ivar sha256: the content that is wanted, bare.
    """

    verb: ClassVar[str] = "GET_FILE_CONTENT"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Stop
    id: str
    epoch: int
    sha256: str = ""


@frozen
class PutFileContent(Request[Applied]):
    """
    ``PUT_FILE_CONTENT|<id>|<epoch>[|orphan=<server>]|bytes=<n>``: a copy of a document.

    What follows is the record and contents, as L{dfs.wire.parts} writes them.

    @ivar orphan: the returned member that alone has this version: judge it.  Empty: it is the
        active member's, keep it if it is newer.
    """

    verb: ClassVar[str] = "PUT_FILE_CONTENT"
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Applied
    takes_content: ClassVar[bool] = True
    id: str
    epoch: int
    orphan: str = ""


@frozen
class GetContent(Request[Stop]):
    """``GET_CONTENT|<sha256>|<epoch>``: a content, whatever documents refer to it."""

    verb: ClassVar[str] = "GET_CONTENT"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Stop
    sha256: str
    epoch: int


@frozen
class PutContent(Request[Done]):
    """``PUT_CONTENT|<sha256>|<epoch>|bytes=<n>``: the right bytes of a content that is damaged."""

    verb: ClassVar[str] = "PUT_CONTENT"
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Done
    takes_content: ClassVar[bool] = True
    sha256: str
    epoch: int


@frozen
class Promote(Request[Done]):
    """``PROMOTE|<epoch>``: there is news about who serves; ask with a HEARTBEAT, now."""

    verb: ClassVar[str] = "PROMOTE"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Done
    epoch: int


@frozen
class Drain(Request[Drained]):
    """
    ``DRAIN|<epoch>|<seconds>``: finish, so that the other member can serve.

    New sessions and changes are answered C{BUSY} from now on; answered when no session is open and
    nothing is being committed.  After that many seconds it is refused (C{BUSY}) and the server goes
    on.  The answer to a later HEARTBEAT says that it goes on, too.
    """

    verb: ClassVar[str] = "DRAIN"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Drained
    epoch: int
    seconds: float


@frozen
class Renote(Request[Done]):
    """``RENOTE|<id>|<epoch>``: say again, as a note, what you have of a document."""

    verb: ClassVar[str] = "RENOTE"
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Done
    id: str
    epoch: int


# ---- operator to name server


@frozen
class Admin(Request[Done]):
    """
    ``ADMIN|<deed>|<server or pair>[|other=<server>][|accept_loss=1]``: what operators order.

    Deeds: C{failover}, C{handback}, C{drain}, C{promote}, C{replace}, C{pair}.

    @ivar other: the backup, for C{pair}.
    @ivar accept_loss: do it although something that no other disk has is given up.
    """

    verb: ClassVar[str] = "ADMIN"
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Done
    deed: str
    target: str
    other: str = ""
    accept_loss: bool = False
