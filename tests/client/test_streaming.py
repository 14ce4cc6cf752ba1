"""STREAM, with servers that do not last."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from dfs.client.reading import Words
from dfs.errors import Moved, Unauthorized, Unavailable
from dfs.wire.messages import Facts, Locate, Request, Stat, Stream
from tests.client.desk import Desk
from tests.client.stage import OTHER_STORAGE, STORAGE, content, cut_after, located, stop
from tests.client.test_session import SessionCase


class StreamTests(SessionCase):
    """A document word by word."""

    def words(self, delay: float = 0.1) -> Words:
        """Begin to read one."""
        return self.alice.stream("a.txt", delay)

    def rest(self, words: Words) -> list[bytes]:
        """Everything that comes."""
        found = []
        while piece := self.run_(words.read()):
            found.append(piece)
        return found

    def starts(self, *servers: Any) -> list[int]:
        """From which word on servers were asked."""
        return [request.start for server in servers for request in server.requests]

    def test_words(self) -> None:
        """Words come one by one with what stands between them, the last one too."""
        self.ss.answers[Stream] = content(b"  one\n\n", b"two\t", b"three")
        self.assertEqual(self.rest(self.words()), [b"  one\n\n", b"two\t", b"three"])
        [request] = self.ss.requests
        self.assertEqual((request.delay, request.start), (0.1, 0))  # type: ignore[attr-defined]

    def test_nothing(self) -> None:
        """An empty document ends at once."""
        self.ss.answers[Stream] = content()
        self.assertEqual(self.rest(self.words()), [])

    def test_goes_on_elsewhere(self) -> None:
        """When the server is lost, the next word comes from the one that has the document now."""
        self.ss.answers[Stream] = cut_after(b"one ", b"two ")
        self.nm.answers[Locate] = [
            located("a.txt", STORAGE, self.stage.wall()),
            located("a.txt", OTHER_STORAGE, self.stage.wall()),
        ]
        whole = [b"one ", b"two ", b"three ", b"four."]

        def go_on(request: Stream, exchange: Any) -> Any:
            return content(*whole[request.start :])(request, exchange)

        self.other.answers[Stream] = go_on
        words = self.words()
        self.assertEqual(b"".join(self.rest(words)), b"".join(whole))
        self.assertGreater(self.starts(self.other)[0], 0)
        self.assertEqual(words.count, 4)

    def text(self, sha256: str, *words: bytes) -> dict[type[Request[Any]], Any]:
        """What a server answers that has this text."""
        facts = Facts("1.0", 9, 2, 9, 1, True, sha256, 5.0, "x", 6.0, "y", 1, 0, (), (), ())

        def go_on(request: Stream, exchange: Any) -> Any:
            return content(*words[request.start :])(request, exchange)

        return {Stat: facts, Stream: go_on}

    def lose_server(self) -> Desk:
        """Somebody whose server is lost after two words, and the backup takes over."""
        self.ss.answers |= {**self.text("aa"), Stream: cut_after(b"one ", b"two ")}
        self.nm.answers[Locate] = [
            located("a.txt", STORAGE, self.stage.wall()),
            located("a.txt", OTHER_STORAGE, self.stage.wall()),
        ]
        return self.desk()

    def test_uninterrupted(self) -> None:
        """The person who looks sees one text, without a word about the loss."""
        desk = self.lose_server()
        self.other.answers |= self.text("aa", b"one ", b"two ", b"three ", b"four.")
        self.assertEqual(desk.type("STREAM a.txt"), "one two three four.")
        self.assertEqual((desk.complaints, desk.status), ("", 0))

    def test_changed_meanwhile(self) -> None:
        """If the server that goes on has another text, standard error says so, once."""
        desk = self.lose_server()
        self.other.answers |= self.text("bb", b"1 ", b"2 ", b"3 ", b"4.")
        self.assertEqual(desk.type("STREAM a.txt"), "one two 3 4.")
        self.assertEqual(desk.complaints.count("another version"), 1)
        self.assertEqual(desk.status, 0)

    def test_frozen_in_the_middle(self) -> None:
        """A server that falls silent is told of after 2 s, and left for the backup."""

        def freeze(request: Any, exchange: Any) -> Deferred[Any]:
            exchange.data(b"one ")
            return Deferred()

        desk = self.lose_server()
        self.ss.answers[Stream] = freeze
        self.other.answers |= self.text("aa", b"one ", b"two.")
        self.assertEqual(desk.type("STREAM a.txt"), "one two.")
        self.assertEqual(desk.complaints, "ss1 does not answer; waiting for it or its backup …\n")

    def test_half_a_word(self) -> None:
        """A word of which only a part came is read again, and shown once."""
        self.ss.answers[Stream] = [cut_after(b"one ", b"tw"), content(b"two ", b"three")]
        self.assertEqual(b"".join(self.rest(self.words())), b"one two three")
        self.assertEqual(self.starts(self.ss), [0, 1])

    def test_moved(self) -> None:
        """A server that says MOVED in the middle is left in the same way."""

        def hand_over(request: Any, exchange: Any) -> Any:
            exchange.data(b"one ")
            raise Moved("not any more")

        self.ss.answers[Stream] = [hand_over, content(b"two")]
        self.assertEqual(b"".join(self.rest(self.words())), b"one two")

    def test_server_stays_away(self) -> None:
        """When nobody has the document any more, the reader is told."""
        self.ss.answers[Stream] = cut_after(b"one ")
        words = self.words()
        self.assertEqual(self.run_(words.read()), b"one ")
        self.nm.answers[Locate] = Unavailable("away")
        with self.assertRaises(Unavailable):
            self.run_(words.read())

    def test_refused(self) -> None:
        """A refusal is told at the first word."""
        self.ss.answers[Stream] = Unauthorized("no")
        self.refused(self.words().read(), Unauthorized)

    def test_slow_words(self) -> None:
        """A pause between words that was asked for is no silence."""

        async def slowly(request: Any, exchange: Any) -> Any:
            for word in (b"one ", b"two"):
                exchange.data(word)
                await deferLater(self.stage.clock, request.delay)
            return stop(b"one ", b"two")

        self.ss.answers[Stream] = slowly
        self.assertEqual(self.rest(self.words(50.0)), [b"one ", b"two"])
        self.assertEqual(self.starts(self.ss), [0])

    def test_one_endless_word(self) -> None:
        """A word of megabytes is handed on in parts, and not begun again in its middle."""
        part = b"x" * 65_536
        self.ss.answers[Stream] = cut_after(part, part, part)
        words = self.words()
        self.assertGreater(len(self.run_(words.read())), 65_536)
        with self.assertRaises(Unavailable):
            self.rest(words)

    def test_closed(self) -> None:
        """A stream that is not wanted any more ends with its connection."""

        def begin(request: Any, exchange: Any) -> Deferred[Any]:
            exchange.data(b"one ")
            return Deferred()

        self.ss.answers[Stream] = begin
        words = self.words()
        self.run_(words.read())
        words.close()
        self.assertEqual(self.run_(words.read()), b"")
        self.stage.advance(1)
        self.assertEqual(len(self.ss.factory.connections), 0)
