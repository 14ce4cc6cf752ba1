"""
What is ordered, told or lost while something else of the same pair is under way, or not known yet.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred

from dfs.core.pairs import Pair, PairState
from dfs.errors import Conflict, NotFound, Unavailable
from dfs.nm.fleet import Promise
from dfs.nm.journal import Known, PutDocument, PutPair, PutServer
from dfs.nm.kept import NOTHING
from dfs.nm.service import Settings
from dfs.wire.messages import AddAccess, Admin, Create, Delete, Move, PutMetadata, Request
from tests.nm.documents import document
from tests.nm.members import EQUAL, MembersRig
from tests.nm.pairs import key


class ReplacedTests(MembersRig):
    """
    What happens while the journal forgets what a lost store had.
    """

    def replacing(self) -> Deferred[Any]:
        """The order, with which the journal is busy."""
        self.protected()
        self.alice, _ = self.person("alice"), self.person("bob")
        self.backup.goodbye()
        self.wait(0.1)
        self.holding = True
        ordered = self.operator().ask(Admin("replace", "ss1_backup"))
        self.wait(0.1)
        return ordered

    def replaced(self, ordered: Deferred[Any]) -> None:
        """It is done, and nothing is left of what that store had."""
        self.wait(1)
        self.release()
        self.get(ordered)
        self.wait(2)
        self.assertEqual(self.entry().copy, NOTHING)
        self.assertEqual(self.disk.documents[1].backup, NOTHING)
        self.assertEqual(self.disk.servers["ss1_backup"].noted, 0)

    def asked(self, request: Request[Any]) -> None:
        """Somebody asks for something meanwhile."""
        ordered = self.replacing()
        asked = self.alice.ask(request)
        self.replaced(ordered)
        self.get(asked)

    def test_access(self) -> None:
        """Somebody is let in."""
        self.asked(AddAccess("1.txt", "bob", "r"))

    def test_moved(self) -> None:
        """A document is moved."""
        self.asked(Move("1.txt", "b.txt"))

    def test_noted(self) -> None:
        """A note is written down."""
        ordered = self.replacing()
        self.nm._notes.keep(self.entry())
        self.replaced(ordered)

    def test_drained(self) -> None:
        """The server is drained, and the order is given once more."""
        ordered = self.replacing()
        again = self.operator().ask(Admin("replace", "ss1_backup"))
        drained = self.operator().ask(Admin("drain", "ss1_backup"))
        self.replaced(ordered)
        self.get(again)
        self.get(drained)
        self.assertTrue(self.disk.servers["ss1_backup"].drained)

    def test_positions(self) -> None:
        """The position to which notes have come is written down."""
        ordered = self.replacing()
        server = self.nm.fleet.servers["ss1_backup"]
        server.applied = 40
        self.nm._notes._servers.add(server)
        self.replaced(ordered)

    def test_back(self) -> None:
        """Who returns meanwhile has to say what it has."""
        ordered = self.replacing()
        link = self.backup.connect()
        link.ask(self.backup.registration(epoch=1)).addErrback(lambda failure: None)
        self.replaced(ordered)
        self.assertEqual(self.states()["ss1_backup"], "FAILED")
        self.backup.back(epoch=1)
        self.live(2)
        self.assertEqual((self.state(), self.entry().copy), ("PROTECTED", EQUAL))
        self.defects()

    def test_given_up(self) -> None:
        """What was given up with the store is not looked for after a restart."""
        self.given(PairState.FAILED_OVER, "ss1_backup", peer=evolve(EQUAL, a=5), epoch=2)
        self.wait(16)
        self.backup.back(epoch=2)
        self.live(1, self.backup)
        alice = self.person("alice")
        self.holding = True
        ordered = self.operator().ask(Admin("replace", "ss1", accept_loss=True))
        self.wait(0.1)
        moved = alice.ask(Move("1.txt", "b.txt"))
        self.wait(0.1)
        self.release()
        self.get(ordered)
        self.get(moved)
        self.live(2, self.backup)
        self.restart()
        self.backup.back(epoch=2)
        self.live(20, self.backup)
        self.ss1.store_id = "f" * 32
        self.ss1.shelf.records.clear()
        self.ss1.seq = 0
        self.ss1.back(epoch=0)
        self.live(120)
        self.assertIn(self.state(), ("PROTECTED", "REVERSED"))


class ReplicaTests(MembersRig):
    """
    With C{--ack replica}.
    """

    def setUp(self) -> None:
        super().setUp()
        self.settings = Settings(promise=Promise(replica=True))
        self.protected()

    def test_peer_restarted(self) -> None:
        """A peer that restarts while the active member is awaited takes its place all the same."""
        self.ss1.part()
        self.ss1.until = -1.0
        self.restart()
        self.backup.back(epoch=1)
        self.backup.goodbye()
        self.wait(1)
        self.backup.back(epoch=1)
        self.live(40, self.backup)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))

    def test_held(self) -> None:
        """A note by which its server is held is not answered as if both had the change."""
        self.ss1.shelf.has(key(1), "5.0")
        with self.assertRaises(Conflict):
            self.ss1.note(key(1), "5.0", metadata_number=8)  # the journal, of yesterday, knows 7
        self.assertEqual(self.states()["ss1"], "HELD")


class DownTests(MembersRig):
    """
    A pair of which the member that serves last is gone, and the other one comes back.
    """

    def test_rights(self) -> None:
        """It may lead if all it lacks are rights, which the name server has."""
        self.protected()
        alice, _ = self.person("alice"), self.person("bob")
        self.backup.goodbye()
        self.live(1, self.ss1)
        self.ask(alice, AddAccess("1.txt", "bob", "r"))
        self.ss1.goodbye()
        self.wait(1)
        self.assertEqual(self.state(), "DOWN")
        self.backup.back(epoch=1)
        self.live(20, self.backup)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))

    def test_rights_while_down(self) -> None:
        """The same for rights that were given while nobody was there."""
        self.protected()
        alice, _ = self.person("alice"), self.person("bob")
        self.backup.goodbye()
        self.live(1, self.ss1)
        self.ss1.goodbye()
        self.wait(1)
        self.ask(alice, AddAccess("1.txt", "bob", "r"))
        self.backup.back(epoch=1)
        self.live(20, self.backup)
        self.assertEqual((self.state(), self.serves()), ("FAILED_OVER", "ss1_backup"))


class ElsewhereTests(MembersRig):
    """
    A document that only the absent member has.
    """

    def test_deleted(self) -> None:
        """It is not deleted unseen, also when somebody was let in meanwhile."""
        self.given(PairState.FAILED_OVER, "ss1_backup", epoch=2)
        self.stop()
        self.disk.apply(PutDocument(evolve(document(1, "1.txt"), home=EQUAL, backup=NOTHING)))
        self.start()
        self.backup.shelf.records.pop(key(1))

        def script(order: Any) -> None:
            if getattr(order, "id", "") == key(1):
                raise NotFound("there is no such document here")

        self.backup.script = script
        self.wait(16)
        self.backup.back(epoch=2)
        self.live(1, self.backup)
        alice, _ = self.person("alice"), self.person("bob")
        self.ask(alice, AddAccess("1.txt", "bob", "r"))
        with self.assertRaises(Unavailable):
            self.ask(alice, Delete("1.txt"))


class OperatorTests(MembersRig):
    """
    Orders.
    """

    def test_drained_while_handed_back(self) -> None:
        """Who is drained while it is about to be handed its place does not get it."""
        self.reversed()
        gate: Deferred[None] = Deferred()
        self.backup.finish = lambda: gate
        self.order("handback")
        self.wait(0.1)
        self.assertEqual(self.state(), "HANDBACK")
        self.order("drain", "ss1")
        gate.callback(None)
        self.live(5)
        self.assertEqual(self.serves(), "ss1_backup")

    def test_handed_back_twice(self) -> None:
        """An order is not answered before what it rests on is in the journal."""
        self.protected()
        self.order("drain")
        self.live(2)
        self.holding = True
        orders = [self.operator().ask(Admin("handback", "ss1")) for _ in range(2)]
        self.wait(0.2)
        self.assertEqual([order.called for order in orders], [False, False])
        self.release()
        for order in orders:
            order.addErrback(lambda failure: failure.trap(Conflict))
            self.get(order)

    def test_paired_with_a_later_epoch(self) -> None:
        """A server that knows a later epoch is not taken as a backup: it could never serve."""
        self.stop()
        self.disk.apply(PutPair(Pair("ss2", 3, "ss2", PairState.DOWN)))
        other = self.storage("ss2", 5003)
        self.disk.apply(PutServer(Known("ss2", other.store_id, "")))
        self.start()
        other.back(epoch=1)
        self.ss1.back()
        with self.assertRaises(Conflict):
            self.order("pair", "ss1", "ss2")

    def test_backup_of_a_backup(self) -> None:
        """Nobody becomes the backup of a server that is a backup itself."""
        self.ss1.back()
        other = self.storage("ss2", 5003)
        other.back()
        self.order("pair", "ss1", "ss2")
        other.back()
        self.live(2)
        with self.assertRaises(Conflict):
            self.storage("ss2_backup", 5004).back()


class FullTests(MembersRig):
    """
    A server that can take nothing new.
    """

    def test_others(self) -> None:
        """New documents go to those that have room."""
        self.ss1.back()
        self.storage("ss2", 5003).back()

        def full(order: Any) -> None:
            if isinstance(order, PutMetadata):
                raise Unavailable("disk full")

        self.ss1.script = full
        alice = self.person("alice")
        with self.assertRaises(Unavailable):
            self.ask(alice, Create("0.txt"))
        for number in range(1, 5):
            self.ask(alice, Create(f"{number}.txt"))
            self.live(3)
