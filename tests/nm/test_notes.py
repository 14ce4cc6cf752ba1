"""What storage servers say of their documents is shown, and kept."""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import Deferred

from dfs.errors import NotFound, Unavailable
from dfs.nm.journal import PutDocument, PutPair
from dfs.wire.messages import (
    Create,
    Delete,
    DeleteFile,
    GetInfo,
    Status,
    View,
    WriteComplete,
)
from tests.nm.documents import PAIR, document
from tests.nm.rig import Rig


class NoteTests(Rig):
    """
    What storage servers say about documents.
    """

    def setUp(self) -> None:
        """alice has a.txt on ss1."""
        super().setUp()
        self.ss1 = self.registered()
        self.alice = self.person("alice")
        self.made = self.ask(self.alice, Create("a.txt"))

    def size(self) -> int:
        """What INFO says."""
        return self.ask(self.alice, GetInfo("a.txt")).size

    def unknown(self) -> str:
        """What STATUS says."""
        [line] = [f for f in self.items(self.alice, Status()) if f.name == "unknown_documents"]
        return str(line.value)

    def test_shown_at_once(self) -> None:
        """A note is answered when INFO shows it, whatever the journal does."""
        self.holding = True
        self.ss1.note(self.made.id, "1.0", size=77)
        self.assertEqual(self.size(), 77)

    def test_kept_soon(self) -> None:
        """A note and its position are in the journal within a second, together."""
        self.ss1.note(self.made.id, "1.0", size=77)
        self.wait(1)
        [kept] = self.disk.documents.values()
        self.assertEqual((kept.noted.size, kept.home.number), (77, 1))
        self.assertEqual(self.disk.servers["ss1"].noted, 1)
        self.assertEqual(self.ss1.register().noted, 1)

    def test_position_never_ahead(self) -> None:
        """A server is told that a note is kept only when it is."""
        self.ss1.note(self.made.id, "1.0", size=77)
        self.holding = True
        self.wait(1)
        self.assertEqual(self.ss1.register().noted, 0)
        self.release()
        self.wait(1)
        self.assertEqual(self.ss1.register().noted, 1)

    def test_kept_at_the_end(self) -> None:
        """A name server that stops keeps what it showed."""
        self.ss1.note(self.made.id, "1.0", size=77)
        self.stop()
        self.assertEqual(self.disk.servers["ss1"].noted, 1)
        self.start()
        self.alice = self.person("alice")
        self.assertEqual(self.size(), 77)

    def test_repeated(self) -> None:
        """A repeated or older note changes nothing."""
        self.ss1.note(self.made.id, "2.0", size=77)
        self.ss1.note(self.made.id, "1.0", size=11)
        self.ss1.note(self.made.id, "2.0", size=77)
        self.assertEqual(self.size(), 77)

    def test_unknown(self) -> None:
        """A document that is unknown here is counted and left alone."""
        orders = len(self.ss1.orders)
        for number in range(20):
            self.ss1.note(f"{number + 1:016x}")
        self.ss1.note("1" * 16, deleted=True)
        self.assertEqual(self.unknown(), "20")
        self.wait(20)
        self.assertEqual(len(self.ss1.orders), orders)

    def test_of_another_pair(self) -> None:
        """A server says nothing about documents of another pair."""
        ss2 = self.registered("ss2", 5002)
        ss2.note(self.made.id, "5.0", size=1)
        ss2.note(self.made.id, "6.0", deleted=True)
        self.assertEqual(self.size(), 0)
        self.assertEqual(self.unknown(), "1")

    def test_of_the_backup(self) -> None:
        """What a backup has is not what is served."""
        backup = self.registered("ss1_backup", 5002)
        backup.note(self.made.id, "5.0", size=1)
        self.assertEqual(self.size(), 0)

    def test_deleted(self) -> None:
        """A note of a deletion that nobody here finished finishes it."""
        self.ss1.note(self.made.id, "1.0", deleted=True)
        self.refused(NotFound, self.alice, GetInfo("a.txt"))
        self.ask(self.alice, Create("a.txt"))
        self.restart()
        self.assertEqual([d.name for d in self.disk.documents.values()], ["a.txt"])

    def test_deleted_and_journal_late(self) -> None:
        """Its name is free, and the note kept, only when the journal knows."""
        self.holding = True
        self.ss1.note(self.made.id, "1.0", deleted=True)
        answers: list[object] = []
        self.alice.ask(Create("a.txt")).addCallback(answers.append)
        self.assertEqual(self.items(self.alice, View()), [])
        self.wait(2)
        self.assertEqual((answers, self.nm.fleet.servers["ss1"].known.noted), ([], 0))
        self.release()
        self.wait(1)
        self.assertEqual(len(answers), 1)
        self.assertEqual(self.disk.servers["ss1"].noted, 1)

    def test_deleted_during_delete(self) -> None:
        """The note of a deletion that is going on changes nothing about its outcome."""
        buried: Deferred[None] = Deferred()
        self.ss1.script = lambda order: buried
        answers: list[object] = []
        self.alice.ask(Delete("a.txt")).addCallback(answers.append)
        self.wait(0.1)
        self.ss1.note(self.made.id, "1.0", deleted=True)
        buried.callback(None)
        self.wait(0.1)
        self.assertEqual(len(answers), 1)
        self.assertEqual(len(self.disk.graves), 1)

    def test_senseless(self) -> None:
        """A note that makes no sense is logged, and holds up nobody."""
        for changes in (
            {"version": "x"},
            {"sha256": "zz" * 32},
            {"sha256": ""},
            {"epoch": 2**40},
        ):
            self.ss1.note(self.made.id, **{"version": "9.0", **changes})  # type: ignore[arg-type]
        self.ss1.note("no id")
        self.ss1.note(self.made.id, "1.0", size=5)
        self.assertEqual(self.size(), 5)

    def test_ghost(self) -> None:
        """A document that was given up while it was made is removed where it was made."""
        self.ss1.script = lambda order: Deferred()
        answers: list[object] = []
        self.alice.ask(Create("b.txt")).addErrback(lambda failure: answers.append(failure.value))
        self.wait(10.1)
        self.assertIsInstance(answers[0], Unavailable)
        lost = self.ss1.orders[-1].id  # type: ignore[attr-defined]
        self.ss1.script = lambda order: None
        self.ss1.beat()
        self.ss1.note(lost, "0.0")
        self.assertEqual(self.unknown(), "0")
        self.wait(6)
        self.assertEqual(self.ss1.orders[-1], DeleteFile(lost, 1, ""))
        self.assertFalse(self.disk.graves[int(lost, 16)].haunted)
        orders = len(self.ss1.orders)
        self.ss1.beat()
        self.wait(12)
        self.assertEqual(len(self.ss1.orders), orders)
        self.ss1.note(lost, "0.0")
        self.wait(6)
        self.assertEqual(self.ss1.orders[-1], DeleteFile(lost, 1, ""))

    def test_ghost_of_a_crash(self) -> None:
        """H4: a server that crashes while it makes a document keeps nothing of it."""
        self.ss1.script = lambda order: Deferred()
        refusals: list[object] = []
        self.alice.ask(Create("b.txt")).addErrback(lambda failure: refusals.append(failure.value))
        self.wait(0.1)
        lost = self.ss1.orders[-1].id  # type: ignore[attr-defined]
        self.network.cut(self.ss1.address)
        self.wait(0.1)
        self.assertIsInstance(refusals[0], Unavailable)
        self.refused(NotFound, self.alice, GetInfo("b.txt"))
        self.ss1.script = lambda order: None
        self.ss1.register()
        self.wait(6)
        self.assertEqual(self.ss1.orders[-1], DeleteFile(lost, 1, ""))

    def test_ghost_after_restart(self) -> None:
        """It is removed also when the name server restarted meanwhile."""
        self.ss1.script = lambda order: Deferred()
        self.alice.ask(Create("b.txt")).addErrback(lambda failure: None)
        self.wait(10.1)
        lost = self.ss1.orders[-1].id  # type: ignore[attr-defined]
        self.restart()
        self.ss1.script = lambda order: None
        self.ss1.register()
        self.wait(0.1)
        self.assertEqual(self.ss1.orders[-1], DeleteFile(lost, 1, ""))


