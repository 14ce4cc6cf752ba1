"""Content that comes with a request."""

from __future__ import annotations

import hashlib
from typing import Any

from attrs import Factory, define
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import Corrupt, DFSError, Invalid, TooLarge, Unavailable
from dfs.wire.codec import UNKNOWN_LENGTH
from dfs.wire.framing import Framer
from dfs.wire.messages import Committed, Create, Put, Record, Request
from dfs.wire.sending import Sending
from dfs.wire.server import Exchange
from dfs.wire.upload import MAX_BLOCK, SMALL_BYTES, Upload
from tests.wire.talking import House, Later, Visitor

BIG = b"0123456789abcdef" * (SMALL_BYTES // 16) + b"the rest"


def blocks(*pieces: bytes) -> bytes:
    """Content as its sender writes it who does not know how long it will be."""
    sending = Sending()
    return b"".join([*map(sending.block, pieces), sending.stop()])


@define
class Keeper:
    """Answers PUT by reading all of it; keeps what came and how it ended."""

    kept: list[bytes] = Factory(list)
    ended: list[DFSError] = Factory(list)

    async def __call__(self, request: Put, exchange: Exchange) -> Record:
        if exchange.body is not None:
            self.kept.append(exchange.body)
            return Committed("body", len(exchange.body), 0, 0)
        assert exchange.content is not None
        data = b""
        try:
            while piece := await exchange.content.read():
                data += piece
        except DFSError as error:
            self.ended.append(error)
            raise
        self.kept.append(data)
        return Committed("content", len(data), 0, 0)


class PieceTests(SynchronousTestCase):
    """What has come and is not read yet."""

    def test_small_pieces(self) -> None:
        """Text that comes byte by byte is kept in pieces of some thousand bytes."""
        framer = Framer(1_000)
        upload = Upload(framer, UNKNOWN_LENGTH, lambda: None)
        framer.feed(blocks(*[b"x"] * 10_000))
        while upload.advance() and not upload.complete:
            pass
        pieces = []
        while piece := self.successResultOf(upload.read()):
            pieces.append(piece)
        self.assertEqual(b"".join(pieces), b"x" * 10_000)
        self.assertLess(len(pieces), 5)


class UploadTests(SynchronousTestCase):
    """A server that takes content."""

    def setUp(self) -> None:
        self.keeper = Keeper()
        self.done: list[str] = []
        self.house = House({Put: self.keeper, Create: self.create})
        self.visitor = self.house.user()

    def create(self, request: Create, exchange: Exchange) -> None:
        """Remember what was asked."""
        self.done.append(request.path)

    def test_small(self) -> None:
        """Small content whose length is known comes as a whole, whatever bytes it has."""
        for body in (b"", b"\n", b"QUIT\n", bytes(range(256)), BIG[:SMALL_BYTES]):
            heard = self.visitor.send(b"PUT|t|bytes=%d\n%sWHOAMI\n" % (len(body), body))
            self.assertEqual(heard, [f"OK|body|{len(body)}|0|0", "OK|alice"])
            self.assertEqual(self.keeper.kept.pop(), body)

    def test_large(self) -> None:
        """Larger content comes in pieces; the next line is read behind it."""
        for _ in range(2):
            heard = self.visitor.send(b"PUT|t|bytes=%d\n%sWHOAMI\n" % (len(BIG), BIG))
            self.assertEqual(heard, [f"OK|content|{len(BIG)}|0|0", "OK|alice"])
            self.assertEqual(self.keeper.kept.pop(), BIG)

    def test_blocks(self) -> None:
        """Content of unknown length comes in blocks; there may be none, and empty ones."""
        for pieces in ([], [b""], [b"a", b"", b"b\n"], [BIG, BIG], [b"STOP|1|2\n", b"\n\n"]):
            heard = self.visitor.send(b"PUT|t|bytes=*\n" + blocks(*pieces) + b"WHOAMI\n")
            size = sum(map(len, pieces))
            self.assertEqual(heard, [f"OK|content|{size}|0|0", "OK|alice"], pieces)
            self.assertEqual(self.keeper.kept.pop(), b"".join(pieces))

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(st.binary(max_size=30), max_size=4),
        st.lists(st.integers(1, 40), min_size=1, max_size=20),
        st.booleans(),
    )
    def test_any_cut(self, pieces: list[bytes], sizes: list[int], known: bool) -> None:
        """However the network cuts, the same content comes, and the line behind it."""
        keeper = Keeper()
        visitor = House({Put: keeper}).user()
        body = b"".join(pieces)
        if known:
            data = b"PUT|t|bytes=%d\n%s" % (len(body), body)
        else:
            data = b"PUT|t|bytes=*\n" + blocks(*pieces)
        data += b"WHOAMI\n"
        heard = []
        at = 0
        while at < len(data):
            size = sizes[at % len(sizes)]
            heard += visitor.send(data[at : at + size])
            at += size
        self.assertEqual((keeper.kept, heard[1:]), ([body], ["OK|alice"]))

    def test_wrong_end(self) -> None:
        """Content that is not what STOP says is refused; the connection goes on."""
        good = hashlib.sha256(b"abc").hexdigest()
        for stop, kind in [
            (f"STOP|2|{good}", Invalid),
            (f"STOP|4|{good}", Invalid),
            (f"STOP|3|{'0' * 64}", Corrupt),
            ("STOP|0|void", Invalid),
            ("STOP||", Invalid),
        ]:
            heard = self.visitor.say("PUT|t|bytes=*", "DATA|3", "abc", stop, "WHOAMI")
            self.assertEqual((heard[0].split("|")[1], heard[1:]), (kind.code, ["OK|alice"]))
        self.assertEqual(self.visitor.say("PUT|t|bytes=*", "STOP|0|void")[0][:14], "ERROR|CORRUPT|")
        self.assertEqual(self.keeper.kept, [])

    def test_hash_of_the_reader(self) -> None:
        """Who makes a hash of its own confirms it in the end; a wrong size is refused at once."""
        later = Later()
        for data, whole in [
            (b"PUT|t|bytes=*\n" + blocks(b"abc"), b"abc"),
            (b"PUT|t|bytes=*\n" + blocks(), b""),
            (b"PUT|t|bytes=%d\n%s" % (len(BIG), BIG), BIG),
        ]:
            visitor = House({Put: later}).user()
            head, line_end, rest = data.partition(b"\n")
            visitor.send(head + line_end)
            content = later.asked[-1][1].content
            assert content is not None
            content.leave_hash()
            visitor.send(rest)
            read = b""
            while piece := self.successResultOf(content.read()):
                read += piece
            self.assertEqual(read, whole)
            content.confirm(hashlib.sha256(whole).hexdigest())
            if head.endswith(b"*"):
                with self.assertRaises(Corrupt):
                    content.confirm(hashlib.sha256(b"abd").hexdigest())
        visitor = House({Put: later}).user()
        visitor.say("PUT|t|bytes=*")
        content = later.asked[-1][1].content
        assert content is not None
        content.leave_hash()
        visitor.say("DATA|3", "abc", f"STOP|2|{hashlib.sha256(b'abc').hexdigest()}")
        self.assertEqual(self.successResultOf(content.read()), b"abc")
        self.failureResultOf(content.read(), Invalid)

    def test_nonsense_between_blocks(self) -> None:
        """What is neither DATA nor STOP ends the connection; nothing of it is executed."""
        for line in (
            "CREATE|x",
            "DATA|-1",
            "DATA|x",
            "DATA",
            "STOP|1",
            f"DATA|{MAX_BLOCK + 1}",
            "x" * 20000,
        ):
            visitor = self.house.user()
            heard = visitor.say("#1|PUT|t|bytes=*", "DATA|1", "a", line, "CREATE|hidden")
            self.assertTrue(heard[-1].startswith("ERROR|"), heard)
            self.assertFalse(visitor.wire.open)
            visitor.leave()
        self.assertEqual((self.done, self.keeper.kept), ([], []))
        self.assertEqual(len(self.keeper.ended), 7)

    def test_not_utf8_between_blocks(self) -> None:
        """Bytes between blocks that are no text end the connection."""
        heard = self.visitor.send(b"#1|PUT|t|bytes=*\n\xff\xff\nCREATE|hidden\n")
        self.assertTrue(heard[0].startswith("#1|ERROR|INVALID|"), heard)
        self.assertFalse(self.visitor.wire.open)
        self.assertEqual(self.done, [])

    def test_cut_off(self) -> None:
        """Content that ends with the connection is never taken for the whole."""
        self.visitor.send(b"#1|PUT|t|bytes=%d\n%s" % (len(BIG), BIG[:-1]))
        self.visitor.leave()
        other = self.house.user()
        other.say("PUT|t|bytes=*", "DATA|3", "abc")
        other.leave()
        half = self.house.user()
        half.send(b"PUT|t|bytes=5\nabcd")
        half.leave()
        self.assertEqual(self.keeper.kept, [])
        self.assertEqual([type(one) for one in self.keeper.ended], [Unavailable] * 2)

    def test_content_of_refused(self) -> None:
        """Content behind a refused request is skipped, and the connection stays in step."""
        trap = b"CREATE|hidden\n" * 10
        for line in (b"FROB|x", b"CREATE|a", b"#bad tag|PUT|t", b"APPEND|\xff|"):
            for content in (
                b"|bytes=%d\n%s" % (len(trap), trap),
                b"|bytes=0\n",
                b"|bytes=*\n" + blocks(trap, trap),
            ):
                heard = self.visitor.send(line + content + b"WHOAMI\n")
                self.assertTrue(heard[0].startswith("ERROR|"), heard)
                self.assertEqual(heard[1:], ["OK|alice"])
        self.assertEqual(self.done, [])

    def test_answered_early(self) -> None:
        """A request may be refused while its content is still coming; the rest is skipped."""

        def refuse(request: Put, exchange: Exchange) -> Record:
            raise TooLarge("no")

        for data in (b"bytes=%d\n%s" % (len(BIG), BIG), b"bytes=*\n" + blocks(BIG, BIG)):
            visitor = House({Put: refuse}).user()
            head, tail = data[:20], data[20:]
            self.assertEqual(visitor.send(b"#1|PUT|t|" + head), ["#1|ERROR|TOO_LARGE|no"])
            for at in range(0, len(tail), 10000):
                self.assertEqual(visitor.send(tail[at : at + 10000]), [])
            self.assertEqual(visitor.say("WHOAMI"), ["OK|alice"])

    def test_stranger(self) -> None:
        """The content of a stranger's refused request is not executed either."""
        visitor = House({Create: self.create}).visitor()
        heard = visitor.send(b"FROB|bytes=12\nLOGIN|alice\nWHOAMI\n")
        self.assertEqual(heard[1:], ["OK|"])


