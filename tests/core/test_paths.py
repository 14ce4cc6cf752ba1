"""What a document or folder may be called."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dfs.core import paths
from dfs.errors import Invalid


class PathTests(SynchronousTestCase):
    """Names are data; there is one spelling for each."""

    def test_legal(self) -> None:
        """A legal path has one spelling, with or without the leading slash (H44)."""
        cases = [
            ("notes.txt", "notes.txt"),
            ("/notes.txt", "notes.txt"),
            ("reports/2026/q3.txt", "reports/2026/q3.txt"),
            ("a|b", "a|b"),
            ("c,d", "c,d"),
            ("x=y", "x=y"),
            ("two words/and \"quotes\" 'too'", "two words/and \"quotes\" 'too'"),
            ("%2e%2e/x", "%2e%2e/x"),
            ("...", "..."),
            (".hidden", ".hidden"),
            ("C:\\x", "C:\\x"),
            ("~", "~"),
            ("cafe\u0301", "caf\u00e9"),
            ("日本/語", "日本/語"),
            ("x" * 255, "x" * 255),
            (" a /\u00a0b ", " a /\u00a0b "),
            ("/".join(["d"] * 512), "/".join(["d"] * 512)),
            ("/".join(["x" * 204] * 5), "/".join(["x" * 204] * 5)),
        ]
        for text, expected in cases:
            self.assertEqual(paths.normalize(text), expected)

    def test_refused(self) -> None:
        """What could be mistaken, climb, or hide is refused with a reason (H44, H61)."""
        cases = [
            ("", "empty"),
            ("/", "empty"),
            ("//a", "empty parts"),
            ("a//b", "empty parts"),
            ("a/", "empty parts"),
            (".", "'.' and '..'"),
            ("..", "'.' and '..'"),
            ("../etc/passwd", "'.' and '..'"),
            ("a/../b", "'.' and '..'"),
            ("a/./b", "'.' and '..'"),
            ("a\x00b", "control"),
            ("a\x01b", "control"),
            ("a\nb", "control"),
            ("a\r", "control"),
            ("a\x7f", "control"),
            ("a\x85b", "control"),
            ("a\u2028b", "line breaks"),
            ("a\u2029b", "line breaks"),
            ("a\ud800b", "valid UTF-8"),
            ("x" * 256, "255 bytes"),
            ("é" * 128, "255 bytes"),
            ("/".join(["x" * 204] * 5) + "x", "1024 bytes"),
        ]
        for text, reason in cases:
            error = self.assertRaises(Invalid, paths.normalize, text)
            self.assertIn(reason, str(error), ascii(text))

    @settings(deadline=None)
    @given(st.text(st.characters(codec=None)))
    def test_any_text(self, text: str) -> None:
        """Any text is refused clearly or has a spelling that stays what it is."""
        try:
            path = paths.normalize(text)
        except Invalid as error:
            self.assertTrue(str(error).isascii())
            return
        self.assertEqual(paths.normalize(path), path)
        self.assertEqual(paths.normalize("/" + path), path)
        self.assertTrue(unicodedata.is_normalized("NFC", path))
        parent, name = paths.split(path)
        self.assertEqual("/".join(filter(None, [parent, name])), path)
        self.assertEqual(paths.parts(path)[-1], name)

    def test_split(self) -> None:
        """A path has a folder, empty at the root, and a name."""
        self.assertEqual(paths.split("a/b/c"), ("a/b", "c"))
        self.assertEqual(paths.split("c"), ("", "c"))
        self.assertEqual(paths.parts("a/b/c"), ["a", "b", "c"])
