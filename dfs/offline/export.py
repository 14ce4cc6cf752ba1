"""
C{dfs export}: all documents of a store as plain files.

Decides in which order they are written, what becomes of those that are damaged, or whose folder is
not known, and when an export is complete.  L{dfs.offline.layout} says what files are called,
L{dfs.offline.described} what C{.meta} files say.  Must not know who watches.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, field, frozen

import dfs
from dfs.core.documents import Content, Document
from dfs.core.folders import ROOT, FolderRecord
from dfs.errors import Corrupt, DFSError, Unavailable
from dfs.offline import layout
from dfs.offline.described import Written, as_json, describe, describe_folder, moment
from dfs.offline.layout import Thing
from dfs.offline.target import Target, claim, give_back
from dfs.store.still import StillStore

#: Raised whenever a program that reads exports could not read newer ones.
FORMAT = 1

#: A copy of the database, while it is needed.
_SCRATCH = ".dfs-scratch"


@frozen
class Damage:
    """
    Something that could not be exported.

    @ivar path: of the document; its id if that is not known.
    @ivar what: which of its texts, or all of it.
    """

    path: str
    id: str
    what: str
    reason: str


@define
class Report:
    """
    What was exported.

    @ivar server: the storage server whose store it was.
    @ivar texts: files with texts; those of histories, too.
    @ivar deleted: documents that were deleted and left out.
    @ivar lost: documents whose folder is not known.
    """

    server: str
    documents: int = 0
    folders: int = 0
    texts: int = 0
    size: int = 0
    deleted: int = 0
    lost: int = 0
    damaged: list[Damage] = field(factory=list)


@frozen
class Watcher:
    """
    Who watches.

    @ivar begin: called with how many bytes there are.
    @ivar progress: called with how many more were written.
    @ivar damaged: called with each damage as it is found.
    """

    begin: Callable[[int], object]
    progress: Callable[[int], object]
    damaged: Callable[[Damage], object]


def export(store: str, folder: str, watcher: Watcher, now: float) -> Report:
    """
    Write everything that is in a store.

    @param store: its folder; nothing in it is changed.
    @param folder: new or empty.
    @param now: seconds since the epoch.
    @raise DFSError: it cannot be done; what was written so far has no manifest.
    """
    made = claim(folder, outside=store)
    try:
        with contextlib.closing(StillStore.open(store, os.path.join(folder, _SCRATCH))) as still:
            export = Export(still, Target(folder), watcher)
            export.write()
        export.finish(now)
        return export.report
    except OSError as error:
        raise Unavailable(f"{folder} cannot be written: {error.strerror or error}") from error
    finally:
        if made:
            give_back(folder)


@define
class _Place:
    """
    A folder of the export that is to be filled.

    @ivar id: of the folder.
    @ivar names: its own, from the top of the export on.
    @ivar path: what documents in it have before their name; None if it is not known.
    @ivar note: why not.
    """

    id: int
    names: tuple[str, ...]
    path: str | None
    note: str = ""


@define(eq=False)
class Export:
    """
    One export.
    """

    _store: StillStore
    _target: Target
    _watcher: Watcher
    report: Report = field(init=False)
    _folders: dict[int, FolderRecord] = field(factory=dict, init=False)
    _gone: dict[int, FolderRecord] = field(factory=dict, init=False)
    _inside: dict[int, list[int]] = field(factory=dict, init=False)
    _documents: dict[int, list[Thing]] = field(factory=dict, init=False)
    _described: list[dict[str, Any]] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self.report = Report(self._store.identity.name)

    def write(self) -> None:
        """Write everything but what says that it is complete."""
        self._survey()
        waiting = self._places()
        while waiting:
            place = waiting.pop()
            waiting += self._fill(place)
            self._folders.pop(place.id, None)
            if not waiting and self._folders:
                # What is left stands in a circle, which nobody decided.
                waiting += self._lost({min(self._folders)})
        with self._target.folder([]) as top:
            self._target.write(top, [layout.FOLDERS], [as_json(self._described)])
            self._target.write(top, [layout.README], [layout.EXPLANATION.encode()])

    def finish(self, now: float) -> None:
        """Make everything durable, then say that it is complete."""
        self._target.settle()
        report, identity = self.report, self._store.identity
        manifest = {
            "format": FORMAT,
            "program": f"dfs {dfs.__version__}",
            "exported": moment(now),
            "cluster": identity.cluster_id,
            "server": identity.name,
            "store_id": identity.store_id,
            "epoch": identity.epoch,
            "last_change": self._store.last_seq,
            "documents": report.documents,
            "folders": report.folders,
            "texts": report.texts,
            "size": report.size,
            "deleted": report.deleted,
            "lost": report.lost,
            "damaged": [
                {"path": one.path, "id": one.id, "what": one.what, "reason": one.reason}
                for one in report.damaged
            ],
        }
        with self._target.folder([]) as top:
            self._target.write(top, [layout.MANIFEST], [as_json(manifest)])
        self._target.settle()

    # -------------------------------------------------------------------------- what there is

    def _survey(self) -> None:
        """Find out what stands where."""
        total = 0
        every = self._store.folders()
        self._gone = {one.id: one for one in every.values() if one.gone}
        self._folders = {one.id: one for one in every.values() if not one.gone}
        self._folders.pop(ROOT, None)
        for record in self._folders.values():
            self._inside.setdefault(record.parent, []).append(record.id)
        for document_id in self._store.ids():
            try:
                document = self._store.document(document_id)
            except Corrupt as error:
                self._damaged(Damage(document_id, document_id, "the document", str(error)))
                continue
            if document is None or document.deleted:
                self.report.deleted += 1
                continue
            thing = Thing(document.id, document.metadata.name)
            self._documents.setdefault(document.metadata.folder, []).append(thing)
            total += sum(one.size for one in set(document.contents()))
        self._watcher.begin(total)

    def _places(self) -> list[_Place]:
        """Where to begin: the root, and folders that are not known although something is there."""
        known = {ROOT, *self._folders}
        unknown = {one for one in (*self._inside, *self._documents) if one not in known}
        with self._target.folder([]) as top:
            self._target.make(top, [layout.DOCUMENTS])
        return [_Place(ROOT, (layout.DOCUMENTS,), ""), *self._lost(unknown)]

    def _lost(self, folders: set[int]) -> list[_Place]:
        places = []
        for folder in sorted(folders):
            name = f"{folder:016x}"
            with self._target.folder([]) as top, contextlib.suppress(FileExistsError):
                self._target.make(top, [layout.LOST])
            with self._target.folder([layout.LOST]) as lost:
                self._target.make(lost, [name])
            note = f"in this store its folder {name} {self._why_lost(folder)}"
            places.append(_Place(folder, (layout.LOST, name), None, note))
        return places

    def _why_lost(self, folder: int) -> str:
        if folder in self._gone:
            return f"was deleted; it was called {self._gone[folder].name!r}"
        return "stands in itself" if folder in self._folders else "is not known"

    # ---------------------------------------------------------------------------- what is written

    def _fill(self, place: _Place) -> list[_Place]:
        """
        Write what stands in a folder.

        @return: the folders in it.
        """
        inside = [one for one in self._inside.pop(place.id, ()) if one in self._folders]
        below = [self._folders[one] for one in inside]
        things = [
            *(Thing(f"{one.id:016x}", one.name, folder=True) for one in below),
            *self._documents.pop(place.id, []),
        ]
        found: list[_Place] = []
        with self._target.folder(place.names) as folder:
            for thing, file in zip(things, layout.files(things), strict=True):
                if thing.folder:
                    record = below[len(found)]
                    names = (*place.names, self._target.make(folder, [file, thing.bare]))
                    found.append(self._below(place, record, names))
                else:
                    self._document(folder, thing, file, place)
        return found

    def _below(self, place: _Place, record: FolderRecord, names: tuple[str, ...]) -> _Place:
        """A folder in a folder."""
        path = None if place.path is None else place.path + record.name
        self._described.append(describe_folder(record, path, "/".join(names)))
        self.report.folders += 1
        return _Place(record.id, names, None if path is None else f"{path}/", place.note)

    def _document(self, folder: int, thing: Thing, file: str, place: _Place) -> None:
        """Write a document and what is beside it."""
        path = None if place.path is None else place.path + thing.name
        try:
            document = self._store.document(thing.id)
            assert document is not None, "it was there a moment ago"
        except Corrupt as error:
            self._damaged(Damage(path or thing.name, thing.id, "the document", str(error)))
            return
        names = [file, thing.bare]
        texts = Texts(self._store, self._target, self._watcher, folder, names, document)
        for what, reason in texts.write():
            self._damaged(Damage(path or thing.name, thing.id, what, reason))
        meta = describe(document, path, texts.written, place.note)
        names = [texts.file + layout.META, thing.bare + layout.META]
        self._target.write(folder, names, [as_json(meta)])
        self.report.documents += 1
        self.report.lost += path is None
        self.report.texts += texts.count
        self.report.size += texts.size

    def _damaged(self, damage: Damage) -> None:
        self.report.damaged.append(damage)
        self._watcher.damaged(damage)


@define(eq=False)
class Texts:
    """
    The texts of one document, each written once.

    @ivar file: the name of the document's file.
    @ivar _names: what it may be, in the order in which the disk is asked.
    @ivar written: what became of each content, by hash.
    @ivar count: how many files there are; C{size} in bytes.
    """

    _store: StillStore
    _target: Target
    _watcher: Watcher
    _folder: int
    _names: list[str]
    _document: Document
    file: str = field(default="", init=False)
    written: dict[bytes, Written] = field(factory=dict, init=False)
    count: int = field(default=0, init=False)
    size: int = field(default=0, init=False)

    def write(self) -> Iterator[tuple[str, str]]:
        """
        Write them; what was damaged, and why.
        """
        document = self._document
        self.file, reason = self._try(document.current.content, self._folder, self._names, "")
        if reason:
            yield "the present text", reason
        past = [
            *((layout.past("undo", n), one) for n, one in enumerate(document.undo, 1)),
            *((layout.past("redo", n), one) for n, one in enumerate(document.redo, 1)),
            *(
                (layout.past("checkpoint", n, one.tag), one.revision)
                for n, one in enumerate(document.checkpoints, 1)
            ),
        ]
        missing = [(name, one.content) for name, one in past if self._is_new(one.content)]
        if not missing:
            return
        history = self._target.make(self._folder, [self.file + layout.HISTORY])
        descriptor = os.open(history, os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._folder)
        try:
            for name, content in missing:
                if self._is_new(content):
                    _, reason = self._try(content, descriptor, [name], f"{history}/")
                    if reason:
                        yield name, reason
        finally:
            os.close(descriptor)

    def _is_new(self, content: Content) -> bool:
        return content.sha256 not in self.written

    def _try(self, content: Content, folder: int, names: list[str], where: str) -> tuple[str, str]:
        """
        Write a text.

        @return: the name of its file, and why there is none.
        """
        try:
            name = self._target.write(folder, names, self._watched(content))
        except DFSError as error:
            self.written[content.sha256] = Written(None, str(error))
            return names[0], str(error)
        self.written[content.sha256] = Written(where + name)
        self.count += 1
        self.size += content.size
        return name, ""

    def _watched(self, content: Content) -> Iterator[bytes]:
        for piece in self._store.text(content):
            yield piece
            self._watcher.progress(len(piece))
