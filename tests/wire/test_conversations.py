"""
Whole conversations, damaged.

H43: any line of bytes on one connection, an ERROR each, nobody's memory in an answer.  H46: what
hides behind an over-long line is not executed.  Trial fails a test in which a failure was logged.
"""

from __future__ import annotations

import random
import re
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from dfs.wire.codec import escape
from dfs.wire.messages import REQUESTS, Append, Create, Put, Read, Record, Request, Stop
from dfs.wire.server import Exchange
from tests.wire.talking import House, Visitor

GOOD = [
    b"LOGIN|alice\n",
    b"#1|WHOAMI\n",
    b"HELP\n",
    b"CREATE|/a%7Cb\n",
    b"PUT|t|bytes=11\nCREATE|no\n\n\n",
    b"#9|PUT|t|bytes=*\nDATA|3\nabc\nDATA|0\n\nSTOP|3|"
    b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n",
    b"APPEND|t|text\r\n",
    b"READ|t\n",
    b"HELLO|1|ss|ss1|nonce=0123456789abcdef0123456789abcdef\n",
    b"PROVE|00\n",
    b"STATUS\n\n\n",
    b"HEARTBEAT|1|2|3\n",
    b"PUT_METADATA|i|1|p|o|r:a,|1.5|1|create=1\n",
]

SNIPPETS = [b"|", b"#", b"%", b"%00", b"\n", b"\r\n", b"\0", b"\xff\xf4", b"=", b"bytes=3", b"*"]

ANSWER = re.compile(
    rb"(#[!-~]{1,32}\|)?(OK(\|.*)?|ERROR\|[A-Z_]+\|.+|ITEM\|.+|DATA\|\d+|STOP\|\d+\|.*|hello)\Z"
)


def mutate(chance: random.Random, data: bytes) -> bytes:
    """Damage some bytes."""
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((0, 0, 1, 3)))
        kind = chance.randrange(5)
        if kind == 0:
            new = chance.randbytes(chance.randrange(4))
        elif kind == 1:
            new = chance.choice(SNIPPETS)
        elif kind == 2:
            new = data[at : at + 20] * 2
        elif kind == 3:
            new = b"9" * chance.choice((1, 5, 20))
        else:
            new = b"x" * chance.choice((10, 1100, 17000))
        data = data[:at] + new + data[end:]
    return data


async def store(request: Request[Any], exchange: Exchange) -> None:
    """Take content, whatever it is."""
    if exchange.content is not None:
        while await exchange.content.read():
            pass


def read(request: Read, exchange: Exchange) -> Record:
    """Some content."""
    exchange.data(b"hello")
    return Stop(5, "")


class ConversationTests(SynchronousTestCase):
    """A server survives everything, and says so."""

    def setUp(self) -> None:
        self.executed: list[str] = []

    def create(self, request: Create, exchange: Exchange) -> None:
        """Remember what was asked."""
        self.executed.append(request.path)

    def house(self) -> House:
        """A server with verbs of all kinds."""
        handlers: dict[type[Request[Any]], Any] = {
            Create: self.create,
            Put: store,
            Append: store,
            Read: read,
        }
        return House(handlers, clock=Clock())

    def test_each_bad_line_is_refused_once(self) -> None:
        """Any line, twice, is answered with one end each; the connection goes on (H43)."""
        chance = random.Random(43)
        visitor = self.house().user()
        verbs = [request.verb.encode() for request in REQUESTS if request.verb != "QUIT"]
        for _ in range(4000):
            line = mutate(chance, chance.choice(verbs) + b"|" + chance.randbytes(5)).split(b"\n")[0]
            if not line.strip() or len(line) > 16000 or b"bytes=" in line or b"QUIT" in line:
                continue
            visitor.server.dataReceived(line + b"\n" + line + b"\n")
            heard = visitor.raw().split(b"\n")[:-1]
            for answer in heard:
                self.assertIsNotNone(ANSWER.match(answer), (line, answer))
            ends = [one for one in heard if re.match(rb"(#[^|]*\|)?(OK|ERROR|STOP)", one)]
            self.assertEqual(len(ends), 2, (line, heard))
        self.assertTrue(visitor.wire.open)
        self.assertEqual(visitor.say("#end|WHOAMI"), [f"#end|OK|{escape(visitor.peer.user)}"])

    def converse(self, seed: int) -> Visitor:
        """One damaged conversation, cut at random."""
        chance = random.Random(seed)
        visitor = self.house().visitor()
        data = b"".join(mutate(chance, chance.choice(GOOD)) for _ in range(chance.randrange(1, 12)))
        at = 0
        while at < len(data) and visitor.wire.open:
            size = chance.choice((1, 7, 100, 5000, 70000))
            visitor.server.dataReceived(data[at : at + size])
            at += size
        return visitor

    def test_damaged_conversations(self) -> None:
        """However a conversation is damaged, the server answers in its language or hangs up."""
        ended = 0
        for seed in range(1500):
            visitor = self.converse(seed)
            heard = visitor.raw()
            for answer in heard.replace(b"DATA|5\nhello\n", b"").split(b"\n")[:-1]:
                self.assertIsNotNone(ANSWER.match(answer), (seed, answer))
            if not visitor.wire.open:
                ended += 1
                self.assertIn(b"ERROR|", heard)
                visitor.server.dataReceived(b"CREATE|behind\n")
            visitor.leave()
        self.assertNotIn("behind", self.executed)
        self.assertGreater(ended, 50)
        self.assertLess(ended, 1400)

    def test_nothing_behind_a_long_line(self) -> None:
        """Wherever a line becomes too long, nothing behind it is executed (H46)."""
        chance = random.Random(46)
        for _ in range(200):
            visitor = self.house().user()
            long = chance.choice((b"x", b"CREATE|hidden|", b"\0", b"\xff", b"#t|CREATE|%0A"))
            size = chance.randrange(16385 // len(long) + 1, 30000 // len(long) + 1)
            data = b"CREATE|before\n" + long * size + b"\nCREATE|hidden\n" * 3
            at = 0
            while at < len(data):
                cut = chance.choice((100, 5000, 70000))
                visitor.server.dataReceived(data[at : at + cut])
                at += cut
            self.assertFalse(visitor.wire.open)
            self.assertEqual(visitor.heard()[0], "OK")
        self.assertEqual(set(self.executed), {"before"})
