"""
What operators order, what is refused, and what happens when servers do something meanwhile.
"""

from __future__ import annotations

from attrs import evolve
from twisted.internet.defer import Deferred

from dfs.core.pairs import PairState
from dfs.core.versions import Version
from dfs.errors import Conflict, Invalid, NotFound, Unauthenticated, Unauthorized, Unavailable
from dfs.nm.kept import NOTHING, Grave
from dfs.wire.messages import Admin, Create, Delete, DeleteFile, PutFileContent
from tests.nm.members import EQUAL, MembersRig
from tests.nm.pairs import Held, key
from tests.nm.rig import EPOCH
from tests.nm.texts import LARGE


class OrderTests(MembersRig):
    """
    Each deed and each refusal.
    """

    def no(self, pattern: str, deed: str, target: str = "ss1", other: str = "") -> None:
        """An order is refused, for this reason, and nothing has changed."""
        before = dict(self.disk.pairs)
        with self.assertRaisesRegex(Conflict, pattern):
            self.order(deed, target, other)
        self.assertEqual(self.disk.pairs, before)

    def down(self) -> None:
        """Only the backup is here, and it lacks something."""
        self.protected()
        self.backup.shelf.gate = Held(object)
        self.write(self.ss1, "5.0")
        self.backup.goodbye()
        self.live(1, self.ss1)
        self.ss1.goodbye()
        self.backup.back(epoch=1)
        self.assertEqual(self.state(), "DOWN")

    def test_who(self) -> None:
        """Only with the secret; only what there is."""
        self.protected()
        self.refused(Unauthenticated, self.person("alice"), Admin("failover", "ss1"))
        with self.assertRaises(Unauthorized):
            self.ss1.ask(Admin("failover", "ss1"))
        operator = self.operator()
        self.refused(Invalid, operator, Admin("explode", "ss1"), "none of drain, failover")
        self.refused(NotFound, operator, Admin("failover", "ss9"))
        self.refused(NotFound, operator, Admin("drain", "ss9"))

    def test_failover(self) -> None:
        """Only a pair that is PROTECTED."""
        self.protected()
        self.backup.goodbye()
        self.no("is DEGRADED", "failover")

    def test_handback(self) -> None:
        """Only a pair that is REVERSED; then at once."""
        self.protected()
        self.no("is PROTECTED", "handback")
        self.order("failover")
        self.live(2)
        self.order("handback")
        self.live(2)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))

    def test_drain(self) -> None:
        """A drained member gives its place away and does not get it back by itself."""
        self.protected()
        self.order("drain")
        self.live(60)
        self.assertEqual((self.state(), self.serves()), ("REVERSED", "ss1_backup"))
        self.assertTrue(self.disk.servers["ss1"].drained)
        self.order("handback")
        self.live(2)
        self.assertEqual((self.state(), self.serves()), ("PROTECTED", "ss1"))
        self.assertFalse(self.disk.servers["ss1"].drained)

    def test_drained_backup(self) -> None:
        """That a backup is drained ends with the same order."""
        self.protected()
        self.order("drain", "ss1_backup")
        self.assertTrue(self.disk.servers["ss1_backup"].drained)
        self.order("handback")
        self.assertFalse(self.disk.servers["ss1_backup"].drained)
        self.no("is PROTECTED", "handback")

    def test_drain_alone(self) -> None:
        """A server without a peer gets nothing new, and serves what it has."""
        self.ss1.back()
        self.order("drain")
        self.assertEqual(self.serves(), "ss1")
        self.refused(Unavailable, self.person("alice"), Create("x.txt"))

    def test_drain_and_register(self) -> None:
        """A registration that is under way does not undo it."""
        self.protected()
        self.holding = True
        self.backup.part()
        link = self.backup.connect()
        link.ask(self.backup.registration(epoch=1, address="127.0.0.1:5092"))
        ordered = self.operator().ask(Admin("drain", "ss1_backup"))
        ordered.addErrback(lambda failure: None)
        self.wait(0.1)
        self.release()
        self.wait(0.1)
        self.assertTrue(self.nm.fleet.servers["ss1_backup"].known.drained)
        self.assertTrue(self.disk.servers["ss1_backup"].drained)

    def test_promote(self) -> None:
        """Only a member that is here, when nobody serves; with a loss only if that is accepted."""
        self.protected()
        self.no("active member", "promote", "ss1")
        self.no("is PROTECTED", "promote", "ss1_backup")
        self.ss1.goodbye()
        self.backup.goodbye()
        self.wait(0.5)

    def test_promote_with_a_loss(self) -> None:
        """What is lost is named; it is judged when the other one returns."""
        self.down()
        self.no("'1.txt'", "promote", "ss1_backup")
        self.order("promote", "ss1_backup", loss=True)
        self.wait(1)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))
        self.assertEqual([entry.path for entry in self.place.behind], ["1.txt"])

    def test_promote_and_lost(self) -> None:
        """Whoever is gone when the order has its turn is not promoted."""
        self.down()
        server = self.nm.fleet.servers["ss1_backup"]
        self.holding = True
        held = Deferred.fromCoroutine(self.nm.pairing._turns.at("ss1").__aenter__())
        ordered = self.operator().ask(Admin("promote", "ss1_backup", "", True))
        failures: list[object] = []
        ordered.addErrback(lambda failure: failures.append(failure.value))
        self.wait(0.1)
        self.backup.goodbye()
        self.assertTrue(held.called)
        Deferred.fromCoroutine(self.nm.pairing._turns.at("ss1").__aexit__(None, None, None))
        self.release()
        self.wait(1)
        self.assertIsInstance(failures[0], Conflict)
        self.assertEqual((self.place.pair.active, server.here), ("ss1", False))

    def test_replace(self) -> None:
        """Only the peer, and only when it is away; then any store is taken for its."""
        self.protected()
        self.no("stop it first", "replace", "ss1_backup")
        self.no("stop it first", "replace", "ss1")
        self.backup.goodbye()
        self.wait(0.1)
        self.order("replace", "ss1_backup")
        self.assertEqual((self.state(), self.place.pair.synced), ("SOLO", False))
        self.assertEqual(self.entry().copy, NOTHING)
        self.assertEqual(self.disk.documents[1].backup, NOTHING)
        self.backup.store_id = "f" * 32
        self.backup.shelf.records.clear()
        self.backup.back(epoch=1)
        self.live(2)
        self.assertEqual((self.state(), self.entry().copy), ("PROTECTED", EQUAL))

    def test_replace_the_last(self) -> None:
        """Not the one that served last; not what only it has."""
        self.given(PairState.FAILED_OVER, "ss1_backup", peer=evolve(EQUAL, a=5), epoch=2)
        self.wait(16)
        self.no("was the last to serve", "replace", "ss1_backup")
        self.backup.back(epoch=2)
        self.no("3 documents", "replace", "ss1")
        self.order("replace", "ss1", loss=True)
        self.assertEqual(len(self.place.behind), 0)

    def test_copied_to_the_lost_store(self) -> None:
        """What still arrives in a store that is given up, the one after it does not have."""
        self.protected()
        held = Held(PutFileContent)
        pushes: list[object] = []

        def second(request: object) -> Deferred[None] | None:
            pushes.append(request)
            return held(request) if len(pushes) == 2 else None

        self.backup.shelf.gate = second
        self.ss1.shelf.has(key(1), "5.0", LARGE)
        self.ss1.note(key(1), "5.0", metadata_number=7, size=len(LARGE))
        self.live(2)
        self.assertEqual(held.waiting, 1)
        self.backup.goodbye()
        self.live(1, self.ss1)
        self.order("replace", "ss1_backup", loss=True)
        held.open()
        self.live(1, self.ss1)
        self.assertEqual(self.entry().held(home=False), NOTHING)
        self.assertEqual(self.disk.documents[1].backup, NOTHING)
        self.backup.store_id = "e" * 32
        self.backup.shelf.records.clear()
        self.backup.shelf.contents.clear()
        self.backup.back()
        self.live(2)
        self.assertEqual((self.state(), self.backup.shelf.version(key(1))), ("PROTECTED", "5.0"))


