"""
Tables and figures for people.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dfs import columns


class FigureTests(SynchronousTestCase):
    """
    Amounts and times.
    """

    def test_sizes(self) -> None:
        """Sizes have the unit that keeps them short."""
        for amount, shown in (
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1024 * 1024 - 1, "1.0 MiB"),
            (1536 * 1024, "1.5 MiB"),
            (1 << 30, "1.0 GiB"),
            (5 << 50, "5120.0 TiB"),
        ):
            self.assertEqual(columns.size(amount), shown)

    def test_counts(self) -> None:
        """Nouns agree with their number."""
        shown = [columns.count(n, "word") for n in (0, 1, 2, 1234)]
        self.assertEqual(shown, ["0 words", "1 word", "2 words", "1,234 words"])

    def test_spans(self) -> None:
        """A time has its two largest units, and never less than none."""
        for seconds, shown in (
            (-5, "0 s"),
            (0.4, "0 s"),
            (42.4, "42 s"),
            (59.6, "1 min"),
            (185, "3 min 5 s"),
            (3_600, "1 h"),
            (3_660, "1 h 1 min"),
            (187_200, "2 d 4 h"),
        ):
            self.assertEqual(columns.span(seconds), shown)


class ColumnTests(SynchronousTestCase):
    """
    Widths.
    """

    def test_cut(self) -> None:
        """A text is cut by the columns that it needs, and says so."""
        self.assertEqual(columns.cut("abc", 3), "abc")
        self.assertEqual(columns.cut("abcd", 3), "ab…")
        self.assertEqual(columns.cut("日本語", 5), "日本…")
        self.assertEqual(columns.cut("日本語", 4), "日…")
        self.assertEqual([columns.cut("abc", room) for room in (1, 0)], ["…", ""])

    def test_fitted(self) -> None:
        """A text gets exactly the columns that it has."""
        self.assertEqual(columns.fitted("日本語", 4), "日… ")
        self.assertEqual(columns.fitted("7", 3, right=True), "  7")

    def test_table(self) -> None:
        """Columns stand below each other, for wide characters too."""
        shown = columns.table(("NAME", "N", "X"), (("日本", "1", "a"), ("ab", "22", "")), (1,))
        self.assertEqual(shown, ["NAME   N  X", "日本   1  a", "ab    22"])
