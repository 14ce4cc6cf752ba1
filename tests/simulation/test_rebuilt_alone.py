"""
A journal made of what is left of a cluster.
"""

from __future__ import annotations

from attrs import evolve

from dfs.errors import Conflict
from tests.simulation.faults import MEMBERS
from tests.simulation.rebuilding import RebuiltCase


class OneStoreTests(RebuiltCase):
    """
    Of a pair one disk is left.
    """

    def test_home_only(self) -> None:
        """The home primary serves alone; an empty backup is filled."""
        self.say_more()
        self.settle()
        self.end()
        del self.cluster.disks["ss1_backup"]
        self.rebuild("ss1")
        self.cluster.start("ss1")
        self.cluster.advance(5.0)
        self.assertEqual(self.state(), "UNPROTECTED")
        self.say_more()
        self.cluster.start("ss1_backup")
        self.nothing_lost()

    def test_backup_only(self) -> None:
        """The backup serves alone; an empty home primary is filled, and takes over."""
        self.say_more()
        self.settle()
        self.end()
        del self.cluster.disks["ss1"]
        self.rebuild("ss1_backup")
        self.cluster.start("ss1_backup")
        self.cluster.advance(5.0)
        self.assertEqual(self.lines()["ss1_backup"].protection, "FAILED_OVER")
        self.say_more()
        self.cluster.start("ss1")
        self.nothing_lost()
        self.assertTrue(self.line_of("ss1").active)

    def test_the_other_is_found(self) -> None:
        """
        If the other disk turns up after all, what only that one has is judged, and its older names
        and rights yield.
        """
        for left, found in (("ss1_backup", "ss1"), ("ss1", "ss1_backup")):
            self.settle()
            self.cluster.crash("ss1_backup")
            self.until("DEGRADED")
            self.say_more()
            self.person("bob")
            self.get(self.alice.add_access("0.txt", "bob", "r"))
            self.end()
            self.rebuild(left)
            self.cluster.start(left)
            self.cluster.advance(5.0)
            self.get(self.alice.append("1.txt", "More."))
            self.cluster.start(found)
            self.cluster.advance(5.0)
            self.nobody_held()
            self.settle()
            self.whole()
            self.assertEqual(self.read("a.txt"), "".join(self.said))
            self.assertTrue(self.read("1.txt").endswith("More."))

    def test_deletions_are_remembered(self) -> None:
        """What was deleted does not come back with the other disk."""
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        self.get(self.alice.delete("a.txt"))
        self.end()
        self.rebuild("ss1")
        for name in MEMBERS:
            self.cluster.start(name)
        self.settle()
        self.whole()
        self.assertNotIn("a.txt", self.paths())


class TogetherTests(RebuiltCase):
    """
    Stores that do not belong together.
    """

    def test_other_clusters(self) -> None:
        """Stores of several clusters are refused, and each is named."""
        self.end()
        for name in MEMBERS:
            disk = self.cluster.disks[name]
            disk.identity = evolve(disk.identity, cluster_id=f"cluster of {name}")
        caught = self.assertRaises(Conflict, self.rebuild)
        for name in MEMBERS:
            self.assertIn(f"{name} belongs to cluster of {name}", str(caught))
        self.cluster.start_nm()
