"""
Histories of what is copied between the members of a pair.
"""

from __future__ import annotations

from dfs.sim.cluster import Cluster
from tests.histories.pairs import PairCase


class ReplicationTests(PairCase):
    """
    What is written on one is on the other.
    """

    def test_before_the_backup(self) -> None:
        """H20: a document that was made before the backup joined is on the backup."""
        self.cluster.close()
        self.cluster = Cluster("ss1", nm_settings=self.nm_settings)
        self.addCleanup(self.cluster.close)
        self.alice = self.person("alice")
        self.put("a.txt", "One.")
        self.assertEqual(self.state(), "UNPROTECTED")
        self.cluster.start("ss1_backup")
        self.settle()
        self.equal()
        self.assertIsNotNone(self.on("ss1_backup", "a.txt"))

    def test_backup_restarts(self) -> None:
        """H21: a backup that was away for 4 s stays the backup and catches up by itself."""
        self.put("a.txt", "One.")
        self.cluster.crash("ss1_backup")
        self.put("a.txt", "Two.")
        self.cluster.advance(4.0)
        self.cluster.start("ss1_backup")
        self.settle()
        self.equal()
        self.assertEqual(self.line_of("ss1").epoch, 1)

    def test_rewritten(self) -> None:
        """H22: fifty documents rewritten during an outage are current; no READ is older."""
        for number in range(50):
            self.put(f"{number}.txt", "Old.")
        self.settle()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        for number in range(50):
            self.put(f"{number}.txt", f"New {number}.")
        self.cluster.start("ss1")
        for _ in range(40):
            self.cluster.advance(0.5)
            for number in (0, 17, 49):
                self.assertEqual(self.read(f"{number}.txt"), f"New {number}.")
        self.settle()
        self.equal()

    def test_writes_meanwhile(self) -> None:
        """H23: what is written while a returned primary catches up is not overwritten."""
        self.put("a.txt", "One.")
        self.settle()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.cluster.start("ss1")
        said = ["One."]
        for number in range(60):
            self.get(self.alice.append("a.txt", f" {number}."))
            said.append(f" {number}.")
            self.cluster.advance(0.25)
        self.settle()
        self.equal()
        self.assertEqual(self.read("a.txt"), "".join(said))

    def test_many_changes(self) -> None:
        """H30: changes while the backup is away are all copied afterwards, each document once."""
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        for number in range(300):
            self.put(f"{number % 20}.txt", f"Text {number}.")
        self.assertEqual(self.line_of("ss1").lag_documents, 20)
        self.cluster.start("ss1_backup")
        self.settle()
        self.equal()

    def test_two_pairs(self) -> None:
        """H32: nothing goes to the backup of another pair."""
        for name in ("ss2", "ss2_backup"):
            self.cluster.start(name)
        self.cluster.advance(2.0)
        for number in range(20):
            self.put(f"{number}.txt", f"Text {number}.")
        self.cluster.advance(2.0)
        placed = {name: len(self.documents(disk)) for name, disk in self.cluster.disks.items()}
        self.assertEqual(placed["ss1"], placed["ss1_backup"])
        self.assertEqual(placed["ss2"], placed["ss2_backup"])
        self.assertEqual(placed["ss1"] + placed["ss2"], 20)

    def test_frozen_backup(self) -> None:
        """H31: a backup that is frozen holds up neither its primary nor another pair."""
        for name in ("ss2", "ss2_backup"):
            self.cluster.start(name)
        self.cluster.advance(2.0)
        self.cluster.freeze("ss1_backup")
        for number in range(10):
            self.put(f"{number}.txt", f"Text {number}.")
        self.cluster.advance(2.0)
        lines = {one.name: one for one in self.get(self.alice.servers())}
        self.assertEqual(lines["ss2"].lag_documents, 0)
        self.assertEqual(len(self.documents(self.cluster.disks["ss2_backup"])), 5)
        self.until("DEGRADED")
        self.cluster.thaw("ss1_backup")
        self.settle()
        self.equal()


class ManyTests(PairCase):
    """
    Many of something.
    """

    def test_documents(self) -> None:
        """H27: of 3,000 documents all are there after a failover, and after the return."""
        paths = [f"{number // 100}/{number}.txt" for number in range(3_000)]
        for path in paths:
            self.get(self.alice.create(path))
        self.settle()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.assertEqual(len(self.get(self.alice.view())), 3_000)
        for path in paths[::100]:
            self.get(self.alice.append(path, "More."))
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual(len(self.documents(self.cluster.disks["ss1"])), 3_000)
        self.assertEqual([self.read(path) for path in paths[::100]], ["More."] * 30)

    def test_unread(self) -> None:
        """H34: 160,000 answers that nobody reads stall nothing; who does not read is cut off."""
        line = self.line()
        assert line.transport is not None
        line.transport.pauseProducing()  # type: ignore[attr-defined]
        for _ in range(160):
            if not line.lost:
                line.write(b"HEARTBEAT|1|0|0\n" * 1_000)
            self.cluster.advance(0.05)
        self.put("a.txt", "One.")
        self.settle()
        self.assertEqual(self.read("a.txt"), "One.")
        self.cluster.advance(120.0)
        line.transport.resumeProducing()  # type: ignore[attr-defined]
        self.cluster.advance(1.0)
        self.assertTrue(line.lost)
        self.assertEqual(self.state(), "PROTECTED")
