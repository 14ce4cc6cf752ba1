"""
Histories of pairs: what another implementation got wrong when servers died and came back.
"""

from __future__ import annotations

import contextlib

from attrs import evolve

from dfs.client.drafts import SessionEnded
from dfs.core.documents import Document
from dfs.errors import Exists, NotFound, Unauthorized, Unavailable
from dfs.nm.fleet import Promise
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


class FailoverTests(PairCase):
    """
    One dies, the other one serves.
    """

    def test_crash(self) -> None:
        """F1: after a crash the backup serves texts, history and rights; the primary returns."""
        self.put("a.txt", "One.")
        self.put("a.txt", "Two.")
        self.get(self.alice.add_access("a.txt", "bob", "r"))
        self.settle()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.assertEqual(self.get(self.bob.read("a.txt")), b"Two.")
        self.get(self.alice.undo("a.txt"))
        self.assertEqual(self.read("a.txt"), "One.")
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual(self.read("a.txt"), "One.")
        self.get(self.alice.redo("a.txt"))
        self.assertEqual(self.read("a.txt"), "Two.")

    def test_goodbye(self) -> None:
        """F3: a primary that stops in good order is replaced within a second."""
        self.put("a.txt", "One.")
        self.settle()
        self.cluster.stop("ss1")
        self.cluster.advance(1.0)
        self.assertEqual(self.state(), "FAILED_OVER")
        self.assertEqual(self.read("a.txt"), "One.")

    def test_undone(self) -> None:
        """H28: what was undone before a failover is undone after it."""
        self.put("a.txt", "One.")
        self.put("a.txt", "Two.")
        self.get(self.alice.undo("a.txt"))
        self.settle()
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.assertEqual(self.read("a.txt"), "One.")
        self.get(self.alice.redo("a.txt"))
        self.assertEqual(self.read("a.txt"), "Two.")

    def test_revoked(self) -> None:
        """H28, F44: a right that was taken away stays so on a backup that lags behind."""
        self.put("a.txt", "One.")
        self.get(self.alice.add_access("a.txt", "bob", "w"))
        self.get(self.bob.append("a.txt", " Two."))
        self.settle()
        self.cluster.part("ss1_backup", "nm")
        self.get(self.alice.rem_access("a.txt", "bob"))
        self.cluster.crash("ss1")
        self.cluster.join("ss1_backup", "nm")
        self.until("FAILED_OVER")
        self.refused(self.bob.read("a.txt"), Unauthorized)
        self.refused(self.bob.append("a.txt", " Three."), Unauthorized)
        self.assertEqual(self.read("a.txt"), "One. Two.")

    def test_create_meanwhile(self) -> None:
        """H33: while the only primary is down, its backup takes new documents."""
        self.cluster.crash("ss1")
        self.put("a.txt", "One.")
        self.assertEqual(self.read("a.txt"), "One.")
        self.cluster.start("ss1")
        self.settle()
        self.equal()

    def test_frozen(self) -> None:
        """H26, F4: a primary that wakes up commits nothing, and its writer keeps the words."""
        self.put("a.txt", "One. Two.")
        self.settle()
        session = self.get(self.alice.write("a.txt", 0))
        self.get(session.edit(0, "Mine"))
        self.cluster.freeze("ss1")
        self.until("FAILED_OVER")
        self.get(self.alice.append("a.txt", " Three."))
        self.cluster.thaw("ss1")
        self.refused(session.commit(), SessionEnded)
        self.settle()
        self.equal()
        self.assertEqual(self.read("a.txt"), "One. Two. Three.")

    def test_cut_off(self) -> None:
        """F5: a primary that only the name server cannot reach serves no longer than its lease."""
        self.put("a.txt", "One.")
        self.settle()
        self.cluster.part("ss1", "nm")
        self.cluster.advance(11.0)
        self.get(self.alice.append("a.txt", " Two."))
        self.assertEqual(self.state(), "FAILED_OVER")
        document = self.on("ss1", "a.txt")
        assert document is not None
        self.assertEqual(document.current.content.size, 4)
        self.cluster.join("ss1", "nm")
        self.settle()
        self.equal()
        self.assertEqual(self.read("a.txt"), "One. Two.")

    def test_name_server_frozen(self) -> None:
        """F12: a name server that was stopped for a minute fails nobody."""
        self.put("a.txt", "One.")
        self.settle()
        self.cluster.freeze("nm")
        self.cluster.advance(60.0)
        self.cluster.thaw("nm")
        self.cluster.advance(20.0)
        self.assertEqual((self.state(), self.line_of("ss1").epoch), ("PROTECTED", 1))
        self.assertEqual(self.read("a.txt"), "One.")

    def test_name_server_away(self) -> None:
        """F10: a name server that restarts within 5 s is not missed by those who edit."""
        self.put("a.txt", "One. Two.")
        session = self.get(self.alice.write("a.txt", 0))
        self.cluster.stop_nm()
        self.get(session.edit(0, "Mine"))
        self.cluster.advance(4.0)
        self.cluster.start_nm()
        self.get(session.commit())
        self.assertEqual(self.read("a.txt"), "MineOne. Two.".replace("MineOne", "Mine One"))


