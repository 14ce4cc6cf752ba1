"""Standard input, line by line and piece by piece."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some
from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from dfs.client.keyboard import StandardInput
from tests.client.desk import standard_input


class LineTests(SynchronousTestCase):
    """Where lines end."""

    def lines(self, source: StandardInput) -> list[str]:
        """All lines."""
        found = []
        while (line := self.successResultOf(source.next(""))) is not None:
            found.append(line)
        return found

    def test_lines(self) -> None:
        """A line ends with LF or CR LF, the last one with the input."""
        self.assertEqual(self.lines(standard_input(b"a\r\n\nb c\nd")), ["a", "", "b c", "d"])
        self.assertEqual(self.lines(standard_input(b"")), [])

    @given(some.lists(some.text(some.characters(codec="utf-8", exclude_characters="\r\n"))))
    def test_pieces(self, lines: list[str]) -> None:
        """How the input is cut into pieces makes no difference."""
        whole = "".join(line + "\n" for line in lines).encode()
        self.assertEqual(self.lines(standard_input(whole, most=1)), lines)

    def test_not_utf8(self) -> None:
        """Bytes that are not UTF-8 come back as they were."""
        [line] = self.lines(standard_input(b"\xff\n"))
        self.assertEqual(line.encode("utf-8", "surrogateescape"), b"\xff")

    def test_content_after_a_line(self) -> None:
        """What follows a line can be read as content, without a byte lost."""
        source = standard_input(b"PUT - a\nrest\xff", most=100)
        self.assertEqual(self.successResultOf(source.next("")), "PUT - a")
        self.assertEqual(self.successResultOf(source.piece()), b"rest\xff")
        self.assertEqual(self.successResultOf(source.piece()), b"")

    def test_terminal(self) -> None:
        """On a terminal the prompt is shown; Ctrl-D ends one input and not the next."""
        prompts: list[str] = []
        pieces = [b"", b"a\n"]

        def read(size: int) -> Deferred[bytes]:
            return succeed(pieces.pop(0))

        source = StandardInput(read, interactive=True, show=prompts.append)
        self.assertIsNone(self.successResultOf(source.next("> ")))
        self.assertEqual(self.successResultOf(source.next("> ")), "a")
        self.assertEqual(prompts, ["> ", "> "])
