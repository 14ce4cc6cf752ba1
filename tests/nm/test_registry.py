"""
What storage servers say: that they are there, that they live, what they changed.
"""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import Deferred

from dfs.core.pairs import PairState
from dfs.errors import Conflict, Invalid, NotFound, Unauthenticated, Unavailable
from dfs.nm.journal import PutDocument, PutPair
from dfs.wire.client import greet
from dfs.wire.messages import (
    Create,
    Delete,
    DeleteFile,
    GetInfo,
    Goodbye,
    Heartbeat,
    Locate,
    Status,
    View,
    WriteComplete,
)
from tests.nm.documents import PAIR, document
from tests.nm.rig import NM, Rig, Storage


class RegistrationTests(Rig):
    """
    Who may speak for which server.
    """

    def test_first(self) -> None:
        """A new server is answered the cluster, its epoch and what is known, and is kept."""
        answer = self.storage().register()
        self.assertEqual(
            (answer.cluster_id, answer.epoch, answer.noted, answer.home), ("c" * 32, 1, 0, True)
        )
        self.assertEqual(self.states(), {"ss1": "LIVE"})
        self.assertEqual(self.disk.pairs, {"ss1": evolve(PAIR, state=PairState.SOLO)})
        self.assertEqual(self.disk.servers["ss1"].address, "127.0.0.1:5001")

    def test_backup(self) -> None:
        """A backup is of its primary's pair, in whichever order they come, and not its home."""
        backup = self.storage("ss1_backup", 5002).register()
        self.assertFalse(backup.home)
        self.assertEqual(self.disk.pairs, {"ss1": PAIR})
        self.assertTrue(self.storage().register().home)
        self.wait(1)
        protected = evolve(PAIR, state=PairState.PROTECTED, synced=True)
        self.assertEqual(self.disk.pairs, {"ss1": protected})

    def test_journal_first(self) -> None:
        """A server is answered when the journal knows it."""
        ss1 = self.storage()
        self.holding = True
        answers: list[object] = []
        ss1.connect().ask(ss1.registration()).addCallback(answers.append)
        self.wait(1)
        self.assertEqual((answers, self.states()), ([], {}))
        self.release()
        self.assertEqual(len(answers), 1)

    def test_again_elsewhere(self) -> None:
        """H40: a server that returns on another port is found there."""
        ss1, alice = self.registered(), self.person("alice")
        self.ask(alice, Create("a.txt"))
        ss1.vanish()
        self.wait(1)
        again = Storage(self, "ss1", "127.0.0.1:6001", ss1.store_id)
        again.register()
        self.assertEqual(self.ask(alice, Locate("a.txt", "r")).address, "127.0.0.1:6001")
        self.ask(alice, Create("b.txt"))
        self.assertEqual(len(again.orders), 1)
        self.restart()
        self.assertEqual(self.nm.fleet.servers["ss1"].known.address, "127.0.0.1:6001")

    def test_newest_wins(self) -> None:
        """A second connection with the same store takes over; the first one is closed."""
        ss1 = self.registered()
        old = ss1.link
        assert old is not None
        ss1.register()
        self.wait(0.1)
        self.assertTrue(old.lost)
        ss1.beat()
        self.assertEqual(self.states(), {"ss1": "LIVE"})

    def test_other_store(self) -> None:
        """H60: another store under a live server's name is refused and disturbs nobody."""
        ss1, alice = self.registered(), self.person("alice")
        self.ask(alice, Create("a.txt"))
        impostor = Storage(self, "ss1", "127.0.0.1:6666", "f" * 32)
        with self.assertRaisesRegex(Conflict, "another store"):
            impostor.register()
        with self.assertRaises(Conflict):
            impostor.beat()
        with self.assertRaises(Conflict):
            impostor.note("0" * 16)
        ss1.beat()
        self.assertEqual(self.states(), {"ss1": "LIVE"})
        self.ask(alice, Locate("a.txt", "r"))

    def test_held(self) -> None:
        """A new disk under the name of a server that is away is held off, nothing is deleted."""
        ss1, alice = self.registered(), self.person("alice")
        self.ask(alice, Create("a.txt"))
        ss1.goodbye()
        with self.assertRaises(Conflict):
            ss1.register(store_id="f" * 32)
        self.assertEqual(self.states(), {"ss1": "HELD"})
        self.refused(Unavailable, alice, Locate("a.txt", "r"))
        self.ask(alice, GetInfo("a.txt"))
        ss1.register()
        self.ask(alice, Locate("a.txt", "r"))

    def test_old_copy(self) -> None:
        """A store that is older than what was seen of it is held off."""
        ss1, alice = self.registered(), self.person("alice")
        made = self.ask(alice, Create("a.txt"))
        ss1.note(made.id, "1.0")
        ss1.note(made.id, "2.0")
        self.wait(1)
        with self.assertRaisesRegex(Conflict, "older than it was"):
            ss1.register(last_seq=1)

    def test_other_cluster(self) -> None:
        """A store of another cluster is refused, a known name or not."""
        with self.assertRaisesRegex(Conflict, "another cluster"):
            self.storage().register(cluster_id="d" * 32)
        self.assertEqual(self.states(), {})
        self.storages["ss1"].register(cluster_id="c" * 32)

    def test_higher_epoch(self) -> None:
        """A server that has seen more than the journal is held off."""
        ss1 = self.registered()
        with self.assertRaisesRegex(Conflict, "epoch 9"):
            ss1.register(epoch=9)

    def test_senseless(self) -> None:
        """H43: what cannot be a registration is refused."""
        ss1 = self.storage()
        for address in (
            "",
            "5001",
            "127.0.0.1:",
            "127.0.0.1:x",
            "h:0",
            "h:65536",
            "h" * 999 + ":1",
        ):
            with self.assertRaises(Invalid):
                ss1.register(address=address)
        with self.assertRaises(Invalid):
            ss1.register(store_id="")
        with self.assertRaises(Invalid):
            ss1.register(last_seq=-1)
        for name in ("_backup", "a_backup_backup", "a/b"):
            with self.assertRaises(Invalid):
                Storage(self, name, f"127.0.0.1:{7000 + len(name)}", "5" * 32).register()
        self.assertEqual(self.states(), {})

    def test_strangers(self) -> None:
        """H60: without the secret nobody registers, beats, notes or says goodbye for a server."""
        ss1, alice = self.registered(), self.person("alice")
        made = self.ask(alice, Create("a.txt"))
        note = WriteComplete(
            *(9, made.id, "9.0", 1, "ab" * 32, 1, 1, 1, 1, True, 0.0, "eve", 1, 0, 0, True)
        )
        stranger = self.get(self.network.dial(NM))
        requests = (ss1.registration(), Heartbeat(1, 0, 0), note, Goodbye("x"))
        for who in (stranger, alice, self.person("ss1")):
            for request in requests:
                self.refused(Unauthenticated, who, request)
        liar = self.get(self.network.dial(NM))
        with self.assertRaises(Unauthenticated):
            self.wait_for(
                greet(
                    liar,
                    role="ss",
                    name="ss1",
                    peer_role="nm",
                    secret=b"x" * 32,
                    entropy=self.entropy,
                )
            )
        for request in requests:
            self.refused(Unauthenticated, liar, request)
        self.assertEqual(self.states(), {"ss1": "LIVE"})
        self.ask(alice, GetInfo("a.txt"))

    def test_before_registration(self) -> None:
        """H60: a proven server that has not registered speaks for nobody."""
        ss1 = self.registered()
        other = self.storage("ss2", 5002)
        other.connect()
        for say in (other.beat, other.goodbye, lambda: other.note("0" * 16)):
            with self.assertRaises(Conflict):
                say()
        ss1.beat()

    def test_name_servers_do_not_register(self) -> None:
        """Another name server with the secret is no storage server."""
        connection = self.get(self.network.dial(NM))
        ss1 = self.storage()
        self.wait_for(
            greet(
                connection,
                role="nm",
                name="ss1",
                peer_role="nm",
                secret=b"s" * 32,
                entropy=self.entropy,
            )
        )
        self.refused(Invalid, connection, ss1.registration())

    def test_wrong_server_at_the_address(self) -> None:
        """A server that advertises somebody else's address is never ordered anything there."""
        self.registered()
        ss2 = self.storage("ss2", 5002)
        ss2.register(address="127.0.0.1:5001")
        alice = self.person("alice")
        self.ask(alice, Create("a.txt"))
        self.refused(Unavailable, alice, Create("b.txt"), "ss2 cannot be reached")
        self.assertEqual(ss2.orders, [])
        self.assertEqual(len(self.storages["ss1"].orders), 1)


