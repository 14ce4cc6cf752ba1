"""
The rules of the house, checked on the source itself.

Decides who may import whom, where time, chance and the reactor may come from, and how large a
module may be.  The reasons stand in C{docs/architecture.rst}; a rule that is in the way is changed
there and here, on purpose.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parent.parent

#: For each part of dfs, what else of dfs its modules may import.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "timing": set(),
    "logs": set(),
    "browsers": set(),
    "loopback": set(),
    "columns": set(),
    "daemon": {"logs", "loopback"},
    "secret": {"errors"},
    # What operators type and see; what a server can tell them is in nm and ss.
    "console": {"console", "browsers", "columns", "logs", "errors"},
    "core": {"core", "errors"},
    "wire": {"wire", "browsers", "errors"},
    "store": {"store", "core", "errors"},
    # It runs in a Python that has nothing else, and so by itself.
    "sandbox": {"sandbox"},
    "nm": {"nm", "console", "columns", "core", "wire", "errors", "timing"},
    "ss": {"ss", "console", "columns", "core", "wire", "store", "errors", "timing"},
    "client": {"client", "columns", "core", "wire", "errors", "timing"},
    "offline": {"offline", "store", "core", "errors", "dfs"},
    "sim": {"sim", "nm", "ss", "client", "store", "core", "wire", "errors", "timing"},
}

#: Single modules that may import more.  The journal shares the store's one way to write.
MAY_ALSO_IMPORT: dict[str, set[str]] = {
    "nm/*": {"dfs.store.groupcommit"},
    "nm/tap": {"dfs.daemon", "dfs.sandbox", "dfs.secret"},
    "ss/tap": {"dfs.daemon", "dfs.secret"},
    "client/*": {"dfs"},
    "client/__main__": {"dfs.secret", "dfs.sim.command"},
    # Only inside of functions: what needs no server is not loaded by whoever asks one.
    "client/offline": {"dfs.offline.export", "dfs.offline.gathering", "dfs.offline.rebuild"},
    # A journal is written as the name server's own engine does.
    "offline/*": {"dfs.nm.journal", "dfs.nm.kept", "dfs.nm.sqlite", "dfs.nm.tables"},
    "wire/server": {"dfs.timing"},
}

#: What the pure parts leave to others: effects, time and chance.
IMPURE = {
    *("twisted", "zope", "asyncio", "concurrent", "threading", "queue", "socket", "select"),
    *("os", "io", "pathlib", "shutil", "tempfile", "subprocess", "sqlite3", "logging", "sys"),
    *("time", "random", "secrets", "uuid"),
}

#: Modules of C{wire} that are pure as C{core} is; the others speak Twisted.
PURE_WIRE = {
    f"wire/{name}"
    for name in (
        "access",
        "checkpoints",
        "codec",
        "content",
        "framing",
        "internal",
        "locks",
        "messages",
        "proof",
        "records",
        "request",
        "tree",
        "branches",
    )
}

#: Where the reactor may be named, inside a function.
ENTRANCES = {"nm/tap", "ss/tap", "client/__main__", "client/shell"}

#: Where time may be read and chance be drawn.  Everybody else is given a clock, or a function.
#: The simulation draws from seeds, in one place.
SOURCES = ENTRANCES | {"daemon", "sim/chance"}

#: Who may set a timer; a repeating loop goes through L{dfs.timing.steady} in any case.
TIMERS: dict[str, set[str]] = {
    # The pause between words; the time that a question may take; the pause before a repetition;
    # the pauses between two looks of somebody who waits for others; the turn of other connections;
    # simulated clocks, and what a simulated machine does by itself; how long a script may take.
    "callLater": {
        "nm/relay",
        "nm/replicator",
        "nm/runs",
        "sim/clock",
        "sim/cluster",
        "sim/disks",
        "sim/network",
        "sim/storm",
        "ss/streaming",
        "wire/client",
        "wire/rounds",
    },
    "deferLater": {
        "client/asking",
        "nm/arrangement",
        "nm/changes",
        "nm/questions",
        "nm/storage",
        "nm/surveys",
        "nm/watch",
        "sim/orders",
        "sim/people",
        "sim/storm",
        "ss/link",
        "ss/verifying",
    },
    "LoopingCall": set(),
    "TimerService": {"timing"},
    "TimeoutMixin": set(),
    "inlineCallbacks": set(),
}

#: Names that say nothing.
NAMELESS = {"utils", "util", "common", "manager", "handler", "helpers", "base", "misc"}

#: Lines that a module may have.
LINES = 450


@frozen
class Module:
    """
    A source file.

    @ivar name: its path without the first folder and the ending: C{core/paths}.
    """

    path: Path
    name: str
    tree: ast.Module

    @property
    def part(self) -> str:
        """Which part of dfs it belongs to."""
        return self.name.split("/")[0]

    def imports(self, tree: ast.AST | None = None) -> Iterator[str]:
        """Dotted names of what is imported, each name of C{from x import y} on its own."""
        for node in ast.walk(tree or self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                start = "." * node.level + (node.module or "")
                yield from (f"{start}.{alias.name}" for alias in node.names)

    def at_import(self) -> Iterator[str]:
        """What is imported as soon as this module is."""
        waiting: list[ast.AST] = [self.tree]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield from self.imports(node)
            waiting.extend(ast.iter_child_nodes(node))

    def words(self) -> Iterator[str]:
        """All names and attributes that are used, and all that are imported."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name):
                yield node.id
            elif isinstance(node, ast.Attribute):
                yield node.attr
        yield from (name.rpartition(".")[2] for name in self.imports())


