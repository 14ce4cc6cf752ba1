"""Promises to those who watch a document word by word."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from dfs.core.access import Right
from dfs.errors import Busy, Corrupt, Invalid, Moved, Unavailable
from dfs.ss.service import Settings
from dfs.ss.streaming import CUT, LARGE_PER_CONNECTION, PER_CONNECTION, words_of
from dfs.wire.answers import Contents
from dfs.wire.messages import DeleteFile, Put, Read, Stream
from dfs.wire.server import Limits
from tests.ss.world import DOCUMENT, World, WorldTests

#: A document that a store keeps in a file.
LARGE = b"large " * 20_000


class StreamTests(WorldTests):
    """STREAM."""

    def stream(self, delay: float = 0.1, start: int = 0) -> Contents:
        """Begin to watch."""
        return self.alice.ask_content(Stream(self.world.ticket(), delay, start), timeout=None)

    def words(self, contents: Contents) -> list[tuple[float, bytes]]:
        """What comes, and when."""
        began = self.world.clock.seconds()
        words = []
        while piece := self.world.result(contents.read(), 100):
            words.append((round(self.world.clock.seconds() - began, 1), piece))
        return words

    def test_pace(self) -> None:
        """Words come one by one, in time, and keep their separators."""
        self.put(b" one\ttwo  three.\nfour ")
        self.assertEqual(
            self.words(self.stream(0.5)),
            [(0.0, b" one\t"), (0.5, b"two  "), (1.0, b"three.\n"), (1.5, b"four ")],
        )

    def test_start(self) -> None:
        """A stream goes on from any word, and from behind the last one it is empty."""
        self.put(b"zero one two")
        for start, words in ((0, [b"zero ", b"one ", b"two"]), (2, [b"two"]), (3, []), (9, [])):
            self.assertEqual([word for _, word in self.words(self.stream(0.1, start))], words)

    def test_bytes(self) -> None:
        """H7: what is streamed is the document, byte for byte."""
        text = bytes(range(256)) * 20 + b"\r\n.\0 x" + b"y" * 200_000
        self.put(text)
        self.assertEqual(self.content(self.stream(0.0)), text)

    def test_short_words(self) -> None:
        """A text of very many words waits as a text, not as all its words."""
        self.put(b"a " * 131_072)
        document = self.world.store.document(DOCUMENT)
        assert document is not None
        reader = self.world.store.reader(document.current.content)

        async def most() -> int:
            return max([len(parts) async for parts in words_of(reader)])

        self.assertLessEqual(self.world.result(Deferred.fromCoroutine(most())), CUT)

    def test_impossible(self) -> None:
        """A delay or a start that makes no sense is refused."""
        for delay, start in ((-1.0, 0), (61.0, 0), (0.1, -1)):
            with self.assertRaises(Invalid):
                self.content(self.stream(delay, start))

    def test_one_version(self) -> None:
        """A stream shows one text, also when the document is deleted meanwhile."""
        self.put(b"one two three")
        streaming = self.stream(1.0)
        first = self.world.result(streaming.read())
        self.world.result(self.world.call().ask(Put(self.world.ticket()), b"other"))
        self.world.order(DeleteFile(DOCUMENT, 1, "alice"))
        self.assertEqual(first + self.content(streaming), b"one two three")

    def test_damaged(self) -> None:
        """Damaged bytes never come with a good end."""
        self.put(b"word " * 40_000)
        document = self.world.store.document(DOCUMENT)
        assert document is not None
        self.world.disk.damage(document.current.content.sha256)
        with self.assertRaises(Corrupt):
            self.content(self.stream(0.0))

    def test_gone(self) -> None:
        """H50: a stream whose reader has gone costs nothing from then on."""
        self.put(b"one two three")
        before = len(self.world.clock.getDelayedCalls())
        connections = [self.world.call() for _ in range(300)]
        for connection in connections:
            connection.ask_content(Stream(self.world.ticket(), 60.0), timeout=None)
        self.world.pass_time(1)
        self.assertEqual(len(self.world.server.streams), 300)
        for connection in connections:
            connection.close(abort=True)
        self.world.pass_time(0.1)
        self.assertEqual(len(self.world.server.streams), 0)
        self.assertEqual(len(self.world.clock.getDelayedCalls()), before)
        self.assertEqual(self.text(), b"one two three")

    def test_limit(self) -> None:
        """H50: one connection streams so many documents at once, and no more."""
        self.put(b"one two")
        streams = []
        for _ in range(PER_CONNECTION - 1):  # the last unanswered request is for the refusal
            streams.append(self.stream(60.0))
        self.world.pass_time(0.1)
        self.assertEqual(len(self.world.server.streams), PER_CONNECTION - 1)
        self.content(self.alice.ask_content(Read(self.world.ticket())))

    def test_slow_reader(self) -> None:
        """A reader who takes nothing keeps little of a large document in the server's memory."""
        self.put((b"w" * 199 + b" ") * 5_000)
        connection = self.world.call()
        [link] = [one for one in self.world.network.links if one.protocol is connection]
        link.pauseProducing()
        streaming = connection.ask_content(Stream(self.world.ticket(), 0.0), timeout=None)
        self.world.pass_time(5)
        self.assertLess(sum(len(piece.data) for piece in link._arrived), 200_000)
        link.resumeProducing()
        self.assertEqual(len(self.content(streaming)), 1_000_000)

    def test_stop(self) -> None:
        """A server that stops ends its streams and says so."""
        self.put(b"one two three")
        streaming = self.stream(10.0)
        self.world.result(streaming.read())
        self.world.stop()
        with self.assertRaises(Unavailable):
            self.content(streaming)
        self.world.start()

    def test_refused(self) -> None:
        """Who may not read may not watch."""
        with self.assertRaises(Moved):
            ticket = self.world.ticket("alice", Right.READ, seconds=-1)
            self.content(self.alice.ask_content(Stream(ticket)))