class InventoryTests(Rig):
    """
    Registration with everything that a server has.
    """

    def inventory(self, count: int) -> None:
        """A server tells of so many documents that are known from CREATE alone."""
        self.stop()
        self.disk.apply(PutPair(PAIR))
        for number in range(1, count + 1):
            name = "x" * (255 if number % 2 else 1) if number < 3 else f"n{number}"
            self.disk.apply(PutDocument(document(number, f"f{number}/{name}")))
        self.start()
        ss1 = self.storage()
        self.assertEqual(ss1.register(last_seq=count).noted, 0)
        link = ss1.link
        assert link is not None
        said = [
            link.ask(
                evolve(NOTE, seq=number, id=f"{number:016x}", size=number + 1000), timeout=None
            )
            for number in range(1, count + 1)
        ]
        alice = self.person("alice")
        self.get(said[-1], 60)
        sizes = [line.size for line in self.items(alice, View())]
        self.assertEqual(sorted(sizes), [number + 1000 for number in range(1, count + 1)])
        self.wait(3)
        self.assertEqual(self.disk.servers["ss1"].noted, count)
        self.assertEqual(sorted(d.noted.size for d in self.disk.documents.values()), sorted(sizes))

    def test_one(self) -> None:
        """H40: an inventory of one document."""
        self.inventory(1)

    def test_seventy(self) -> None:
        """H40: an inventory of 70 documents, names of 1 and of 255 bytes among them."""
        self.inventory(70)

    def test_thousands(self) -> None:
        """H40: an inventory of 2,000 documents goes to the journal in groups."""
        self.inventory(2_000)


NOTE = WriteComplete(*(0, "", "9.0", 1, "ab" * 32, 1, 1, 1, 1, True, 1.0, "eve", 7, 0, 0, False))
