"""
A disk that remembers what of its files and folders is durable, and what a loss of power leaves.

Decides which states a disk may be in after a crash: only what was fsynced is there for sure; each
name that was made or taken away since, and each write, is there or not, independently, and writes
are torn at L{SECTOR} bytes.  SQLite's own files are not among them: L{tests.store.moments} copies
them as they are.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, evolve, field

from dfs.store.files import Files

#: What a disk writes whole or not at all.
SECTOR = 512


@define(eq=False)
class Node:
    """
    A file.

    @ivar durable: the bytes that are there for sure.
    @ivar seen: the bytes that programs see.
    """

    durable: bytes = b""
    seen: bytes = b""

    def variants(self, chance: random.Random) -> list[bytes]:
        """What it may hold after a crash, the smallest number of bytes first."""
        if self.durable == self.seen:
            return [self.seen]
        whole = torn(self.durable, self.seen, lambda _: True)
        first = torn(self.durable, self.seen, lambda at: at == 0)
        last = (len(self.seen) - 1) // SECTOR
        rest = torn(self.durable, self.seen, lambda at: at != last)
        some = torn(self.durable, self.seen, lambda _: chance.random() < 0.5)
        half = self.seen[: len(self.seen) // 2 // SECTOR * SECTOR]
        return list(dict.fromkeys([self.durable, half, first, rest, some, whole]))


def torn(before: bytes, after: bytes, survives: Callable[[int], bool]) -> bytes:
    """What is left if only some sectors of a change reached the disk."""
    old = before.ljust(len(after), b"\0")
    return b"".join(
        (after if survives(at // SECTOR) else old)[at : at + SECTOR]
        for at in range(0, len(after), SECTOR)
    )


@define(eq=False)
class Folder:
    """
    A folder.

    @ivar names: what programs see in it.
    @ivar history: for each name that was changed since the folder was fsynced, everything it stood
        for, beginning with what is durable.
    """

    names: dict[str, Node | Folder] = field(factory=dict)
    history: dict[str, list[Node | Folder | None]] = field(factory=dict)

    def put(self, name: str, entry: Node | Folder | None) -> None:
        """A name stands for something else now, or for nothing."""
        known = self.history.setdefault(name, [self.names.get(name)])
        if entry is None:
            del self.names[name]
        else:
            self.names[name] = entry
        known.append(entry)

    def copy(self, known: dict[int, Node | Folder]) -> Folder:
        """The same at this moment, whatever happens later; one file stays one file."""
        copied = Folder()
        known[id(self)] = copied
        copied.names = {name: _copied(one, known) for name, one in self.names.items()}
        copied.history = {
            name: [None if one is None else _copied(one, known) for one in every]
            for name, every in self.history.items()
        }
        return copied


def _copied(entry: Node | Folder, known: dict[int, Node | Folder]) -> Node | Folder:
    found = known.get(id(entry))
    if found is None:
        found = entry.copy(known) if isinstance(entry, Folder) else evolve(entry)
        known[id(entry)] = found
    return found


#: What is left of a folder: bytes are files, dictionaries are folders.
Tree = dict[str, "bytes | Tree"]


def seen(folder: Folder) -> Tree:
    """What programs see: what is left when only a process died."""
    return {
        name: seen(one) if isinstance(one, Folder) else one.seen
        for name, one in sorted(folder.names.items())
    }


#: Chooses one of several ways in which something may be left.
Pick = Callable[[list[Any]], Any]


def left(folder: Folder, limit: int, chance: random.Random) -> list[Tree]:
    """
    What a loss of power may leave: each combination, or so many of them that differ.
    """
    found = list(itertools.islice(_combinations(folder, chance), limit + 1))
    if len(found) <= limit:
        return found
    # Nothing and everything first, then some.
    some = [_build(folder, lambda options: options[0], {}, chance)]
    some.append(_build(folder, lambda options: options[-1], {}, chance))
    some += [_build(folder, chance.choice, {}, chance) for _ in range(limit - 2)]
    return some


def _combinations(folder: Folder, chance: random.Random) -> Iterator[Tree]:
    """Each combination once: the next one differs in the last choice that has not run out."""
    choices: list[int] = []
    while True:
        taken: list[tuple[int, int]] = []

        def pick(options: list[Any], choices: list[int] = choices, taken: Any = taken) -> Any:
            at = choices[len(taken)] if len(taken) < len(choices) else 0
            taken.append((at, len(options)))
            return options[at]

        yield _build(folder, pick, {}, chance)
        while taken and taken[-1][0] + 1 == taken[-1][1]:
            taken.pop()
        if not taken:
            return
        choices = [at for at, _ in taken]
        choices[-1] += 1


def _build(folder: Folder, pick: Pick, known: dict[Node, bytes], chance: random.Random) -> Tree:
    """
    One of the states.

    @param pick: asked for each thing that is open.
    @param known: what files hold that were met before, under another name.
    """
    tree: Tree = {}
    for name in sorted({*folder.names, *folder.history}):
        history = folder.history.get(name)
        entry = folder.names[name] if history is None else pick(list(dict.fromkeys(history)))
        if isinstance(entry, Folder):
            tree[name] = _build(entry, pick, known, chance)
        elif entry is not None:
            if entry not in known:
                variants = entry.variants(chance)
                known[entry] = variants[0] if len(variants) == 1 else pick(variants)
            tree[name] = known[entry]
    return tree


def fingerprint(tree: Tree) -> bytes:
    """Equal for equal states."""
    total = hashlib.sha256()
    for name, entry in sorted(tree.items()):
        inner = fingerprint(entry) if isinstance(entry, dict) else hashlib.sha256(entry).digest()
        total.update(b"%d %s %s" % (isinstance(entry, dict), name.encode(), inner))
    return total.digest()


def found(path: str) -> Folder:
    """What is in a folder, all of it durable."""
    folder = Folder()
    for one in os.scandir(path):
        if one.is_dir():
            folder.names[one.name] = found(one.path)
        elif not one.name.startswith(("store.db", "lock")):
            with open(one.path, "rb") as file:
                data = file.read()
            folder.names[one.name] = Node(data, data)
    return folder


def make(path: str, tree: Tree) -> None:
    """Make files and folders."""
    os.makedirs(path, exist_ok=True)
    for name, entry in tree.items():
        if isinstance(entry, dict):
            make(os.path.join(path, name), entry)
        else:
            with open(os.path.join(path, name), "wb") as file:
                file.write(entry)


#: Called before each call, with its name and the path.
Before = Callable[[str, str], None]


@define(eq=False)
class DyingFiles(Files):
    """
    Real files below C{root}, and beside them what of them is durable.

    @ivar before: called with the name of each call before it is made; it may raise.
    @ivar disk: of C{root}.
    """

    root: str
    before: Before
    disk: Folder = field(factory=Folder)
    lock: threading.RLock = field(factory=threading.RLock)
    _open: dict[int, tuple[str, Node]] = field(factory=dict)

    def _find(self, path: str) -> tuple[Folder, str]:
        """The folder of a path, and its name in there."""
        *folders, name = os.path.relpath(os.path.abspath(path), self.root).split("/")
        folder = self.disk
        for one in folders:
            found = folder.names[one]
            assert isinstance(found, Folder)
            folder = found
        return folder, name

    def _folder(self, path: str) -> Folder:
        folder, name = self._find(path)
        found = self.disk if name == "." else folder.names[name]
        assert isinstance(found, Folder)
        return found

    def make_folder(self, path: str) -> None:
        """Make a folder that may be gone after a crash."""
        with self.lock:
            self.before("make_folder", path)
            super().make_folder(path)
            folder, name = self._find(path)
            folder.put(name, Folder())

    def sync_folder(self, path: str) -> None:
        """Names are durable."""
        with self.lock:
            self.before("sync_folder", path)
            self._folder(path).history.clear()

    def names(self, path: str) -> list[str]:
        """What is in a folder, always in the same order."""
        with self.lock:
            self.before("names", path)
            return sorted(super().names(path))

    def create(self, path: str) -> int:
        """Make a file that may be gone after a crash."""
        with self.lock:
            self.before("create", path)
            descriptor = super().create(path)
            folder, name = self._find(path)
            self._open[descriptor] = (path, Node())
            folder.put(name, self._open[descriptor][1])
            return descriptor

    def open(self, path: str) -> int:
        """Read a file."""
        self.before("open", path)
        return super().open(path)

    def read(self, descriptor: int, size: int) -> bytes:
        """Read bytes."""
        self.before("read", "")
        return super().read(descriptor, size)

    def write(self, descriptor: int, data: memoryview) -> int:
        """Write bytes that may be gone after a crash, at most 100,000 of them."""
        with self.lock:
            path, node = self._open[descriptor]
            self.before("write", path)
            written = super().write(descriptor, data[:100_000])
            node.seen += bytes(data[:written])
            return written

    def sync(self, descriptor: int) -> None:
        """Bytes are durable."""
        with self.lock:
            path, node = self._open[descriptor]
            self.before("sync", path)
            node.durable = node.seen

    def close(self, descriptor: int) -> None:
        """Let go of a file."""
        with self.lock:
            self._open.pop(descriptor, None)
            super().close(descriptor)

    def link(self, path: str, second: str) -> None:
        """A second name, which may be gone after a crash."""
        with self.lock:
            self.before("link", path)
            super().link(path, second)
            folder, name = self._find(path)
            other, as_ = self._find(second)
            other.put(as_, folder.names[name])

    def rename(self, path: str, other: str) -> None:
        """Another name; after a crash either may be there, both or none."""
        with self.lock:
            self.before("rename", path)
            super().rename(path, other)
            folder, name = self._find(path)
            target, as_ = self._find(other)
            entry = folder.names[name]
            if target.names.get(as_) is not entry:
                target.put(as_, entry)
                folder.put(name, None)

    def unlink(self, path: str) -> None:
        """Take a name away, which may be back after a crash."""
        with self.lock:
            self.before("unlink", path)
            super().unlink(path)
            folder, name = self._find(path)
            folder.put(name, None)