class ReturnTests(PairCase):
    """
    The one that died comes back.
    """

    def lose_tail(self, text: str) -> None:
        """The primary commits something that nobody hears of, and crashes."""
        self.cluster.part("ss1", "nm")
        self.get(self.alice.append("a.txt", text))
        self.cluster.advance(0.5)
        self.cluster.crash("ss1")
        self.cluster.join("ss1", "nm")
        self.until("FAILED_OVER")

    def setUp(self) -> None:
        super().setUp()
        self.put("a.txt", "One.")
        self.settle()

    def test_adopted(self) -> None:
        """H24: a write that nobody heard of is adopted, where the backup was not edited."""
        self.lose_tail(" Two.")
        self.assertEqual(self.read("a.txt"), "One.")
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual(self.read("a.txt"), "One. Two.")

    def test_conflict(self) -> None:
        """H24: where the backup was edited both texts are kept, one of them as a conflict."""
        self.lose_tail(" Two.")
        self.get(self.alice.append("a.txt", " Three."))
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual(self.read("a.txt"), "One. Three.")
        document = self.on("ss1", "a.txt")
        assert document is not None
        [conflict] = document.checkpoints
        self.assertTrue(conflict.tag.startswith("conflict-ss1-"))
        self.assertEqual(conflict.revision.content.size, len("One. Two."))
        self.assertEqual(self.line_of("ss1").conflicts, 1)

    def test_behind(self) -> None:
        """What only a lost server has is named, and shown to those who read."""
        self.cluster.crash("ss1_backup")
        self.get(self.alice.append("a.txt", " Two."))
        self.put("b.txt", "New.")
        self.cluster.crash("ss1")
        self.cluster.start("ss1_backup")
        self.until("FAILED_OVER")
        self.assertEqual(self.line_of("ss1_backup").behind, 2)
        info = self.get(self.alice.info("a.txt")).index
        self.assertEqual((info.behind, info.replica_current, info.size), (True, False, 4))
        self.assertEqual(self.read("a.txt"), "One.")
        self.refused(self.alice.read("b.txt"), Unavailable)
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual((self.read("a.txt"), self.read("b.txt")), ("One. Two.", "New."))

    def test_deleted(self) -> None:
        """H29: what was deleted during the outage stays deleted, after another restart too."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.get(self.alice.delete("a.txt"))
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.cluster.crash("ss1_backup")
        self.cluster.advance(2.0)
        self.cluster.start("ss1_backup")
        self.settle()
        self.refused(self.alice.read("a.txt"), NotFound)
        self.assertEqual((self.on("ss1", "a.txt"), self.on("ss1_backup", "a.txt")), (None, None))

    def test_deleted_unseen(self) -> None:
        """A change that a deletion did not see becomes a document beside it."""
        self.lose_tail(" Two.")
        self.get(self.alice.delete("a.txt"))
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.refused(self.alice.read("a.txt"), NotFound)
        [line] = self.get(self.alice.view())
        self.assertTrue(line.path.startswith("a.txt.conflict-ss1-"), line.path)
        self.assertEqual(self.read(line.path), "One. Two.")

    def test_deleted_although_behind(self) -> None:
        """A change that was known and not there when a document was deleted is kept beside it."""
        self.cluster.crash("ss1_backup")
        self.get(self.alice.append("a.txt", " Two."))
        self.cluster.advance(2.0)
        self.cluster.crash("ss1")
        self.cluster.start("ss1_backup")
        self.until("FAILED_OVER")
        self.assertEqual(self.line_of("ss1_backup").behind, 1)
        self.get(self.alice.delete("a.txt"))
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        [line] = self.get(self.alice.view())
        self.assertTrue(line.path.startswith("a.txt.conflict-ss1-"), line.path)
        self.assertEqual(self.read(line.path), "One. Two.")

    def test_deleted_on_a_lagging_pair(self) -> None:
        """F45: a deletion that the backup has not heard of holds there, too."""
        self.cluster.part("ss1_backup", "nm")
        self.get(self.alice.delete("a.txt"))
        self.cluster.crash("ss1")
        self.cluster.join("ss1_backup", "nm")
        self.until("FAILED_OVER")
        self.refused(self.alice.read("a.txt"), NotFound)
        self.put("a.txt", "Another.")
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual(self.read("a.txt"), "Another.")

    def test_source_dies(self) -> None:
        """H25: a copy that is cut off leaves the old version whole, and is made again."""
        large = b"x" * 3_000_000
        self.get(self.alice.put("a.txt", large))
        self.cluster.advance(0.002)
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.assertIn(self.get(self.alice.read("a.txt")), (b"One.", large))
        self.cluster.start("ss1")
        self.settle()
        self.equal()
        self.assertEqual(self.get(self.alice.read("a.txt")), large)

    def test_both_down(self) -> None:
        """F14, F15: of two that died the one that served last serves first."""
        for first in ("ss1", "ss1_backup"):
            second = "ss1_backup" if first == "ss1" else "ss1"
            self.get(self.alice.append("a.txt", f" {first}."))
            self.settle()
            self.cluster.crash("ss1_backup")
            self.until("DEGRADED")
            self.get(self.alice.append("a.txt", " Alone."))
            text = self.read("a.txt")
            self.cluster.crash("ss1")
            self.until("DOWN")
            self.cluster.start(first)
            self.cluster.advance(20.0)
            # The backup lacks something, so it waits for the one that has it.
            self.assertEqual(self.state(), "DEGRADED" if first == "ss1" else "DOWN")
            self.cluster.start(second)
            self.settle()
            self.equal()
            self.assertEqual(self.read("a.txt"), text)

    def test_equal_backup_leads(self) -> None:
        """A pair that was equal when both died is served by whoever comes back."""
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        self.cluster.crash("ss1")
        self.until("DOWN")
        self.cluster.start("ss1_backup")
        self.until("FAILED_OVER")
        self.assertEqual(self.read("a.txt"), "One.")

    def test_name_server_restarts(self) -> None:
        """A name server that restarts goes on in whatever state the pair was."""
        for state in ("PROTECTED", "DEGRADED", "FAILED_OVER", "REVERSED", "DOWN"):
            with self.subTest(state):
                self.reach(state)
                self.cluster.stop_nm()
                self.cluster.advance(1.0)
                self.cluster.start_nm()
                self.cluster.advance(3.0)
                for name in ("ss1", "ss1_backup"):
                    if name not in self.cluster.servers:
                        self.cluster.start(name)
                self.settle()
                self.equal()
                self.assertEqual(self.read("a.txt"), "One.")

    def reach(self, state: str) -> None:
        """Bring the pair from PROTECTED into another state."""
        self.settle()
        if state in ("DEGRADED", "DOWN"):
            self.cluster.crash("ss1_backup")
            self.until("DEGRADED")
        if state in ("FAILED_OVER", "REVERSED", "DOWN"):
            self.cluster.crash("ss1")
            self.until("DOWN" if state == "DOWN" else "FAILED_OVER")
        if state == "REVERSED":
            self.cluster.start("ss1")
            self.until("REVERSED")

    def test_wrong_disk(self) -> None:
        """F24, F26: another disk under a known name is held off, an empty one too."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        mine = self.cluster.disks.pop("ss1")
        self.cluster.start("ss1")
        self.cluster.advance(20.0)
        self.assertEqual((self.line_of("ss1").state, self.state()), ("HELD", "FAILED_OVER"))
        self.assertEqual(self.read("a.txt"), "One.")
        self.cluster.crash("ss1")
        self.cluster.disks["ss1"] = mine
        self.cluster.start("ss1")
        self.settle()
        self.equal()

    def test_handback_under_load(self) -> None:
        """R18: a writer sees the handback as a pause of at most 2 s, and no error."""
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.cluster.start("ss1")
        pauses, said = [], 0
        while not (self.state() == "PROTECTED" and said > 20):
            began = self.cluster.clock.seconds()
            self.get(self.alice.append("a.txt", "."))
            said += 1
            pauses.append(self.cluster.clock.seconds() - began)
            self.cluster.advance(0.05)
        self.assertLess(max(pauses), 2.0)
        self.assertEqual(self.read("a.txt"), "One." + "." * said)


