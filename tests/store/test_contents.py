"""What every store promises of contents, on disk and in memory: kept, read, damaged, mended."""

from __future__ import annotations

import hashlib

from dfs.core.documents import Content
from dfs.core.history import (
    buried,
    content_of,
)
from dfs.errors import Corrupt, NotFound
from dfs.store.interfaces import INLINE_BYTES, PIECE_BYTES
from tests.store.kinds import InMemory, InMemoryLater, OnDisk, StoreTests
from tests.store.samples import ALICE, LARGE, new, with_text


class ContentsMixin(StoreTests):
    """Bytes that come in, go out, and are not what they were."""

    def test_receive(self) -> None:
        """Content of any size comes in and goes out in pieces, measured, byte for byte."""
        for number, data in enumerate(
            [b"", b"A word.", b"x" * INLINE_BYTES, b"x" * (INLINE_BYTES + 1), LARGE * 10]
        ):
            incoming, content = self.receive(data)
            self.assertEqual(content, content_of(data))
            self.assertEqual(incoming.size, len(data))
            self.commit(with_text(new(number), content))
            incoming.release()
            incoming.release()
            self.reopen()
            pieces = self.read(content)
            self.assertEqual(b"".join(pieces), data)
            self.assertTrue(all(len(piece) <= PIECE_BYTES for piece in pieces))
            small = data if len(data) <= INLINE_BYTES else None
            self.assertEqual(self.store.small(content), small)

    def test_unknown_size(self) -> None:
        """The size of what comes need not be known."""
        incoming = self.store.receive(None)
        incoming.write(b"Hello")
        self.assertEqual(self.result(incoming.finish()), content_of(b"Hello"))
        incoming.release()

    def test_release(self) -> None:
        """Received content that no commit referred to is gone when it is released."""
        for data in (b"small", LARGE):
            incoming, content = self.receive(data)
            self.assertFalse(self.store.has(content.sha256))
            incoming.release()
            self.assertRefused(self.store.commit(with_text(new(), content)), Corrupt)

    def test_release_while_committing(self) -> None:
        """A commit finds what was received although it is released before the answer."""
        for number, data in enumerate((b"small", LARGE)):
            incoming, content = self.receive(data)
            done = self.store.commit(with_text(new(number), content))
            incoming.release()
            self.result(done)
            self.assertEqual(b"".join(self.read(content)), data)

    def test_kept_until_released(self) -> None:
        """Received content serves every commit until its release, deletions between or not."""
        for data in (b"small", LARGE):
            incoming, content = self.receive(data)
            document = self.commit(with_text(new(), content))
            self.commit(buried(document, ALICE))
            self.commit(with_text(new(2), content))
            incoming.release()
            self.assertEqual(b"".join(self.read(content)), data)
            self.commit(buried(with_text(new(2), content), ALICE))

    def test_received_twice(self) -> None:
        """The same content received by two at once is stored once and serves both."""
        (one, content), (two, _) = self.receive(LARGE), self.receive(LARGE)
        self.commit(with_text(new(1), content))
        one.release()
        self.commit(with_text(new(2), content))
        two.release()
        self.commit(buried(with_text(new(1), content), ALICE))
        self.assertEqual(b"".join(self.read(content)), LARGE)

    def test_reader_outlives_content(self) -> None:
        """What was begun to be read is read to its end although it is deleted meanwhile."""
        incoming, content = self.receive(LARGE * 8)
        document = self.commit(with_text(new(), content))
        incoming.release()
        reader = self.store.reader(content)
        got = self.result(reader.read())
        self.commit(buried(document, ALICE))
        while piece := self.result(reader.read()):
            got += piece
        reader.close()
        self.assertEqual(hashlib.sha256(got).digest(), content.sha256)

    def damaged(self, data: bytes, number: int = 1) -> Content:
        """A content that is damaged, and was found to be."""
        incoming, content = self.receive(data)
        self.commit(with_text(new(number), content))
        incoming.release()
        self.flip(content)
        self.reopen()
        self.store.damage.on_found = self.found.append
        self.assertRaises(Corrupt, self.read, content)
        self.assertEqual(self.found, [content.sha256])
        return content

    def test_mended(self) -> None:
        """What is damaged is told of when it is read, and mended with what was received."""
        for number, data in enumerate((b"small", LARGE)):
            self.found: list[bytes] = []
            content = self.damaged(data, number)
            incoming, _ = self.receive(data)
            mended = self.store.mend(content.sha256)
            incoming.release()
            self.result(mended)
            self.assertEqual(self.store.damage.found, set())
            self.assertEqual(b"".join(self.read(content)), data)
            self.reopen()
            self.assertEqual(b"".join(self.read(content)), data)

    def test_mended_by_a_commit(self) -> None:
        """Who gives the same text again, for whatever document, mends it."""
        for number, data in enumerate((b"small", LARGE)):
            self.found = []
            content = self.damaged(data, number)
            incoming, _ = self.receive(data)
            self.commit(with_text(new(number + 10), content))
            incoming.release()
            self.assertEqual(self.store.damage.found, set())
            self.assertEqual(b"".join(self.read(content)), data)

    def test_nothing_to_mend(self) -> None:
        """What no document has any more is not mended, and not remembered."""
        for number, data in enumerate((b"small", LARGE)):
            self.found = []
            content = self.damaged(data, number)
            self.commit(buried(with_text(new(number), content), ALICE))
            incoming, _ = self.receive(data)
            self.assertRefused(self.store.mend(content.sha256), NotFound)
            incoming.release()
            self.assertEqual(self.store.damage.found, set())
            self.assertFalse(self.store.has(content.sha256))

    def test_contents_after(self) -> None:
        """All contents come, once each, in pages; the empty one is none."""
        self.commit(new(0))
        made = []
        for number, data in enumerate((b"one", b"two", LARGE, b"three")):
            incoming, content = self.receive(data)
            made.append(self.commit(with_text(new(number + 1), content)).current.content)
            incoming.release()
        found: list[Content] = []
        while page := self.store.contents_after(found[-1].sha256 if found else b"", 3):
            found += page
        made.sort(key=lambda content: content.sha256)
        self.assertEqual([one.sha256 for one in found], [one.sha256 for one in made])
        self.assertEqual([one.size for one in found], [one.size for one in made])
        self.assertIsNone(self.store.content(b"x" * 32))
        for one in found:
            self.assertEqual(self.store.content(one.sha256), one)
            self.assertEqual(hashlib.sha256(b"".join(self.read(one))).digest(), one.sha256)


class OnDiskTests(OnDisk, ContentsMixin):
    """On disk."""


class InMemoryTests(InMemory, ContentsMixin):
    """In memory."""


class InMemoryLaterTests(InMemoryLater, ContentsMixin):
    """In memory, when commits take their time."""


del ContentsMixin
