"""
Lines that are nearly right, in every way that chance finds.

Decides what is typed.  Begins with the lines of C{docs/protocol.rst} and with one for each verb,
whose fields are of the right kind and make no sense; then bytes, fields and lines are changed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_origin, get_type_hints

import attrs
from attrs import define, field

from dfs.wire.codec import escape
from dfs.wire.messages import REQUESTS, Request

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "protocol.rst"

#: The lines that the page types, without those that are content.
PRINTED = [
    line
    for line in re.findall(r"^    C: (.*)$", PAGE.read_text("utf-8"), re.MULTILINE)
    if re.match(r"(#\w*\|)?[A-Za-z_]+(\||$)", line)
]

#: What numbers are at the edge of something.
WHOLE = (0, 1, -1, 2, 5, 64, 255, 65_536, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**30)
BROKEN = ("0.0", "-0.0", "1e308", "1e-320", "-1", "nan", "inf", "1_0", "0x1", "1e999", "٣", " 1")
TEXTS = (
    *("", ".", "..", "/", "a/b/c", "a" * 255, "a/" * 300, "é", "é", "\u202e", "\0", "\x7f"),
    *("alice", "mallory", "nm", "ss1", "ss1_backup", "a.txt", "notes.txt", "r", "w", "x", "*"),
    *("1.0", "0.0", "9.9", "-1.0", "1.", "99999999999999999999.0", "ab" * 32, "cd" * 16, "0" * 16),
    *("127.0.0.1:5000", "127.0.0.1:99999", "[::1]:1", "%s%n", "a|b", "a=b", "bytes=3", "failover"),
)


@define
class Lines:
    """
    Where they come from.

    @ivar tickets: good ones, and one that was good.
    @ivar documents: ids.
    """

    chance: random.Random
    tickets: list[str] = field(factory=list)
    documents: list[str] = field(factory=list)

    def line(self, only: tuple[type[Request[Any]], ...] = REQUESTS) -> bytes:
        """The next line, with its end, and perhaps with content."""
        chance = self.chance
        if chance.random() < 0.35:
            text = chance.choice(PRINTED)
            for name, known in (("<ticket>", self.tickets), ("<proof>", ["ab" * 32])):
                text = text.replace(name, chance.choice(known or ["x"]))
        else:
            text = self._request(chance.choice(only))
        raw: bytes = text.encode()
        for _ in range(chance.choice((0, 0, 0, 0, 1, 1, 2, 5))):
            raw = self._changed(raw)
        end: bytes = chance.choice((b"\n", b"\n", b"\r\n", b"\n\n"))
        return raw + end + self._content(raw)

    def _request(self, kind: type[Request[Any]]) -> str:
        """A line that is right, but for what it says."""
        chance = self.chance
        words = [kind.verb if chance.random() < 0.9 else kind.verb.lower()]
        hints = get_type_hints(kind)
        for one in attrs.fields(kind):  # type: ignore[arg-type]
            hint = hints[one.name]
            value = escape(self._value(one.name, get_origin(hint) or hint))
            if one.default is attrs.NOTHING:
                words.append(value)
            elif chance.random() < 0.4:
                words.append(f"{one.name}={value}")
        if kind.takes_content and chance.random() < 0.9:
            words.append(f"bytes={chance.choice(('0', '5', '5', '*', '70000', '-1', '9' * 20))}")
        if chance.random() < 0.2:
            words.insert(0, chance.choice(("#1", "#tag", "#", "##", "#" + "t" * 100)))
        return "|".join(words)

    def _value(self, name: str, kind: Any) -> str:
        chance = self.chance
        if name == "ticket" and self.tickets and chance.random() < 0.8:
            return chance.choice(self.tickets)
        if name == "id" and self.documents and chance.random() < 0.8:
            return chance.choice(self.documents)
        if chance.random() < 0.05:
            return chance.choice(BROKEN)
        if kind is int:
            return str(chance.choice(WHOLE))
        if kind is float:
            return repr(chance.choice((0.0, 1.0, -1.0, 0.001, 1e9, 1.7e9, 1e300, 5e-324)))
        if kind is bool:
            return chance.choice("01")
        if kind is tuple:
            return ",".join(chance.choice(("alice", "r:alice", "w:bob", "x:", "")) for _ in "123")
        return chance.choice(TEXTS)

    def _changed(self, raw: bytes) -> bytes:
        """One thing is different."""
        chance = self.chance
        at = chance.randrange(len(raw) + 1)
        to = min(len(raw), at + chance.randrange(8))
        other = bytes([chance.randrange(256)])
        fields = raw.split(b"|")
        ways: list[Callable[[], bytes]] = [
            lambda: raw[:at] + other + raw[at:],
            lambda: raw[:at] + other + raw[at + 1 :],
            lambda: raw[:at] + raw[to:],
            lambda: raw[:at] + raw[at:to] * chance.choice((2, 50)) + raw[to:],
            lambda: b"|".join(chance.sample(fields, len(fields))),
            lambda: b"|".join([*fields, chance.choice(fields)]),
            lambda: b"|".join(fields[:-1]),
            lambda: raw + b"|" + chance.choice(TEXTS).encode(),
            lambda: raw + b"|bytes=" + chance.choice((b"3", b"*", b"x", b"", b"3|bytes=4")),
            lambda: (
                raw[:at] + chance.choice((b"%00", b"%zz", b"%", b"%FF", b"%0A", b"%7C")) + raw[at:]
            ),
            lambda: (
                raw[:at] + chance.choice((b"\0", b"\xff\xfe", b"\xc3", b"\r", b"\n")) + raw[at:]
            ),
            lambda: raw.replace(b"1", str(chance.choice(WHOLE)).encode(), 1),
        ]
        return chance.choice(ways)()

    def _content(self, raw: bytes) -> bytes:
        """What follows a line that announces content: as much, too little, too much."""
        chance = self.chance
        found = re.search(rb"bytes=(\d{1,6}|\*)", raw)
        if found is None:
            return b""
        if found[1] == b"*":
            blocks = b"".join(
                b"DATA|%d\n%s\n" % (size, chance.randbytes(size)) for size in (3, 0, 9)
            )
            ends = (
                b"STOP|12|" + b"ab" * 32 + b"\n",
                b"STOP|x\n",
                b"ERROR|INVALID|no\n",
                b"DATA|-1\n",
            )
            return blocks[chance.randrange(3) :] + chance.choice(ends)
        size = int(found[1]) + chance.choice((0, 0, 0, 1, -1))
        return chance.randbytes(max(0, size))
