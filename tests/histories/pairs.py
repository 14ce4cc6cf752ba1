"""
What histories of pairs begin with: two members, their disks, people.

Decides how a pair is looked at from outside.  Must not know what happens to it.
"""

from __future__ import annotations

import contextlib

from dfs.core.documents import Document
from dfs.errors import Exists
from dfs.nm.service import Settings as NMSettings
from dfs.sim.cluster import Cluster
from dfs.store.memory import MemoryDisk
from dfs.wire.messages import ServerLine
from tests.histories.case import HistoryCase

#: Seconds in which everything that can settle has settled: silence, return, handback.
LONG = 90.0


class PairCase(HistoryCase):
    """
    One pair, and words for what happens to it.
    """

    nm_settings = NMSettings(handback_after=5.0)

    def setUp(self) -> None:
        self.cluster = Cluster(
            "ss1", "ss1_backup", settings=self.settings, nm_settings=self.nm_settings
        )
        self.addCleanup(self.cluster.close)
        self.alice, self.bob = self.person("alice"), self.person("bob")

    def line_of(self, server: str) -> ServerLine:
        """What SERVERS says of one."""
        [line] = [one for one in self.get(self.alice.servers()) if one.name == server]
        return line

    def state(self) -> str:
        """How the pair is."""
        return self.line_of("ss1").protection

    def until(self, state: str) -> None:
        """Wait for a state of the pair."""
        for _ in range(600):
            if self.state() == state:
                return
            self.cluster.advance(0.25)
        self.fail(f"it is {self.state()}, not {state}")

    def settle(self) -> None:
        """Wait until the pair is as it began, with nothing left to copy."""
        self.until("PROTECTED")
        for _ in range(100):
            line = self.line_of("ss1")
            if line.active and not line.lag_documents and not line.behind:
                return
            self.cluster.advance(0.25)
        self.fail("it does not settle")

    def put(self, path: str, text: str) -> None:
        """A document with this text, made if there is none."""
        with contextlib.suppress(Exists):
            self.get(self.alice.create(path))
        self.get(self.alice.put(path, text.encode()))

    def read(self, path: str) -> str:
        """What a document says."""
        return self.get(self.alice.read(path)).decode()

    def on(self, server: str, path: str) -> Document | None:
        """What a server's disk has of a document."""
        found = [
            one
            for one in self.documents(self.cluster.disks[server])
            if one.metadata.name == path and not one.deleted
        ]
        return found[0] if found else None

    @staticmethod
    def documents(disk: MemoryDisk) -> list[Document]:
        """All that is on a disk."""
        return [document for _, document in disk.documents.values()]

    def equal(self) -> None:
        """Both disks have the same of every document."""
        home, backup = (
            {one.id: one for one in self.documents(self.cluster.disks[name]) if not one.deleted}
            for name in ("ss1", "ss1_backup")
        )
        self.assertEqual(home, backup)
