"""Bytes to lines and runs of raw bytes."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.errors import TooLarge
from dfs.wire.framing import Framer


def lines(framer: Framer) -> list[bytes]:
    """All lines that are complete."""
    found = []
    while (line := framer.line()) is not None:
        found.append(line)
    return found


class LineTests(SynchronousTestCase):
    """Lines."""

    def test_ends(self) -> None:
        """A line ends with LF or CR LF; only one CR belongs to the end."""
        framer = Framer(10)
        framer.feed(b"a\nb\r\n\n\r\nc\r\r\nd\re\nrest")
        self.assertEqual(lines(framer), [b"a", b"b", b"", b"", b"c\r", b"d\re"])
        self.assertEqual(len(framer), 4)

    def test_limit(self) -> None:
        """A line of just the limit is read with either end; one byte more is refused."""
        for end in (b"\n", b"\r\n"):
            framer = Framer(5)
            framer.feed(b"12345" + end)
            self.assertEqual(framer.line(), b"12345")
            framer.feed(b"123456" + end)
            with self.assertRaises(TooLarge):
                framer.line()

    def test_endless_line(self) -> None:
        """A line that does not end is refused as soon as it must be too long."""
        framer = Framer(5)
        framer.feed(b"123456")
        self.assertIsNone(framer.line())
        framer.feed(b"7")
        with self.assertRaises(TooLarge):
            framer.line()

    def test_nothing_is_kept(self) -> None:
        """An idle connection keeps none of the bytes that it was sent."""
        framer = Framer(5)
        framer.feed(b"1234\n" * 1000)
        self.assertEqual(len(lines(framer)), 1000)
        self.assertEqual(framer._buffer, b"")
        framer.feed(b"1\n" + b"x" * 100)
        framer.line()
        framer.raw = 100
        framer.take()
        self.assertEqual(framer._buffer, b"")

    def test_whole(self) -> None:
        """A run is given as a whole only when all of it is there; a run of nothing always is."""
        framer = Framer(5)
        self.assertEqual(framer.take_whole(), b"")
        framer.raw = 3
        framer.feed(b"ab")
        self.assertIsNone(framer.take_whole())
        framer.feed(b"cd\n")
        self.assertEqual(framer.take_whole(), b"abc")
        self.assertEqual(framer.line(), b"d")
        self.assertEqual(framer.take_whole(), b"")


PARTS = st.lists(
    st.tuples(st.just("line"), st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"")))
    | st.tuples(st.just("raw"), st.binary(max_size=50)),
    max_size=12,
)


class ChunkTests(SynchronousTestCase):
    """The network cuts where it likes."""

    @settings(max_examples=300, deadline=None)
    @given(PARTS, st.lists(st.integers(1, 30), min_size=1, max_size=30))
    def test_any_pieces(self, parts: list[tuple[str, bytes]], sizes: list[int]) -> None:
        """However a conversation is cut, the same lines and the same content come out."""
        data = b"".join(part + b"\n" if kind == "line" else part for kind, part in parts)
        framer = Framer(20)
        found: list[tuple[str, bytes]] = []
        taken = b""
        waiting = list(parts)

        def advance() -> None:
            nonlocal taken
            while waiting:
                kind, part = waiting[0]
                if kind == "line":
                    line = framer.line()
                    if line is None:
                        return
                    found.append((kind, line))
                else:
                    framer.raw = len(part) - len(taken)
                    taken += framer.take()
                    if len(taken) < len(part):
                        return
                    found.append((kind, taken))
                    taken = b""
                waiting.pop(0)

        at = 0
        while at < len(data):
            size = sizes[at % len(sizes)]
            framer.feed(data[at : at + size])
            at += size
            advance()
        advance()
        expected = [
            (kind, part.removesuffix(b"\r") if kind == "line" else part) for kind, part in parts
        ]
        self.assertEqual(found, expected)
        self.assertEqual(len(framer), 0)