class LifeTests(Rig):
    """
    Heartbeats, silence, and what follows.
    """

    def setUp(self) -> None:
        """alice has a.txt on ss1."""
        super().setUp()
        self.ss1 = self.registered()
        self.alice = self.person("alice")
        self.ask(self.alice, Create("a.txt"))

    def test_silence(self) -> None:
        """A server that is silent for 15 s has failed; its documents are unavailable."""
        self.wait(14)
        self.ask(self.alice, Locate("a.txt", "r"))
        self.wait(7)
        self.assertEqual(self.states(), {"ss1": "FAILED"})
        self.refused(Unavailable, self.alice, Locate("a.txt", "r"))

    def test_heartbeats(self) -> None:
        """A server that beats lives on."""
        for _ in range(12):
            self.wait(5)
            self.ss1.beat()
        self.assertEqual(self.states(), {"ss1": "LIVE"})

    def test_heard_again(self) -> None:
        """A server that was only silent has to register again; then it serves."""
        self.wait(21)
        with self.assertRaises(Unavailable):
            self.ss1.beat()
        self.ss1.register()
        self.wait(0.1)
        self.assertEqual(self.states(), {"ss1": "LIVE"})
        self.ask(self.alice, Create("b.txt"))

    def test_lost_connection(self) -> None:
        """A lost connection alone proves nothing."""
        assert self.ss1.link is not None
        self.ss1.link.close()
        self.wait(10)
        self.ask(self.alice, Locate("a.txt", "r"))
        self.wait(11)
        self.assertEqual(self.states(), {"ss1": "FAILED"})

    def test_goodbye(self) -> None:
        """A server that says goodbye is gone at once, until it registers again."""
        self.ss1.goodbye()
        self.refused(Unavailable, self.alice, Locate("a.txt", "r"))
        with self.assertRaises(Conflict):
            self.ss1.beat()
        self.ss1.register()
        self.ask(self.alice, Locate("a.txt", "r"))

    def test_own_stall(self) -> None:
        """A name server that stood still for a minute fails nobody over it."""
        self.wait(5)
        self.clock.advance(60)
        self.wait(5)
        self.assertEqual(self.states(), {"ss1": "LIVE"})
        self.wait(11)
        self.assertEqual(self.states(), {"ss1": "FAILED"})

    def test_restart(self) -> None:
        """H41: after its start a name server fails nobody for 15 s; who comes back serves."""
        self.restart()
        self.assertEqual(self.states(), {"ss1": "AWAITED"})
        alice = self.person("alice")
        self.refused(Unavailable, alice, Locate("a.txt", "r"))
        self.wait(14)
        self.assertEqual(self.states(), {"ss1": "AWAITED"})
        self.ss1.register()
        self.wait(0.1)
        self.ask(alice, Locate("a.txt", "r"))
        self.restart()
        self.wait(21)
        self.assertEqual(self.states(), {"ss1": "FAILED"})


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
