"""How many folders there may be."""

from __future__ import annotations

import random

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.namespace import Namespace
from dfs.errors import Exists, TooLarge
from dfs.nm.entries import Entry
from dfs.nm.folders import Folders
from dfs.nm.journal import Disk, MemoryJournal


class RoomTests(SynchronousTestCase):
    """One user may own so many folders, whatever makes them."""

    def setUp(self) -> None:
        self.disk = Disk("c" * 32)
        self.begin()

    def begin(self) -> None:
        """Begin with what is on disk."""
        journal = MemoryJournal(self.disk, lambda done: done())
        self.names: Namespace[Entry] = Namespace()
        kept = journal.load().folders
        self.names.load(one for one in kept if not one.gone)
        chance = random.Random(7)
        self.folders = Folders(self.names, journal, lambda: 1.0, chance.randbytes, 3)
        self.folders.load(kept)

    def make(self, path: str, owner: str = "alice") -> None:
        """Make the folders above something."""
        with self.folders.claim(path, owner) as (folder, _):
            self.successResultOf(Deferred.fromCoroutine(self.folders.keep(folder)))

    def test_too_many(self) -> None:
        """One who has too many gets no more, but may use what there is; others are not harmed."""
        self.make("a/b/c/x")
        for new in ("a/d/x", "a/e/x"):
            self.make("a/b/c/y")
            with self.assertRaisesRegex(TooLarge, "3 folders of yours"):
                self.make(new)
            self.make(new, "bob")
            self.begin()

    def test_deleted(self) -> None:
        """One that is deleted, or moved, or could not be made, does not count."""
        self.make("a/b/c/x")
        folder = self.names.folder("a/b/c")
        moving = self.folders.move(folder, self.names.root, "c")
        self.successResultOf(Deferred.fromCoroutine(moving))
        self.successResultOf(Deferred.fromCoroutine(self.folders.delete(folder)))
        self.begin()
        with self.assertRaises(Exists), self.folders.claim("e/x", "alice"):
            raise Exists("something is in the way")
        self.make("d/x")
        with self.assertRaises(TooLarge):
            self.make("e/x")
