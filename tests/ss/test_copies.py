"""Copies of whole documents: given, and taken."""

from __future__ import annotations

import hashlib
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred

from dfs.core.documents import Checkpoint
from dfs.core.history import content_of
from dfs.core.versions import Version
from dfs.errors import (
    Conflict,
    Corrupt,
    Invalid,
    Locked,
    Moved,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from dfs.store.encoding import decode_record, encode_record
from dfs.wire.messages import (
    Applied,
    DeleteFile,
    Edit,
    Etirw,
    GetFileContent,
    Promote,
    PutFileContent,
    Write,
)
from dfs.wire.parts import HEADER_BYTES, header, part, read_header
from tests.ss.copying import LARGE, OTHER, CopyTests, document, lacking, packed, revision, tombstone
from tests.ss.world import DOCUMENT, START, SlowDisk, World


class GetTests(CopyTests):
    """GET_FILE_CONTENT without a hash."""

    def parts(self) -> list[bytes]:
        """The parts of a fetched copy, verified."""
        data = self.fetch()
        found, at = [], 0
        while at < len(data):
            sha256, size = read_header(data, at)
            at += HEADER_BYTES
            found.append(data[at : at + size])
            self.assertEqual(hashlib.sha256(found[-1]).digest(), sha256)
            at += size
        return found

    def test_small(self) -> None:
        """A small text comes with its record."""
        self.put(b"one")
        self.put(b"two")
        record, text = self.parts()
        self.assertEqual(decode_record(record), self.kept())
        self.assertEqual(text, b"two")

    def test_large(self) -> None:
        """Of a large text the record comes, and the text to whoever asks for it."""
        self.put(LARGE)
        [record] = self.parts()
        content = decode_record(record).current.content
        self.assertEqual(self.fetch(content.sha256.hex()), LARGE)

    def test_empty_and_deleted(self) -> None:
        """An empty document and a tombstone are records alone."""
        self.assertEqual([decode_record(one) for one in self.parts()], [self.kept()])
        self.world.order(DeleteFile(DOCUMENT, 1, "alice"))
        [record] = self.parts()
        self.assertTrue(decode_record(record).deleted)
        with self.assertRaises(NotFound):
            self.content(self.nm.ask_content(GetFileContent(OTHER, 1)))

    def test_damaged(self) -> None:
        """Damaged bytes are not sent on."""
        self.put(b"text")
        self.world.disk.damage(self.kept().current.content.sha256)
        with self.assertRaises(Corrupt):
            self.fetch()
        self.put(LARGE)
        sha256 = self.kept().current.content.sha256
        self.world.disk.damage(sha256)
        with self.assertRaises(Corrupt):
            self.fetch(sha256.hex())

    def test_epochs(self) -> None:
        """A fetch of the past is refused, and one by a stranger."""
        self.world.order(Promote(2))
        with self.assertRaises(Moved):
            self.fetch()
        with self.assertRaises(Unauthenticated):
            self.fetch(by=self.alice)

    def test_snapshot(self) -> None:
        """The text of one version is read to its end, whatever is committed meanwhile."""
        self.put(LARGE)
        sha256 = self.kept().current.content.sha256.hex()
        contents = self.nm.ask_content(GetFileContent(DOCUMENT, 1, sha256))
        first = self.world.result(contents.read())
        for number in range(20):
            self.put(b"%d" % number)
        self.assertEqual(first + self.content(contents), LARGE)


class PutTests(CopyTests):
    """PUT_FILE_CONTENT from the active member."""

    def test_newer(self) -> None:
        """A newer copy is applied as a whole, and told to the name server."""
        copy = document("3.0", b"now", undo=(b"one", b"two"))
        applied = self.give(copy, b"now", b"one", b"two")
        self.assertEqual(applied, Applied("3.0", 1))
        self.assertEqual(self.kept(), copy)
        self.assertEqual(self.text(), b"now")
        self.assertEqual(self.world.nm.notes()[-1].version, "3.0")
        self.nothing_left()

    def test_unknown(self) -> None:
        """A document that never was here is made."""
        copy = document("2.1", b"text", id=OTHER)
        self.assertEqual(self.give(copy, b"text", id=OTHER), Applied("2.1", 1))
        self.assertEqual(self.kept(OTHER), copy)

    def test_repeated(self) -> None:
        """A push that comes again, or late, changes nothing."""
        self.give(document("3.0", b"new"), b"new")
        seq = self.world.disk.seq
        for late in (document("3.0", b"new"), document("2.0", b"old"), document("0.0")):
            contents = [one for one in (b"new", b"old") if content_of(one) in late.contents()]
            self.assertEqual(self.give(late, *contents), Applied("3.0", 1))
        self.assertEqual((self.text(), self.world.disk.seq), (b"new", seq))
        self.nothing_left()

    def test_concurrent(self) -> None:
        """A copy that is neither newer nor older is refused, and nothing changes."""
        self.give(document("3.0", b"here"), b"here")
        self.given(Conflict, packed(document("2.1", b"there"), b"there"))

    def test_lacks(self) -> None:
        """Contents that are nowhere are asked for, forty as well as one; then it is applied."""
        older = tuple(b"text %d" % number for number in range(40))
        copy = document("41.0", b"now", undo=older)
        applied = self.give(copy, b"now")
        self.assertEqual(applied, Applied("0.0", 1, lacking(*older)))
        self.assertEqual(self.kept().version, Version(0, 0))
        self.nothing_left()
        self.assertEqual(self.give(copy, b"now", *older), Applied("41.0", 1))
        # What is here already need not be sent again.
        copy = document("42.0", b"next", undo=(*older, b"now"))
        self.assertEqual(self.give(copy, b"next"), Applied("42.0", 1))
        self.assertEqual(self.kept(), copy)

    def test_lacks_of_unknown(self) -> None:
        """A server that never heard of the document has version 0.0 of it, and number 0."""
        copy = document("1.0", LARGE, id=OTHER)
        self.assertEqual(self.give(copy, id=OTHER), Applied("0.0", 0, lacking(LARGE)))

    def test_large(self) -> None:
        """Large contents are streamed."""
        copy = document("2.0", LARGE, undo=(LARGE[:-1],))
        self.assertEqual(self.give(copy, LARGE, LARGE[:-1]), Applied("2.0", 1))
        self.assertEqual(self.text(), LARGE)
        self.nothing_left()

    def test_cut(self) -> None:
        """A transfer that is cut off leaves the old version whole."""
        self.put(b"old")
        data = packed(document("2.0", LARGE), LARGE)
        for kept in (0, 10, HEADER_BYTES, len(data) - LARGE.__len__() - 10, len(data) - 1):
            self.given(Invalid, data[:kept])
        self.assertEqual(self.text(), b"old")

    def test_disconnected(self) -> None:
        """The same if the connection breaks in the middle."""
        self.put(b"old")
        gate: Deferred[bytes] = Deferred()
        pieces: list[Any] = [gate, packed(document("2.0", LARGE), LARGE)[:300_000]]
        sending = self.nm.send(PutFileContent(DOCUMENT, 1), lambda: pieces.pop())
        self.world.pass_time(0.1)
        self.assertEqual(len(self.world.disk.documents), 1)
        self.nm.close(abort=True)
        self.world.pass_time(0.1)
        self.failureResultOf(sending, Unavailable)
        gate.callback(b"")
        self.assertEqual(self.text(), b"old")
        self.nothing_left()

    def test_damaged(self) -> None:
        """A part whose hash is another than it says is refused, the record first of all."""
        copy = document("2.0", LARGE)
        good = packed(copy, LARGE)
        self.given(Corrupt, good[:-1] + b"?")
        record = encode_record(copy)
        self.given(Corrupt, part(record)[:-1] + b"?")
        self.given(Invalid, part(record[:-1]))
        self.given(Invalid, part(b"nothing of the kind"))
        self.given(Invalid, header(b"x" * 32, 2**60))

    def test_strange(self) -> None:
        """Contents that the record does not name, or twice, are refused; and another record."""
        self.given(Invalid, packed(document("2.0", b"text"), b"something else"))
        self.given(Invalid, packed(document("2.0", b"text"), b"text", b"text"))
        self.given(Invalid, packed(document("2.0", b"text", id=OTHER), b"text"))

    def test_tombstone(self) -> None:
        """Deletions travel the same way, and an older copy does not bring the document back."""
        self.put(b"text")
        self.assertEqual(self.give(tombstone("2.0")), Applied("2.0", 1))
        self.assertTrue(self.kept().deleted)
        self.assertEqual(self.give(document("1.0", b"text"), b"text"), Applied("2.0", 1))
        self.assertTrue(self.kept().deleted)
        self.assertEqual(self.give(tombstone("3.0"), id=DOCUMENT), Applied("3.0", 1))

    def test_epochs(self) -> None:
        """A push of the past is refused; one of the future is obeyed when its epoch is durable."""
        self.world.nm.epoch = 2
        self.give(document("2.0", b"new"), b"new")
        self.assertEqual(self.world.disk.identity.epoch, 2)
        self.world.nm.epoch = 1
        self.given(Moved, packed(document("3.0", b"old"), b"old"))
        self.world.nm.epoch = 2

    def test_metadata(self) -> None:
        """The metadata with the higher number is kept, whichever text is newer."""
        copy = document("2.0", b"text")
        renamed = evolve(copy.metadata, name="b.txt", number=5)
        self.give(evolve(copy, metadata=renamed), b"text")
        self.assertEqual(self.give(document("3.0", b"t"), b"t"), Applied("3.0", 5))
        self.assertEqual(self.kept().metadata, renamed)
        newer = evolve(copy.metadata, name="c.txt", number=6)
        self.assertEqual(
            self.give(evolve(document("1.0", b"x"), metadata=newer), b"x"), Applied("3.0", 6)
        )
        self.assertEqual(self.text(), b"t")

    def test_edited(self) -> None:
        """The text of a document is not replaced under those who edit it; the rest may be."""
        self.put(b"One. Two.")
        self.ask(Write(self.world.ticket(), 1))
        self.ask(Edit(0, "x"))
        own = self.kept()
        self.given(Locked, packed(document("2.0", b"new"), b"new"))
        self.given(Locked, packed(tombstone("2.0")))
        kept = Checkpoint("tag", revision(b"kept"), START, "bob")
        copy = evolve(own, version=Version(2, 0), checkpoints=(kept,))
        self.assertEqual(self.give(copy, b"kept"), Applied("2.0", 1))
        self.ask(Etirw())
        self.assertEqual(self.text(), b"One. x Two.")
        self.assertEqual(self.kept().checkpoints, (kept,))

    def test_lost_meanwhile(self) -> None:
        """A content that another document let go of while the copy was committed is asked for."""
        disk = SlowDisk()
        self.end()
        self.world = World(later=disk.later)
        self.world.create()
        self.alice = self.world.call()
        self.nm = self.world.call_as_nm()
        self.put(b"shared")
        disk.slow = True
        deleting = self.world.call_as_nm().ask(DeleteFile(DOCUMENT, 1, "alice"))
        self.world.pass_time(0.1)
        copying = self.start(packed(document("1.0", b"shared", id=OTHER)), id=OTHER)
        self.world.pass_time(0.1)
        disk.work()
        self.world.result(deleting)
        self.assertEqual(self.world.result(copying), Applied("0.0", 0, lacking(b"shared")))
