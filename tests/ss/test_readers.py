"""Promises about large texts that are on their way to readers who take their time."""

from __future__ import annotations

from typing import Any, cast

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.documents import Content
from dfs.core.history import content_of
from dfs.errors import Busy
from dfs.ss.readers import PER_CONNECTION, Readers
from dfs.store.interfaces import IReader
from dfs.wire.exchange import Exchange, Peer
from dfs.wire.messages import MakeCheckpoint, Read, ViewCheckpoint
from tests.ss.world import WorldTests

#: Larger than what a store keeps inline.
LARGE = b"large " * 300_000

#: READs at once.
MANY = 60


@define
class Text:
    """A text in a file from which nothing comes before it is told to."""

    open: bool = True
    _wanted: Deferred[bytes] | None = None
    _left: list[bytes] = field(factory=lambda: [b"text"])

    def read(self) -> Deferred[bytes]:
        """The next piece."""
        self._wanted = Deferred()
        return self._wanted

    def come(self) -> None:
        """Let the next piece come."""
        wanted, self._wanted = self._wanted, None
        assert wanted is not None
        wanted.callback(self._left.pop() if self._left else b"")

    def close(self) -> None:
        """Read no more."""
        self.open = False


@define
class Asked:
    """One request, and what was sent."""

    peer: Peer
    lost: bool = False
    sent: list[bytes] = field(factory=list)

    def data(self, piece: bytes) -> None:
        """A piece."""
        self.sent.append(piece)

    def room(self) -> None:
        """There is room."""


class ReaderTests(SynchronousTestCase):
    """Two connections."""

    def setUp(self) -> None:
        self.readers = Readers()
        self.texts: list[Text] = []
        self.one, self.other = (Peer(number, f"127.0.0.1:{number}", close) for number in (1, 2))
        self.addCleanup(self.end_all)

    def open_text(self) -> tuple[Content, IReader]:
        """Open one more."""
        self.texts.append(Text())
        return content_of(b"text"), cast(IReader, self.texts[-1])

    def ask(self, peer: Peer) -> tuple[Asked, Deferred[Any]]:
        """Somebody wants a text."""
        asked = Asked(peer)
        sending = self.readers.send(self.open_text, cast(Exchange, asked))
        return asked, Deferred.fromCoroutine(sending)

    def end(self, text: Text) -> None:
        """Let all of a text come."""
        text.come()
        text.come()

    def end_all(self) -> None:
        """Let all come; nobody waits any more."""
        for text in self.texts:  # more are opened meanwhile
            if text.open:
                self.end(text)
        self.assertEqual(len(self.readers), 0)

    def test_in_turn(self) -> None:
        """Of all that a connection asks for, a few are open at once, and each comes in its turn."""
        asked = [self.ask(self.one) for _ in range(MANY)]
        for number in range(MANY):
            self.assertEqual(len(self.texts), min(MANY, number + PER_CONNECTION))
            self.end(self.texts[number])
            self.assertEqual(asked[number][0].sent, [b"text"])
            self.assertEqual(self.successResultOf(asked[number][1]).size, 4)
        self.assertEqual([one for one in self.texts if one.open], [])

    def test_others(self) -> None:
        """Nobody waits for what others do not take."""
        for _ in range(MANY):
            self.ask(self.one)
        asked, _ = self.ask(self.other)
        self.end(self.texts[-1])
        self.assertEqual(asked.sent, [b"text"])

    def test_gone(self) -> None:
        """What had waited for its turn is not opened for who has gone."""
        asked = [self.ask(self.one) for _ in range(PER_CONNECTION + 1)]
        asked[-1][0].lost = True
        self.end(self.texts[0])
        self.failureResultOf(asked[-1][1], ConnectionLost)
        self.assertEqual(len(self.texts), PER_CONNECTION)

    def test_limit(self) -> None:
        """A server has so many open, and says so to whoever comes then."""
        self.readers.limit = PER_CONNECTION
        for _ in range(PER_CONNECTION):
            self.ask(self.one)
        _, refused = self.ask(self.other)
        self.failureResultOf(refused, Busy)
        self.end(self.texts[0])
        self.ask(self.other)
        self.assertEqual(len(self.texts), PER_CONNECTION + 1)


def close() -> None:
    """Nobody ends a connection here."""


class LimitTests(WorldTests):
    """A server with a large document and no room for readers."""

    def setUp(self) -> None:
        super().setUp()
        self.put(LARGE)
        self.ask(MakeCheckpoint(self.world.ticket(), "kept"))

    def test_verbs(self) -> None:
        """READ and VIEWCHECKPOINT keep to it."""
        for request in (Read(self.world.ticket()), ViewCheckpoint(self.world.ticket(), "kept")):
            self.world.server.readers.limit = 0
            with self.assertRaises(Busy):
                self.content(self.alice.ask_content(request))
            self.world.server.readers.limit = 1
            self.assertEqual(self.content(self.alice.ask_content(request)), LARGE)
            self.assertEqual(len(self.world.server.readers), 0)
