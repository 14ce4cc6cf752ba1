"""
What tests have in common in which somebody crashes at each moment of something short.

Decides what there is before that, and when all is as it was.  Must not know which moments there
are.
"""

from __future__ import annotations

from dfs.sim.cluster import Cluster
from tests.simulation.faults import MEMBERS, FaultCase


class MomentCase(FaultCase):
    """
    A cluster for each moment.

    @cvar fsync: seconds that a disk takes.
    """

    fsync = 0.001

    def setUp(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A new cluster, and a document with some history."""
        self.cluster = Cluster(*MEMBERS, nm_settings=self.nm_settings, fsync=self.fsync)
        self.alice, self.bob = self.person("alice"), self.person("bob")
        self.put("a.txt", "One.")
        self.get(self.alice.checkpoints.make("a.txt", "one"))
        self.put("a.txt", "Two.")
        self.get(self.alice.add_access("a.txt", "bob", "w"))
        self.settle()

    def end(self) -> None:
        """All is as it was before; begin again."""
        self.settle()
        self.whole()
        self.cluster.close()

    def revive(self) -> None:
        """Whoever is down is started."""
        if self.cluster.nm is None:
            self.cluster.start_nm()
        for name in MEMBERS:
            if name not in self.cluster.servers:
                self.cluster.start(name)
