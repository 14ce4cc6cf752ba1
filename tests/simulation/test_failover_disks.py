"""
Members of a pair begin again on strange disks.
"""

from __future__ import annotations

import copy

from attrs import evolve

from dfs.errors import DFSError
from dfs.sim.cluster import Cluster
from dfs.sim.orders import replaced
from dfs.store.memory import MemoryDisk
from tests.simulation.faults import MEMBERS
from tests.simulation.restarts import RestartCase


class DiskTests(RestartCase):
    """
    A member comes back with a disk that is not the one it had.
    """

    def hold(self, name: str, disk: MemoryDisk | None) -> MemoryDisk:
        """A member crashes and comes back with another disk, an empty one if None; its own."""
        self.cluster.crash(name)
        return self.exchange(name, disk)

    def exchange(self, name: str, disk: MemoryDisk | None) -> MemoryDisk:
        """The same for a member that is down."""
        own = self.cluster.disks.pop(name)
        if disk is not None:
            self.cluster.disks[name] = disk
        self.cluster.start(name)
        return own

    def repaired(self, name: str, own: MemoryDisk) -> None:
        """It gets its own disk back, and all is as it was."""
        self.cluster.crash(name)
        self.cluster.disks[name] = own
        self.cluster.start(name)
        self.nothing_lost()

    def held(self, name: str) -> None:
        """Nobody listens to it, and the other one serves all that there is."""
        self.assertEqual(self.line_of(name).state, "HELD")
        other = MEMBERS[1 - MEMBERS.index(name)]
        self.assertEqual(self.placed("a.txt").server, other)
        self.assertEqual(self.read("a.txt"), "".join(self.said))
        self.assertEqual(len(self.paths()), 21)
        self.say_more()

    def stranger(self, *names: str, text: str = "Foreign.") -> Cluster:
        """Another cluster, whose disks have something."""
        cluster = Cluster(*names, nm_settings=self.nm_settings)
        self.addCleanup(cluster.close)
        session = cluster.session("alice")
        cluster.run(session.create("a.txt"))
        cluster.run(session.put("a.txt", text.encode()))
        cluster.advance(1.0)
        return cluster

    def test_empty_primary(self) -> None:
        """F24: an empty disk is not taken for "all deleted", however fast it comes."""
        own = self.hold("ss1", None)
        self.cluster.advance(30.0)
        self.assertEqual(self.state(), "FAILED_OVER")
        self.held("ss1")
        self.repaired("ss1", own)

    def test_empty_primary_late(self) -> None:
        """F24: nor when it comes after the failover."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        own = self.exchange("ss1", None)
        self.cluster.advance(30.0)
        self.assertEqual(self.state(), "FAILED_OVER")
        self.held("ss1")
        self.repaired("ss1", own)

    def test_empty_backup(self) -> None:
        """F24: an empty backup is held, and does not lead when its primary dies."""
        own = self.hold("ss1_backup", None)
        self.cluster.advance(30.0)
        self.assertEqual(self.state(), "DEGRADED")
        self.held("ss1_backup")
        self.cluster.crash("ss1")
        self.until("DOWN")
        self.cluster.advance(30.0)
        self.assertEqual(self.state(), "DOWN")
        with self.assertRaises(DFSError):
            self.get(self.alice.read("a.txt"))
        self.cluster.start("ss1")
        self.repaired("ss1_backup", own)

    def test_empty_both(self) -> None:
        """F24: two empty disks serve nothing and delete nothing."""
        own = {}
        for name in MEMBERS:
            self.cluster.crash(name)
        for name in MEMBERS:
            own[name] = self.exchange(name, None)
        self.cluster.advance(30.0)
        self.assertEqual(self.state(), "DOWN")
        self.assertEqual(len(self.paths()), 21)
        for name in MEMBERS:
            self.cluster.crash(name)
            self.cluster.disks[name] = own[name]
            self.cluster.start(name)
        self.nothing_lost()

    def test_disk_of_another_cluster(self) -> None:
        """F26: a disk of another cluster under a known name is refused, and left as it is."""
        foreign = self.stranger("ss1", "ss1_backup").disks["ss1"]
        before = copy.deepcopy(foreign.documents)
        own = self.hold("ss1", foreign)
        self.cluster.advance(30.0)
        self.held("ss1")
        self.assertEqual(foreign.documents, before)
        self.repaired("ss1", own)

    def test_disk_of_another_pair(self) -> None:
        """F26: so is the disk of another server of this cluster."""
        self.cluster.start("ss2")
        self.cluster.advance(2.0)
        self.cluster.crash("ss2")
        foreign = self.cluster.disks.pop("ss2")
        foreign.identity = evolve(foreign.identity, name="ss1")
        own = self.hold("ss1", foreign)
        self.cluster.advance(30.0)
        self.held("ss1")
        self.assertEqual(foreign.documents, {})
        self.repaired("ss1", own)

    def test_disk_of_the_other_member(self) -> None:
        """F26: and a copy of the backup's disk, which has all the documents."""
        twin = copy.deepcopy(self.cluster.disks["ss1_backup"])
        twin.identity = evolve(twin.identity, name="ss1")
        own = self.hold("ss1", twin)
        self.cluster.advance(30.0)
        self.held("ss1")
        self.repaired("ss1", own)

    def old_image(self, name: str) -> None:
        """A disk as it was before something that was acknowledged."""
        image = copy.deepcopy(self.cluster.disks[name])
        self.say_more()
        self.settle()
        own = self.hold(name, image)
        self.cluster.advance(30.0)
        self.assertEqual(self.placed("a.txt").server, MEMBERS[1 - MEMBERS.index(name)])
        self.assertEqual(self.read("a.txt"), "".join(self.said))
        self.say_more()
        self.repaired(name, own)

    def test_old_primary(self) -> None:
        """F25: a primary with a disk of last week does not serve the texts of last week."""
        self.old_image("ss1")

    def test_old_backup(self) -> None:
        """F25: nor does such a backup lead."""
        self.old_image("ss1_backup")

    def test_moments_old(self) -> None:
        """F25: nor is a disk served whose last changes are known, and not in the journal yet."""
        self.cluster.advance(1.0)
        image = copy.deepcopy(self.cluster.disks["ss1"])
        self.say_more()
        self.cluster.advance(0.1)
        own = self.hold("ss1", image)
        self.cluster.advance(30.0)
        self.held("ss1")
        self.repaired("ss1", own)

    def replaced(self, name: str, disk: MemoryDisk | None) -> None:
        """A member has another disk for good, and an operator says so; nothing is lost."""
        self.hold(name, disk)
        self.get(replaced(self.cluster, name))
        self.nothing_lost()

    def deleted_since(self, name: str) -> None:
        """An operator takes an old disk for good, and has a document deleted since."""
        self.put("gone", "Gone.")
        self.settle()
        image = copy.deepcopy(self.cluster.disks[name])
        self.get(self.alice.delete("gone"))
        self.say_more()
        self.settle()
        self.replaced(name, image)
        self.whole()

    def test_deleted_since_on_primary(self) -> None:
        """F25: an old disk that an operator takes brings back nothing that was deleted since."""
        self.deleted_since("ss1")

    def test_deleted_since_on_backup(self) -> None:
        """F25: nor does that of a backup."""
        self.deleted_since("ss1_backup")

    def test_deleted_before_a_restart(self) -> None:
        """F25: a name server that was started after the deletion knows it as well."""
        self.put("gone", "Gone.")
        self.settle()
        image = copy.deepcopy(self.cluster.disks["ss1_backup"])
        self.get(self.alice.delete("gone"))
        self.settle()
        self.cluster.crash_nm()
        self.cluster.start_nm()
        self.settle()
        self.replaced("ss1_backup", image)
        self.whole()

    def test_destroyed(self) -> None:
        """F2, F24: an empty disk that an operator takes is filled."""
        for name in MEMBERS:
            self.replaced(name, None)
            self.whole()
