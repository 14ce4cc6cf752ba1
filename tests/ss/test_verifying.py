"""What nobody asks for is read, too, so that damage is found in time."""

from __future__ import annotations

from attrs import define, evolve
from twisted.internet.defer import Deferred
from zope.interface import implementer

from dfs.core.documents import Content, Summary
from dfs.errors import Corrupt, Unavailable
from dfs.ss.service import Settings
from dfs.ss.verifying import FIRST_SECONDS, LOOK_SECONDS, ROUND_SECONDS, STRETCH_BYTES
from dfs.store.interfaces import IReader
from dfs.store.memory import MemoryStore
from dfs.wire.exchange import Exchange
from dfs.wire.messages import DeleteFile, Mend, Status
from tests.ss.copying import LARGE
from tests.ss.world import DOCUMENT, WorldTests

#: Bytes a second.
RATE = 10_000

#: Seconds until the first round is under way, and for a round at most.
SOON = FIRST_SECONDS + LOOK_SECONDS
LONG = len(LARGE) / RATE + 10


@implementer(IReader)
class Waiting:
    """A content of which nothing comes."""

    def read(self) -> Deferred[bytes]:
        """The next piece."""
        return Deferred()

    def close(self) -> None:
        """Read no more."""


class VerifyingTests(WorldTests):
    """
    A server that reads everything again.

    @ivar asked: the hashes that it asked the name server for.
    """

    settings = Settings(verify_rate=RATE)

    def setUp(self) -> None:
        super().setUp()
        self.asked: list[str] = []
        self.logged = self.events()
        self.world.nm.handlers[Mend] = self.mend
        for text in (b"small.", LARGE, b"present."):
            self.put(text)

    def mend(self, request: Mend, exchange: Exchange) -> None:
        """The name server is asked for something."""
        self.asked.append(request.sha256)
        raise Unavailable("nobody has it")

    @property
    def rounds(self) -> int:
        """How many were finished."""
        return self.logged.count("verified")

    def rot(self, *which: int) -> list[str]:
        """Damage some of the older texts; their hashes."""
        document = self.world.store.document(DOCUMENT)
        assert document is not None
        hashes = [document.undo[number].content.sha256 for number in which]
        for sha256 in hashes:
            self.world.disk.damage(sha256)
        return sorted(one.hex() for one in hashes)

    def test_found(self) -> None:
        """What is damaged is asked for, small or large, although nobody reads it."""
        hashes = self.rot(-2, -1)
        self.world.pass_time(SOON + LONG)
        self.assertEqual(sorted(set(self.asked)), hashes)

    def test_pace(self) -> None:
        """It takes as long as its rate says; then there is none for a day."""
        self.world.pass_time(SOON)
        self.assertEqual(self.rounds, 0)
        self.world.pass_time((len(LARGE) - STRETCH_BYTES) / RATE - LOOK_SECONDS)
        self.assertEqual(self.rounds, 0)
        self.world.pass_time(LONG)
        self.assertEqual(self.rounds, 1)
        self.world.pass_time(ROUND_SECONDS / 2)
        self.assertEqual(self.rounds, 1)
        self.world.pass_time(ROUND_SECONDS / 2 + SOON)
        self.assertEqual(self.rounds, 2)

    def test_told(self) -> None:
        """STATUS says when it was done, and how much is damaged."""
        self.rot(-1)
        facts = self.facts()
        self.assertEqual((facts["verified"], facts["damaged"]), ("0", "0"))
        self.world.pass_time(SOON + LONG)
        facts = self.facts()
        self.assertGreater(int(facts["verified"]), 0)
        self.assertEqual(facts["damaged"], "1")

    def facts(self) -> dict[str, str]:
        """What STATUS says."""

        async def ask() -> dict[str, str]:
            items, found = self.alice.ask_items(Status()), {}
            while batch := await items.read():
                found.update({one.name: one.value for one in batch})
            return found

        return self.world.result(ask())

    def test_gone_meanwhile(self) -> None:
        """What is deleted while it is read, or cannot be opened now, does not end the round."""
        world, opened = self.world, []

        @define(eq=False)
        class Emptied(MemoryStore):
            """What it holds is deleted when the first content is examined."""

            def examine(self, content: Content) -> IReader:
                """See L{MemoryStore.examine}."""
                opened.append(content)
                if len(opened) == 1:
                    world.order(DeleteFile(DOCUMENT, 1, "alice"))
                return super().examine(content)

        self.become(Emptied)
        self.world.pass_time(SOON + LONG)
        self.assertEqual((self.rounds, self.asked), (1, []))
        self.assertEqual(len(opened), 3)

    def test_stops_meanwhile(self) -> None:
        """A server that stops reads no more."""
        self.world.pass_time(FIRST_SECONDS + 1)
        self.assertEqual(self.rounds, 0)

    def become(self, kind: type[MemoryStore]) -> None:
        """Let the store be one that answers otherwise."""
        self.world.store.__class__ = kind

    def test_circle(self) -> None:
        """A damaged index that leads around in a circle does not keep a round from ending."""

        @define(eq=False)
        class Circle(MemoryStore):
            """Says the same again and again."""

            def contents_after(self, sha256: bytes, limit: int) -> list[Content]:
                """See L{MemoryStore.contents_after}."""
                return MemoryStore.contents_after(self, b"", limit)

        self.become(Circle)
        self.world.pass_time(SOON + LONG)
        self.assertEqual(self.rounds, 1)

    def test_hidden(self) -> None:
        """What pages of a damaged database hide is passed over; the rest is read."""
        hashes = self.rot(-2, -1)

        @define(eq=False)
        class Hidden(MemoryStore):
            """Cannot say what comes after some hashes."""

            def contents_after(self, sha256: bytes, limit: int) -> list[Content]:
                """See L{MemoryStore.contents_after}."""
                if sha256 < bytes.fromhex(hashes[0])[:1]:
                    raise Corrupt("malformed")
                return MemoryStore.contents_after(self, sha256, limit)

        self.become(Hidden)
        self.world.pass_time(SOON + LONG)
        self.assertEqual((self.rounds, sorted(set(self.asked))), (1, hashes))

    def test_all_hidden(self) -> None:
        """If the database says nothing at all, a round ends all the same."""

        @define(eq=False)
        class Nothing(MemoryStore):
            """Cannot say anything."""

            def contents_after(self, sha256: bytes, limit: int) -> list[Content]:
                """See L{MemoryStore.contents_after}."""
                raise Corrupt("malformed")

        self.become(Nothing)
        self.world.pass_time(SOON + LONG)
        self.assertEqual(self.rounds, 1)

    def test_no_list(self) -> None:
        """If the list of documents cannot be read, that is told, and the texts are read."""
        [hash] = self.rot(-1)

        @define(eq=False)
        class Unlisted(MemoryStore):
            """Cannot say what changed."""

            def changes_after(self, seq: int, limit: int) -> list[Summary]:
                """See L{MemoryStore.changes_after}."""
                raise Corrupt("malformed")

        self.become(Unlisted)
        self.world.pass_time(SOON + LONG)
        self.assertEqual((self.rounds, set(self.asked)), (1, {hash}))
        self.assertIn("record_damaged", self.logged)

    def test_list_in_a_circle(self) -> None:
        """Nor does a list of documents that leads around in a circle go on for ever."""

        @define(eq=False)
        class Circle(MemoryStore):
            """Says the same again and again."""

            def changes_after(self, seq: int, limit: int) -> list[Summary]:
                """See L{MemoryStore.changes_after}."""
                return [evolve(one, seq=1) for one in MemoryStore.changes_after(self, 0, 1)]

        self.become(Circle)
        self.world.pass_time(SOON + LONG)
        self.assertEqual(self.rounds, 1)

    def test_busy(self) -> None:
        """Who is changed faster than it is read does not keep the texts from being read."""

        @define(eq=False)
        class Changing(MemoryStore):
            """There is always something newer."""

            def changes_after(self, seq: int, limit: int) -> list[Summary]:
                """See L{MemoryStore.changes_after}."""
                [newest] = MemoryStore.changes_after(self, 0, 1)
                return [evolve(newest, seq=seq + 1)]

        self.become(Changing)
        self.world.pass_time(SOON + LONG)
        self.assertEqual(self.rounds, 1)

    def test_taken_back(self) -> None:
        """What was taken for damaged, and is not, is not called so any more after a round."""
        document = self.world.store.document(DOCUMENT)
        assert document is not None
        self.world.store.damage.noticed(document.current.content.sha256)
        self.world.pass_time(SOON + LONG)
        self.assertEqual(len(self.world.server.mending), 0)

    def test_slow_disk(self) -> None:
        """A disk that does not answer keeps it from nothing but the next round."""

        @define(eq=False)
        class Stuck(MemoryStore):
            """A disk that answers nothing."""

            def examine(self, content: Content) -> IReader:
                """See L{MemoryStore.examine}."""
                return Waiting()

        self.become(Stuck)
        self.world.pass_time(ROUND_SECONDS * 2)
        self.assertEqual(self.rounds, 0)
        self.put(b"It works all the same.")


class NeverTests(WorldTests):
    """A server that was told not to."""

    settings = Settings(verify_rate=0)

    def test_never(self) -> None:
        """It reads nothing."""
        self.put(b"small.")
        self.world.pass_time(ROUND_SECONDS)
        self.assertEqual(self.world.server.verifying.finished, 0)