class FlappingTests(PairCase):
    """
    Servers that come and go.
    """

    nm_settings = evolve(NMSettings(), handback_after=30.0)

    def test_hold(self) -> None:
        """F20: a primary that fails again and again is given its place back later and later."""
        self.put("a.txt", "One.")
        waits = []
        for _ in range(3):
            self.settle()
            self.cluster.crash("ss1")
            self.until("FAILED_OVER")
            self.cluster.start("ss1")
            self.until("REVERSED")
            began = self.cluster.clock.seconds()
            self.until("PROTECTED")
            waits.append(round((self.cluster.clock.seconds() - began) / 30))
        self.assertEqual(waits, [1, 2, 4])


class ReplicaTests(PairCase):
    """
    OK when both have it.
    """

    nm_settings = NMSettings(handback_after=5.0, promise=Promise(replica=True))

    def test_on_both(self) -> None:
        """F1 with --ack replica: what was acknowledged is on the backup, whenever ss1 dies."""
        self.get(self.alice.create("a.txt"))
        for number in range(20):
            self.assertFalse(self.get(self.alice.append("a.txt", f"{number} ")).solo)
        self.cluster.crash("ss1")
        self.until("FAILED_OVER")
        self.assertEqual(self.read("a.txt").split(), [str(number) for number in range(20)])

    def test_solo(self) -> None:
        """F6: when the backup is away that is written down first, and then OK says so."""
        self.put("a.txt", "One.")
        self.cluster.crash("ss1_backup")
        committed = self.get(self.alice.append("a.txt", " Two."))
        self.assertTrue(committed.solo)
        self.assertEqual(self.state(), "DEGRADED")
        self.cluster.start("ss1_backup")
        self.settle()
        self.equal()
        self.assertFalse(self.get(self.alice.append("a.txt", " Three.")).solo)

    def test_lagging_never_leads(self) -> None:
        """A backup that was out is not promoted before it has everything again."""
        self.put("a.txt", "One.")
        self.cluster.crash("ss1_backup")
        self.get(self.alice.append("a.txt", " Two."))
        self.cluster.crash("ss1")
        self.cluster.start("ss1_backup")
        self.cluster.advance(30.0)
        self.assertEqual(self.state(), "DOWN")
        self.cluster.start("ss1")
        self.settle()
        self.assertEqual(self.read("a.txt"), "One. Two.")


class RefusingTests(PairCase):
    """
    Nothing is changed on one disk only.
    """

    nm_settings = NMSettings(promise=Promise(replica=True, refuse_solo=True))

    def test_refused(self) -> None:
        """With --solo refuse changes wait for the backup; reading does not."""
        self.put("a.txt", "One.")
        self.settle()
        self.cluster.crash("ss1_backup")
        self.until("DEGRADED")
        self.cluster.advance(6.0)
        self.refused(self.alice.append("a.txt", " Two."), Unavailable)
        self.assertEqual(self.read("a.txt"), "One.")
        self.cluster.start("ss1_backup")
        self.settle()
        self.cluster.advance(6.0)
        self.get(self.alice.append("a.txt", " Two."))
        self.equal()
