"""How a simulation makes the store in memory fail."""

from __future__ import annotations

from collections.abc import Callable

from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.history import buried, content_of
from dfs.errors import Corrupt, Internal, Unavailable
from dfs.store.interfaces import Identity
from dfs.store.memory import MemoryDisk, MemoryStore
from tests.store.samples import ALICE, LARGE, new, with_text


class MemoryStoreTests(SynchronousTestCase):
    """Crashes, damage, full and broken disks."""

    def setUp(self) -> None:
        self.disk = MemoryDisk(Identity("0" * 32, "ss1", "", 0))
        self.queue: list[Callable[[], None]] = []
        self.deaths: list[Failure] = []
        self.store = MemoryStore(self.disk, on_fatal=self.deaths.append)

    def test_crash(self) -> None:
        """A crash loses what was not answered, keeps what was, and answers nobody afterwards."""
        slow = MemoryStore(self.disk, self.queue.append)
        first, second = slow.commit(new(1)), slow.commit(new(2))
        self.queue.pop(0)()
        self.successResultOf(first)
        slow.crash()
        self.queue.pop(0)()
        self.assertNoResult(second)
        self.failureResultOf(slow.commit(new(3)), Unavailable)
        after = MemoryStore(self.disk)
        self.assertEqual(after.document(new(1).id), new(1))
        self.assertIsNone(after.document(new(2).id))
        self.assertEqual(self.successResultOf(after.commit(new(3))).seq, 2)

    def test_not_before_its_time(self) -> None:
        """Before a commit is answered nothing of it is visible."""
        slow = MemoryStore(self.disk, self.queue.append)
        done = slow.commit(with_text(new(), b"x"), b"x")
        self.assertNoResult(done)
        self.assertIsNone(slow.document(new().id))
        self.assertFalse(slow.has(content_of(b"x").sha256))

    def test_full(self) -> None:
        """A full disk refuses what needs room; deleting helps."""
        self.disk.capacity = 5
        document = with_text(new(), b"1234")
        self.successResultOf(self.store.commit(document, b"1234"))
        self.failureResultOf(self.store.commit(with_text(new(2), b"56"), b"56"), Unavailable)
        self.assertRaises(Unavailable, self.store.receive, 2)
        self.successResultOf(self.store.commit(buried(document, ALICE)))
        self.successResultOf(self.store.commit(with_text(new(2), b"56"), b"56"))

    def test_broken(self) -> None:
        """A broken disk fails every commit and is reported once."""
        self.disk.broken = True
        self.failureResultOf(self.store.commit(new()), Internal)
        self.failureResultOf(self.store.commit(new()), Unavailable)
        self.assertEqual(len(self.deaths), 1)

    def test_damage(self) -> None:
        """Damaged bytes are not handed out."""
        self.successResultOf(self.store.commit(with_text(new(), b"text"), b"text"))
        self.disk.damage(content_of(b"text").sha256)
        self.assertRaises(Corrupt, self.store.small, content_of(b"text"))
        incoming = self.store.receive(None)
        incoming.write(LARGE)
        content = self.successResultOf(incoming.finish())
        self.successResultOf(self.store.commit(with_text(new(2), content)))
        self.disk.damage(content.sha256)
        reader = self.store.reader(content)
        self.successResultOf(reader.read())
        self.failureResultOf(reader.read(), Corrupt)