class SlowReaderTests(SynchronousTestCase):
    """Content whose reader takes its time."""

    def setUp(self) -> None:
        self.later = Later()
        self.visitor = House({Put: self.later}).user()

    def begin(self, visitor: Visitor, line: bytes) -> Exchange:
        """Announce content; the exchange that is to read it."""
        visitor.send(line)
        exchange: Exchange = self.later.asked[-1][1]
        return exchange

    def test_pressure(self) -> None:
        """A sender whose content is not read is not read from; later all of it is there."""
        size = 4 * 1024 * 1024
        content = self.begin(self.visitor, b"PUT|t|bytes=%d\n" % size).content
        assert content is not None
        sent = 0
        while self.visitor.wire.producerState == "producing":
            self.visitor.server.dataReceived(b"x" * 65536)
            sent += 65536
            self.assertLess(sent, 2 * 1024 * 1024)
        read = 0
        while read < size:
            piece = content.read()
            read += len(self.successResultOf(piece)) if piece.called else 0
            if self.visitor.wire.producerState == "producing" and sent < size:
                self.visitor.server.dataReceived(b"x" * 65536)
                sent += 65536
            if not piece.called:
                read += len(self.successResultOf(piece))
        self.assertEqual(self.successResultOf(content.read()), b"")
        self.later.answer(0)
        self.assertEqual(self.visitor.say("WHOAMI"), ["OK", "OK|alice"])

    def test_answered_while_full(self) -> None:
        """If a request is answered while much of its content waits, the rest is skipped."""
        exchange = self.begin(self.visitor, b"PUT|t|bytes=%d\n" % (3 * 2**20))
        for _ in range(40):
            self.visitor.server.dataReceived(b"x" * 65536)
        self.assertEqual(self.visitor.wire.producerState, "paused")
        self.later.answer(0)
        self.assertEqual(self.visitor.turn(), ["OK"])
        self.assertEqual(self.visitor.wire.producerState, "producing")
        for _ in range(8):
            self.visitor.server.dataReceived(b"x" * 65536)
        self.assertEqual(self.visitor.say("WHOAMI"), ["OK|alice"])
        assert exchange.content is not None
        self.failureResultOf(exchange.content.read(), Unavailable)

    def test_reader_gives_up(self) -> None:
        """A reader that stops waiting loses nothing: the next one gets the piece."""
        content = self.begin(self.visitor, b"PUT|t|bytes=%d\n" % 100000).content
        assert content is not None
        waiting = content.read()
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.visitor.server.dataReceived(b"abc")
        self.assertEqual(self.successResultOf(content.read()), b"abc")

    def test_tagged_in_between(self) -> None:
        """While content is still coming, answers of other requests come through."""
        house = House({Put: self.later, Create: self.later})
        visitor = house.user()
        visitor.say("#1|CREATE|a")
        visitor.send(b"#2|PUT|t|bytes=100000\nabc")
        self.later.answer(0)
        self.assertEqual(visitor.heard(), ["#1|OK"])
        visitor.leave()

    def test_reading_inside_reading(self) -> None:
        """A handler may read, answer and be asked again while bytes are being taken."""
        answers: list[int] = []

        def put(request: Put, exchange: Exchange) -> Deferred[Any]:
            assert exchange.content is not None
            first = exchange.content.read()

            def enough(piece: bytes) -> None:
                answers.append(len(piece))

            return first.addCallback(enough)

        handlers: dict[type[Request[Any]], Any] = {Put: put}
        visitor = House(handlers).user()
        data = b"".join(b"#%d|PUT|t|bytes=70000\n%s" % (n, b"y" * 70000) for n in range(20))
        heard = []
        for at in range(0, len(data), 65536):
            heard += visitor.send(data[at : at + 65536])
        self.assertEqual(heard, [f"#{number}|OK" for number in range(20)])
        self.assertEqual(len(answers), 20)
