"""ADDACCESS and REMACCESS at the name server."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from dfs.errors import (
    DFSError,
    Internal,
    Invalid,
    Moved,
    NotFound,
    Unauthorized,
    Unavailable,
)
from dfs.wire.messages import (
    AddAccess,
    Create,
    GetInfo,
    Heartbeat,
    Locate,
    PutMetadata,
    RemAccess,
)
from tests.nm.outcomes import outcome
from tests.nm.rig import Rig


class AccessTests(Rig):
    """
    Who may see a document.
    """

    def setUp(self) -> None:
        """alice has a.txt; bob was here once."""
        super().setUp()
        self.ss1 = self.registered()
        self.alice, self.bob = self.person("alice"), self.person("bob")
        self.made = self.ask(self.alice, Create("a.txt"))

    def test_granted(self) -> None:
        """A grant is told to the storage server and holds at once."""
        self.refused(Unauthorized, self.bob, Locate("a.txt", "r"))
        self.ask(self.alice, AddAccess("a.txt", "bob", "R"))
        order = self.ss1.orders[-1]
        assert isinstance(order, PutMetadata)
        self.assertEqual((order.grants, order.number, order.create), (("r:bob",), 2, False))
        self.ask(self.bob, Locate("a.txt", "r"))
        self.refused(Unauthorized, self.bob, Locate("a.txt", "w"), "may not change")
        self.ask(self.alice, AddAccess("a.txt", "bob", "w"))
        self.ask(self.bob, Locate("a.txt", "w"))

    def test_removed(self) -> None:
        """What is taken away is away, here and on the storage server, after a restart too."""
        self.ask(self.alice, AddAccess("a.txt", "bob", "w"))
        self.ask(self.alice, RemAccess("a.txt", "bob"))
        order = self.ss1.orders[-1]
        assert isinstance(order, PutMetadata)
        self.assertEqual((order.grants, order.number), ((), 3))
        self.refused(Unauthorized, self.bob, Locate("a.txt", "r"))
        self.restart()
        self.ss1.register()
        self.refused(Unauthorized, self.person("bob"), Locate("a.txt", "r"))

    def test_cannot_be_carried_out(self) -> None:
        """H12: a grant that cannot be carried out is an error."""
        for request, error in (
            (AddAccess("a.txt", "bob", "-X"), Invalid),
            (AddAccess("a.txt", "bob", ""), Invalid),
            (AddAccess("a.txt", "nobody", "r"), NotFound),
            (AddAccess("a.txt", "", "r"), Invalid),
            (AddAccess("b.txt", "bob", "r"), NotFound),
            (RemAccess("a.txt", "nobody"), NotFound),
            (RemAccess("a.txt", "bob"), Invalid),
            (RemAccess("a.txt", "alice"), Invalid),
        ):
            self.refused(error, self.alice, request)
        self.assertEqual(self.ask(self.alice, GetInfo("a.txt")).grants, ())
        self.assertEqual(len(self.ss1.orders), 1)

    def test_owner_only(self) -> None:
        """Who may write may not let others in."""
        self.ask(self.alice, AddAccess("a.txt", "bob", "w"))
        self.refused(Unauthorized, self.bob, AddAccess("a.txt", "bob", "w"), "only its owner")
        self.refused(Unauthorized, self.bob, RemAccess("a.txt", "alice"))

    def test_nothing_new(self) -> None:
        """A grant that is there already changes nothing."""
        self.ask(self.alice, AddAccess("a.txt", "bob", "r"))
        self.ask(self.alice, AddAccess("a.txt", "bob", "r"))
        self.ask(self.alice, AddAccess("a.txt", "alice", "w"))
        self.assertEqual(len(self.ss1.orders), 2)

    def test_many_at_once(self) -> None:
        """H2: of 90 grants that come at once every one is there."""
        people = [f"user{number:02}" for number in range(90)]
        for person in people:
            self.person(person).close()
        answers = [
            outcome(self.alice.ask(AddAccess("a.txt", person, "r"), timeout=60))
            for person in people[:60]
        ]
        self.wait(1)
        answers += [
            outcome(self.alice.ask(AddAccess("a.txt", person, "w"), timeout=60))
            for person in people[60:]
        ]
        self.wait(1)
        self.assertEqual(answers, [["Done"]] * 90)
        self.assertEqual(len(self.ask(self.alice, GetInfo("a.txt")).grants), 90)

    def test_journal_first(self) -> None:
        """A grant holds for nobody before the journal knows."""
        self.holding = True
        answer = outcome(self.alice.ask(AddAccess("a.txt", "bob", "r")))
        self.wait(1)
        self.refused(Unauthorized, self.bob, GetInfo("a.txt"))
        self.assertEqual((answer, len(self.ss1.orders)), ([], 1))
        self.release()
        self.assertEqual(answer, ["Done"])
        self.ask(self.bob, GetInfo("a.txt"))

    def test_server_away(self) -> None:
        """While a server is away rights can be changed; it is told before it serves again."""
        self.ask(self.alice, AddAccess("a.txt", "bob", "w"))
        self.ss1.goodbye()
        self.ask(self.alice, RemAccess("a.txt", "bob"))
        orders = len(self.ss1.orders)
        told: Deferred[None] = Deferred()
        self.ss1.script = lambda order: told
        self.ss1.register()
        self.wait(0.1)
        self.refused(Unavailable, self.alice, Locate("a.txt", "r"), "ss1")
        self.assertEqual(self.states(), {"ss1": "JOINING"})
        [order] = self.ss1.orders[orders:]
        assert isinstance(order, PutMetadata)
        self.assertEqual((order.grants, order.number, order.create), ((), 3, False))
        told.callback(None)
        self.wait(0.1)
        self.ask(self.alice, Locate("a.txt", "r"))

    def test_owed_after_restart(self) -> None:
        """What a server is owed is not forgotten when the name server restarts."""
        self.ss1.note(self.made.id, "0.0")
        self.wait(1)
        self.ss1.goodbye()
        self.ask(self.alice, AddAccess("a.txt", "bob", "w"))
        self.restart()
        self.ss1.register()
        self.wait(0.1)
        order = self.ss1.orders[-1]
        assert isinstance(order, PutMetadata)
        self.assertEqual((order.grants, order.number, order.create), (("w:bob",), 2, False))
        self.assertEqual(self.states(), {"ss1": "LIVE"})

    def test_frozen_server(self) -> None:
        """A server that does not answer is told later; the owner is told after some seconds."""
        self.ss1.script = lambda order: Deferred()
        answer = outcome(self.alice.ask(AddAccess("a.txt", "bob", "r")))
        self.wait(4)
        self.assertEqual(answer, [])
        self.wait(2)
        self.assertEqual(answer, ["Done"])
        orders = len(self.ss1.orders)
        self.ss1.script = lambda order: None
        self.wait(6)
        self.assertEqual(len(self.ss1.orders), orders + 1)
        self.wait(6)
        self.assertEqual(len(self.ss1.orders), orders + 1)

    def test_revoked_unheard(self) -> None:
        """
        H28: a right is taken away when the server knows, or when its lease is over.

        Until it knows it gets no new lease.
        """
        self.ask(self.alice, AddAccess("a.txt", "bob", "r"))
        self.ss1.script = lambda order: Deferred()
        answer = outcome(self.alice.ask(RemAccess("a.txt", "bob")))
        self.wait(6)
        self.assertEqual(answer, [])
        self.assertFalse(self.ss1.ask(Heartbeat(1, 0, 0)).serve)
        self.wait(8)
        self.ss1.beat()
        self.assertEqual(answer, [])
        self.wait(2)
        self.assertEqual(answer, ["Done"])
        self.assertEqual(self.states(), {"ss1": "JOINING"})
        self.ss1.script = lambda order: None
        self.wait(6)
        self.assertTrue(self.ss1.ask(Heartbeat(1, 0, 0)).serve)

    def test_lowered_unheard(self) -> None:
        """Who might write and may only read from now on has lost a right in the same way."""
        self.ask(self.alice, AddAccess("a.txt", "bob", "w"))
        self.ss1.script = lambda order: Deferred()
        answer = outcome(self.alice.ask(AddAccess("a.txt", "bob", "r")))
        again = outcome(self.alice.ask(AddAccess("a.txt", "bob", "r")))
        self.wait(6)
        self.assertEqual(answer + again, [])
        self.assertFalse(self.ss1.ask(Heartbeat(1, 0, 0)).serve)
        self.wait(15)
        self.assertEqual(answer + again, ["Done", "Done"])

    def test_revoked_on_a_broken_disk(self) -> None:
        """A server whose disk failed while it was told of a right is told again when it is back."""
        self.ask(self.alice, AddAccess("a.txt", "bob", "r"))

        def broken(order: object) -> None:
            raise Internal("the disk failed; whether this was kept is not known")

        self.ss1.script = broken
        answer = outcome(self.alice.ask(RemAccess("a.txt", "bob")))
        self.wait(0.1)
        self.ss1.goodbye()
        self.ss1.script = lambda order: None
        orders = len(self.ss1.orders)
        self.ss1.register()
        self.wait(6)
        order = self.ss1.orders[-1]
        assert isinstance(order, PutMetadata)
        self.assertEqual((len(self.ss1.orders), order.grants), (orders + 1, ()))
        self.assertEqual(answer, ["Done"])

    def test_revoked_late(self) -> None:
        """A server that hears of it a little later is not waited for any longer."""
        self.ask(self.alice, AddAccess("a.txt", "bob", "r"))
        self.ss1.script = lambda order: Deferred()
        answer = outcome(self.alice.ask(RemAccess("a.txt", "bob")))
        self.wait(5.2)
        self.ss1.beat()
        self.ss1.script = lambda order: None
        self.wait(6)
        self.assertEqual(answer, ["Done"])
        self.assertEqual(self.states(), {"ss1": "LIVE"})


class DoubtTests(Rig):
    """
    What a storage server may not have, it is told again.
    """

    def told_after(self, *errors: DFSError) -> int:
        """How often a storage server is told of a right that is taken away if it fails so first."""
        ss1, alice, _ = self.registered(), self.person("alice"), self.person("bob")
        self.ask(alice, Create("a.txt"))
        self.ask(alice, AddAccess("a.txt", "bob", "r"))
        ss1.orders.clear()
        failures = list(errors)

        def fail(order: object) -> None:
            if isinstance(order, PutMetadata) and failures:
                raise failures.pop(0)

        ss1.script = fail
        alice.ask(RemAccess("a.txt", "bob"))
        for _ in range(5):
            self.wait(5)
            ss1.say(Heartbeat(1, 0, 0))
        return sum(isinstance(order, PutMetadata) for order in ss1.orders)

    def test_newer_epoch(self) -> None:
        """An order of a past epoch was not obeyed, and is given again."""
        self.assertEqual(self.told_after(Moved("it is an order of the past")), 2)

    def test_disk(self) -> None:
        """A disk that failed may have lost it, and it is told again."""
        self.assertEqual(self.told_after(Internal("the disk failed")), 2)

    def test_defect(self) -> None:
        """What fails again and again is not told for ever."""
        self.assertEqual(self.told_after(*[Internal("a defect")] * 9), 2)

    def test_refusal(self) -> None:
        """What a storage server refuses it would refuse again."""
        self.assertEqual(self.told_after(Invalid("no grant")), 1)