class PairTests(MembersRig):
    """
    A server becomes the backup of another one.
    """

    def setUp(self) -> None:
        """Two servers that are alone."""
        super().setUp()
        self.ss1.back()
        self.ss2 = self.storage("ss2", 5003)
        self.ss2.back()

    def test_paired(self) -> None:
        """It is told so when it registers again; the journal has it."""
        self.order("pair", "ss1", "ss2")
        self.assertEqual(set(self.disk.pairs), {"ss1"})
        self.ss2.back()
        self.live(2)
        self.assertEqual((self.state(), self.place.pair.backup), ("PROTECTED", "ss2"))
        self.restart()
        self.ss1.back()
        self.ss2.back()
        self.live(2)
        self.assertEqual(self.state(), "PROTECTED")
        self.assertEqual(set(self.nm.index.places), {"ss1"})

    def test_usual_backup(self) -> None:
        """Who would have been the backup by its name is refused from then on."""
        self.order("pair", "ss1", "ss2")
        with self.assertRaisesRegex(Conflict, "backup of ss1 is ss2"):
            self.backup.register()
        self.assertNotIn("ss1_backup", self.nm.fleet.servers)

    def test_laid_but_not_in_the_journal(self) -> None:
        """Not while the journal says of it that it may still have what is gone."""
        self.stop()
        self.disk.graves[7] = Grave(
            7, "ss2", "gone.txt", "alice", Version(1, 0), EPOCH, at_home=True
        )
        self.start()

        def laid(order: object) -> None:
            if isinstance(order, DeleteFile):
                self.disk.trouble = "disk full"

        self.ss2.script = laid
        self.ss1.back()
        self.ss2.back()
        self.live(1)
        self.disk.trouble = ""
        self.ss2.script = lambda order: None
        with self.assertRaises(Conflict):
            self.order("pair", "ss1", "ss2")
        self.live(12)
        self.order("pair", "ss1", "ss2")
        self.restart()
        self.assertEqual(set(self.nm.index.places), {"ss1"})

    def test_refused(self) -> None:
        """Not with documents, not twice, not with itself."""
        alice = self.person("alice")
        self.ask(alice, Create("a.txt"))
        self.ask(alice, Create("b.txt"))
        for first, second in (("ss1", "ss2"), ("ss1", "ss1")):
            with self.assertRaises(Conflict):
                self.order("pair", first, second)
        self.backup.back()
        self.live(1)
        with self.assertRaisesRegex(Conflict, "has a backup already"):
            self.order("pair", "ss1", "ss2")

    def test_meanwhile(self) -> None:
        """Steps of either pair that are under way are not lost, nor do they found the old one."""
        self.holding = True
        self.ss1.goodbye()
        self.ss2.goodbye()
        failures: list[object] = []
        ordered = self.operator().ask(Admin("pair", "ss1", "ss2"))
        ordered.addErrback(lambda failure: failures.append(failure.value))
        self.wait(0.1)
        self.release()
        self.wait(2)
        self.assertIsInstance(failures[0], Conflict)
        self.assertEqual({one.state.value for one in self.disk.pairs.values()}, {"DOWN"})
        self.assertEqual(set(self.disk.pairs), set(self.nm.index.places))

    def test_registers_meanwhile(self) -> None:
        """A registration that is under way does not found its old pair again."""
        self.holding = True
        ordered = self.operator().ask(Admin("pair", "ss1", "ss2"))
        self.wait(0.1)
        self.ss2.part()
        link = self.ss2.connect()
        link.ask(self.ss2.registration(address="127.0.0.1:5093"))
        self.wait(0.1)
        self.release()
        self.get(ordered)
        self.wait(0.1)
        self.ss2.back()
        self.live(2)
        self.assertEqual((set(self.disk.pairs), set(self.nm.index.places)), ({"ss1"}, {"ss1"}))
        self.assertEqual(self.state(), "PROTECTED")


