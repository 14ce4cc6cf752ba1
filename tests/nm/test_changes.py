"""
CREATE, DELETE, ADDACCESS, REMACCESS.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from dfs.errors import (
    DFSError,
    Exists,
    Internal,
    Invalid,
    Locked,
    Moved,
    NotFound,
    Unauthenticated,
    Unauthorized,
    Unavailable,
)
from dfs.wire.messages import (
    AddAccess,
    Create,
    Delete,
    DeleteFile,
    GetInfo,
    Heartbeat,
    Locate,
    PutMetadata,
    RemAccess,
    View,
)
from tests.nm.rig import Rig


def outcome(deferred: Deferred[Any]) -> list[Any]:
    """Where it will be said how a question ended: the class of the answer, or an error's code."""
    results: list[Any] = []
    deferred.addCallbacks(
        lambda answer: results.append(type(answer).__name__),
        lambda failure: results.append(failure.value.code),
    )
    return results


class CreateTests(Rig):
    """
    A document comes.
    """

    def test_made(self) -> None:
        """A document is made on the storage server before its owner is told, and then shown."""
        ss1, alice = self.registered(), self.person("alice")
        made = self.ask(alice, Create("notes/a.txt"))
        [order] = ss1.orders
        assert isinstance(order, PutMetadata)
        self.assertEqual(
            (order.id, order.name, order.owner, order.grants, order.number, order.create),
            (made.id, "a.txt", "alice", (), 1, True),
        )
        self.assertRegex(made.id, "^[0-7][0-9a-f]{15}$")
        info = self.ask(alice, GetInfo("notes/a.txt"))
        self.assertEqual((info.id, info.owner, info.size, info.right), (made.id, "alice", 0, "o"))
        self.assertEqual([line.path for line in self.items(alice, View())], ["notes/a.txt"])

    def test_leading_slash(self) -> None:
        """A path with a leading slash is the same path."""
        self.registered()
        alice = self.person("alice")
        self.ask(alice, Create("/a.txt"))
        self.assertEqual(self.ask(alice, GetInfo("a.txt")).path, "a.txt")
        self.refused(Exists, alice, Create("a.txt"))

    def test_journal_first(self) -> None:
        """Nothing is ordered, shown or answered before the journal knows."""
        ss1, alice, bob = self.registered(), self.person("alice"), self.person("bob")
        self.holding = True
        answer = outcome(alice.ask(Create("a.txt")))
        self.wait(1)
        self.assertEqual((answer, ss1.orders), ([], []))
        self.refused(NotFound, bob, GetInfo("a.txt"))
        self.assertEqual(self.items(bob, View(all=True)), [])
        self.release()
        self.assertEqual(answer, ["Created"])

    def test_taken(self) -> None:
        """A name that is taken is refused, whoever has it; the message says by what."""
        self.registered()
        alice, bob = self.person("alice"), self.person("bob")
        self.ask(alice, Create("a/b"))
        self.refused(Exists, bob, Create("a/b"), "exists already")
        self.refused(Exists, bob, Create("a"), "is a folder")
        self.refused(Exists, bob, Create("a/b/c"), "is a document")

    def test_two_at_once(self) -> None:
        """Of two people who create one name at the same moment one succeeds."""
        ss1, alice, bob = self.registered(), self.person("alice"), self.person("bob")
        self.holding = True
        first, second = outcome(alice.ask(Create("a.txt"))), outcome(bob.ask(Create("a.txt")))
        self.wait(0.1)
        self.assertEqual((first, second), ([], []))
        self.release()
        self.assertEqual((first, second), (["Created"], ["EXISTS"]))
        self.assertEqual(len(ss1.orders), 1)

    def test_below_a_name_in_the_making(self) -> None:
        """A name that is being made is taken already."""
        self.registered()
        alice, bob = self.person("alice"), self.person("bob")
        self.holding = True
        first = outcome(alice.ask(Create("a")))
        self.wait(0.1)
        second = outcome(bob.ask(Create("a/b")))
        self.wait(0.1)
        self.assertEqual(second, ["EXISTS"])
        self.release()
        self.assertEqual(first, ["Created"])

    def test_journal_full(self) -> None:
        """A name for which the journal had no room is free: who asks again is told that again."""
        self.registered()
        alice = self.person("alice")
        self.disk.trouble = "disk full"
        for _ in range(2):
            self.refused(Unavailable, alice, Create("new folder/a.txt"), "disk full")
        self.disk.trouble = ""
        self.ask(alice, Create("new folder/a.txt"))
        self.assertEqual(self.ask(alice, GetInfo("new folder/a.txt")).owner, "alice")

    def test_second_after_failure(self) -> None:
        """Who waited for a name gets it when the first one fails."""
        ss1, alice, bob = self.registered(), self.person("alice"), self.person("bob")
        answers: list[Deferred[None]] = []

        def script(order: object) -> Deferred[None]:
            answers.append(Deferred())
            return answers[-1]

        ss1.script = script
        first, second = outcome(alice.ask(Create("a.txt"))), outcome(bob.ask(Create("a.txt")))
        self.wait(0.1)
        answers[0].errback(Unavailable("the disk is full"))
        self.wait(0.1)
        answers[1].callback(None)
        self.wait(0.1)
        self.assertEqual((first, second), (["UNAVAILABLE"], ["Created"]))
        self.assertEqual(self.ask(bob, GetInfo("a.txt")).owner, "bob")

    def test_no_server(self) -> None:
        """Without a live storage server nothing is made, nor kept."""
        alice = self.person("alice")
        self.refused(Unavailable, alice, Create("a.txt"), "no storage server")
        self.registered("ss1_backup", 5002)
        self.refused(Unavailable, alice, Create("a.txt"), "no storage server")
        self.assertEqual(self.disk.documents, {})

    def test_taken_back(self) -> None:
        """H4: a document that its server could not make is not there, after a restart neither."""
        ss1, alice = self.registered(), self.person("alice")

        def full(order: object) -> None:
            raise Unavailable("the disk is full")

        ss1.script = full
        self.refused(Unavailable, alice, Create("a.txt"), "the disk is full")
        self.refused(NotFound, alice, GetInfo("a.txt"))
        self.restart()
        self.refused(NotFound, self.person("alice"), GetInfo("a.txt"))

    def test_broken_disk(self) -> None:
        """
        What a disk may have kept although it failed is removed when its server is back (seed 21).
        """
        ss1, alice = self.registered(), self.person("alice")

        def broken(order: object) -> None:
            raise Internal("the disk failed; whether this was kept is not known")

        ss1.script = broken
        self.refused(Unavailable, alice, Create("a.txt"), "the disk failed")
        ss1.vanish()
        self.wait(2)
        ss1.script = lambda order: None
        made, *_ = ss1.orders
        assert isinstance(made, PutMetadata)
        ss1.orders.clear()
        self.network.listen(ss1.address, ss1.factory)
        ss1.register()
        self.wait(6)
        self.assertEqual(ss1.orders, [DeleteFile(made.id, 1, "")])

    def test_frozen_server(self) -> None:
        """H31: a storage server that does not answer costs seconds, and holds up nobody else."""
        ss1, ss2 = self.registered(), self.registered("ss2", 5002)
        alice, bob = self.person("alice"), self.person("bob")
        ss1.script = lambda order: Deferred()
        answer = outcome(alice.ask(Create("a.txt")))
        self.wait(0.1)
        self.assertEqual(len(ss1.orders), 1)
        self.ask(bob, Create("b.txt"))
        self.assertEqual(len(ss2.orders), 1)
        self.wait(10)
        self.assertEqual(answer, ["UNAVAILABLE"])

    def test_fewest(self) -> None:
        """New documents go to the pair with the fewest."""
        ss1, ss2, alice = self.registered(), self.registered("ss2", 5002), self.person("alice")
        for number in range(6):
            self.ask(alice, Create(f"{number}"))
        self.assertEqual((len(ss1.orders), len(ss2.orders)), (3, 3))

    def test_bad_paths(self) -> None:
        """H61: what cannot be a path is refused by every verb that takes one."""
        self.registered()
        alice = self.person("alice")
        for path in ("../x", "a/../b", "a//b", "a/", "", "/", "//etc/passwd", "a\0b", "a\nb", "."):
            for request in (
                Create(path),
                Delete(path),
                GetInfo(path),
                Locate(path, "r"),
                AddAccess(path, "alice", "r"),
                RemAccess(path, "alice"),
            ):
                self.refused(Invalid, alice, request)
        self.assertEqual(self.disk.documents, {})

    def test_names_are_data(self) -> None:
        """H44: names of any kind are one document each, after a restart too."""
        ss1, alice = self.registered(), self.person("alice")
        names = ["a|b", "c,d", "x=y", 'it\'s "so"', "a b", "%2e%2e", "CON", "nul", "#1", "-rf"]
        names += ["x" * 255, "x", "\u00e9", "\u4e2d\u6587"]
        for name in names:
            self.ask(alice, Create(name))
        self.assertEqual([line.path for line in self.items(alice, View())], sorted(names))
        self.assertEqual([getattr(order, "name", None) for order in ss1.orders], names)
        self.restart()
        alice = self.person("alice")
        self.assertEqual([line.path for line in self.items(alice, View())], sorted(names))

    def test_servers_are_no_people(self) -> None:
        """H60: a storage server owns nothing."""
        ss1 = self.registered()
        assert ss1.link is not None
        self.refused(Unauthenticated, ss1.link, Create("a.txt"))


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
