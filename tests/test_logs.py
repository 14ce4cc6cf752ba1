"""
What a log line looks like, and where it goes.
"""

from __future__ import annotations

import json
import os
import signal
import unicodedata
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import LogEvent, Logger, LogLevel, LogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dfs import logs

#: 2026-11-22T10:00:00.25Z
MOMENT = 1795341600.25


def event(text: str = "", **fields: Any) -> LogEvent:
    """An event as C{twisted.logger} makes it."""
    made: LogEvent = {
        "log_time": MOMENT,
        "log_level": LogLevel.info,
        "log_format": "{text}" if text else "",
        "log_namespace": "dfs.test",
        "text": text,
    }
    made.update(fields)
    return made


def failed() -> LogEvent:
    """The event of an exception."""
    try:
        raise ValueError("two\nlines")
    except ValueError:
        return event(
            log_event="broke",
            log_format="it broke",
            log_level=LogLevel.critical,
            log_failure=Failure(),
        )


class JSONTests(SynchronousTestCase):
    """
    L{logs.json_line}
    """

    def test_named_event(self) -> None:
        """An event has its time, level, name, message, and fields of its own."""
        line = logs.json_line(
            event(
                log_event="listening",
                log_format="{name} listens on {port}",
                text="t",
                name="nm",
                port=5000,
                held=True,
                ms=0.5,
                peer=None,
                raw=b"\xff|a",
            )
        )
        self.assertEqual(
            json.loads(line),
            {
                "time": "2026-11-22T10:00:00.250Z",
                "level": "info",
                "event": "listening",
                "message": "nm listens on 5000",
                "text": "t",
                "name": "nm",
                "port": 5000,
                "held": True,
                "ms": 0.5,
                "peer": None,
                "raw": "\\xff|a",
            },
        )

    def test_library_event(self) -> None:
        """An event without a name is a C{log} and tells its logger."""
        record = json.loads(logs.json_line(event("hello")))
        self.assertEqual((record["event"], record["logger"]), ("log", "dfs.test"))

    def test_fields_cannot_replace_ours(self) -> None:
        """A field named like one of the fixed ones does not change it, nor do left-overs show."""
        fields = {"time": 1, "level": "x", "event": "y", "message": "z", "isError": 0}
        record = json.loads(logs.json_line(event("hello", log_event="real", **fields)))
        del record["text"]
        self.assertEqual(
            record,
            {
                "time": "2026-11-22T10:00:00.250Z",
                "level": "info",
                "event": "real",
                "message": "hello",
            },
        )

    def test_other_values_are_left_out(self) -> None:
        """Objects are not guessed at, and numbers that JSON does not know become words."""
        record = json.loads(
            logs.json_line(
                event("x", one=object(), two=[1], three=float("inf"), four=LogLevel.info)
            )
        )
        self.assertEqual(record["three"], "inf")
        self.assertTrue({"one", "two", "four"}.isdisjoint(record))

    def test_failure(self) -> None:
        """A failure is a string of one line's object."""
        line = logs.json_line(failed())
        self.assertEqual(line.count("\n"), 1)
        record = json.loads(line)
        self.assertIn("ValueError: two\nlines", record["failure"])
        self.assertEqual((record["level"], record["message"]), ("critical", "it broke"))

    @given(st.text(), st.text(), st.text())
    def test_one_line(self, message: str, value: str, name: str) -> None:
        """Whatever an event carries, it is one line of ASCII that reads back as it was."""
        line = logs.json_line(event(message, log_event=name, value=value))
        self.assertTrue(line.isascii())
        self.assertEqual(line.splitlines(), [line[:-1]])
        record = json.loads(line)
        self.assertEqual((record["value"], record["message"]), (value, message))


