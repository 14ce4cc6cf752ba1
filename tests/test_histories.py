"""Each history that went wrong elsewhere, as far as its subject is built, is a test here."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

TESTS = Path(__file__).resolve().parent

#: One healthy server; the name server; availability; pairs; trust.
HISTORIES = [
    *(1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16),
    *(40, 41, 42, 43, 44, 45, 46, 47),
    *(50, 51, 52),
    *range(20, 35),
    *(60, 61, 62),
]


class HistoryTests(SynchronousTestCase):
    """Nothing of it is forgotten."""

    def test_named(self) -> None:
        """The docstring of some test names each of them."""
        named: set[int] = set()
        for path in sorted(TESTS.rglob("test_*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    said = ast.get_docstring(node) or ""
                    named.update(int(number) for number in re.findall(r"\bH(\d+)\b", said))
        self.assertEqual([number for number in HISTORIES if number not in named], [])
