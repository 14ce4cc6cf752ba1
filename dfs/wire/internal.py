"""
The words that the servers of a cluster say to each other.

Decides which fields each has.  Must not know what a request does.  Nobody but a server that proved
the cluster's secret may send one.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen

from dfs.wire.records import Done, Record, Registered, Stop
from dfs.wire.request import Audience, Request

# ---- storage server to name server


@frozen
class SSRegister(Request[Registered]):
    """
    ``SS_REGISTER|<address>|<store id>|<cluster id>|<epoch>|<last seq>|<documents>|<bytes>``.

    The name was given, and proved, by HELLO.
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
    changes: ClassVar[bool] = True
    audience: ClassVar[Audience] = Audience.MACHINE
    answer: ClassVar[type[Record]] = Done
    reason: str


# ---- name server to storage server


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
