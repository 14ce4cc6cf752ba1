"""
The tree of names: folders, and what stands in them.

Decides which names are taken and in which order they are walked.  A name is a document or a folder,
never both.  Must not know what a document is, who may see it, or where it is stored.

Folders are made by the first document below them and vanish with the last.  A document knows its
folder and a folder its parent, so that moving a folder is one change, however much is in it.

Note [Walking].  Names are handed out page by page: each folder keeps its names sorted, and a walker
remembers the last name it gave, not a position.  So others may add and remove between two steps;
what was there all the time is given exactly once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Generic, TypeVar, cast

from attrs import define, field

from dfs.core.paths import parts
from dfs.errors import Exists

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
    @ivar parent: the folder around it; None at the root.
    """

    name: str = ""
    parent: Folder | None = None
    children: dict[str, Folder | Leaf] = field(factory=dict, init=False)
    _sorted: list[str] | None = field(default=None, init=False)

    @property
    def path(self) -> str:
        """The whole path; empty at the root."""
        return self.prefix[:-1]

    @property
    def prefix(self) -> str:
        """How the paths of everything below begin: the path and a slash, or nothing."""
        if self.parent is None:
            return ""
        names = []
        folder: Folder = self
        while folder.parent is not None:
            names.append(folder.name)
            folder = folder.parent
        names.reverse()
        return "/".join(names) + "/"

    def put(self, child: Folder | Leaf) -> None:
        """Add what has a free name."""
        self.children[child.name] = child
        if self._sorted is not None:
            if self._sorted and child.name < self._sorted[-1]:
                insort(self._sorted, child.name)
            else:
                self._sorted.append(child.name)

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


L = TypeVar("L", bound=Leaf)


class Namespace(Generic[L]):
    """
    All names.  Paths that come in are normalized (L{dfs.core.paths.normalize}).

    @ivar root: the folder of everything.
    """

    def __init__(self) -> None:
        self.root = Folder()

    def find(self, path: str) -> L | Folder | None:
        """What stands at a path."""
        found: Folder | Leaf | None = self.root.children.get(path)
        if found is None and "/" in path:
            found = self.root
            for part in parts(path):
                if not isinstance(found, Folder):
                    return None
                found = found.children.get(part)
        return cast("L | Folder | None", found)

    def refuse_taken(self, path: str) -> None:
        """
        Make sure that a document could be put at a path.

        @raise Exists: the message says what is in the way.
        """
        folder = self.root
        names = parts(path)
        for depth, part in enumerate(names[:-1], 1):
            child = folder.children.get(part)
            if child is None:
                return
            if not isinstance(child, Folder):
                above = "/".join(names[:depth])
                raise Exists(f"{above!r} is a document, so nothing can be put below it")
            folder = child
        taken = folder.children.get(names[-1])
        if isinstance(taken, Folder):
            raise Exists(f"{path!r} is a folder; choose another name")
        if taken is not None:
            raise Exists(f"{path!r} exists already; choose another name")

    def add(self, path: str, leaf: L) -> None:
        """
        Put something at a path, in folders made as needed.

        @raise Exists: see L{refuse_taken}; nothing was changed.
        """
        folder = self.root
        *above, name = parts(path)
        for part in above:
            child = folder.children.get(part)
            if child is None:
                # From here on everything is new, so nothing can be in the way any more.
                child = Folder(part, folder)
                folder.put(child)
            elif not isinstance(child, Folder):
                self.refuse_taken(path)
            folder = cast(Folder, child)
        if name in folder.children:
            self.refuse_taken(path)
        leaf.name = name
        leaf.parent = folder
        folder.put(leaf)

    def remove(self, leaf: L) -> None:
        """Take something away, and the folders that are empty then."""
        folder = leaf.parent
        assert folder is not None
        folder.drop(leaf.name)
        leaf.parent = None
        while not folder.children and folder.parent is not None:
            folder.parent.drop(folder.name)
            folder = folder.parent

    def settle(self) -> None:
        """Sort every folder, so that nobody has to wait for it later."""
        waiting = [self.root]
        while waiting:
            folder = waiting.pop()
            folder.names(None, 0)
            waiting += [child for child in folder.children.values() if isinstance(child, Folder)]

    def walk(self, start: Folder | None = None) -> Iterator[L]:
        """
        Everything below a folder that is no folder, sorted part by part; see Note [Walking].
        """
        stack: list[tuple[Folder, str | None]] = [(start or self.root, None)]
        while stack:
            folder, after = stack.pop()
            page = folder.names(after, _PAGE)
            for name in page:
                child = folder.children.get(name)
                if isinstance(child, Folder):
                    stack += [(folder, name), (child, None)]
                    break
                if child is not None:
                    yield cast(L, child)
            else:
                if len(page) == _PAGE:
                    stack.append((folder, page[-1]))
