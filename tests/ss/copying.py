"""
Copies of documents, and a storage server that gives and takes them.
"""

from __future__ import annotations

import hashlib

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from dfs.core.access import AccessList
from dfs.core.documents import Document, Metadata, Revision
from dfs.core.history import Stamp, buried, content_of, created
from dfs.core.versions import Version
from dfs.store.encoding import encode_record
from dfs.wire.client import Connection
from dfs.wire.messages import (
    Applied,
    GetFileContent,
    PutFileContent,
)
from dfs.wire.parts import part
from tests.ss.world import DOCUMENT, START, WorldTests

OTHER = "00000000000000d2"


#: Larger than what travels with a record, and than a piece.
LARGE = b"0123456789abcde\n" * 50_000


def document(
    version: str, text: bytes = b"", *, undo: tuple[bytes, ...] = (), id: str = DOCUMENT
) -> Document:
    """A state of a document, with C{undo} as its older texts."""
    new = created(id, Metadata(0, "a.txt", AccessList("alice"), START, 1, 1))
    return evolve(
        new,
        version=Version.parse(version),
        current=revision(text),
        undo=tuple(revision(one) for one in undo),
    )


def revision(text: bytes) -> Revision:
    """A text that bob wrote."""
    return Revision(content_of(text), START + 1, "bob")


def tombstone(version: str) -> Document:
    """A deleted document."""
    stamp = Stamp("alice", START + 2, 1, home=True)
    return evolve(buried(document("0.0"), stamp), version=Version.parse(version))


def packed(copy: Document, *contents: bytes) -> bytes:
    """A copy as it travels."""
    return part(encode_record(copy)) + b"".join(map(part, contents))


def lacking(*contents: bytes) -> tuple[str, ...]:
    """What C{lacks} says of these contents."""
    return tuple(f"{hashlib.sha256(one).hexdigest()}:{len(one)}" for one in contents)


class CopyTests(WorldTests):
    """What both directions need."""

    def setUp(self) -> None:
        super().setUp()
        self.nm = self.world.call_as_nm()

    def start(self, data: bytes, orphan: str = "", id: str = DOCUMENT) -> Deferred[Applied]:
        """Send a copy, in pieces that are cut at odd places."""
        pieces = [data[at : at + 9_999] for at in range(0, len(data), 9_999)]
        pieces.reverse()
        request = PutFileContent(id, self.world.nm.epoch, orphan)
        return self.nm.send(request, lambda: pieces.pop() if pieces else b"")

    def give(
        self, copy: Document, *contents: bytes, orphan: str = "", id: str = DOCUMENT
    ) -> Applied:
        """Send a copy and see what comes of it."""
        return self.world.result(self.start(packed(copy, *contents), orphan, id))

    def given(self, error: type[Exception], data: bytes, orphan: str = "") -> str:
        """Send a copy that is refused; nothing has changed."""
        before = (dict(self.world.disk.documents), self.world.disk.seq)
        outcome = self.world.outcome(self.start(data, orphan))
        assert isinstance(outcome, Failure), outcome
        outcome.trap(error)
        self.assertEqual((self.world.disk.documents, self.world.disk.seq), before)
        self.nothing_left()
        return outcome.getErrorMessage()

    def nothing_left(self) -> None:
        """No content is kept that nothing refers to."""
        self.assertEqual(self.world.store._received, [])

    def kept(self, id: str = DOCUMENT) -> Document:
        """What the server has."""
        found = self.world.store.document(id)
        assert found is not None
        return found

    def fetch(self, sha256: str = "", by: Connection | None = None) -> bytes:
        """What the server sends."""
        asked = (by or self.nm).ask_content(GetFileContent(DOCUMENT, self.world.nm.epoch, sha256))
        return self.content(asked)
