"""
How a script ended, as a table.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from dfs.core.endings import Ending, Stopped, ending
from dfs.errors import Internal

#: What its watcher wrote, and what a user is told.
REPORTS: list[tuple[bytes, int, str]] = [
    (b'{"status": 0}\n', 0, ""),
    (b'{"status": 3}\n', 3, ""),
    (b'{"status": 137}\n', 137, ""),
    (b'{"status": 152}\n', 152, "terminated: it took too much of the processor"),
    (b'{"terminated": "it was too large"}\n', 137, "terminated: it was too large"),
    (b'{"status": 1}\n{"status": 0}\n', 1, ""),
    (b"", 137, "terminated: its sandbox ended before it"),
    (b"Traceback (most recent call last)\n", 137, "terminated: its sandbox ended before it"),
    (b"[1]", 137, "terminated: its sandbox ended before it"),
    (b'{"status": "good"}', 137, "terminated: its sandbox ended before it"),
]

STOPPED = {
    Stopped.LATE: "terminated: it ran for more than 10 s",
    Stopped.LONG: "terminated: its output is cut at 1 MiB",
    Stopped.UNHEARD: "terminated: nobody listens to it any more",
    Stopped.CLOSING: "terminated: the name server stops",
}


def told(report: bytes, stopped: Stopped | None = None) -> Ending:
    """What a user is told."""
    return ending(report, stopped, seconds=10.0, size=1024 * 1024)


class EndingTests(SynchronousTestCase):
    """Whoever runs a script is told how it ended."""

    def test_reports(self) -> None:
        """The first line of a report counts, and what is no report says that there was none."""
        for report, status, note in REPORTS:
            self.assertEqual(told(report), Ending(status, note), report)

    def test_stopped(self) -> None:
        """A script that was ended is terminated, whatever its watcher says, and why is said."""
        self.assertEqual(set(STOPPED), set(Stopped))
        for stopped, note in STOPPED.items():
            self.assertEqual(told(b'{"status": 0}\n', stopped), Ending(137, note))

    def test_no_sandbox(self) -> None:
        """A script that was not run at all has not ended: that is a failure, with its reason."""
        with self.assertRaisesRegex(Internal, "no sandbox for the script: no room"):
            told(b'{"failed": "no room"}\n')
