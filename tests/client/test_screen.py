"""What is written, and how it is kept harmless."""

from __future__ import annotations

import contextlib
import io
import json

from hypothesis import given
from hypothesis import strategies as some
from twisted.trial.unittest import SynchronousTestCase

from dfs.client.screen import Screen, one_line, spelled, typed, visible
from dfs.errors import NotFound


class Wall:
    """A screen and what is on it."""

    def __init__(self, **settings: object) -> None:
        self.out, self.err = io.BytesIO(), io.BytesIO()
        self.screen = Screen(self.out, self.err, **settings)  # type: ignore[arg-type]


class EscapeTests(SynchronousTestCase):
    """Texts as a terminal may show them."""

    def test_examples(self) -> None:
        """Everything that a terminal would act on is escaped, and nothing else."""
        for text, shown in (
            ("a\tb\nc", "a\tb\nc"),
            ("\x1b]0;x\x07", "\\x1b]0;x\\x07"),
            ("a\rb\x00\x7f\x9b", "a\\rb\\x00\\x7f\\x9b"),
            ("\u202egnp.exe", "\\u202egnp.exe"),
            ("a\u061c\ufeff\u200b\u00ad", "a\\u061c\\ufeff\\u200b\\xad"),
            ("a\U000e0041", "a\\U000e0041"),
            ("\udcff", "\\udcff"),
            ("grüße 日本 🙂", "grüße 日本 🙂"),
        ):
            self.assertEqual(visible(text), shown)

    @given(some.text())
    def test_one_line(self, text: str) -> None:
        """A text as one line is one line."""
        self.assertLessEqual(len(one_line(text).splitlines()), 1)

    @given(some.text(some.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"])))
    def test_spelled(self, text: str) -> None:
        """A text can be typed as it is shown."""
        text = text.replace("x", "\n").replace("y", "\t").replace("z", "\\")
        self.assertEqual(typed(spelled(text)), text)

    def test_typed(self) -> None:
        """Only three escapes mean something; other backslashes are themselves."""
        self.assertEqual(typed(r"\n|\t|\\|\\n|\d|\ "[:-1]), "\n|\t|\\|\\n|\\d|\\")


class ScreenTests(SynchronousTestCase):
    """Data, results and messages."""

    def test_data_in_pieces(self) -> None:
        """A character that comes in two pieces is shown whole, and the line is ended."""
        wall = Wall(terminal=True)
        for byte in "ä\x1b".encode():
            wall.screen.data(bytes([byte]))
        wall.screen.data_end()
        self.assertEqual(wall.out.getvalue().decode(), "ä\\x1b\n")

    def test_data_without_terminal(self) -> None:
        """Without a terminal bytes are written as they are."""
        wall = Wall()
        wall.screen.data(b"\x1b\xff")
        wall.screen.data_end()
        self.assertEqual(wall.out.getvalue(), b"\x1b\xff")

    def test_poor_terminal(self) -> None:
        """What a terminal's encoding lacks is escaped."""
        wall = Wall(terminal=True, encoding="ascii")
        wall.screen.result("grüße")
        self.assertEqual(wall.out.getvalue(), b"gr\\xfc\\xdfe\n")

    def test_errors(self) -> None:
        """Errors go to standard error, on one line; with --json they are results."""
        wall = Wall()
        wall.screen.error(NotFound("no\x1b\nfile"))
        self.assertEqual(wall.err.getvalue(), b"ERROR [NOT_FOUND]: no\\x1b\\nfile\n")
        self.assertEqual(wall.out.getvalue(), b"")
        wall = Wall(json=True)
        wall.screen.error(NotFound("no"))
        expected = {"error": {"code": "NOT_FOUND", "message": "no"}}
        self.assertEqual(json.loads(wall.out.getvalue()), expected)
        self.assertEqual(wall.err.getvalue(), b"")

    def test_json_is_ascii(self) -> None:
        """JSON is one line of ASCII, whatever it holds."""
        wall = Wall(json=True)
        wall.screen.result("for people", text="\u2028ü\n\udcff")
        self.assertTrue(wall.out.getvalue().isascii())
        self.assertEqual(wall.out.getvalue().count(b"\n"), 1)

    def test_no_progress(self) -> None:
        """There is no bar where nobody looks."""
        wall = Wall()
        bar = wall.screen.progress("a", 10)
        bar.update(5)
        bar.reset()
        bar.close()
        self.assertEqual(wall.err.getvalue(), b"")

    def test_short_progress(self) -> None:
        """What is over in a moment shows no bar, also if it begins again."""
        messages = io.StringIO()
        with contextlib.redirect_stderr(messages):
            bar = Wall(messages_terminal=True).screen.progress("a", 10)
            bar.reset()
            bar.update(5)
            bar.reset()
            bar.update(10)
            bar.close()
        self.assertEqual(messages.getvalue(), "")
