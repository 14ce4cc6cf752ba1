"""What the name server may order, and nobody else."""

from __future__ import annotations

from attrs import evolve

from dfs.core.access import Right
from dfs.errors import Invalid, Moved, NotFound, Unauthenticated, Unauthorized
from dfs.wire.greeting import greet
from dfs.wire.messages import DeleteFile, GetFileContent, PutMetadata, Stat
from tests.ss.world import DOCUMENT, SECRET, SERVER, START, WorldTests, entropy, metadata


class OrderTests(WorldTests):
    """PUT_METADATA, DELETE_FILE, GET_FILE_CONTENT."""

    def held(self) -> PutMetadata:
        """The metadata that the server has."""
        document = self.world.store.document(DOCUMENT)
        assert document is not None
        kept = document.metadata
        grants = tuple(f"{right}:{user}" for user, right in kept.access.grants)
        return evolve(metadata(DOCUMENT, grants, kept.number), name=kept.name)

    def test_strangers(self) -> None:
        """H60: a stranger's orders are refused; nothing is read, nothing changed."""
        before = dict(self.world.disk.documents)
        for request in (
            metadata(DOCUMENT, ("w:mallory",), 9),
            DeleteFile(DOCUMENT, 1, "alice"),
            GetFileContent(DOCUMENT, 1, "00"),
        ):
            self.refused(Unauthenticated, request)
        self.assertEqual(self.world.disk.documents, before)

    def test_other_servers(self) -> None:
        """H60: a storage server that knows the secret is still no name server."""
        other = self.world.result(self.world.network.dial(SERVER))
        self.world.result(
            greet(
                other,
                role="ss",
                name="ss2",
                peer_role="ss",
                secret=SECRET,
                entropy=entropy("ss2"),
            )
        )
        self.refused(Unauthorized, DeleteFile(DOCUMENT, 1, "alice"), by=other)

    def test_create(self) -> None:
        """A new document is empty, belongs to its owner, and is made once."""
        document = self.world.store.document(DOCUMENT)
        assert document is not None
        self.assertEqual(document.metadata.access.owner, "alice")
        self.assertEqual(document.current.modified, START)
        self.put(b"text")
        self.world.create()
        self.assertEqual(self.text(), b"text")

    def test_newer_only(self) -> None:
        """Metadata is replaced by newer metadata only, and an older one is no error."""
        self.world.order(metadata(DOCUMENT, ("r:bob", "w:a,b"), 3, name="xä|b.txt"))
        kept = self.held()
        self.assertEqual((kept.grants, kept.name), (("w:a,b", "r:bob"), "xä|b.txt"))
        seq = self.world.disk.seq
        self.world.order(metadata(DOCUMENT, (), 2))
        self.world.order(metadata(DOCUMENT, (), 3))
        self.assertEqual((self.held(), self.world.disk.seq), (kept, seq))

    def test_unknown(self) -> None:
        """Metadata of a document that is not here is refused, unless it is to be made."""
        with self.assertRaises(NotFound):
            self.world.order(metadata("00000000000000ff", (), 1))
        with self.assertRaises(Invalid):
            self.world.order(metadata(DOCUMENT, ("x:bob",), 7))

    def test_metadata_is_no_change_of_text(self) -> None:
        """Rights and names are no part of history: UNDO does not see them."""
        self.world.order(metadata(DOCUMENT, ("w:bob",), 2))
        facts = self.ask(Stat(self.world.ticket()))
        self.assertEqual((facts.version, facts.undo), ("0.0", 0))

    def test_delete(self) -> None:
        """A deleted document leaves a tombstone, and deleting may be repeated."""
        self.put(b"text")
        for _ in range(2):
            self.world.order(DeleteFile(DOCUMENT, 1, "alice"))
        document = self.world.store.document(DOCUMENT)
        assert document is not None
        self.assertTrue(document.deleted)
        self.assertEqual(str(document.version), "2.0")
        self.assertTrue(self.world.nm.notes()[-1].deleted)
        with self.assertRaises(NotFound):
            self.world.order(metadata(DOCUMENT, ("w:bob",), 9))
        with self.assertRaises(NotFound):
            self.world.order(DeleteFile("00000000000000ff", 1, "alice"))

    def test_content(self) -> None:
        """Every content that a document refers to can be fetched, and no other."""
        self.put(b"old " * 50_000)
        self.put(b"new")
        document = self.world.store.document(DOCUMENT)
        assert document is not None
        nm = self.world.call_as_nm()
        for content, text in (
            (document.undo[-1].content, b"old " * 50_000),
            (document.current.content, b"new"),
        ):
            request = GetFileContent(DOCUMENT, 1, content.sha256.hex())
            self.assertEqual(self.content(nm.ask_content(request)), text)
        with self.assertRaises(NotFound):
            self.content(nm.ask_content(GetFileContent(DOCUMENT, 1, "ab" * 32)))

    def test_epochs(self) -> None:
        """An order of the past is refused; one of the future is durable, and ends the lease."""
        with self.assertRaises(Moved):
            self.world.order(DeleteFile(DOCUMENT, 0, "alice"))
        self.world.order(evolve(metadata(DOCUMENT, ("r:bob",), 2), epoch=5))
        self.assertEqual(self.world.disk.identity.epoch, 5)
        self.refused(Moved, Stat(self.world.ticket(right=Right.READ)))
        self.refused(Moved, Stat(self.world.ticket(epoch=5)))
        self.world.nm.epoch = 5
        self.world.pass_time(5)
        self.ask(Stat(self.world.ticket(epoch=5)))
