"""Records as people and programs read them."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dfs.client import render
from dfs.wire.messages import ServerLine
from tests.client.stage import some_info


class RenderTests(SynchronousTestCase):
    """Figures, times, tables."""

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

    def test_info_without_server(self) -> None:
        """INFO without the storage server says what is not known."""
        text = render.info_text(some_info("a"), None, "ss1 is away")
        self.assertIn("ss1 is away", text)
        self.assertIn("not known now", text)
        record = render.info_record(some_info("a"), None, "ss1 is away")
        self.assertEqual((record["exact"], record["locks"]), (False, None))
        expected = [("alice", "o"), ("carol", "r"), ("bob", "w")]
        self.assertEqual([(one["user"], one["right"]) for one in record["access"]], expected)

    def test_info_protection(self) -> None:
        """INFO says who has a copy, whether it is current, and where a newer version is."""
        info = evolve(some_info("a"), replica="ss1", protection="FAILED_OVER")
        for index, says in (
            (info, "ss1, not current"),
            (evolve(info, replica_current=True), "ss1, current"),
            (info, "FAILED_OVER"),
            (evolve(info, behind=True), "on ss1, not here yet"),
            (evolve(info, replica=""), "none: not protected"),
        ):
            self.assertIn(says, render.info_text(index, None, ""))
        self.assertNotIn("newer", render.info_text(info, None, ""))
        record = render.info_record(evolve(info, behind=True), None, "")
        shown = [record[key] for key in ("replica", "replica_current", "protection", "behind")]
        self.assertEqual(shown, ["ss1", False, "FAILED_OVER", True])

    def test_servers(self) -> None:
        """SERVERS shows who serves each pair, what the other lacks, and what only it has."""
        active = ServerLine(
            *("ss1_backup", "backup", "LIVE", "ss1", "RECONCILING", 3, "h:2", 5, 10, 0.5),
            *(True, 0, 0.0, 0, 1),
        )
        away = ServerLine(
            *("ss1", "primary", "FAILED", "ss1", "RECONCILING", 3, "h:1", 4, 10, 61.25),
            *(False, 2, 30.04, 7, 1),
        )
        _, first, second = render.servers_table([active, away]).splitlines()
        self.assertEqual(
            " ".join(first.split()),
            "ss1_backup backup LIVE active ss1 RECONCILING 3 h:2 5 10 B - 0 1 0.5 s",
        )
        self.assertEqual(
            " ".join(second.split()),
            "ss1 primary FAILED peer ss1 RECONCILING 3 h:1 4 10 B 2 (30.0 s) 7 1 61.2 s",
        )
