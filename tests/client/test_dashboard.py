"""
What C{dfs top} shows, as tables.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from dfs.client.dashboard import (
    Line,
    Reading,
    Scene,
    Sort,
    Tone,
    frame,
    happened,
    notes_per_second,
    padded,
)
from dfs.columns import width
from dfs.core.liveness import State
from dfs.core.pairs import Pair, PairState
from dfs.wire.messages import ServerLine

STATUS = {
    "uptime_seconds": "3700",
    "documents": "1234",
    "users": "12",
    "users_online": "3",
    "connections": "45",
    "notes_heard": "1000",
}


def server(name: str, **changes: Any) -> ServerLine:
    """A storage server that is well."""
    home = name.removesuffix("_backup")
    line = ServerLine(
        name=name,
        role="primary",
        state="LIVE",
        pair=home,
        protection="PROTECTED",
        epoch=1,
        address="127.0.0.1:6001",
        documents=1234,
        size=5_000_000,
        silent=1.2,
        active=name == home,
        lag_documents=0,
        lag_seconds=0.0,
        behind=0,
        conflicts=0,
    )
    return evolve(line, **changes)


def reading(*servers: ServerLine, when: float = 100.0, **status: object) -> Reading:
    """What was told."""
    told = servers or (server("ss1"), server("ss1_backup"))
    return Reading(told, {**STATUS, **{name: str(value) for name, value in status.items()}}, when)


def scene(now: Reading | None = None, **changes: Any) -> Scene:
    """What there is to show."""
    return Scene("127.0.0.1:5000", "12:34:56", 100.5, now or reading(), **changes)


def texts(lines: list[Line]) -> list[str]:
    """Without colours."""
    return [line.text for line in lines]


class FrameTests(SynchronousTestCase):
    """
    Lines and columns.
    """

    def test_whole(self) -> None:
        """The frame of a healthy pair at 80x24, literally."""
        before = reading(when=98.0, notes_heard=975, uptime_seconds=3698)
        shown = frame(scene(before=before, events=("12:34:50  ss1 has come: LIVE",)), 80, 24)
        self.assertEqual(
            texts(shown)[:14],
            [
                "dfs top  12:34:56  name server 127.0.0.1:5000  up 1 h 1 min",
                "1,234 documents  3 of 12 users online  45 connections  12.5 notes/s",
                "",
                "PAIR  STATE      ACTIVE  EPOCH  LAG  BEHIND  CONFLICTS",
                "ss1   PROTECTED  ss1         1    0       0          0",
                "",
                "SERVER      STATE  NOW     SILENT  DOCUMENTS     SIZE  ADDRESS",
                "ss1         LIVE   active     1 s      1,234  4.8 MiB  127.0.0.1:6001",
                "ss1_backup  LIVE   peer       1 s      1,234  4.8 MiB  127.0.0.1:6001",
                "",
                "LAST EVENTS",
                "12:34:50  ss1 has come: LIVE",
                "",
                "",
            ],
        )
        self.assertEqual(shown[-1].text, "q quits   s sorts (by name)   p pauses   ? helps")
        self.assertEqual({line.tone for line in shown[3:5]}, {Tone.HEAD, Tone.PLAIN})

    def test_size(self) -> None:
        """Whatever there is to show and however small the screen, a frame fits it exactly."""
        many = [server(f"ss{n}{b}") for n in range(30) for b in ("", "_backup")]
        many.append(server("x" * 255))
        many.append(server("日本" * 40, address="a" * 300))
        events = [f"12:00:{n:02}  something happened" for n in range(50)]
        crowd = reading(*many)
        for now, help, old in product((None, reading(), crowd), (False, True), (False, True)):
            for columns, rows in ((80, 24), (20, 5), (200, 60), (1, 1), (40, 8), (80, 200)):
                shown = frame(
                    evolve(scene(now), reading=now, help=help, silent=old, events=events),
                    columns,
                    rows,
                )
                self.assertEqual(len(shown), rows)
                for line in shown:
                    self.assertLessEqual(width(line.text), columns)
                    self.assertEqual(width(padded(line, columns)), columns)

    def test_share(self) -> None:
        """Where there is no room for all, each table has some, and says how much is missing."""
        many = [server(f"ss{n:02}{b}") for n in range(30) for b in ("", "_backup")]
        shown = texts(frame(scene(reading(*many), events=["1", "2", "3"]), 80, 24))
        for head in ("PAIR ", "SERVER ", "LAST EVENTS"):
            self.assertTrue(any(line.startswith(head) for line in shown), head)
        self.assertEqual(len([line for line in shown if line.startswith("… and ")]), 2)
        self.assertIn("3", shown)

    def test_all(self) -> None:
        """Without a height everything is shown, and no keys."""
        many = [server(f"ss{n}") for n in range(100)]
        shown = texts(frame(scene(reading(*many)), 80, None))
        self.assertEqual(len(shown), 2 + 1 + 101 + 1 + 101)
        self.assertFalse(any("quits" in line for line in shown))

    def test_nothing(self) -> None:
        """Before the first answer it says so, and why, if that is known."""
        empty = evolve(scene(), reading=None)
        self.assertIn("Nothing is known of the cluster yet", texts(frame(empty, 80, 24))[2])
        why = texts(frame(evolve(empty, trouble="cannot reach\x1b it"), 90, 24))[2]
        self.assertIn("cannot reach\\x1b it", why)

    def test_silent(self) -> None:
        """When the name server is away what was known stays, and it says for how long."""
        shown = frame(evolve(scene(), silent=True, now=107.0), 80, 24)
        self.assertEqual(shown[2].text, "The name server has not answered for 7 s; trying on")
        self.assertIs(shown[2].tone, Tone.BAD)
        self.assertIn("ss1_backup", "\n".join(texts(shown)))

    def test_paused(self) -> None:
        """While it is paused it says so, and not that something is old."""
        shown = texts(frame(evolve(scene(), silent=True, paused=True, now=900.0), 90, 24))
        self.assertIn("PAUSED", shown[0])
        self.assertNotIn("not answered", "\n".join(shown))

    def test_help(self) -> None:
        """The help has all keys."""
        shown = "\n".join(texts(frame(scene(help=True), 80, 24)))
        for word in ("quit", "sort", "pause", "LAG", "notes/s"):
            self.assertIn(word, shown)

    def test_states(self) -> None:
        """Every state of a server or a pair that is not as it should be is coloured."""
        for state in State:
            [line] = [
                line
                for line in frame(scene(reading(server("ss1", state=state.value))), 80, 24)
                if f" {state.value} " in line.text
            ]
            self.assertEqual(line.tone is Tone.PLAIN, state.value in ("LIVE", "JOINING"), state)
        calm = {PairState.PROTECTED, PairState.SYNCING, PairState.RECONCILING}
        calm |= {PairState.REVERSED, PairState.HANDBACK}
        for state_of_pair in PairState:
            shown = Pair("ss1", 1, "ss1", state_of_pair).protection
            [line] = [
                line
                for line in frame(scene(reading(server("ss1", protection=shown))), 80, 24)
                if f" {shown} " in line.text
            ]
            self.assertEqual(line.tone is Tone.PLAIN, state_of_pair in calm, shown)

    def test_controls(self) -> None:
        """No name can command the terminal."""
        evil = reading(server("s\x1b[2Js", address="\x07\u202e"))
        shown = "".join(texts(frame(scene(evil, events=["\x9b0m"]), 80, 24)))
        self.assertTrue(shown.isprintable(), shown)


class SortTests(SynchronousTestCase):
    """
    Orders.
    """

    servers = (
        server("a", documents=5),
        server("b", protection="DOWN", state="FAILED"),
        server("c", lag_documents=7, lag_seconds=2.0, documents=9_999),
    )

    def names(self, sort: Sort, head: str) -> list[str]:
        """The first column of a table."""
        shown = texts(frame(scene(reading(*self.servers), sort=sort), 80, 24))
        [start] = [at for at, line in enumerate(shown) if line.startswith(head)]
        return [line.split()[0] for line in shown[start + 1 : start + 4]]

    def test_orders(self) -> None:
        """Both tables stand in the order that was chosen; equals stand by name."""
        for sort, expected in (
            (Sort.NAME, ["a", "b", "c"]),
            (Sort.TROUBLE, ["b", "a", "c"]),
            (Sort.LAG, ["c", "a", "b"]),
            (Sort.DOCUMENTS, ["c", "b", "a"]),
        ):
            for head in ("PAIR ", "SERVER "):
                self.assertEqual(self.names(sort, head), expected, (sort, head))

    def test_next(self) -> None:
        """Each order has a next one, and all are reached."""
        seen, sort = [], Sort.NAME
        for _ in Sort:
            seen.append(sort)
            sort = sort.next
        self.assertEqual((seen, sort), (list(Sort), Sort.NAME))


class DifferenceTests(SynchronousTestCase):
    """
    Between two readings.
    """

    def test_rate(self) -> None:
        """The rate is a difference; after a start of the name server it is not known."""
        old = reading(when=100.0, notes_heard=10, uptime_seconds=50)
        new = reading(when=102.0, notes_heard=15, uptime_seconds=52)
        self.assertEqual(notes_per_second(old, new), 2.5)
        for now in (
            reading(when=102.0, notes_heard=3, uptime_seconds=2),
            reading(when=102.0, notes_heard=99, uptime_seconds=2),
            reading(when=100.0, notes_heard=15, uptime_seconds=50),
        ):
            self.assertIsNone(notes_per_second(old, now))
        self.assertIsNone(notes_per_second(None, new))

    def test_nothing(self) -> None:
        """Where nothing happened nothing is told."""
        self.assertEqual(happened(reading(), reading(when=101.0)), [])

    def test_failover(self) -> None:
        """A failover is told: who failed, how the pair is, who serves."""
        after = {"protection": "FAILED_OVER", "epoch": 2}
        new = reading(
            server("ss1", state="FAILED", active=False, **after),
            server("ss1_backup", active=True, **after),
        )
        self.assertEqual(
            happened(reading(), new),
            [
                "pair ss1 was PROTECTED and is FAILED_OVER",
                "pair ss1 is served by ss1_backup, in epoch 2",
                "ss1 was LIVE and is FAILED",
            ],
        )

    def test_others(self) -> None:
        """New servers and a new life of the name server are told."""
        new = reading(server("ss1"), server("ss1_backup"), server("ss2"), uptime_seconds=3)
        self.assertEqual(
            happened(reading(), new), ["the name server was started anew", "ss2 has come: LIVE"]
        )
