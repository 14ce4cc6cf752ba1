"""
REQUESTACCESS, VIEWREQUESTS, APPROVE, DENY.
"""

from __future__ import annotations

from typing import Any

from dfs.core.access import MAX_GRANTS, AccessList
from dfs.core.requests import MAX_OF_DOCUMENT, MAX_OF_USER
from dfs.errors import Invalid, NotFound, TooLarge, Unauthenticated, Unauthorized, Unavailable
from dfs.wire.client import Connection
from dfs.wire.messages import (
    AddAccess,
    Approve,
    Create,
    Delete,
    Deny,
    GetInfo,
    Login,
    Move,
    PutMetadata,
    RemAccess,
    RequestAccess,
    ViewRequests,
)
from tests.nm.outcomes import outcome
from tests.nm.rig import EPOCH, NM, Rig


class InboxCase(Rig):
    """A document of alice, and three who may not see it."""

    def setUp(self) -> None:
        super().setUp()
        self.ss1 = self.registered()
        self.people()
        self.made = self.ask(self.alice, Create("a.txt"))

    def people(self) -> None:
        """Everybody comes."""
        self.alice, self.bob = self.person("alice"), self.person("bob")
        self.carol = self.person("carol")

    def request(self, who: Connection, path: str = "a.txt", right: str = "r") -> int:
        """Somebody asks."""
        return self.ask(who, RequestAccess(path, right)).id

    def inbox(self, who: Connection | None = None, *, mine: bool = False) -> list[tuple[Any, ...]]:
        """What somebody has to decide, or waits for: number, path, user, right."""
        lines = self.items(who or self.alice, ViewRequests(mine=mine))
        return [(line.id, line.path, line.user, line.right) for line in lines]

    def grants(self, path: str = "a.txt") -> tuple[str, ...]:
        """Whom alice let in."""
        return self.ask(self.alice, GetInfo(path)).grants


