"""CREATE at the name server."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from dfs.errors import (
    Exists,
    Internal,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from dfs.wire.messages import (
    AddAccess,
    Create,
    Delete,
    DeleteFile,
    GetInfo,
    Locate,
    PutMetadata,
    RemAccess,
    View,
)
from tests.nm.outcomes import outcome
from tests.nm.rig import Rig


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
