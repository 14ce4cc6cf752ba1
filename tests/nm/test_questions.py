"""
LOCATE, INFO, VIEW, LIST, SERVERS, STATUS.
"""

from __future__ import annotations

from typing import Any

from dfs.core.access import Right
from dfs.core.tickets import Ticket, check, key_from_secret, unseal
from dfs.errors import (
    Invalid,
    NotFound,
    Unauthenticated,
    Unauthorized,
    Unavailable,
    Unsupported,
)
from dfs.nm.journal import Change, PutDocument, PutPair
from dfs.wire.messages import (
    AddAccess,
    Create,
    GetInfo,
    Heartbeat,
    ListUsers,
    Locate,
    Read,
    Servers,
    Status,
    View,
    WhoAmI,
)
from tests.nm.documents import PAIR, document
from tests.nm.rig import EPOCH, SECRET, Rig


class LocateTests(Rig):
    """
    Where a document is.
    """

    def setUp(self) -> None:
        """alice has a.txt on ss1; bob may read it."""
        super().setUp()
        self.ss1 = self.registered()
        self.alice, self.bob = self.person("alice"), self.person("bob")
        self.made = self.ask(self.alice, Create("folder/a.txt"))
        self.ask(self.alice, AddAccess("folder/a.txt", "bob", "r"))

    def test_located(self) -> None:
        """The answer names server, address and epoch, with a ticket for a minute."""
        located = self.ask(self.alice, Locate("folder/a.txt", "W"))
        self.assertEqual(
            (located.id, located.pair, located.server, located.address, located.epoch),
            (self.made.id, "ss1", "ss1", "127.0.0.1:5001", 1),
        )
        ticket = unseal(key_from_secret(SECRET), located.ticket)
        expires = int(EPOCH + self.clock.seconds() + 60)
        self.assertEqual(ticket, Ticket(self.made.id, "alice", Right.WRITE, 1, 2, located.expires))
        self.assertEqual(located.expires, expires)
        check(ticket, EPOCH + self.clock.seconds())

    def test_rights(self) -> None:
        """H62: a ticket is for what was asked for, and who lacks the right gets none."""
        located = self.ask(self.bob, Locate("folder/a.txt", "r"))
        self.assertIs(unseal(key_from_secret(SECRET), located.ticket).right, Right.READ)
        self.refused(Unauthorized, self.bob, Locate("folder/a.txt", "w"))
        self.refused(Unauthorized, self.person("carol"), Locate("folder/a.txt", "r"))
        self.refused(Invalid, self.alice, Locate("folder/a.txt", "x"))

    def test_nowhere(self) -> None:
        """What is not there is not found; a folder is named as such."""
        self.refused(NotFound, self.alice, Locate("folder/b.txt", "r"), "no document")
        self.refused(NotFound, self.alice, Locate("folder", "r"), "is a folder")

    def test_away(self) -> None:
        """A document whose server is away is unavailable, and the message names the server."""
        self.ss1.goodbye()
        self.refused(Unavailable, self.alice, Locate("folder/a.txt", "r"), "ss1")
        self.assertEqual(self.ask(self.alice, GetInfo("folder/a.txt")).state, "FAILED")

    def test_strangers(self) -> None:
        """H60: nobody asks about documents before LOGIN."""
        stranger = self.get(self.network.dial("127.0.0.1:5000"))
        for request in (Locate("folder/a.txt", "r"), GetInfo("folder/a.txt"), View(all=True)):
            self.refused(Unauthenticated, stranger, request)
        self.refused(Unauthenticated, stranger, Heartbeat(1, 0, 0))

    def test_not_here(self) -> None:
        """What a storage server answers is not answered here."""
        self.refused(Unsupported, self.alice, Read("ticket"), "storage server")