def modules(folder: str) -> list[Module]:
    """The source files below a folder."""
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = path.relative_to(ROOT / folder).with_suffix("").as_posix()
        found.append(Module(path, name, ast.parse(path.read_text("utf-8"))))
    return found


DFS = modules("dfs")


def targets(module: Module) -> Iterator[tuple[str, str]]:
    """What a module imports of dfs: the part, and the dotted name."""
    parts = {path.stem for path in (ROOT / "dfs").iterdir()}
    for name in module.imports():
        words = name.split(".")
        if words[0] == "dfs":
            yield (words[1] if len(words) > 1 and words[1] in parts else "dfs"), name


class ImportTests(SynchronousTestCase):
    """
    Who may import whom.
    """

    def refuse(self, offences: list[str]) -> None:
        """Fail with all offences at once."""
        self.assertEqual(offences, [], "\n" + "\n".join(offences))

    def test_layers(self) -> None:
        """Each part imports only parts below it, and no daemon imports another or the client."""
        offences = []
        for module in DFS:
            if module.name == "__init__":
                allowed: set[str] = set()
            else:
                allowed = MAY_IMPORT[module.part]
            extra = MAY_ALSO_IMPORT.get(module.name, set())
            extra = extra | MAY_ALSO_IMPORT.get(f"{module.part}/*", set())
            for part, name in targets(module):
                above = name.rpartition(".")[0]
                if part not in allowed and not {name, above} & extra:
                    offences.append(f"{module.name} imports {name}")
        self.refuse(offences)

    def test_no_relative_imports(self) -> None:
        """Imports say in full what they import."""
        self.refuse(
            [f"{m.name} imports {name}" for m in DFS for name in m.imports() if name[0] == "."]
        )

    def test_core_is_pure(self) -> None:
        """The core and the words of the wire import no effects, no time and no chance."""
        pure = [m for m in DFS if m.part == "core" or m.name in PURE_WIRE | {"errors"}]
        self.assertGreater(len(pure), 5)
        self.refuse(
            [
                f"{module.name} imports {name}"
                for module in pure
                for name in module.imports()
                if name.split(".")[0] in IMPURE
            ]
        )

    def test_offline_is_loaded_late(self) -> None:
        """What needs no server is imported by one command, when it runs, and by nobody else."""
        self.refuse(
            [
                f"{module.name} imports {name}"
                for module in DFS
                for part, name in targets(module)
                if part == "offline" and module.part not in ("offline", "client")
            ]
            + [
                f"{module.name} imports {name} at once"
                for module in DFS
                for name in module.at_import()
                if name.startswith("dfs.offline")
                and module.part != "offline"
                # For the types alone.
                and module.name != "client/offline"
            ]
        )

    def test_taps_are_entrances(self) -> None:
        """Nothing in dfs imports a tap module or the client's command."""
        self.refuse(
            [
                f"{module.name} imports {name}"
                for module in DFS
                for _, name in targets(module)
                if {"tap", "__main__"} & set(name.split("."))
            ]
        )

    def test_plugin_imports_nothing(self) -> None:
        """The plugin file, which every C{twistd} imports, imports C{ServiceMaker} alone."""
        [plugin] = modules("twisted")
        self.assertEqual(list(plugin.imports()), ["twisted.application.service.ServiceMaker"])
        for folder in ("twisted", "twisted/plugins"):
            self.assertFalse((ROOT / folder / "__init__.py").exists(), folder)

    def test_reactor(self) -> None:
        """The reactor is named in a few entrances, and never when a module is imported."""
        name = "twisted.internet.reactor"
        self.refuse(
            [f"{m.name} imports the reactor" for m in DFS if name in m.at_import()]
            + [
                f"{m.name} names the reactor"
                for m in DFS
                if name in m.imports() and m.name not in ENTRANCES
            ]
        )


