"""
Two pairs and many changes: failovers under load, and what other pairs notice of them.
"""

from __future__ import annotations

from dfs.errors import Unavailable
from tests.simulation.faults import FaultCase

#: Changes while a backup is away.
CHANGES = 20_000

PAIRS = {"ss1": "ss1_backup", "ss2": "ss2_backup"}


class TwoPairsTests(FaultCase):
    """
    Documents on two pairs, of which one fails.
    """

    def setUp(self) -> None:
        super().setUp()
        for name in ("ss2", "ss2_backup"):
            self.cluster.start(name)
        self.cluster.advance(2.0)
        self.texts: dict[str, str] = {}
        for number in range(20):
            self.change(number, "First")
        self.settle()

    def change(self, number: int, word: str) -> None:
        """A document is written anew."""
        path = f"{number}.txt"
        self.texts[path] = f"{word} {number}."
        self.put(path, self.texts[path])

    def home(self, path: str) -> str:
        """The home primary of a document."""
        return self.get(self.alice.info(path)).index.server.removesuffix("_backup")

    def apart(self) -> None:
        """No disk has a document, or a text, of the other pair."""
        disks = self.cluster.disks
        ids = {name: set(disks[name].documents) for name in disks}
        contents = {name: set(disks[name].contents) for name in disks}
        for mine in ("ss1", "ss1_backup"):
            for others in ("ss2", "ss2_backup"):
                self.assertEqual(ids[mine] & ids[others], set())
                self.assertEqual(contents[mine] & contents[others], set())
        self.assertEqual(sum(len(ids[home]) for home in PAIRS), len(self.texts))
        for home, backup in PAIRS.items():
            self.assertEqual(ids[home], ids[backup])

    def test_one_fails_under_load(self) -> None:
        """
        H32: while one pair fails over and hands back under load, nothing of it goes to the other
        pair, whose documents are served without a pause.
        """
        homes = {path: self.home(path) for path in self.texts}
        other = [number for number in range(20) if homes[f"{number}.txt"] == "ss2"]
        self.assertTrue(5 <= len(other) <= 15, "they are not spread")
        self.cluster.crash("ss1")
        for round_ in range(20):
            for number in other:
                began = self.cluster.clock.seconds()
                self.change(number, f"Round {round_}")
                self.assertLess(self.cluster.clock.seconds() - began, 0.5)
            if round_ == 10:
                self.cluster.start("ss1")
            for number in range(20):
                if number not in other and round_ % 5 == 4:
                    self.change(number, f"Round {round_}")
            self.cluster.advance(0.5)
        self.settle()
        for path, text in self.texts.items():
            self.assertEqual(self.read(path), text)
            self.assertEqual(self.home(path), homes[path])
        self.apart()

    def test_created_meanwhile(self) -> None:
        """H33: new documents are made while primaries are down, on whoever serves then."""
        self.cluster.crash("ss1")
        self.cluster.crash("ss2")
        self.change(20, "New")
        for name in PAIRS:
            self.assertEqual(self.lines()[name].protection, "FAILED_OVER")
        for number in range(21, 30):
            self.change(number, "New")
        self.cluster.crash_nm()
        self.cluster.start_nm()
        self.cluster.advance(3.0)
        for path, text in self.texts.items():
            self.assertEqual(self.read(path), text)
        for name in PAIRS:
            self.cluster.start(name)
        self.settle()
        self.cluster.advance(90.0)
        self.apart()

    def test_created_while_one_pair_is_down(self) -> None:
        """H33: nothing new is placed on a pair that nobody serves; without any, it is refused."""
        for name in ("ss1", "ss1_backup"):
            self.cluster.crash(name)
        self.until("DOWN")
        for number in range(20, 26):
            self.change(number, "New")
            self.assertEqual(self.home(f"{number}.txt"), "ss2")
        for name in ("ss2", "ss2_backup"):
            self.cluster.crash(name)
        self.refused(self.alice.create("none.txt"), Unavailable)
        for name in ("ss1", "ss1_backup", "ss2", "ss2_backup"):
            self.cluster.start(name)
        self.settle()
        self.cluster.advance(90.0)
        self.assertNotIn("none.txt", self.paths())
        self.apart()


class ManyChangesTests(FaultCase):
    """
    Many changes of some documents.
    """

    def test_backup_away(self) -> None:
        """H30: a backup that was away for 20,000 changes has all, and what can be undone."""
        paths = [f"{number}.txt" for number in range(50)]
        for path in paths:
            self.put(path, "Old.")
        self.settle()
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        for number in range(CHANGES):
            self.get(self.alice.put(paths[number % 50], f"Change {number}.".encode()))
        self.assertEqual(self.line_of("ss1").lag_documents, 50)
        self.cluster.start("ss1_backup")
        self.settle()
        self.whole()
        for number in range(CHANGES - 50, CHANGES):
            text = f"Change {number}.".encode()
            self.assertEqual(self.text_on("ss1_backup", paths[number % 50]), text)
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        last = range(CHANGES - 1, CHANGES - 1 - 16 * 50, -50)
        for number in last:
            self.assertEqual(self.read("49.txt"), f"Change {number}.")
            self.get(self.alice.undo("49.txt"))
