"""An older copy of the journal is put back under storage servers that have gone on."""

from __future__ import annotations

from dfs.errors import Unavailable
from dfs.wire.messages import Create, GetInfo, Locate
from tests.nm.rig import Rig


class RestoredJournalTests(Rig):
    """What the name server has forgotten is not taken for what was decided."""

    def test_newer_metadata(self) -> None:
        """
        A storage server that has newer rights than the journal is held off: who lost a right after
        the copy was made must not get it back, nor may later decisions be ignored.
        """
        ss1, alice = self.registered(), self.person("alice")
        made = self.ask(alice, Create("a.txt"))
        ss1.note(made.id, "1.0", metadata_number=7)
        self.assertEqual(self.states(), {"ss1": "HELD"})
        self.refused(Unavailable, alice, Locate("a.txt", "r"))
        self.assertEqual(self.ask(alice, GetInfo("a.txt")).version, "0.0")

    def test_until_it_is_mended(self) -> None:
        """Neither time, nor heartbeats, nor registering again makes the journal newer."""
        ss1, alice = self.registered(), self.person("alice")
        made = self.ask(alice, Create("a.txt"))
        ss1.note(made.id, "1.0", metadata_number=7)
        other = self.ask_again(ss1, made.id)
        self.assertEqual(other, 0)
        self.assertEqual(self.states(), {"ss1": "HELD"})

    def ask_again(self, ss1: object, document_id: str) -> int:
        """Beat, wait, tell something harmless, restart everything, tell again; what was noted."""
        storage = self.storages["ss1"]
        assert storage is ss1
        for _ in range(2):
            storage.beat()
            self.wait(10)
        storage.note(document_id, "2.0", metadata_number=1)
        self.wait(2)
        self.restart()
        noted = storage.register().noted
        storage.note(document_id, "1.0", metadata_number=7)
        return noted
