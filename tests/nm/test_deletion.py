"""DELETE at the name server."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from dfs.errors import (
    Locked,
    NotFound,
    Unauthorized,
    Unavailable,
)
from dfs.wire.messages import (
    AddAccess,
    Create,
    Delete,
    DeleteFile,
    GetInfo,
)
from tests.nm.outcomes import outcome
from tests.nm.rig import Rig


class DeleteTests(Rig):
    """
    A document goes.
    """

    def test_deleted(self) -> None:
        """A document is buried on its server before its owner is told, and its name is free."""
        ss1, alice = self.registered(), self.person("alice")
        made = self.ask(alice, Create("a.txt"))
        self.ask(alice, Delete("a.txt"))
        self.assertEqual(ss1.orders[1:], [DeleteFile(made.id, 1, "alice")])
        self.refused(NotFound, alice, GetInfo("a.txt"))
        self.assertNotEqual(self.ask(alice, Create("a.txt")).id, made.id)

    def test_others(self) -> None:
        """H9: of a deleted document nothing is left to the next who takes its name."""
        self.registered()
        alice, bob, carol = self.person("alice"), self.person("bob"), self.person("carol")
        self.ask(alice, Create("a.txt"))
        self.ask(alice, AddAccess("a.txt", "carol", "w"))
        self.ask(alice, Delete("a.txt"))
        self.ask(bob, Create("a.txt"))
        for person in (alice, carol):
            self.refused(Unauthorized, person, GetInfo("a.txt"))
        self.assertEqual(self.ask(bob, GetInfo("a.txt")).grants, ())

    def test_owner_only(self) -> None:
        """Nobody else may delete, and who may not read learns no more than that it is there."""
        ss1, alice = self.registered(), self.person("alice")
        bob, carol = self.person("bob"), self.person("carol")
        self.ask(alice, Create("a.txt"))
        self.ask(alice, AddAccess("a.txt", "bob", "w"))
        orders = len(ss1.orders)
        self.refused(Unauthorized, bob, Delete("a.txt"), "only its owner")
        self.refused(Unauthorized, carol, Delete("a.txt"))
        self.refused(NotFound, carol, Delete("b.txt"))
        self.assertEqual(len(ss1.orders), orders)

    def test_locked(self) -> None:
        """What the storage server refuses is not deleted."""
        ss1, alice = self.registered(), self.person("alice")
        self.ask(alice, Create("a.txt"))

        def locked(order: object) -> None:
            raise Locked("bob edits sentence 0")

        ss1.script = locked
        self.refused(Locked, alice, Delete("a.txt"), "bob edits")
        self.ask(alice, GetInfo("a.txt"))

    def test_server_away(self) -> None:
        """While its server is away a document is not deleted; the message says who is away."""
        ss1, alice = self.registered(), self.person("alice")
        self.ask(alice, Create("a.txt"))
        ss1.goodbye()
        self.refused(Unavailable, alice, Delete("a.txt"), "ss1")

    def test_not_there(self) -> None:
        """A document that its server does not have can be deleted."""
        ss1, alice = self.registered(), self.person("alice")
        self.ask(alice, Create("a.txt"))

        def nowhere(order: object) -> None:
            raise NotFound("no such document")

        ss1.script = nowhere
        self.ask(alice, Delete("a.txt"))
        self.refused(NotFound, alice, GetInfo("a.txt"))

    def test_survives_restart(self) -> None:
        """Deleted stays deleted."""
        self.registered()
        alice = self.person("alice")
        self.ask(alice, Create("a.txt"))
        self.ask(alice, Delete("a.txt"))
        self.restart()
        self.refused(NotFound, self.person("alice"), GetInfo("a.txt"))
        [stone] = self.disk.graves.values()
        self.assertFalse(stone.haunted)

    def test_tombstones_end(self) -> None:
        """A deletion is forgotten after 30 days, at the next start."""
        self.registered()
        alice = self.person("alice")
        self.ask(alice, Create("a.txt"))
        self.ask(alice, Delete("a.txt"))
        self.calendar += 30 * 24 * 3600 - 100
        self.restart()
        self.assertEqual(len(self.disk.graves), 1)
        self.calendar += 100
        self.restart()
        self.assertEqual(self.disk.graves, {})

    def test_create_waits(self) -> None:
        """Who creates a name while it is being deleted gets it afterwards."""
        ss1, alice, bob = self.registered(), self.person("alice"), self.person("bob")
        self.ask(alice, Create("a.txt"))
        buried: Deferred[None] = Deferred()
        ss1.script = lambda order: buried if isinstance(order, DeleteFile) else None
        first, second = outcome(alice.ask(Delete("a.txt"))), outcome(bob.ask(Create("a.txt")))
        self.wait(1)
        self.assertEqual((first, second), ([], []))
        buried.callback(None)
        self.wait(0.1)
        self.assertEqual((first, second), (["Done"], ["Created"]))

    def test_grant_waits(self) -> None:
        """A grant that comes while its document is being deleted is refused, not granted."""
        ss1, alice = self.registered(), self.person("alice")
        self.person("bob")
        self.ask(alice, Create("a.txt"))
        buried: Deferred[None] = Deferred()
        ss1.script = lambda order: buried
        first = outcome(alice.ask(Delete("a.txt")))
        second = outcome(alice.ask(AddAccess("a.txt", "bob", "r")))
        self.wait(1)
        buried.callback(None)
        self.wait(0.1)
        self.assertEqual((first, second), (["Done"], ["NOT_FOUND"]))

    def test_journal_late(self) -> None:
        """A name is not free before the journal knows that its document is gone."""
        self.registered()
        alice = self.person("alice")
        self.ask(alice, Create("a.txt"))
        self.holding = True
        first, second = outcome(alice.ask(Delete("a.txt"))), outcome(alice.ask(Create("a.txt")))
        self.wait(1)
        self.assertEqual((first, second), ([], []))
        self.refused(NotFound, alice, GetInfo("a.txt"))
        self.release()
        self.assertEqual((first, second), (["Done"], ["Created"]))
