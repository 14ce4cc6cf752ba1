"""
The shapes of answers: what stands in the fields of C{OK}, C{ITEM} and C{STOP} lines.

Decides which fields an answer has and in which order.  Must not know which request it answers, nor
how a line is written.
"""

from __future__ import annotations

from typing import ClassVar

from attrs import frozen


class Record:
    """
    What travels in the fields of one line.

    @cvar heading: how its line begins when it ends an answer.
    """

    __slots__ = ()
    heading: ClassVar[str] = "OK"


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

    heading: ClassVar[str] = "STOP"
    size: int
    sha256: str


@frozen
class Ran(Stop):
    """
    ``STOP|<bytes>|<sha256>|<status>|<note>``: a script has ended, and this was all of its output.

    @ivar status: what it ended with, as a shell says it; 0: all went well.
    @ivar note: why it was ended, if it did not end by itself.
    """

    status: int
    note: str


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
    """
    ``ITEM|<verb>|<arguments>|<meaning>``.

    @ivar arguments: separated by spaces here, because the separator of the wire would be escaped.
    """

    verb: str
    arguments: str
    meaning: str


@frozen
class StatusLine(Record):
    """``ITEM|<name>|<value>``: one fact about a server."""

    name: str
    value: str


@frozen
class ServerLine(Record):
    """
    A storage server, and how its pair is.

    @ivar role: by its name: C{primary} or C{backup}.
    @ivar state: C{AWAITED}, C{JOINING}, C{LIVE}, C{FAILED} or C{HELD}.
    @ivar pair: name of the pair's home primary.
    @ivar protection: the state of the pair.
    @ivar silent: seconds since it was heard; below 0 if it was not since the name server began.
    @ivar active: it serves the documents of its pair, or served them last.
    @ivar lag_documents: of its pair: documents of which the peer lacks something.
    @ivar lag_seconds: for how long it has lacked the oldest of them.
    @ivar behind: of its pair: documents of which the active member lacks something.
    @ivar conflicts: versions in its pair that lost against others and are kept.
    """

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
    active: bool
    lag_documents: int
    lag_seconds: float
    behind: int
    conflicts: int


@frozen
class UserLine(Record):
    """``ITEM|<user>|<online>``."""

    user: str
    online: bool


@frozen
class ViewLine(Record):
    """
    ``ITEM|<path>|<owner>|<right>|<words>|<characters>|<size>|<modified>|<by>|<server>|<replica>``.

    Of a folder, which ends with C{|folder=1}, only path, owner, right and C{modified} (when it was
    made) mean something.

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
    folder: bool = False


@frozen
class Placed(Record):
    """``OK|<path>``: where it stands now."""

    path: str


@frozen
class Removed(Record):
    """``ITEM|<path>``: what was deleted."""

    path: str


@frozen
class Requested(Record):
    """``OK|<id>``: the request waits under that number."""

    id: int


@frozen
class RequestLine(Record):
    """
    ``ITEM|<id>|<path>|<user>|<right>|<when>|<owner>``: somebody asks to be let in.

    @ivar path: where the document stands now.
    @ivar right: C{r} or C{w}.
    @ivar when: seconds since the epoch.
    """

    id: int
    path: str
    user: str
    right: str
    when: float
    owner: str


@frozen
class Decided(Record):
    """``OK|<path>|<user>|<right>``: what the request was about."""

    path: str
    user: str
    right: str


@frozen
class Created(Record):
    """``OK|<id>``."""

    id: str


@frozen
class Located(Record):
    """
    ``OK|<id>|<pair>|<server>|<address>|<epoch>|<expires>|<ticket>[|behind=1]``.

    @ivar address: C{host:port} of the active server.
    @ivar expires: when the ticket ends, seconds since the epoch.
    @ivar behind: the other member of the pair, which is away, has a newer version.
    """

    id: str
    pair: str
    server: str
    address: str
    epoch: int
    expires: int
    ticket: str
    behind: bool = False


@frozen
class Info(Record):
    """
    What the name server knows about a document.

    @ivar grants: C{r:<user>} or C{w:<user>} each.
    @ivar sha256: hex.
    @ivar replica: name of the peer, empty if there is none.
    @ivar replica_current: the peer has this version.
    @ivar protection: state of the pair.
    @ivar behind: a newer version is known, which the server that serves it lacks.
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
    protection: str
    behind: bool


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
class CheckpointLine(Record):
    """
    ``ITEM|<tag>|<size>|<words>|<made>|<by>|<conflict>|<sha256>``: a text that is kept.

    @ivar made: seconds since the epoch.
    @ivar conflict: it lost against another version when a server returned.
    @ivar sha256: of the text, hex.
    """

    tag: str
    size: int
    words: int
    made: float
    made_by: str
    conflict: bool
    sha256: str


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
    """
    ``OK|<version>|<size>|<words>|<characters>[|solo=1]``: durable.

    @ivar solo: with C{--ack replica}: on this server only, because its peer is away.
    """

    version: str
    size: int
    words: int
    characters: int
    solo: bool = False


@frozen
class Registered(Record):
    """
    ``OK|<cluster id>|<epoch>|<noted>|<home>|<heartbeat>|<lease>``.

    @ivar noted: the newest change of this store that the name server has made durable.
    @ivar home: the server is its pair's home primary.
    @ivar heartbeat: seconds from one heartbeat to the next.
    @ivar lease: seconds that the answer to a heartbeat lets it serve, from when that was sent.
    """

    cluster_id: str
    epoch: int
    noted: int
    home: bool
    heartbeat: float
    lease: float


@frozen
class Beaten(Record):
    """
    ``OK|<epoch>|<serve>[|drain=1][|wait=1][|refuse=1]``: the answer to a heartbeat.

    @ivar serve: this server is the active one of its pair in that epoch: the lease is renewed.
    @ivar drain: it was asked to finish and has not been told to go on.
    @ivar wait: a note is answered when the peer has the change too, and clients wait for that.
    @ivar refuse: nothing may be changed now, because the peer is away (C{--solo refuse}).
    """

    epoch: int
    serve: bool
    drain: bool = False
    wait: bool = False
    refuse: bool = False


@frozen
class Heard(Record):
    """
    ``OK[|solo=1]``: a note is shown.

    @ivar solo: with C{--ack replica}: the peer is away, and that is written down.
    """

    solo: bool = False


@frozen
class Applied(Record):
    """
    ``OK|<version>|<number>[|lacks=<sha256>:<bytes>,…]``: what a member has of a document now.

    @ivar version: of the texts.
    @ivar number: of the metadata.
    @ivar lacks: contents without which nothing could be done; send them along.
    """

    version: str
    number: int
    lacks: tuple[str, ...] = ()


@frozen
class Drained(Record):
    """``OK|<last seq>``: nothing is being changed; C{last_seq} is the newest change."""

    last_seq: int