class AskingTests(InboxCase):
    """
    Somebody asks.
    """

    def test_asked(self) -> None:
        """The owner sees who asks for what, where and since when; so does who asked."""
        number = self.request(self.bob)
        [line] = self.items(self.alice, ViewRequests())
        self.assertEqual((line.id, line.path, line.user, line.right), (number, "a.txt", "bob", "r"))
        self.assertEqual(line.owner, "alice")
        self.assertLess(abs(line.when - EPOCH - self.clock.seconds()), 1.0)
        self.assertEqual(self.items(self.bob, ViewRequests(mine=True)), [line])

    def test_whose(self) -> None:
        """Nobody sees what others are asked, or asked for."""
        self.request(self.bob)
        for who in (self.bob, self.carol):
            self.assertEqual(self.inbox(who), [])
        for who in (self.alice, self.carol):
            self.assertEqual(self.inbox(who, mine=True), [])

    def test_journal_first(self) -> None:
        """Nothing is shown or answered before the journal knows."""
        self.holding = True
        answer = outcome(self.bob.ask(RequestAccess("a.txt", "r")))
        self.wait(1)
        self.assertEqual((answer, self.inbox()), ([], []))
        self.release()
        self.assertEqual((answer, len(self.inbox())), (["Requested"], 1))

    def test_journal_fails(self) -> None:
        """What could not be kept was not asked."""
        self.disk.trouble = "no room"
        self.refused(Unavailable, self.bob, RequestAccess("a.txt", "r"))
        self.disk.trouble = ""
        self.assertEqual(self.inbox(), [])

    def test_again(self) -> None:
        """Asking the same again is one request, with the number and the time of the first."""
        number = self.request(self.bob)
        before = self.items(self.alice, ViewRequests())
        self.wait(10)
        self.assertEqual(self.request(self.bob, "/a.txt"), number)
        self.assertEqual(self.items(self.alice, ViewRequests()), before)

    def test_replaced(self) -> None:
        """
        Asking for another right replaces the request under another number: who decides about the
        number that they saw grants nothing that they did not see.
        """
        read = self.request(self.bob, right="R")
        write = self.request(self.bob, right="w")
        self.assertEqual(self.inbox(), [(write, "a.txt", "bob", "w")])
        self.refused(NotFound, self.alice, Approve(read), "replaced")
        again = self.request(self.bob, right="r")
        self.assertEqual(self.inbox(), [(again, "a.txt", "bob", "r")])
        self.assertEqual(len({read, write, again}), 3)

    def test_has_it(self) -> None:
        """Who has what they ask for is told so."""
        self.refused(Invalid, self.alice, RequestAccess("a.txt", "w"), "you own")
        self.ask(self.alice, AddAccess("a.txt", "bob", "r"))
        self.refused(Invalid, self.bob, RequestAccess("a.txt", "r"), "may read 'a.txt' already")
        self.request(self.bob, right="w")
        self.ask(self.alice, AddAccess("a.txt", "bob", "w"))
        self.refused(Invalid, self.bob, RequestAccess("a.txt", "r"), "already")

    def test_nothing_there(self) -> None:
        """Nobody can ask for what is not there, nor for a right that is none."""
        self.refused(NotFound, self.bob, RequestAccess("b.txt", "r"))
        self.refused(Invalid, self.bob, RequestAccess("a.txt", "o"))
        self.refused(Invalid, self.bob, RequestAccess("../a", "r"))
        stranger = self.get(self.network.dial(NM))
        self.refused(Unauthenticated, stranger, RequestAccess("a.txt", "r"))
        self.refused(Unauthenticated, self.ss1.connect(), RequestAccess("a.txt", "r"))

    def test_limit_of_document(self) -> None:
        """So many requests about a document may wait; a decision makes room."""
        connection = self.get(self.network.dial(NM))
        numbers = []
        for number in range(MAX_OF_DOCUMENT):
            self.ask(connection, Login(f"user {number}"))
            numbers.append(self.request(connection))
        self.refused(TooLarge, self.bob, RequestAccess("a.txt", "r"), "APPROVE or DENY")
        self.request(connection, right="w")  # who asks already may ask for something else
        self.ask(self.alice, Deny(numbers[0]))
        self.request(self.bob)
        self.assertEqual(len(self.inbox()), MAX_OF_DOCUMENT)

    def test_limit_of_user(self) -> None:
        """So many requests of a user may wait, also when they come all at once."""
        for number in range(MAX_OF_USER + 5):
            self.ask(self.alice, Create(f"{number}"))
        asked = [
            outcome(self.bob.ask(RequestAccess(f"{number}", "r")))
            for number in range(MAX_OF_USER + 5)
        ]
        self.wait(1)
        answers = [answer for [answer] in asked]
        self.assertEqual(answers.count("TOO_LARGE"), 5)
        self.assertEqual(len(self.inbox(self.bob, mine=True)), MAX_OF_USER)
        self.request(self.carol)
        self.ask(self.alice, Delete("0"))
        self.request(self.bob)

    def test_many(self) -> None:
        """An inbox of many requests is listed whole, the oldest first."""
        connection = self.get(self.network.dial(NM))
        for number in range(12):
            self.ask(self.alice, Create(f"{number}"))
        for user in range(60):
            self.ask(connection, Login(f"user {user}"))
            for number in range(12):
                self.request(connection, f"{number}")
        numbers = [line[0] for line in self.inbox()]
        self.assertEqual((len(numbers), numbers), (720, sorted(numbers)))