class SourceTests(SynchronousTestCase):
    """
    Where time and chance come from, and what a module looks like.
    """

    def refuse(self, offences: list[str]) -> None:
        """Fail with all offences at once."""
        self.assertEqual(offences, [], "\n" + "\n".join(offences))

    def test_time_and_chance(self) -> None:
        """Time and chance are arguments everywhere but at the entrances."""
        forbidden = re.compile(r"(time|random|secrets|uuid)(\..*)?|os\.urandom")
        offences = []
        for module in DFS:
            if module.name in SOURCES:
                continue
            offences += [
                f"{module.name} imports {name}"
                for name in module.imports()
                if forbidden.fullmatch(name)
            ]
            offences += [
                f"{module.name} uses {ast.unparse(node)}"
                for node in ast.walk(module.tree)
                if isinstance(node, ast.Attribute)
                and node.attr in ("urandom", "uuid4", "now", "utcnow", "today")
                and ast.unparse(node.value) in ("os", "uuid", "datetime", "date")
            ]
        self.refuse(offences)

    def test_timers(self) -> None:
        """Timers are set in a few places that are known."""
        self.refuse(
            [
                f"{module.name} uses {word}"
                for module in DFS
                for word, allowed in TIMERS.items()
                if module.name not in allowed and word in module.words()
            ]
        )

    def test_docstrings(self) -> None:
        """Every module that holds anything says what it decides."""
        self.refuse(
            [
                f"{module.path} has no docstring"
                for folder in ("dfs", "twisted", "tests", "bench")
                for module in modules(folder)
                if module.tree.body and not ast.get_docstring(module.tree)
            ]
        )

    def test_size(self) -> None:
        """A module can be read in one sitting."""
        offences = []
        for module in DFS:
            size = module.path.read_text("utf-8").count("\n")
            if size > LINES:
                offences.append(f"{module.name} has {size} lines")
        self.refuse(offences)

    def test_names(self) -> None:
        """A module is named after something of the domain."""
        self.refuse(
            [
                module.name
                for folder in ("dfs", "tests", "bench")
                for module in modules(folder)
                if NAMELESS & set(module.name.split("/"))
            ]
        )

    def test_tests_have_seams(self) -> None:
        """Tests replace nothing behind the back of the code, and wait for nothing by sleeping."""
        self.refuse(
            [
                f"{module.name} imports {name}"
                for module in modules("tests")
                for name in module.imports()
                if name.startswith("unittest.mock") or name == "time.sleep"
            ]
            + [
                f"{module.name} sleeps"
                for module in modules("tests")
                for node in ast.walk(module.tree)
                if isinstance(node, ast.Attribute) and ast.unparse(node) == "time.sleep"
            ]
        )

    def test_verbs_are_documented(self) -> None:
        """Each verb has its place in C{docs/protocol.rst}."""
        from dfs.wire.messages import REQUESTS

        page = (ROOT / "docs" / "protocol.rst").read_text("utf-8")
        words = set(re.findall(r"[A-Z_]+", page))
        self.refuse([f"{r.verb} is not documented" for r in REQUESTS if r.verb not in words])