class TextTests(SynchronousTestCase):
    """
    L{logs.text_line}
    """

    def test_named_event(self) -> None:
        """A line reads time, level, event, message, fields; what has a space is quoted."""
        line = logs.text_line(
            event(log_event="moved", log_format="moved", text="a b", user="al", ms=1.5, old="")
        )
        self.assertEqual(
            line,
            '2026-11-22T10:00:00.250Z info  moved moved text="a b" user=al ms=1.5 old=""\n',
        )

    def test_failure(self) -> None:
        """A traceback stands below its line, indented, so that it is not taken for lines."""
        first, *rest = logs.text_line(failed()).splitlines()
        self.assertIn(" critical broke it broke ", first)
        self.assertTrue(rest)
        self.assertTrue(all(row.startswith("    ") for row in rest))

    @given(st.text(), st.text(), st.text())
    def test_nothing_is_forged(self, message: str, value: str, name: str) -> None:
        """Whatever an event carries, it is one line without control characters."""
        line = logs.text_line(event(message, log_event=name, value=value))
        self.assertEqual(line.splitlines(), [line[:-1]])
        kinds = {unicodedata.category(mark) for mark in line[:-1]}
        self.assertEqual(kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}, set())

    def test_quotes(self) -> None:
        """A value cannot pretend to be two."""
        line = logs.text_line(event(log_event="e", text='a" b="c\\'))
        self.assertTrue(line.endswith('text="a\\" b=\\"c\\\\"\n'))


class ObserverTests(SynchronousTestCase):
    """
    L{logs.observer}
    """

    def setUp(self) -> None:
        """SIGUSR1 is nobody's, and becomes nobody's again."""
        held = signal.signal(signal.SIGUSR1, signal.SIG_DFL)
        self.addCleanup(signal.signal, signal.SIGUSR1, held)
        self.path = Path(self.mktemp())

    def log(self, level: str = "info") -> Logger:
        """A logger that writes to the file as JSON."""
        publisher = LogPublisher(logs.observer("json", level, str(self.path)))
        return Logger(namespace="dfs.test", observer=publisher)

    def messages(self, path: Path) -> list[str]:
        """The messages in a log file."""
        return [json.loads(line)["message"] for line in path.read_text().splitlines()]

    def test_level(self) -> None:
        """What is below the level is not written."""
        log = self.log("warn")
        log.info("quiet")
        log.warn("loud")
        self.assertEqual(self.messages(self.path), ["loud"])

    def test_private(self) -> None:
        """Others on this machine may not read a log, nor those before it."""
        self.path.touch(0o644)
        log = self.log()
        log.info("old")
        os.kill(os.getpid(), signal.SIGUSR1)
        log.info("new")
        for path in (self.path, Path(f"{self.path}.1")):
            self.assertEqual(path.stat().st_mode & 0o777, 0o640)

    def test_signal_rotates(self) -> None:
        """After SIGUSR1 the next line begins a new file, and the old one is kept."""
        log = self.log()
        log.info("old")
        os.kill(os.getpid(), signal.SIGUSR1)
        log.info("new")
        log.info("newer")
        self.assertEqual(self.messages(self.path), ["new", "newer"])
        self.assertEqual(self.messages(Path(f"{self.path}.1")), ["old"])

    def test_signal_reopens(self) -> None:
        """If a program for log rotation moved the file away, SIGUSR1 makes a new one."""
        log = self.log()
        log.info("old")
        away = self.path.rename(self.path.with_suffix(".away"))
        log.info("late")
        os.kill(os.getpid(), signal.SIGUSR1)
        log.info("new")
        self.assertEqual(self.messages(away), ["old", "late"])
        self.assertEqual(self.messages(self.path), ["new"])

    def test_size_rotates(self) -> None:
        """A file that has grown to the limit is rotated, and a limited number is kept."""
        file = logs.RotatingLog(self.path.name, str(self.path.parent), 10, maxRotatedFiles=2)
        for number in range(5):
            file.write(f"{number} is a line\n")
        file.close()
        kept = [Path(f"{self.path}{end}").read_text()[0] for end in ("", ".1", ".2")]
        self.assertEqual(kept, ["4", "3", "2"])
        self.assertFalse(Path(f"{self.path}.3").exists())