class DecidingTests(InboxCase):
    """
    The owner decides.
    """

    def test_approved(self) -> None:
        """APPROVE grants what was asked for, tells the storage server, and ends the request."""
        number = self.request(self.bob, right="w")
        self.ss1.orders.clear()
        decided = self.ask(self.alice, Approve(number))
        self.assertEqual((decided.path, decided.user, decided.right), ("a.txt", "bob", "w"))
        self.assertEqual(self.grants(), ("w:bob",))
        [order] = self.ss1.orders
        assert isinstance(order, PutMetadata)
        self.assertEqual((order.grants, order.number), (("w:bob",), 2))
        self.assertEqual((self.inbox(), self.inbox(self.bob, mine=True)), ([], []))
        self.assertEqual(self.disk.requests, {})

    def test_one_commit(self) -> None:
        """The right and the end of the request are in the journal together or not at all."""
        number = self.request(self.bob)
        self.disk.trouble = "no room"
        self.refused(Unavailable, self.alice, Approve(number))
        self.disk.trouble = ""
        self.assertEqual((self.grants(), len(self.inbox())), ((), 1))
        self.holding = True
        answer = outcome(self.alice.ask(Approve(number)))
        self.wait(1)
        self.assertEqual((answer, self.grants(), len(self.held)), ([], (), 1))
        self.release()
        self.assertEqual((answer, self.grants()), (["Decided"], ("r:bob",)))

    def test_denied(self) -> None:
        """DENY ends the request and grants nothing; it can be asked again, as another one."""
        number = self.request(self.bob)
        decided = self.ask(self.alice, Deny(number))
        self.assertEqual((decided.path, decided.user, decided.right), ("a.txt", "bob", "r"))
        self.assertEqual((self.grants(), self.inbox(), self.disk.requests), ((), [], {}))
        self.refused(NotFound, self.alice, Approve(number), "VIEWREQUESTS")
        self.assertNotEqual(self.request(self.bob), number)

    def test_owners_only(self) -> None:
        """Nobody else decides, who asked least of all."""
        number = self.request(self.bob)
        for who in (self.bob, self.carol):
            self.refused(Unauthorized, who, Approve(number))
            self.refused(Unauthorized, who, Deny(number))
        self.ask(self.alice, AddAccess("a.txt", "carol", "w"))
        self.refused(Unauthorized, self.carol, Approve(number))
        self.assertEqual(len(self.inbox()), 1)
        for nothing in (0, -1, 99, 2**63 - 1):
            self.refused(NotFound, self.alice, Approve(nothing))

    def test_twice_at_once(self) -> None:
        """Of two decisions at the same moment one is carried out."""
        number = self.request(self.bob)
        self.holding = True
        first, second = (
            outcome(self.alice.ask(Approve(number))),
            outcome(self.person("alice").ask(Deny(number))),
        )
        self.wait(0.1)
        self.release()
        self.wait(0.1)
        self.assertEqual((first, second), (["Decided"], ["NOT_FOUND"]))
        self.assertEqual(self.grants(), ("r:bob",))

    def test_added(self) -> None:
        """ADDACCESS ends the request that it answers, and no other one."""
        self.request(self.bob, right="w")
        carols = self.request(self.carol)
        self.ask(self.alice, AddAccess("a.txt", "bob", "r"))
        self.assertEqual(len(self.inbox()), 2)
        self.ask(self.alice, AddAccess("a.txt", "bob", "w"))
        self.assertEqual(self.inbox(), [(carols, "a.txt", "carol", "r")])
        self.ask(self.alice, AddAccess("a.txt", "carol", "w"))
        self.assertEqual((self.inbox(), self.disk.requests), ([], {}))

    def test_removed(self) -> None:
        """REMACCESS ends no request."""
        self.ask(self.alice, AddAccess("a.txt", "bob", "r"))
        number = self.request(self.bob, right="w")
        self.ask(self.alice, RemAccess("a.txt", "bob"))
        self.assertEqual(self.inbox(), [(number, "a.txt", "bob", "w")])
        self.ask(self.alice, Approve(number))
        self.assertEqual(self.grants(), ("w:bob",))

    def test_full(self) -> None:
        """A full access list refuses the right, and the request goes on waiting."""
        number = self.request(self.bob)
        entry = self.nm.index.document("a.txt")
        full = tuple((f"user {number:04}", "r") for number in range(MAX_GRANTS))
        self.nm.index.describe(entry, AccessList("alice", full), entry.number)
        self.refused(TooLarge, self.alice, Approve(number))
        self.assertEqual(len(self.inbox()), 1)

    def test_server_away(self) -> None:
        """While the storage server is away people ask, and owners decide; it is told later."""
        self.ss1.vanish()
        self.wait(20)
        self.ask(self.alice, Approve(self.request(self.bob)))
        self.ask(self.alice, Deny(self.request(self.carol)))
        self.ss1 = self.storage("ss1", 5002)
        self.ss1.register()
        self.wait(6)
        told = [order.grants for order in self.ss1.orders if isinstance(order, PutMetadata)]
        self.assertEqual(told, [("r:bob",)])


