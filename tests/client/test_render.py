"""Records as people and programs read them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dfs.client import render
from tests.client.stage import some_info


class RenderTests(SynchronousTestCase):
    """Figures, times, tables."""

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
            self.assertEqual(render.size(amount), shown)

    def test_times(self) -> None:
        """Times for people have a zone, for programs they are UTC; no time is no time."""
        self.assertRegex(render.moment(1_700_000_000), r"^2023-11-1\d \d\d:\d\d:20[+-]\d\d:\d\d$")
        self.assertEqual(render.stamp(1_700_000_000.5), "2023-11-14T22:13:20.500Z")
        self.assertEqual((render.moment(0), render.stamp(0)), ("never", None))

    def test_table(self) -> None:
        """Columns stand below each other, for wide characters too; cells keep to their line."""
        shown = render.table(
            ("NAME", "N", "X"), (("日本", "1", "a"), ("a\nb", "22", "")), right=(1,)
        )
        self.assertEqual(shown, "NAME   N  X\n日本   1  a\na\\nb  22")

    def test_counts(self) -> None:
        """Nouns agree with their number."""
        shown = [render.count(n, "word") for n in (0, 1, 2, 1234)]
        self.assertEqual(shown, ["0 words", "1 word", "2 words", "1,234 words"])

    def test_info_without_server(self) -> None:
        """INFO without the storage server says what is not known."""
        text = render.info_text(some_info("a"), None, "ss1 is away")
        self.assertIn("ss1 is away", text)
        self.assertIn("not known now", text)
        record = render.info_record(some_info("a"), None, "ss1 is away")
        self.assertEqual((record["exact"], record["locks"]), (False, None))
        expected = [("alice", "o"), ("carol", "r"), ("bob", "w")]
        self.assertEqual([(one["user"], one["right"]) for one in record["access"]], expected)
