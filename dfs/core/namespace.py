"""
The tree of names: folders, and what stands in them.

Decides which names are taken and in which order they are walked.  A name is a document or a folder,
never both.  Must not know what a document is, who may see it, or where it is stored.

A document knows its folder and a folder its parent, so that moving a folder is one change, however
much is in it.  A folder stays when it is empty.

Note [Walking].  Names are handed out page by page: each folder keeps its names sorted, and a walker
remembers the last name it gave, not a position.  So others may add and remove between two steps;
what was there all the time is given exactly once.

Note [Claims].  Who is about to put something into a folder claims it, and whoever is about to take
a name reserves it with a bare L{Leaf}; so neither vanishes, nor is given away, while a decision is
written down.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar, cast

from attrs import define, field

from dfs.core.folders import ROOT, FolderRecord
from dfs.core.paths import parts
from dfs.errors import Busy, Exists, NotFound

#: Names that a walker takes from a folder at once.
_PAGE = 256


@define(eq=False, weakref_slot=False)
class Leaf:
    """
    What stands in a folder and is no folder itself; documents are subclasses.

    @ivar name: the last part of its path.
    @ivar parent: the folder that it stands in; None while it stands nowhere.
    """

    name: str
    parent: Folder | None

    @property
    def path(self) -> str:
        """The whole path."""
        return self.parent.prefix + self.name if self.parent is not None else self.name


@define(eq=False, weakref_slot=False)
class Folder:
    """
    Names, and what they stand for.

    @ivar name: the last part of its path; empty at the root.
    @ivar parent: the folder around it; None at the root, and when it was deleted.
    @ivar id: see L{FolderRecord} for this and the following.
    @ivar number: 0 until it is written down.
    @ivar claims: how many are about to put something here, see Note [Claims].
    @ivar going: it is being deleted.
    @ivar reach: bytes of the longest path from here to anything below; never too low.
    """

    name: str = ""
    parent: Folder | None = None
    id: int = ROOT
    owner: str = ""
    created: float = 0.0
    number: int = 0
    children: dict[str, Folder | Leaf] = field(factory=dict, init=False)
    claims: int = field(default=0, init=False)
    going: bool = field(default=False, init=False)
    reach: int = field(default=0, init=False)
    _sorted: list[str] | None = field(default=None, init=False)

    @property
    def kept(self) -> bool:
        """It is written down, and may be shown."""
        return self.number > 0 or self.id == ROOT

    @property
    def path(self) -> str:
        """The whole path; empty at the root."""
        return self.prefix[:-1]

    @property
    def prefix(self) -> str:
        """How the paths of everything below begin: the path and a slash, or nothing."""
        if self.parent is None:
            return ""
        names = [folder.name for folder in self.line()]
        names.reverse()
        return "/".join(names) + "/"

    def line(self) -> Iterator[Folder]:
        """This folder and those around it, without the root."""
        folder: Folder = self
        while folder.parent is not None:
            yield folder
            folder = folder.parent

    def record(self, number: int) -> FolderRecord:
        """What is to be kept of it."""
        assert self.parent is not None, "there is nothing to keep of the root"
        return FolderRecord(self.id, self.parent.id, self.name, self.owner, self.created, number)

    def put(self, child: Folder | Leaf) -> None:
        """Add what has a free name."""
        self.children[child.name] = child
        if self._sorted is not None:
            if self._sorted and child.name < self._sorted[-1]:
                insort(self._sorted, child.name)
            else:
                self._sorted.append(child.name)
        reach, folder = _tail(child), self
        while reach > folder.reach:
            folder.reach = reach
            if folder.parent is None:
                return
            reach, folder = _tail(folder), folder.parent

    def drop(self, name: str) -> None:
        """Remove what has that name."""
        del self.children[name]
        if self._sorted is not None:
            del self._sorted[bisect_left(self._sorted, name)]

    def names(self, after: str | None, limit: int) -> list[str]:
        """
        Some names, sorted.

        @param after: the name before the first one; None to begin.
        """
        if self._sorted is None:
            self._sorted = sorted(self.children)
        start = 0 if after is None else bisect_right(self._sorted, after)
        return self._sorted[start : start + limit]

    def measure(self) -> int:
        """Find out how far L{reach} really is."""
        below = [self]
        for folder in below:
            below += [child for child in folder.children.values() if isinstance(child, Folder)]
        for folder in reversed(below):
            folder.reach = max(map(_tail, folder.children.values()), default=0)
        return self.reach


def _tail(child: Folder | Leaf) -> int:
    """Bytes of the longest path that begins with a child."""
    size = len(child.name.encode())
    return size + 1 + child.reach if isinstance(child, Folder) and child.reach else size


L = TypeVar("L", bound=Leaf)


class Namespace(Generic[L]):
    """
    All names.  Paths that come in are normalized (L{dfs.core.paths.normalize}).

    @ivar root: the folder of everything.
    @ivar folders: all of them, by id.
    """

    def __init__(self) -> None:
        self.root = Folder()
        self.folders: dict[int, Folder] = {ROOT: self.root}

    def load(self, records: Iterable[FolderRecord]) -> None:
        """
        Take over the folders that were kept, in any order.

        @raise KeyError: one stands in a folder that does not exist.
        @raise ValueError: one stands in itself, or two have one name.
        """
        parents = {}
        for record in records:
            self.folders[record.id] = Folder(
                record.name, None, record.id, record.owner, record.created, record.number
            )
            parents[record.id] = record.parent
        _refuse_circles(parents)
        for folder_id, parent_id in parents.items():
            folder, parent = self.folders[folder_id], self.folders[parent_id]
            if folder.name in parent.children:
                raise ValueError(f"two folders are called {folder.name!r} in {parent_id:016x}")
            folder.parent = parent
            parent.put(folder)

    # ------------------------------------------------------------------------------ looking

    def find(self, path: str) -> L | Folder | None:
        """What stands at a path; a name that is only reserved is a bare L{Leaf}."""
        found: Folder | Leaf | None = self.root.children.get(path)
        if found is None and "/" in path:
            found = self.root
            for part in parts(path):
                if not isinstance(found, Folder):
                    return None
                found = found.children.get(part)
        return cast("L | Folder | None", found)

    def folder(self, path: str) -> Folder:
        """
        The folder at a path; the root if it is empty.

        @raise NotFound: there is none.
        """
        found = self.find(path) if path else self.root
        if isinstance(found, Folder):
            return found
        if found is not None and type(found) is not Leaf:
            raise NotFound(f"{path!r} is a document, not a folder")
        raise NotFound(f"there is no folder {path!r}")

    def holder(self, path: str) -> tuple[Folder, str]:
        """
        The folder in which a path stands, and the name in it, which need not exist.

        @raise NotFound: there is no such folder.
        """
        above, _, name = path.rpartition("/")
        return self.folder(above), name

    # ----------------------------------------------------------------------------- changing

    def open(self, path: str, new: Callable[[str, Folder], Folder]) -> tuple[Folder, str]:
        """
        The same as L{holder}, with folders made as needed.

        @param new: makes a folder of a name in another one, with an id of its own.
        @raise Exists: a document is in the way; nothing was changed.
        @raise Busy: a folder on the way is being deleted.
        """
        folder = self.root
        *above, name = parts(path)
        for depth, part in enumerate(above, 1):
            child = folder.children.get(part)
            if child is None:
                # From here on everything is new, so nothing can be in the way any more.
                child = new(part, folder)
                self.add_folder(child)
            elif not isinstance(child, Folder):
                where = "/".join(above[:depth])
                raise Exists(f"{where!r} is a document, so nothing can be put below it")
            elif child.going:
                raise Busy(f"{child.path!r} is being deleted; try again in a moment")
            folder = child
        return folder, name

    def refuse_taken(self, folder: Folder, name: str) -> None:
        """
        Make sure that a name is free.

        @raise Exists: the message says what has it.
        """
        taken = folder.children.get(name)
        if isinstance(taken, Folder):
            raise Exists(f"{taken.path!r} is a folder; choose another name")
        if taken is not None:
            raise Exists(f"{taken.path!r} exists already; choose another name")

    def add(self, folder: Folder, name: str, leaf: Leaf) -> None:
        """
        Put something into a folder.

        @raise Exists: see L{refuse_taken}; nothing was changed.
        """
        if name in folder.children:
            self.refuse_taken(folder, name)
        leaf.name = name
        leaf.parent = folder
        folder.put(leaf)

    def remove(self, leaf: Leaf) -> None:
        """Take something away, and folders that only it needed; see L{prune}."""
        folder = leaf.parent
        assert folder is not None
        folder.drop(leaf.name)
        leaf.parent = None
        self.prune(folder)

    def prune(self, folder: Folder) -> None:
        """Forget folders that were never kept, and that nobody needs any more."""
        while not (folder.kept or folder.children or folder.claims or folder.parent is None):
            above = folder.parent
            self.remove_folder(folder)
            folder = above

    @contextmanager
    def reserved(self, folder: Folder, name: str) -> Iterator[None]:
        """
        Let nobody else have a name; see Note [Claims].

        @raise Exists: it is taken.
        """
        self.refuse_taken(folder, name)
        leaf = Leaf(name, folder)
        folder.put(leaf)
        try:
            yield
        finally:
            self.remove(leaf)

    def add_folder(self, folder: Folder) -> None:
        """Put a folder where it says that it stands; the name is free."""
        assert folder.parent is not None
        folder.parent.put(folder)
        self.folders[folder.id] = folder

    def remove_folder(self, folder: Folder) -> None:
        """Take an empty folder away."""
        assert folder.parent is not None
        assert not folder.children
        folder.parent.drop(folder.name)
        folder.parent = None
        del self.folders[folder.id]

    def move(self, thing: Leaf | Folder, folder: Folder, name: str) -> None:
        """Let something stand elsewhere, where the name is free."""
        assert thing.parent is not None
        thing.parent.drop(thing.name)
        thing.name = name
        thing.parent = folder
        folder.put(thing)

    # ------------------------------------------------------------------------------ walking

    def settle(self) -> None:
        """Sort every folder, so that nobody has to wait for it later."""
        for folder in self.folders.values():
            folder.names(None, 0)

    def walk(self, start: Folder | None = None) -> Iterator[L]:
        """
        Everything below a folder that is no folder, sorted part by part; see Note [Walking].
        """
        for thing in self.tree(start or self.root, deep=True):
            if not isinstance(thing, Folder):
                yield thing

    def tree(self, start: Folder, *, deep: bool) -> Iterator[L | Folder]:
        """
        What stands in a folder, sorted; see Note [Walking].

        @param deep: what stands in the folders there, too, each after its folder.
        """
        stack: list[tuple[Folder, str | None]] = [(start, None)]
        while stack:
            folder, after = stack.pop()
            page = folder.names(after, _PAGE)
            for name in page:
                child = folder.children.get(name)
                if isinstance(child, Folder):
                    yield child
                    if deep:
                        stack += [(folder, name), (child, None)]
                        break
                elif child is not None and type(child) is not Leaf:
                    yield cast(L, child)
            else:
                if len(page) == _PAGE:
                    stack.append((folder, page[-1]))


def _refuse_circles(parents: dict[int, int]) -> None:
    """
    Make sure that every folder stands below the root.

    @param parents: id of each folder, and of the one that it stands in.
    @raise KeyError: one stands in a folder that does not exist.
    @raise ValueError: one stands in itself.
    """
    rooted = {ROOT}
    for start in parents:
        line: list[int] = []
        folder_id = start
        while folder_id not in rooted:
            line.append(folder_id)
            folder_id = parents[folder_id]
            if len(line) > len(parents):
                raise ValueError(f"folder {folder_id:016x} stands in itself")
        rooted.update(line)
