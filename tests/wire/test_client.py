"""The asking side: which answer belongs to whom, and that every question ends."""

from __future__ import annotations

import hashlib
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import Busy, Corrupt, Internal, Invalid, NotFound, Unauthenticated, Unavailable
from dfs.wire.client import Connection
from dfs.wire.greeting import greet
from dfs.wire.messages import (
    Append,
    Create,
    Created,
    ListUsers,
    Locate,
    Me,
    Put,
    Read,
    Record,
    Request,
    UserLine,
    Welcome,
    WhoAmI,
)
from dfs.wire.proof import Claim, prove
from tests.wire.talking import SECRET, Wire

ABC = hashlib.sha256(b"abc").hexdigest()


class ClientCase(SynchronousTestCase):
    """One connection; the test plays the server."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.wire = Wire()
        self.connection = Connection(self.clock)
        self.connection.makeConnection(self.wire)

    def sent(self) -> list[str]:
        """Lines that were asked since the last time."""
        lines: list[str] = self.wire.value().decode().splitlines()
        self.wire.clear()
        return lines

    def answer(self, *lines: str) -> None:
        """Lines from the server."""
        self.connection.dataReceived("".join(f"{line}\n" for line in lines).encode())

    def lose(self) -> None:
        """End the connection from outside; nothing ticks after it."""
        self.connection.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.clock.getDelayedCalls(), [])


class AskTests(ClientCase):
    """Questions with one answer."""

    def test_answers(self) -> None:
        """Answers find their questions by tag, in any order; the timers are gone then."""
        first = self.connection.ask(Create("/a"))
        second = self.connection.ask(WhoAmI())
        self.assertEqual(self.sent(), ["#1|CREATE|/a", "#2|WHOAMI"])
        self.answer("#2|OK|alice", "", "#1|OK|id1")
        self.assertEqual(self.successResultOf(first), Created("id1"))
        self.assertEqual(self.successResultOf(second), Me("alice"))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_body(self) -> None:
        """A body is announced and follows its line."""
        self.connection.ask(Append("t", ""), b"a\nb")
        self.assertEqual(self.sent(), ["#1|APPEND|t||bytes=3", "a", "b"])
        self.connection.ask(Append("t", ""), b"")
        self.assertEqual(self.sent(), ["#2|APPEND|t||bytes=0"])

    def test_refused(self) -> None:
        """The error of the other side is raised as the same class with its words."""
        asked = self.connection.ask(Create("/a"))
        self.answer("#1|ERROR|NOT_FOUND|no %7C such")
        self.assertEqual(str(self.failureResultOf(asked, NotFound).value), "no | such")
        for line, kind in [
            ("ERROR|WEIRD|x", Internal),
            ("ERROR", Internal),
            ("OK|a|b|c", Internal),
            ("OK", Internal),
            ("HUH", Internal),
        ]:
            asked = self.connection.ask(Create("/a"))
            tag = self.sent()[-1].split("|")[0]
            self.answer(f"{tag}|{line}")
            self.failureResultOf(asked, kind)
        self.assertTrue(self.wire.open)

    def test_late(self) -> None:
        """No question waits for ever, and a late answer is ignored whatever it is."""
        asked = self.connection.ask(Create("/a"), timeout=5)
        self.clock.advance(4.9)
        self.assertNoResult(asked)
        self.clock.advance(0.2)
        self.failureResultOf(asked, Unavailable)
        self.answer("#1|ITEM|x", "#1|DATA|3", "#2|", "#1|STOP|3|x", "#1|OK|id", "#1|ERROR|BUSY|x")
        again = self.connection.ask(WhoAmI())
        self.answer("#2|OK|alice")
        self.assertEqual(self.successResultOf(again), Me("alice"))

    def test_cancelled(self) -> None:
        """A question that nobody asks any more is forgotten."""
        asked = self.connection.ask(Create("/a"))
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.answer("#1|OK|id")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_lost(self) -> None:
        """When the connection is lost, every question fails at once, and later ones too."""
        asked: list[Deferred[Any]] = [self.connection.ask(WhoAmI()) for _ in range(3)]
        gone = [self.connection.when_lost() for _ in range(2)]
        items = self.connection.ask_items(ListUsers())
        contents = self.connection.ask_content(Read("t"))
        asked += [items.read(), contents.read()]
        self.lose()
        asked += [
            self.connection.ask(WhoAmI()),
            self.connection.send(Put("t"), lambda: b""),
            self.connection.ask_items(ListUsers()).read(),
        ]
        for one in asked:
            self.failureResultOf(one, Unavailable)
        for waiting in (*gone, self.connection.when_lost()):
            self.assertIsNone(self.successResultOf(waiting))
        self.connection.close()

    def test_refused_as_a_whole(self) -> None:
        """An untagged ERROR refuses the connection: everybody who asked is told why."""
        asked = [self.connection.ask(WhoAmI()) for _ in range(2)]
        self.answer("ERROR|BUSY|full")
        for one in asked:
            self.failureResultOf(one, Busy)
        self.lose()

    def test_nonsense(self) -> None:
        """A server that does not speak this protocol is left; every question fails."""
        for data in (b"\xff\xfe\n", b"#1|DATA|x\n", b"#1|ERROR|BUSY|%zz\n", b"x" * (2**20 + 9)):
            self.setUp()
            asked = self.connection.ask(WhoAmI())
            self.connection.dataReceived(data)
            self.assertTrue(self.wire.aborted)
            self.lose()
            self.failureResultOf(asked, Unavailable)

    def test_unwritable(self) -> None:
        """What cannot be written fails as an answer would, and nothing is sent."""
        self.failureResultOf(self.connection.ask(Create("\udc80")), Invalid)
        self.assertEqual(self.sent(), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_asking_in_an_answer(self) -> None:
        """Whoever gets an answer may ask again at once, or close."""
        heard: list[Any] = []
        first = self.connection.ask(WhoAmI())
        first.addCallback(lambda _: self.connection.ask(WhoAmI()).addCallback(heard.append))
        self.answer("#1|OK|a", "#2|OK|b")
        self.assertEqual(heard, [Me("b")])
        asked = self.connection.ask(WhoAmI())
        asked.addCallback(lambda _: self.connection.close())
        self.answer("#3|OK|c", "#4|OK|d")
        self.assertFalse(self.wire.open)


class ItemsTests(ClientCase):
    """Lists."""

    def test_items(self) -> None:
        """Entries come in batches, and none at the end."""
        items = self.connection.ask_items(ListUsers())
        first = items.read()
        self.assertNoResult(first)
        self.answer("#1|ITEM|a|1")
        self.assertEqual(self.successResultOf(first), [UserLine("a", True)])
        self.answer("#1|ITEM|b|0", "#1|ITEM|c|0", "#1|OK|3")
        self.assertEqual([one.user for one in self.successResultOf(items.read())], ["b", "c"])
        self.assertEqual(self.successResultOf(items.read()), [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_errors(self) -> None:
        """A list that ends early, or whose entries make no sense, fails after what came."""
        items = self.connection.ask_items(ListUsers())
        self.answer("#1|ITEM|a|1", "#1|ERROR|BUSY|x")
        self.assertEqual(len(self.successResultOf(items.read())), 1)
        self.failureResultOf(items.read(), Busy)
        items = self.connection.ask_items(ListUsers())
        waiting = items.read()
        self.answer("#2|ITEM|a", "#2|ITEM|b|1", "#2|OK|2")
        self.failureResultOf(waiting, Internal)

    def test_closed(self) -> None:
        """A list that is closed is forgotten; who waits for it is told; reading it fails."""
        items = self.connection.ask_items(ListUsers())
        waiting = items.read()
        items.close()
        items.close()
        self.failureResultOf(waiting, CancelledError)
        self.answer("#1|ITEM|a|1", "#1|OK|1")
        self.failureResultOf(items.read(), Unavailable)
        items = self.connection.ask_items(ListUsers())
        waiting = items.read()
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_pressure(self) -> None:
        """Who does not read a long list lets the server wait; closing it does not."""
        items = self.connection.ask_items(ListUsers())
        for _ in range(11):
            self.answer(*["#1|ITEM|a|1"] * 1000)
        self.assertEqual(self.wire.producerState, "paused")
        self.assertEqual(len(self.successResultOf(items.read())), 11000)
        self.assertEqual(self.wire.producerState, "producing")
        for _ in range(11):
            self.answer(*["#1|ITEM|a|1"] * 1000)
        self.assertEqual(self.wire.producerState, "paused")
        items.close()
        self.assertEqual(self.wire.producerState, "producing")


class ContentsTests(ClientCase):
    """Content."""

    def test_contents(self) -> None:
        """Content comes in pieces and is verified at the end; it may hold any bytes."""
        contents = self.connection.ask_content(Read("t"))
        first = contents.read()
        self.connection.dataReceived(b"#1|DATA|2\na")
        self.assertNoResult(first)
        self.connection.dataReceived(b"b\n#1|DATA|0\n\n#1|DATA|1\nc\n")
        self.assertEqual(self.successResultOf(first), b"ab")
        self.assertEqual(self.successResultOf(contents.read()), b"c")
        self.assertEqual(contents.size, 3)
        end = contents.read()
        self.answer(f"#1|STOP|3|{ABC}")
        self.assertEqual(self.successResultOf(end), b"")
        self.assertEqual(self.successResultOf(contents.read()), b"")

    def test_void(self) -> None:
        """What does not add up, or ends with an ERROR, is void."""
        for end, kind in [
            (f"STOP|4|{ABC}", Corrupt),
            (f"STOP|3|{'0' * 64}", Corrupt),
            ("STOP|x|y", Internal),
            ("ERROR|CORRUPT|bad disk", Corrupt),
        ]:
            contents = self.connection.ask_content(Read("t"))
            tag = self.sent()[-1].split("|")[0]
            self.answer(f"{tag}|DATA|3", "abc", f"{tag}|{end}")
            self.failureResultOf(contents.read(), kind)

    def test_cut_off(self) -> None:
        """Content that ends with the connection is void."""
        contents = self.connection.ask_content(Read("t"))
        self.answer("#1|DATA|3", "abc")
        self.lose()
        self.failureResultOf(contents.read(), Unavailable)

    def test_large_block(self) -> None:
        """A large block is handed on as it comes."""
        contents = self.connection.ask_content(Read("t"))
        self.connection.dataReceived(b"#1|DATA|200000\n" + b"x" * 60000)
        self.assertEqual(len(self.successResultOf(contents.read())), 60000)
        self.connection.dataReceived(b"x" * 140000 + b"\n#1|DATA|0\n\n")
        self.assertEqual(len(self.successResultOf(contents.read())), 140000)
        self.assertNoResult(waiting := contents.read())
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)

    def test_closed(self) -> None:
        """Content that is closed is skipped; other answers come through; it is not complete."""
        contents = self.connection.ask_content(Read("t"))
        self.connection.dataReceived(b"#1|DATA|6\nabc")
        contents.close()
        asked = self.connection.ask(WhoAmI())
        self.connection.dataReceived(b"def\n#1|STOP|6|x\n#2|OK|a\n")
        self.assertEqual(self.successResultOf(asked), Me("a"))
        self.failureResultOf(contents.read(), Unavailable)

    def test_pressure(self) -> None:
        """Who does not read lets the server wait, until he reads or loses interest."""
        for finish in ("read", "close"):
            self.setUp()
            contents = self.connection.ask_content(Read("t"))
            for _ in range(16):
                self.connection.dataReceived(b"#1|DATA|65536\n" + b"x" * 65536 + b"\n")
            self.assertEqual(self.wire.producerState, "paused")
            if finish == "close":
                contents.close()
            else:
                for _ in range(9):
                    self.successResultOf(contents.read())
            self.assertEqual(self.wire.producerState, "producing")


class SendTests(ClientCase):
    """Content on its way out."""

    def test_send(self) -> None:
        """Content goes out in blocks with its hash; other questions follow behind it."""
        pieces = [b"ab", b"c", b""]
        asked = self.connection.send(Put("t"), lambda: pieces.pop(0))
        self.assertEqual(
            self.sent(), ["#1|PUT|t|bytes=*", "DATA|2", "ab", "DATA|1", "c", f"STOP|3|{ABC}"]
        )
        self.assertNoResult(asked)
        self.clock.advance(31)
        self.failureResultOf(asked, Unavailable)

    def test_others_wait(self) -> None:
        """A question asked meanwhile is sent when the content is."""
        piece: Deferred[bytes] = Deferred()
        pieces: list[Any] = [piece, b""]
        self.connection.send(Put("t"), lambda: pieces.pop(0)).addErrback(lambda _: None)
        self.connection.ask(WhoAmI()).addErrback(lambda _: None)
        self.assertEqual(self.sent(), ["#1|PUT|t|bytes=*"])
        piece.callback(b"abc")
        self.assertEqual(self.sent(), ["DATA|3", "abc", f"STOP|3|{ABC}", "#2|WHOAMI"])
        self.lose()

    def test_pressure(self) -> None:
        """The next piece is fetched when there is room for it."""
        pulled = 0

        def pull() -> bytes:
            nonlocal pulled
            pulled += 1
            self.connection.pauseProducing()
            return b"x"

        asked = self.connection.send(Put("t"), pull)
        self.assertEqual(pulled, 1)
        self.connection.resumeProducing()
        self.assertEqual(pulled, 2)
        self.lose()
        self.assertEqual(pulled, 2)
        self.failureResultOf(asked, Unavailable)

    def test_refused_early(self) -> None:
        """When the answer comes early, the sending stops, void, and the connection goes on."""
        pieces: list[Any] = [Deferred(), Deferred(), b"never"]
        first = pieces[0]
        asked = self.connection.send(Put("t"), lambda: pieces.pop(0))
        self.answer("#1|ERROR|BUSY|x")
        self.failureResultOf(asked, Busy)
        first.callback(b"abc")
        self.assertEqual(self.sent()[-3:], ["DATA|3", "abc", "STOP|0|void"])
        self.assertEqual(len(pieces), 2)
        again = self.connection.ask(WhoAmI())
        self.answer("#2|OK|a")
        self.successResultOf(again)

    def test_source_fails(self) -> None:
        """If the source breaks, what was sent is void and the connection goes on."""
        for error, kind in [(OSError("disk"), Unavailable), (NotFound("x"), NotFound)]:
            source: Deferred[bytes] = Deferred()
            asked = self.connection.send(Put("t"), lambda source=source: source)  # type: ignore[misc]
            source.errback(error)
            self.failureResultOf(asked, kind)
            self.assertEqual(self.sent()[-1], "STOP|0|void")
        self.assertTrue(self.wire.open)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_large_pieces(self) -> None:
        """A piece that is larger than a block may be is sent as several."""
        pieces = [b"x" * (2**20 + 1), b""]
        self.connection.send(Put("t"), lambda: pieces.pop(0)).addErrback(lambda _: None)
        heads = [line for line in self.sent() if line.startswith("DATA|")]
        self.assertEqual(heads, ["DATA|1048576", "DATA|1"])
        self.lose()


class GreetTests(ClientCase):
    """Two servers greet each other."""

    def greet(self, **changes: Any) -> Deferred[Welcome]:
        """Begin to greet."""
        return Deferred.fromCoroutine(
            greet(
                self.connection,
                role="ss",
                name="ss1",
                peer_role="nm",
                secret=SECRET,
                entropy=lambda size: b"\x01" * size,
            )
        )

    def welcome(self, *, role: str = "nm", name: str = "nm1", nonce: str = "f" * 32) -> str:
        """What a server with the secret answers."""
        claim = Claim("\n".join(("ss", "ss1", "01" * 16)), "\n".join((role, name, nonce)))
        proof = prove(SECRET, "callee", claim)
        return f"#1|OK|1|{role}|{name.replace(chr(10), '%0A')}|nonce={nonce}|proof={proof}"

    def test_good(self) -> None:
        """The other side proves itself first; then this one does."""
        greeting = self.greet()
        self.assertEqual(self.sent(), [f"#1|HELLO|1|ss|ss1|nonce={'01' * 16}"])
        self.answer(self.welcome())
        (line,) = self.sent()
        self.assertTrue(line.startswith("#2|PROVE|"))
        self.answer("#2|OK")
        self.assertEqual(self.successResultOf(greeting).name, "nm1")

    def test_bad(self) -> None:
        """Nothing is proved to a side that does not prove itself as what it should be."""
        for answer in (
            self.welcome(role="ss"),
            self.welcome()[:-1] + "x",
            self.welcome(name="a\nb"),
            self.welcome(nonce="01" * 16),
            self.welcome(nonce="x"),
            self.welcome(role="client"),
            "#1|OK|1|nm|nm1",
        ):
            self.setUp()
            greeting = self.greet()
            self.sent()
            self.answer(answer)
            failure = self.failureResultOf(greeting)
            self.assertIsNotNone(failure.check(Unauthenticated, Invalid))
            self.assertEqual(self.sent(), [])


class UnusedTests(ClientCase):
    """Answers that nobody asked for."""

    def test_unasked(self) -> None:
        """They are ignored; only an untagged ERROR means everybody."""
        self.answer("OK", "#9|OK", "ITEM|x", "STOP|1|2", "DATA|2", "ab", "HUH|x")
        locate: Request[Any] = Locate("/a", "r")
        asked: Deferred[Record] = self.connection.ask(locate)
        self.answer("OK|x")
        self.assertNoResult(asked)
        self.lose()
        self.failureResultOf(asked, Unavailable)