class CrowdTests(WorldTests):
    """More than a connection may have."""

    def setUp(self) -> None:
        self.world = World(Settings(), limits=Limits(unanswered=1_000))
        self.addCleanup(self.end)
        self.world.create()
        self.alice = self.world.call()

    def test_too_many(self) -> None:
        """H50: a connection with too many streams is refused more, and keeps what it has."""
        self.put(b"one two")
        ask = Stream(self.world.ticket(), 60.0)
        streams = [self.alice.ask_content(ask, timeout=None) for _ in range(PER_CONNECTION)]
        with self.assertRaises(Busy):
            self.content(self.alice.ask_content(ask))
        self.world.pass_time(61)
        self.assertEqual(self.content(streams[0]), b"one two")

    def test_large(self) -> None:
        """Of large documents, which hold a file, a connection has few; READs do not wait for it."""
        self.put(LARGE)
        ask = Stream(self.world.ticket(), 60.0)
        streams = [self.alice.ask_content(ask, timeout=None) for _ in range(LARGE_PER_CONNECTION)]
        with self.assertRaisesRegex(Busy, "large"):
            self.content(self.alice.ask_content(ask))
        self.assertEqual(self.content(self.alice.ask_content(Read(self.world.ticket()))), LARGE)
        self.put(b"one two")
        small = self.alice.ask_content(ask, timeout=None)
        self.assertEqual(self.world.result(small.read()), b"one ")
        self.assertEqual(self.world.result(streams[0].read()), b"large ")

    def test_large_of_all(self) -> None:
        """A server has so many of large documents open, and has room again when somebody goes."""
        self.put(LARGE)
        self.world.server.streams.large.on_server = 1
        ask = Stream(self.world.ticket(), 60.0)
        self.alice.ask_content(ask, timeout=None)
        other = self.world.call()
        with self.assertRaisesRegex(Busy, "large"):
            self.content(other.ask_content(ask))
        self.assertEqual(self.content(other.ask_content(Read(self.world.ticket()))), LARGE)
        self.alice.close(abort=True)
        self.world.pass_time(0.1)
        streaming = other.ask_content(ask, timeout=None)
        self.assertEqual(self.world.result(streaming.read()), b"large ")