class GraveTests(MembersRig):
    """
    Documents that are deleted while another member becomes active.
    """

    def test_journal_late(self) -> None:
        """Deleted on one, failed over, and only then in the journal: it goes from both."""
        self.protected()
        self.disk.trouble = "disk full"
        alice = self.person_known()
        self.ask_in_vain(alice)
        self.ss1.goodbye()
        self.wait(1)
        self.disk.trouble = ""
        self.live(12, self.backup)
        self.assertEqual(self.state(), "FAILED_OVER")
        self.assertIn(key(1), [getattr(order, "id", "") for order in self.backup.orders])
        self.assertFalse(self.disk.graves[1].at_backup)

    def person_known(self) -> object:
        """alice, who is in the journal already."""
        self.disk.trouble = ""
        alice = self.person("alice")
        self.disk.trouble = "disk full"
        return alice

    def ask_in_vain(self, alice: object) -> None:
        """She deletes something, and the journal does not know."""
        alice.ask(Delete("1.txt")).addErrback(lambda failure: None)  # type: ignore[attr-defined]
        self.wait(0.2)
        self.assertEqual([type(order) for order in self.ss1.orders], [DeleteFile])

    def test_switched_meanwhile(self) -> None:
        """The answer of the old member comes when the new one serves: that is asked, too."""
        self.protected()
        waiting = self.stuck()
        self.ss1.script = lambda order: waiting
        alice = self.person("alice")
        done: list[object] = []
        alice.ask(Delete("1.txt")).addBoth(done.append)
        self.wait(0.1)
        self.order("failover")
        self.assertEqual(self.place.pair.active, "ss1_backup")
        waiting.callback(None)
        self.live(7)
        self.assertEqual(len(done), 1)
        self.assertIn(DeleteFile(key(1), 2, ""), self.backup.orders)
        self.assertFalse(self.disk.graves[1].haunted)
