"""
Damaged contents of one member, brought from the other one.
"""

from __future__ import annotations

import hashlib

from dfs.errors import Conflict, NotFound, Unauthenticated, Unavailable
from dfs.wire.messages import GetContent, Mend, PutContent
from tests.nm.pairs import Held, PairRig
from tests.nm.texts import LARGE, MEDIUM


class MendingTests(PairRig):
    """
    MEND.
    """

    def setUp(self) -> None:
        super().setUp()
        for text in (b"small", MEDIUM, LARGE):
            self.backup.shelf.contents[self.name(text)] = text

    @staticmethod
    def name(text: bytes) -> str:
        """What a content is called."""
        return hashlib.sha256(text).hexdigest()

    def test_brought(self) -> None:
        """Either member gets what the other one has, whoever serves, of any size."""
        for text in (b"small", MEDIUM, LARGE):
            name = self.name(text)
            self.ss1.ask(Mend(name))
            self.assertTrue(self.ss1.shelf.contents[name] == text)
        self.assertEqual(
            self.backup.shelf.called(GetContent)[0], GetContent(self.name(b"small"), 1)
        )
        self.assertEqual(self.ss1.shelf.called(PutContent)[0], PutContent(self.name(b"small"), 1))
        self.backup.shelf.contents.clear()
        self.backup.ask(Mend(self.name(b"small")))
        self.assertEqual(self.backup.shelf.contents, {self.name(b"small"): b"small"})
        self.assertEqual(
            [one["server"] for one in self.logged("content_mended")],
            ["ss1", "ss1", "ss1", "ss1_backup"],
        )

    def test_connections(self) -> None:
        """The connections that it took are given back."""
        before = len(self.network.links)
        self.ss1.ask(Mend(self.name(LARGE)))
        self.wait(1)
        self.assertEqual(len(self.network.links), before)

    def test_not_there(self) -> None:
        """What the other one says is the answer."""
        with self.assertRaises(NotFound):
            self.ss1.ask(Mend("ab" * 32))

    def test_away(self) -> None:
        """If the other member is away, or there never was one, nobody has it."""
        self.backup.goodbye()
        with self.assertRaisesRegex(Unavailable, "ss1_backup is not"):
            self.ss1.ask(Mend(self.name(b"small")))
        alone = self.storage("ss2", 5002)
        alone.register()
        with self.assertRaisesRegex(Unavailable, "ss2_backup is not"):
            alone.ask(Mend(self.name(b"small")))

    def test_frozen(self) -> None:
        """A member that stands still is not waited for, and the answer says so."""
        self.network.owners[self.backup.address] = "frozen"
        self.network.frozen.add("frozen")
        with self.assertRaisesRegex(Unavailable, "no answer within 5 s"):
            self.ss1.ask(Mend(self.name(b"small")))
        self.network.frozen.clear()
        self.network.opened()

    def test_who(self) -> None:
        """Only a storage server that is registered, on the connection that speaks for it."""
        self.refused(Unauthenticated, self.person("alice"), Mend(self.name(b"small")))
        other = self.storage("ss3", 5003)
        other.connect()
        with self.assertRaises(Conflict):
            other.ask(Mend(self.name(b"small")))

    def test_stops_meanwhile(self) -> None:
        """A name server that stops brings nothing any more; nothing of it is left."""
        self.backup.shelf.gate = Held(GetContent)
        self.ss1.say(Mend(self.name(LARGE)))
        self.wait(1)
        self.restart()
        self.assertNotIn(self.name(LARGE), self.ss1.shelf.contents)