class InfoTests(Rig):
    """
    What is known of a document.
    """

    def test_all(self) -> None:
        """H15: right after a note INFO shows what it said."""
        ss1, alice = self.registered(), self.person("alice")
        self.person("bob")
        made = self.ask(alice, Create("a.txt"))
        created = self.ask(alice, GetInfo("a.txt"))
        self.assertEqual((created.size, created.words, created.version), (0, 0, "0.0"))
        self.assertEqual((created.modified, created.modified_by), (created.created, "alice"))
        ss1.note(made.id, "3.0", size=10, words=2, characters=9, checkpoints=2, conflicts=1)
        info = self.ask(alice, GetInfo("a.txt"))
        self.assertEqual(
            (info.size, info.words, info.characters, info.sentences, info.version, info.sha256),
            (10, 2, 9, 1, "3.0", "ab" * 32),
        )
        self.assertEqual((info.modified, info.modified_by), (EPOCH + 5, "bob"))
        self.assertEqual((info.checkpoints, info.conflicts, info.created), (2, 1, created.created))
        self.assertEqual((info.server, info.state, info.replica), ("ss1", "LIVE", ""))
        self.ask(alice, AddAccess("a.txt", "bob", "r"))
        self.assertEqual(self.ask(alice, GetInfo("a.txt")).grants, ("r:bob",))

    def test_after_restart(self) -> None:
        """H15: sizes and times are the real ones after a restart, too."""
        ss1, alice = self.registered(), self.person("alice")
        made = self.ask(alice, Create("a.txt"))
        ss1.note(made.id, "3.0")
        before = self.ask(alice, GetInfo("a.txt"))
        self.wait(1)
        self.restart()
        after = self.ask(self.person("alice"), GetInfo("a.txt"))
        self.assertEqual(after.state, "AWAITED")
        ss1.register()
        self.assertEqual(self.ask(self.person("alice"), GetInfo("a.txt")), before)

    def test_denied(self) -> None:
        """H62: who may not read learns that the document is there, and nothing else."""
        self.registered()
        alice, bob = self.person("alice"), self.person("bob")
        self.ask(alice, Create("a.txt"))
        self.refused(Unauthorized, bob, GetInfo("a.txt"), "you may not read 'a.txt'")

    def test_replica(self) -> None:
        """The backup of a pair is named once it came."""
        self.registered()
        self.registered("ss1_backup", 5002)
        alice = self.person("alice")
        self.ask(alice, Create("a.txt"))
        info = self.ask(alice, GetInfo("a.txt"))
        self.assertEqual(
            (info.server, info.replica, info.replica_current), ("ss1", "ss1_backup", False)
        )

    def test_users_called_as_servers(self) -> None:
        """H11: users named as roles, rights and servers are users like any other."""
        ss1 = self.registered()
        names = ["owner", "nm", "ss1", "R", "CLIENT", "client", "r:bob", "*", "-", "root"]
        people = {name: self.person(name) for name in names}
        for name, person in people.items():
            self.assertEqual(self.ask(person, WhoAmI()).user, name)
            self.ask(person, Create(f"{name}.txt"))
            self.refused(Unauthenticated, person, Heartbeat(1, 0, 0))
        for name, person in people.items():
            for other in names:
                if other != name:
                    self.refused(Unauthorized, person, GetInfo(f"{other}.txt"))
        self.ask(people["R"], AddAccess("R.txt", "owner", "r"))
        self.assertEqual(ss1.orders[-1].grants, ("r:owner",))  # type: ignore[attr-defined]
        self.ask(people["owner"], GetInfo("R.txt"))
        self.refused(Unauthorized, people["r:bob"], GetInfo("R.txt"))


