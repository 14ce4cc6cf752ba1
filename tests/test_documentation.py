"""What the pages say is what the source says, as far as a program can tell."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parent.parent


class DocumentationTests(SynchronousTestCase):
    """An operator finds what they see."""

    def test_events(self) -> None:
        """Every event that the source can log is explained."""
        source = "".join(path.read_text("utf-8") for path in sorted((ROOT / "dfs").rglob("*.py")))
        events = set(re.findall(r'log_event="(\w+)"', source))
        self.assertIn("request", events)
        page = (ROOT / "docs" / "operations.rst").read_text("utf-8")
        self.assertEqual(sorted(event for event in events if f"``{event}``" not in page), [])

    def test_options(self) -> None:
        """Every option of both daemons is explained."""
        page = (ROOT / "docs" / "operations.rst").read_text("utf-8")
        for tap in ("nm", "ss"):
            source = (ROOT / "dfs" / tap / "tap.py").read_text("utf-8")
            names = re.findall(r'\[\s*"([a-z-]+)",\s*(?:None|"\w"),', source)
            self.assertGreater(len(names), 4)
            self.assertEqual([name for name in names if f"``--{name}``" not in page], [])
