"""
Clusters that lose their journal and go on from their stores.
"""

from __future__ import annotations

import copy

from attrs import evolve

from dfs.offline.gathering import Rebuilt, gathered
from tests.offline.sources import MemorySource, journal_of
from tests.simulation.restarts import RestartCase


class RebuiltCase(RestartCase):
    """
    A pair with a few documents, and what becomes of it.
    """

    rebuilt: Rebuilt

    def end(self) -> None:
        """All servers die at once, and the journal is gone."""
        self.cluster.crash_nm()
        for name in list(self.cluster.servers):
            self.cluster.crash(name)
        self.cluster.slow("ss1")
        self.cluster.slow("ss1_backup")
        self.cluster.advance(1.0)

    def rebuild(self, *names: str) -> None:
        """A new journal is made of these stores, or of all, and a name server started on it."""
        disks = [self.cluster.disks[name] for name in names or sorted(self.cluster.disks)]
        before = copy.deepcopy(disks)
        self.rebuilt = gathered([MemorySource(disk) for disk in disks], {})
        self.assertEqual([vars_of(one) for one in disks], [vars_of(one) for one in before])
        self.cluster.journal = journal_of(self.rebuilt)
        self.cluster.start_nm()
        self.cluster.advance(1.0)

    def again(self, *names: str) -> None:
        """Everything dies, is rebuilt of these stores, and those servers start."""
        self.end()
        self.rebuild(*names)
        for name in names or sorted(self.cluster.disks):
            self.cluster.start(name)
        self.cluster.advance(5.0)
        self.nobody_held()

    def promoted_unheard(self) -> None:
        """The backup has heard that it serves, and nobody else has."""
        disk = self.cluster.disks["ss1_backup"]
        disk.identity = evolve(disk.identity, epoch=disk.identity.epoch + 1)

    def nobody_held(self) -> None:
        """Every store is taken for what it is."""
        states = {name: line.state for name, line in self.lines().items()}
        self.assertNotIn("HELD", states.values(), states)

    def typed(self, line: str, user: str = "alice") -> None:
        """A request that the library does not know."""
        connection = self.line()
        self.say(connection, f"LOGIN|{user}\n".encode())
        said = self.say(connection, f"{line}\n".encode())
        self.assertTrue(said.startswith(b"OK"), said)


def vars_of(disk: object) -> list[object]:
    """All that a disk has."""
    return [getattr(disk, name) for name in ("identity", "seq", "documents", "folders", "contents")]