class ListTests(Rig):
    """
    Lists, however long.
    """

    def filled(self, count: int) -> None:
        """alice has that many documents, all named by their numbers, in three folders."""
        put: list[Change] = [
            PutDocument(document(n, f"f{n % 3}/n{n:06}")) for n in range(1, count + 1)
        ]
        self.stop()
        for change in (PutPair(PAIR), *put):
            self.disk.apply(change)
        self.start()

    def test_view(self) -> None:
        """A list shows what the asker may read, sorted, with figures and right."""
        ss1, alice, bob = self.registered(), self.person("alice"), self.person("bob")
        for path in ("b/2", "b/1", "c", "a"):
            made = self.ask(alice, Create(path))
        ss1.note(made.id, "1.0")
        self.ask(alice, AddAccess("a", "bob", "w"))
        self.ask(alice, AddAccess("b/1", "bob", "r"))
        self.assertEqual(
            [(line.path, line.right) for line in self.items(alice, View())],
            [("a", "o"), ("b/1", "o"), ("b/2", "o"), ("c", "o")],
        )
        first, second = self.items(bob, View())
        self.assertEqual((first.path, first.right, second.path), ("a", "w", "b/1"))
        self.assertEqual(
            (first.owner, first.words, first.characters, first.size, first.modified_by),
            ("alice", 2, 9, 10, "bob"),
        )
        self.assertEqual((first.server, first.replica), ("ss1", "UNPROTECTED"))

    def test_view_all(self) -> None:
        """H62: of what the asker may not read a list of all shows name and owner alone."""
        ss1, alice, bob = self.registered(), self.person("alice"), self.person("bob")
        ss1.note(self.ask(alice, Create("a")).id, "1.0")
        self.assertEqual(self.items(bob, View()), [])
        [line] = self.items(bob, View(all=True))
        self.assertEqual((line.path, line.owner, line.right), ("a", "alice", "-"))
        self.assertEqual(
            (line.words, line.characters, line.size, line.modified, line.modified_by),
            (0, 0, 0, 0.0, ""),
        )

    def test_empty(self) -> None:
        """An empty list is no error."""
        self.assertEqual(self.items(self.person("alice"), View()), [])

    def test_ten_thousand(self) -> None:
        """H42: VIEW shows every one of 10,000, and others are answered meanwhile."""
        self.filled(10_000)
        alice, bob = self.person("alice"), self.person("bob")
        lines: list[Any] = []
        asked = alice.ask_items(View())
        viewing = self.get(asked.read())
        lines += viewing
        self.assertLess(len(lines), 10_000)
        self.ask(bob, WhoAmI())
        while viewing:
            viewing = self.get(asked.read())
            lines += viewing
        self.assertEqual(len({line.path for line in lines}), 10_000)
        self.assertEqual([line.path for line in lines], sorted(line.path for line in lines))

    def test_nothing_to_show_among_many(self) -> None:
        """H42: others are answered also while a long list turns out to be empty."""
        self.filled(10_000)
        bob, carol = self.person("bob"), self.person("carol")
        answers: list[str] = []
        viewing = bob.ask_items(View()).read()
        viewing.addCallback(lambda lines: answers.append(f"view {len(lines)}"))
        carol.ask(WhoAmI()).addCallback(lambda me: answers.append(me.user))
        self.wait(1)
        self.assertEqual(answers, ["carol", "view 0"])

    def test_slow_reader(self) -> None:
        """H50: a list waits for a reader that does not read, and takes no memory meanwhile."""
        self.filled(10_000)
        alice = self.person("alice")
        asked = alice.ask_items(View())
        self.get(asked.read())
        self.wait(5)
        [link] = [link for link in self.network.links if link.protocol is alice]
        self.assertLess(link._in_flight + link.other._in_flight, 512 * 1024)
        count = 0
        while lines := self.get(asked.read()):
            count += len(lines)
        self.assertGreater(count, 5_000)

    def test_reader_gone(self) -> None:
        """A list whose reader has gone ends without an error."""
        self.filled(10_000)
        alice = self.person("alice")
        asked = alice.ask_items(View())
        self.get(asked.read())
        alice.close(abort=True)
        self.wait(5)
        self.flushLoggedErrors(Unavailable)
        self.ask(self.person("bob"), WhoAmI())

    def test_users(self) -> None:
        """Everybody who ever logged in is listed, with who is here."""
        alice = self.person("alice")
        bob, again = self.person("bob"), self.person("bob")
        self.person("carol").close()
        self.wait(1)

        def listed() -> list[tuple[str, bool]]:
            return [(line.user, line.online) for line in self.items(alice, ListUsers())]

        self.assertEqual(listed(), [("alice", True), ("bob", True), ("carol", False)])
        bob.close()
        self.wait(1)
        self.assertEqual(listed()[1], ("bob", True))
        again.close()
        self.wait(1)
        self.assertEqual(listed()[1], ("bob", False))
        self.restart()
        alice = self.person("alice")
        self.assertEqual(listed(), [("alice", True), ("bob", False), ("carol", False)])

    def test_ten_thousand_users(self) -> None:
        """H42: LIST shows every one of 10,000."""
        self.stop()
        self.disk.users.update({f"u{number:05}": None for number in range(10_000)})
        self.start()
        self.assertEqual(len(self.items(self.person("alice"), ListUsers())), 10_001)

    def test_servers(self) -> None:
        """Storage servers are listed with role, state, pair, address and silence."""
        self.registered("ss1_backup", 5002)
        self.registered().ask(Heartbeat(1, 3, 4096))
        self.registered("ss2", 5003).goodbye()
        self.registered("ss3", 5004)
        self.wait(2)
        lines = self.items(self.person("alice"), Servers())
        self.assertEqual(
            [(line.name, line.role, line.state, line.pair, line.protection) for line in lines],
            [
                ("ss1", "primary", "LIVE", "ss1", "PROTECTED"),
                ("ss1_backup", "backup", "LIVE", "ss1", "PROTECTED"),
                ("ss2", "primary", "FAILED", "ss2", "DOWN"),
                ("ss3", "primary", "LIVE", "ss3", "UNPROTECTED"),
            ],
        )
        first = lines[0]
        self.assertEqual(
            (first.epoch, first.address, first.documents, first.size),
            (1, "127.0.0.1:5001", 3, 4096),
        )
        self.assertTrue(2 <= first.silent < 3)

    def test_status(self) -> None:
        """STATUS needs no login and tells figures."""
        self.registered()
        self.ask(self.person("alice"), Create("a.txt"))
        stranger = self.get(self.network.dial("127.0.0.1:5000"))
        facts = {line.name: line.value for line in self.items(stranger, Status())}
        self.assertEqual(
            (facts["role"], facts["documents"], facts["users"], facts["users_online"]),
            ("nm", "1", "1", "1"),
        )
        self.assertEqual((facts["servers_live"], facts["unknown_documents"]), ("1", "0"))