class LifeTests(InboxCase):
    """
    Documents go, and name servers stop.
    """

    def test_deleted(self) -> None:
        """H9: a document's requests go with it; a new one of the same name has none of them."""
        number = self.request(self.bob)
        self.ask(self.alice, Delete("a.txt"))
        self.assertEqual((self.inbox(self.bob, mine=True), self.disk.requests), ([], {}))
        self.ask(self.carol, Create("a.txt"))
        self.assertEqual(self.inbox(self.carol), [])
        self.refused(NotFound, self.carol, Approve(number))
        self.assertNotEqual(self.request(self.bob), number)

    def test_deleted_meanwhile(self) -> None:
        """Who asks about a document that is being deleted has asked about nothing."""
        self.holding = True
        gone, asked = (
            outcome(self.alice.ask(Delete("a.txt"))),
            outcome(self.bob.ask(RequestAccess("a.txt", "r"))),
        )
        self.wait(0.1)
        self.release()
        self.wait(0.1)
        self.assertEqual((gone, asked), (["Done"], ["NOT_FOUND"]))

    def test_being_deleted(self) -> None:
        """A request about a document whose end is not in the journal yet is shown to nobody."""
        number = self.request(self.bob)
        self.holding = True
        self.alice.ask(Delete("a.txt"))
        self.wait(0.1)
        self.assertEqual((self.inbox(), self.inbox(self.bob, mine=True)), ([], []))
        self.refused(NotFound, self.alice, Approve(number))

    def test_moved(self) -> None:
        """A request stays with its document, wherever that is moved, and shows where it is now."""
        number = self.request(self.bob)
        self.ask(self.alice, Move("a.txt", "folder/b.txt"))
        self.assertEqual(self.inbox(), [(number, "folder/b.txt", "bob", "r")])
        self.ask(self.alice, Move("folder", "other"))
        self.assertEqual(self.inbox(self.bob, mine=True), [(number, "other/b.txt", "bob", "r")])
        self.assertEqual(self.request(self.bob, "other/b.txt"), number)
        self.assertEqual(self.ask(self.alice, Approve(number)).path, "other/b.txt")
        self.assertEqual(self.grants("other/b.txt"), ("r:bob",))

    def test_moved_meanwhile(self) -> None:
        """A decision that waits while the document is moved is carried out where it is then."""
        number, second = self.request(self.bob), self.person("alice")
        self.holding = True
        moved = outcome(self.alice.ask(Move("a.txt", "folder/b.txt")))
        self.wait(0.1)
        decided = outcome(second.ask(Approve(number)))
        self.wait(0.1)
        self.assertEqual((moved, decided), ([], []))
        self.release()
        self.wait(0.1)
        self.assertEqual((moved, decided), (["Placed"], ["Decided"]))
        self.assertEqual(self.grants("folder/b.txt"), ("r:bob",))
        stored = self.disk.documents[self.nm.index.document("folder/b.txt").id]
        self.assertEqual((stored.name, stored.access.grants), ("b.txt", (("bob", "r"),)))

    def test_restart(self) -> None:
        """H41: after a restart all requests wait as before, and no number is given again."""
        bobs, carols = self.request(self.bob), self.request(self.carol, right="w")
        denied = self.request(self.person("dave"))
        self.ask(self.alice, Deny(denied))
        before = self.items(self.alice, ViewRequests())
        self.restart()
        self.people()
        self.assertEqual(self.items(self.alice, ViewRequests()), before)
        self.assertGreater(self.request(self.person("dave")), denied)
        self.ss1.register()
        self.ask(self.alice, Approve(carols))
        self.assertEqual(self.inbox()[0], (bobs, "a.txt", "bob", "r"))
        self.assertEqual(self.grants(), ("w:carol",))

    def test_names(self) -> None:
        """H11: users who are called like words of ours ask and decide as others do."""
        owner = self.person("owner")
        self.ask(owner, Create("theirs"))
        for name in ("nm", "ss1", "R", "CLIENT", "1", "--mine", "a|b", "r:alice"):
            user = self.person(name)
            number = self.request(user, "theirs")
            self.refused(Unauthorized, user, Approve(number))
            self.assertEqual(self.inbox(owner), [(number, "theirs", name, "r")])
            self.ask(owner, Approve(number))
            self.refused(Invalid, user, RequestAccess("theirs", "r"), "already")
