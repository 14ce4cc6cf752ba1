"""
What is typed into telnet or nc, as lines.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.console.keys import LINE, Key, Keys


def typed(data: bytes, limit: int = LINE) -> list[str | Key]:
    """What comes of these bytes."""
    return list(Keys(limit).feed(data))


class LineTests(SynchronousTestCase):
    """
    Where a line ends, and what changes it.
    """

    def test_ends(self) -> None:
        """A line ends with LF, CR LF, CR NUL or CR, and none of them makes two."""
        for end in (b"\n", b"\r\n", b"\r\0", b"\r"):
            self.assertEqual(typed(b"a" + end + b"b" + end), ["a", "b"])

    def test_blank(self) -> None:
        """Blank lines are lines."""
        self.assertEqual(typed(b"\r\n\r\n\n"), ["", "", ""])

    def test_backspace(self) -> None:
        """Backspace and DEL take back one character, however many bytes it has, and no more."""
        self.assertEqual(typed(b"stt\x08atus\n"), ["status"])
        self.assertEqual(typed("hä".encode() + b"\x7fi\n"), ["hi"])
        self.assertEqual(typed(b"\x08\x08\x7fa\n"), ["a"])

    def test_erase_line(self) -> None:
        """Ctrl-U, and telnet's word for it, take the whole line back."""
        self.assertEqual(typed(b"drain ss1\x15help\n"), ["help"])
        self.assertEqual(typed(b"drain ss1\xff\xf8help\n"), ["help"])

    def test_interrupt(self) -> None:
        """Ctrl-C in any of its spellings drops the line."""
        for key in (b"\x03", b"\xff\xf4", b"\xff\xf3"):
            self.assertEqual(typed(b"drain" + key + b"help\n"), [Key.INTERRUPT, "help"])

    def test_end(self) -> None:
        """Ctrl-D ends an empty line only."""
        self.assertEqual(typed(b"\x04"), [Key.END])
        self.assertEqual(typed(b"a\x04b\n"), ["ab"])

    def test_too_long(self) -> None:
        """H46: of a line that is too long nothing is left, least of all its end."""
        self.assertEqual(typed(b"x" * 9 + b"drain ss1\nhelp\n", limit=8), [Key.TOO_LONG, "help"])
        self.assertEqual(typed(b"x" * 8 + b"\n", limit=8), ["x" * 8])

    def test_not_text(self) -> None:
        """Bytes that are no text are shown as what they are."""
        self.assertEqual(typed(b"why \xfe\n"), ["why \\xfe"])


class TelnetTests(SynchronousTestCase):
    """
    What telnet says for itself.
    """

    def test_stripped(self) -> None:
        """Nothing of what telnet says gets into a line."""
        said = b"\xff\xfb\x1f" + b"st\xff\xfa\x1f\x00\x50\xff\xff\x18\xff\xf0" + b"at\xff\xf1us\r\n"
        self.assertEqual(typed(said), ["status"])

    def test_refused(self) -> None:
        """What telnet offers or wants is refused, so that it goes on; refusals are not answered."""
        keys = Keys()
        self.assertEqual(list(keys.feed(b"\xff\xfb\x1f\xff\xfd\x06\xff\xfc\x01\xff\xfe\x01")), [])
        self.assertEqual(keys.replies(), b"\xff\xfe\x1f\xff\xfc\x06")
        self.assertEqual(keys.replies(), b"")

    def test_endless_details(self) -> None:
        """Details without an end take no room, and hide what follows."""
        keys = Keys()
        self.assertEqual(list(keys.feed(b"\xff\xfa" + b"help\n" * 1000)), [])
        self.assertEqual(list(keys.feed(b"\xff\xf0help\n")), ["help"])

    @given(st.binary(max_size=200), st.integers(1, 7))
    def test_pieces(self, data: bytes, size: int) -> None:
        """However the bytes are cut, the same is typed, and the same is answered."""
        whole, cut = Keys(16), Keys(16)
        found = list(whole.feed(data))
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        self.assertEqual([one for piece in pieces for one in cut.feed(piece)], found)
        self.assertEqual(cut.replies(), whole.replies())
        self.assertTrue(all(isinstance(one, Key) or len(one) <= 16 * 4 for one in found))
