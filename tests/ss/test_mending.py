"""Damaged contents on one storage server, whose name server does as a test says."""

from __future__ import annotations

import hashlib
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from dfs.core.documents import Content
from dfs.errors import (
    Corrupt,
    DFSError,
    Invalid,
    Moved,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from dfs.ss.mending import AGAIN_SECONDS, PATIENCE
from dfs.store.damage import REMEMBERED
from dfs.wire.exchange import Exchange
from dfs.wire.messages import GetContent, Mend, Promote, PutContent, Read
from tests.ss.copying import LARGE
from tests.ss.world import DOCUMENT, WorldTests

SMALL = b"small."


class MendingTests(WorldTests):
    """
    What is asked of the name server, and what readers are told meanwhile.

    @ivar asked: the hashes that were asked for.
    @ivar answer: how the next one is answered, as soon as this is.
    """

    def setUp(self) -> None:
        super().setUp()
        self.asked: list[str] = []
        self.answer: Deferred[None] = Deferred()
        self.world.nm.handlers[Mend] = self.mend
        self.nm = self.world.call_as_nm()
        self.put(SMALL)

    def mend(self, request: Mend, exchange: Exchange) -> Deferred[None]:
        """The name server is asked for something."""
        self.asked.append(request.sha256)
        return self.answer

    def present(self) -> Content:
        """What the document says."""
        document = self.world.store.document(DOCUMENT)
        assert document is not None
        return document.current.content

    def rot(self) -> str:
        """It is damaged; its hash."""
        content = self.present()
        self.world.disk.damage(content.sha256)
        return content.sha256.hex()

    def rotten(self, count: int) -> None:
        """So many texts of the document are damaged, the present one too, and were found to be."""
        hashes = []
        for number in range(count):
            self.put(b"text %d" % number)
            hashes.append(self.rot())
        document = self.world.store.document(DOCUMENT)
        assert document is not None
        for one in document.contents():
            if one.sha256.hex() in hashes:
                self.assertRaises(Corrupt, self.world.store.small, one)

    def read(self) -> Deferred[Any]:
        """Somebody reads it."""
        return self.world.call().ask_content(Read(self.world.ticket())).read()

    def bring(self, sha256: str, data: bytes) -> Deferred[Any]:
        """The name server brings something."""
        pieces = [data[at : at + 9_999] for at in range(0, len(data), 9_999)]
        pieces.reverse()
        request = PutContent(sha256, self.world.nm.epoch)
        return self.nm.send(request, lambda: pieces.pop() if pieces else b"")

    def not_brought(self, error: type[DFSError], sha256: str, data: bytes) -> None:
        """What it brings is refused, and nothing is left of it."""
        outcome = self.world.outcome(self.bring(sha256, data))
        assert isinstance(outcome, Failure), outcome
        outcome.trap(error)
        self.assertEqual(self.world.store._received, [])

    def ended(self, error: type[DFSError], reading: Deferred[Any]) -> None:
        """A reader is told this."""
        self.world.pass_time(0.1)
        self.failureResultOf(reading, error)

    def test_mended(self) -> None:
        """It is asked for at once; readers wait, and are told to ask again."""
        for data in (SMALL, LARGE):
            self.put(data)
            sha256 = self.rot()
            readings = [self.read(), self.read()]
            self.world.pass_time(0.1)
            self.assertEqual(self.asked.pop(), sha256)
            self.assertEqual(self.asked, [])
            self.world.result(self.bring(sha256, data))
            answer, self.answer = self.answer, Deferred()
            answer.callback(None)
            self.world.pass_time(0.1)
            if data is SMALL:
                for one in readings:
                    self.ended(Unavailable, one)
            self.assertEqual(self.text(), data)
            self.assertEqual(len(self.world.server.mending), 0)

    def test_refused(self) -> None:
        """If nobody has it, readers are told so, at once from then on; it is asked for again."""
        sha256 = self.rot()
        events = self.events()
        reading = self.read()
        self.world.pass_time(0.1)
        self.answer.errback(Unavailable("nobody else is here"))
        self.ended(Corrupt, reading)
        self.answer = Deferred()
        self.ended(Corrupt, self.read())
        self.assertEqual(self.asked, [sha256])
        for _ in range(2):
            self.world.pass_time(AGAIN_SECONDS)
            self.answer.errback(Unavailable("nobody else is here"))
            self.answer = Deferred()
        self.assertEqual(self.asked, [sha256] * 3)
        counts = [events.count(one) for one in ("content_damaged", "content_not_mended")]
        self.assertEqual(counts, [1, 1])

    def test_no_answer(self) -> None:
        """A reader does not wait for ever."""
        self.rot()
        reading = self.read()
        self.world.pass_time(PATIENCE - 0.5)
        self.assertNoResult(reading)
        self.world.pass_time(0.5)
        self.ended(Corrupt, reading)

    def test_no_name_server(self) -> None:
        """Without a name server nobody waits; when there is one again it is asked."""
        link = self.world.server.link
        self.world.network.silence("127.0.0.1:5000")
        self.world.network.cut("127.0.0.1:5000")
        self.world.pass_time(1)
        self.assertFalse(link.registered)
        sha256 = self.rot()
        with self.assertRaises(Corrupt):
            self.world.store.small(self.present())
        self.world.network.listen("127.0.0.1:5000", self.world.nm.factory)
        self.world.pass_time(AGAIN_SECONDS)
        self.assertEqual(self.asked, [sha256])

    def test_one_at_a_time(self) -> None:
        """However much is damaged, it comes one after the other."""
        self.rotten(3)
        self.world.pass_time(0.1)
        self.assertEqual(len(self.asked), 1)
        answer, self.answer = self.answer, Deferred()
        answer.callback(None)
        self.world.pass_time(0.1)
        self.assertEqual(len(self.asked), 2)

    def test_all_put_off(self) -> None:
        """While nobody is there it is asked for one of them at a time, and each gets its turn."""
        self.rotten(3)
        reading = self.read()
        self.world.pass_time(0.1)
        self.assertNoResult(reading)
        for _ in range(6):
            self.answer.errback(Unavailable("nobody else is here"))
            self.answer = Deferred()
            self.ended(Corrupt, reading)
            reading = self.read()
            self.world.pass_time(AGAIN_SECONDS)
        self.ended(Corrupt, reading)
        self.assertEqual(len(self.asked), 7)
        self.assertEqual(len(set(self.asked)), 3)

    def test_very_much(self) -> None:
        """What is too much to be remembered is refused, and not called mended."""
        self.rot()
        found = self.world.store.damage.found
        found.update(number.to_bytes(32) for number in range(REMEMBERED))
        self.ended(Corrupt, self.read())
        self.assertEqual((len(found), self.asked), (REMEMBERED, []))
        found.clear()

    def test_stops_meanwhile(self) -> None:
        """A server that stops waits for nothing."""
        self.rot()
        self.read().addErrback(lambda failure: None)
        self.world.pass_time(0.1)
        self.assertEqual(len(self.asked), 1)

    def test_wrong_bytes(self) -> None:
        """Nothing but the right bytes is taken, and only of what some document refers to."""
        sha256 = self.rot()
        self.assertRaises(Corrupt, self.world.store.small, self.present())
        self.not_brought(Corrupt, sha256, b"smell.")
        self.not_brought(Corrupt, sha256, b"small. And more")
        self.not_brought(Corrupt, sha256, b"")
        self.not_brought(NotFound, hashlib.sha256(b"other").hexdigest(), b"other")
        self.not_brought(Invalid, "no hash", b"other")
        self.assertEqual(len(self.world.server.mending), 1)
        self.world.result(self.bring(sha256, SMALL))
        self.assertEqual(len(self.world.server.mending), 0)

    def test_again_at_once(self) -> None:
        """What is damaged again right after it was mended is not brought again and again."""
        sha256 = self.rot()
        self.assertRaises(Corrupt, self.world.store.small, self.present())
        self.world.result(self.bring(sha256, SMALL))
        self.answer.callback(None)
        self.world.pass_time(0.1)
        for _ in range(5):
            self.rot()
            self.ended(Corrupt, self.read())
            self.world.disk.damage(self.present().sha256)  # once more: as it was
        self.assertEqual(self.asked, [sha256])
        self.rot()
        self.ended(Corrupt, self.read())
        self.world.pass_time(AGAIN_SECONDS)
        self.assertEqual(self.asked, [sha256] * 2)

    def test_unasked(self) -> None:
        """What is brought although nothing is damaged does no harm."""
        self.world.result(self.bring(self.present().sha256.hex(), SMALL))
        self.assertEqual(self.text(), SMALL)

    def test_given(self) -> None:
        """A content is given to the name server, whole or not at all."""
        for data in (SMALL, LARGE):
            self.put(data)
            sha256 = self.present().sha256.hex()
            self.assertEqual(self.content(self.nm.ask_content(GetContent(sha256, 1))), data)
            self.rot()
            with self.assertRaises(Corrupt):
                self.content(self.nm.ask_content(GetContent(sha256, 1)))
        for error, wanted in ((NotFound, "ab" * 32), (Invalid, "x")):
            with self.assertRaises(error):
                self.content(self.nm.ask_content(GetContent(wanted, 1)))

    def test_who(self) -> None:
        """Nobody else is given anything by its hash, nor may bring it; nor an old name server."""
        sha256 = self.present().sha256.hex()
        self.refused(Unauthenticated, PutContent(sha256, 1), SMALL)
        with self.assertRaises(Unauthenticated):
            self.content(self.alice.ask_content(GetContent(sha256, 1)))
        self.world.order(Promote(5))
        self.world.nm.epoch = 4
        self.not_brought(Moved, sha256, SMALL)
