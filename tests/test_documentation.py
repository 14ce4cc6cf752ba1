"""
What the pages say is what the source says, as far as a program can tell.

Decides which things must be explained to operators.  Whether they are explained well, people tell.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from twisted.python.usage import Options
from twisted.trial.unittest import SynchronousTestCase

import dfs.nm.tap
import dfs.ss.tap
from dfs.client.__main__ import program
from dfs.client.table import table
from dfs.errors import ERRORS
from dfs.nm.fleet import State

ROOT = Path(__file__).resolve().parent.parent
OPERATIONS = (ROOT / "docs" / "operations.rst").read_text("utf-8")

#: What an event may be called.
_EVENT = re.compile(r"[a-z]+(_[a-z]+)*\Z")


def _words(tree: ast.AST) -> list[str]:
    """The strings in a piece of source that could name an event."""
    found = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return [word for word in found if isinstance(word, str) and _EVENT.match(word)]


def _passed(tree: ast.AST) -> list[str]:
    """The strings that are passed to a function and could name an event."""
    arguments = [
        argument for node in ast.walk(tree) if isinstance(node, ast.Call) for argument in node.args
    ]
    constants = [argument for argument in arguments if isinstance(argument, ast.Constant)]
    return [word for constant in constants for word in _words(constant) if "_" in word]


def events() -> Iterator[tuple[str, set[str]]]:
    """Every event that the source can log, with the fields that it has there."""
    for path in sorted((ROOT / "dfs").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            given = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
            event = given.pop("log_event", None)
            if event is None:
                continue
            # An event that is an argument is one of those that this module passes.
            names = _passed(tree) if isinstance(event, ast.Name) else _words(event)
            assert names, f"{path.name}: {ast.unparse(event)}"
            for name in names:
                yield name, set(given)


def rows(page: str) -> dict[str, str]:
    """The table rows of a page, by each name in double backquotes at their beginning."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in page.splitlines():
        if line.startswith("``"):
            first = re.split(r"  +", line)[0]
            names = re.findall(r"``([\w-]+)``", first)
            found |= dict.fromkeys(names, line)
        elif line.startswith("  "):
            found |= {name: f"{found[name]} {line}" for name in names}
        else:
            names = []
    return found


class DocumentationTests(SynchronousTestCase):
    """An operator finds what they see."""

    def test_events(self) -> None:
        """Every event that the source can log is explained, with every field that it has."""
        known = rows(OPERATIONS)
        logged = list(events())
        self.assertIn("session_timed_out", dict(logged))
        self.assertIn("registration_refused", dict(logged))
        missing = [name for name, _ in logged if name not in known]
        missing += [
            f"{name}: {field}"
            for name, fields in logged
            for field in sorted(fields)
            if f"``{field}``" not in known.get(name, "")
        ]
        self.assertEqual(sorted(set(missing)), [])

    def test_no_other_events(self) -> None:
        """No event is explained that does not exist."""
        _, _, after = OPERATIONS.partition("\nEvents\n")
        self.assertEqual(sorted(set(rows(after)) - set(dict(events()))), [])

    def test_daemon_options(self) -> None:
        """Every option of both daemons is explained."""
        for options in (dfs.nm.tap.Options(), dfs.ss.tap.Options()):
            assert isinstance(options, Options)
            names = [name.rstrip("=") for name in options.longOpt]
            names = [name for name in names if name not in ("help", "version")]
            self.assertGreater(len(names), 8)
            self.assertEqual([name for name in names if f"``--{name}``" not in OPERATIONS], [])

    def test_client_options(self) -> None:
        """Every option and every command of C{dfs} is explained."""
        group = program(table())
        names = [option for parameter in group.params for option in parameter.opts]
        self.assertIn("--patience", names)
        self.assertEqual([name for name in names if f"``{name}``" not in OPERATIONS], [])
        self.assertEqual([name for name in group.commands if name.upper() not in OPERATIONS], [])

    def test_states(self) -> None:
        """Every state that SERVERS shows is explained."""
        self.assertEqual([s.value for s in State if f"\n{s.value} " not in OPERATIONS], [])

    def test_errors(self) -> None:
        """Every code that may travel is explained to those who ask."""
        page = (ROOT / "docs" / "protocol.rst").read_text("utf-8")
        self.assertEqual([e.code for e in ERRORS if f"``{e.code}``" not in page], [])

    def test_pages_are_known(self) -> None:
        """Every page and every decision is named by another page."""
        pages = [ROOT / "README.rst", *sorted((ROOT / "docs").rglob("*.rst"))]
        text = {page: page.read_text("utf-8") for page in pages}
        lonely = []
        for page in pages[1:]:
            others = "".join(words for other, words in text.items() if other != page)
            name = page.stem if page.parent.name == "decisions" else page.name
            if name not in others:
                lonely.append(name)
        self.assertEqual(lonely, [])

    def test_named_tests(self) -> None:
        """Every file of tests that a page names is there, and has the tests named before it."""
        missing = []
        for page in [ROOT / "README.rst", *sorted((ROOT / "docs").rglob("*.rst"))]:
            names: list[str] = []
            for word in re.findall(r"``([\w./]+)``", page.read_text("utf-8")):
                if re.fullmatch(r"test_\w+|\w+Tests", word):
                    names.append(word)
                elif re.fullmatch(r"tests/[\w/]+\.py", word):
                    path = ROOT / word
                    text = path.read_text("utf-8") if path.exists() else ""
                    lacks = [name for name in names if not re.search(rf"\b{name}\(", text)]
                    missing += [f"{page.name}: {word} {lacks}"] if lacks or not text else []
                    names = []
        self.assertEqual(missing, [])

    def test_modules(self) -> None:
        """Every module that holds anything has its place in the tour of the source."""
        tour = (ROOT / "docs" / "tour.rst").read_text("utf-8")
        terms = {line.strip("*") for line in tour.splitlines()}
        sources = [path for path in (ROOT / "dfs").rglob("*.py") if path.stat().st_size]
        names = [path.relative_to(ROOT / "dfs").as_posix() for path in sources]
        self.assertEqual(sorted(set(names) - terms), [])
