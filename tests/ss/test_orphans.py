"""What only a returned member has, and what two members say of one document."""

from __future__ import annotations

from dfs.errors import (
    Conflict,
    Locked,
    NotFound,
)
from dfs.wire.messages import (
    Append,
    Applied,
    DeleteFile,
    GetFileContent,
    PutFileContent,
    Renote,
    Undo,
    Write,
)
from dfs.wire.parts import header
from tests.ss.copying import LARGE, OTHER, CopyTests, document, lacking, packed, tombstone
from tests.ss.world import DOCUMENT, World


class OrphanTests(CopyTests):
    """PUT_FILE_CONTENT of what only the returned member has."""

    def setUp(self) -> None:
        super().setUp()
        self.world.stop()
        self.world.nm.home, self.world.nm.epoch = False, 2
        self.world.start()
        self.alice = self.world.call()
        self.nm = self.world.call_as_nm()

    def append(self, text: str) -> str:
        """A change on this member, the backup."""
        return self.ask(Append(self.world.ticket(epoch=2), text)).version

    def tags(self) -> list[str]:
        """The checkpoints, without their times."""
        return [one.tag[: len("conflict-ss1")] for one in self.kept().checkpoints]

    def test_adopted(self) -> None:
        """Untouched here since: adopted as this member's own commit, once."""
        for _ in range(2):
            applied = self.give(document("2.0", b"there"), b"there", orphan="ss1")
            self.assertEqual(applied, Applied("2.1", 1))
        self.assertEqual(self.kept().epoch, 2)

    def test_both_changed(self) -> None:
        """Changed here too: both texts are kept, once."""
        self.assertEqual(self.append("here"), "0.1")
        copy = document("1.0", b"there")
        self.assertEqual(self.give(copy, orphan="ss1").lacks, lacking(b"there"))
        for _ in range(2):
            self.assertEqual(self.give(copy, b"there", orphan="ss1"), Applied("1.2", 1))
        self.assertEqual(self.tags(), ["conflict-ss1"])
        content = self.kept().checkpoints[0].revision.content
        self.assertEqual(self.fetch(content.sha256.hex()), b"there")

    def test_deleted_here(self) -> None:
        """Deleted here, changed there: refused, and taken under another id; once."""
        self.world.order(DeleteFile(DOCUMENT, 2, "alice"))
        copy = document("1.0", b"there")
        self.given(Conflict, packed(copy, b"there"), orphan="ss1")
        for _ in range(2):
            applied = self.give(copy, b"there", orphan="ss1", id=OTHER)
            self.assertEqual(applied, Applied("1.1", 0))
        self.assertEqual((self.kept(OTHER).id, self.kept(DOCUMENT).deleted), (OTHER, True))

    def test_deleted_there(self) -> None:
        """A deletion is adopted like any other change."""
        self.assertEqual(self.give(tombstone("1.0"), orphan="ss1"), Applied("1.1", 1))
        self.assertTrue(self.kept().deleted)

    def test_while_edited(self) -> None:
        """A conflict can be kept while somebody edits; adopting waits."""
        self.append("here")
        self.ask(Write(self.world.ticket(epoch=2), 0))
        self.give(document("1.0", b"there"), b"there", orphan="ss1")
        self.assertEqual(self.tags(), ["conflict-ss1"])
        self.given(Locked, packed(document("2.2", b"new"), b"new"), orphan="ss1")


class RenoteTests(CopyTests):
    """RENOTE."""

    def test_again(self) -> None:
        """What the server has is told again, tombstones too."""
        self.put(b"text")
        told = self.world.nm.notes()[-1]
        self.world.order(Renote(DOCUMENT, 1))
        self.world.pass_time(0.1)
        self.assertEqual(self.world.nm.notes()[-2:], [told, told])
        self.world.order(DeleteFile(DOCUMENT, 1, "alice"))
        self.world.order(Renote(DOCUMENT, 1))
        self.world.pass_time(0.1)
        self.assertEqual([note.deleted for note in self.world.nm.notes()[-2:]], [True, True])
        with self.assertRaises(NotFound):
            self.world.order(Renote(OTHER, 1))


class BothTests(CopyTests):
    """From one server to another, as the name server carries it."""

    def test_whole(self) -> None:
        """A document with its history arrives as it was, and only what is lacking is carried."""
        for text in (b"one", LARGE, b"two", b"", LARGE + b"more"):
            self.put(text)
        self.ask(Undo(self.world.ticket()))
        original, source = self.kept(), self.nm
        target = World()
        self.addCleanup(target.stop)

        def push(data: bytes) -> Applied:
            pieces = [data[at : at + 50_000] for at in range(0, len(data), 50_000)][::-1]
            take = lambda: pieces.pop() if pieces else b""  # noqa: E731
            return target.result(connection.send(PutFileContent(DOCUMENT, 1), take))

        connection = target.call_as_nm()
        copy = self.content(source.ask_content(GetFileContent(DOCUMENT, 1)))
        applied = push(copy)
        self.assertEqual(applied.lacks, lacking(b"one", LARGE, b"two", LARGE + b"more"))
        for lack in applied.lacks:
            sha256, _, size = lack.partition(":")
            copy += header(bytes.fromhex(sha256), int(size)) + self.fetch(sha256)
        self.assertEqual(push(copy), Applied(str(original.version), 1))
        self.assertEqual(target.store.document(DOCUMENT), original)
        self.assertEqual(target.disk.contents, self.world.disk.contents)
