"""C{dfs export}: everything comes out, byte for byte, and nothing of the store is changed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import define, evolve, field
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.access import AccessList
from dfs.core.documents import Checkpoint, Document, Metadata, Revision
from dfs.core.folders import FolderRecord
from dfs.core.history import buried, checkpointed, content_of, created, undone
from dfs.errors import DFSError, Exists, Invalid, Locked
from dfs.offline.described import moment
from dfs.offline.export import Damage, Report, Watcher, export
from dfs.offline.target import Target
from dfs.store.interfaces import INLINE_BYTES
from tests.store.case import StoreCase
from tests.store.samples import ALICE, LARGE
from tests.store.test_still import inventory

#: Seconds since the epoch.
NOW = 1_700_000_000.0


@define
class Watch:
    """
    Who watches.
    """

    total: int = 0
    done: int = 0
    damaged: list[Damage] = field(factory=list)

    def watcher(self) -> Watcher:
        """For one export."""
        return Watcher(self.begin, self.progress, self.damaged.append)

    def begin(self, total: int) -> None:
        """So much there is."""
        self.total = total

    def progress(self, size: int) -> None:
        """So much more was written."""
        self.done += size


class ExportCase(StoreCase):
    """
    A store in which documents are made by number.
    """

    def setUp(self) -> None:
        super().setUp()
        self.made: dict[str, Document] = {}
        self.texts: dict[bytes, bytes] = {hashlib.sha256(b"").digest(): b""}
        self.target = Path(self.mktemp())
        self.watch = Watch()

    def folder(self, number: int, name: str, parent: int = 0, gone: float = 0.0) -> None:
        """A folder."""
        record = FolderRecord(number, parent, name, "alice", 5.0, number, gone)
        self.result(self.store.put_folders([record], number))

    def document(self, name: str, *texts: bytes, folder: int = 0, number: int = 0) -> Document:
        """A document that was written several times."""
        number = number or len(self.made) + 1
        access = AccessList("alice", (("bob", "r"), ("carol", "w")))
        document = created(f"{number:016x}", Metadata(folder, name, access, 1000.25, 3, 1))
        self.commit(document)
        for text in texts:
            document = self.rewrite(document, text)
        return document

    def rewrite(self, document: Document, text: bytes) -> Document:
        """One more text of any size."""
        self.texts[hashlib.sha256(text).digest()] = text
        revision = Revision(content_of(text), ALICE.now + document.version.a, "alice")
        document = ALICE.apply(
            evolve(document, current=revision, undo=(*document.undo, document.current))
        )
        if len(text) <= INLINE_BYTES:
            self.commit(document, text)
        else:
            incoming, _ = self.upload(text)
            self.commit(document)
            incoming.release()
        return document

    def commit(self, document: Document, data: bytes | None = None) -> None:
        """Keep a state."""
        self.result(self.store.commit(document, data))
        self.made[document.id] = document

    def export(self, *, close: bool = True) -> Report:
        """Export everything."""
        if close:
            self.result(self.store.close())
        return export(self.path, str(self.target), self.watch.watcher(), NOW)

    def meta(self, file: str) -> dict[str, Any]:
        """What is said about a document."""
        found: dict[str, Any] = json.loads((self.target / f"{file}.meta").read_bytes())
        return found

    def metas(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """All of them, and where they are."""
        for path in sorted(self.target.rglob("*.meta")):
            yield path, json.loads(path.read_bytes())

    def check(self) -> None:
        """Every document, every text of it and everything about it has come out."""
        found = {}
        for path, meta in self.metas():
            document = self.made[meta["id"]]
            found[document.id] = path
            self.check_document(document, meta, path.parent)
        alive = {one.id for one in self.made.values() if not one.deleted}
        self.assertEqual(set(found), alive)

    def check_document(self, document: Document, meta: dict[str, Any], folder: Path) -> None:
        """One of them."""
        metadata = document.metadata
        self.assertEqual((meta["name"], meta["owner"]), (metadata.name, metadata.access.owner))
        self.assertEqual(
            [(one["user"], one["right"][0]) for one in meta["access"]],
            list(metadata.access.grants),
        )
        self.assertEqual(meta["created"], moment(metadata.created))
        self.assertEqual(meta["version"], str(document.version))
        self.assertEqual(meta["epoch"], document.epoch)
        self.assertEqual(meta["metadata_number"], metadata.number)
        pairs = [(document.current, meta)]
        pairs += zip(document.undo, meta["undo"], strict=True)
        pairs += zip(document.redo, meta["redo"], strict=True)
        for checkpoint, said in zip(document.checkpoints, meta["checkpoints"], strict=True):
            self.assertEqual(said["tag"], checkpoint.tag)
            self.assertEqual(said["conflict"], checkpoint.tag.startswith("conflict-"))
            self.assertEqual(said["made"], moment(checkpoint.made))
            self.assertEqual(said["made_by"], checkpoint.made_by)
            pairs.append((checkpoint.revision, said))
        for revision, said in pairs:
            self.check_text(revision, said, folder)

    def check_text(self, revision: Revision, said: dict[str, Any], folder: Path) -> None:
        """One text of it."""
        content = revision.content
        self.assertEqual(said["sha256"], content.sha256.hex())
        figures = content.measure
        for name in ("size", "words", "characters", "sentences", "is_text"):
            self.assertEqual(said[name], getattr(figures, name))
        self.assertEqual(said["modified"], moment(revision.modified))
        self.assertEqual(said["modified_by"], revision.modified_by)
        self.assertEqual((folder / said["file"]).read_bytes(), self.texts[content.sha256])


class ExportTests(ExportCase):
    """What comes out."""

    def fill(self) -> None:
        """Documents of every kind."""
        self.folder(1, "notes")
        self.folder(2, "deep", 1)
        self.folder(3, "empty", 2)
        self.document("todo.txt", b"One.", b"One. Two.", b"One.", folder=2)
        self.document("large.bin", LARGE, b"small", LARGE + b"!", folder=1)
        document = self.document("b.txt", b"Draft.", b"Better.")
        self.commit(undone(document, ALICE))
        document = self.document("c.txt", b"Kept.")
        self.commit(checkpointed(document, "v1", ALICE))
        self.commit(checkpointed(self.made[document.id], "V1", ALICE))
        conflict = Checkpoint("conflict-ss1-20260101T000000", document.current, 9.0, "bob")
        self.commit(evolve(self.rewrite(document, b"Other."), checkpoints=(conflict,)))
        self.commit(buried(self.document("gone.txt", b"Gone."), ALICE))
        self.document("nothing")

    def test_round_trip(self) -> None:
        """Each byte and each fact is in the export, and the store is as it was."""
        self.fill()
        self.result(self.store.close())
        before = inventory(self.path)
        report = self.export(close=False)
        self.assertEqual(inventory(self.path), before)
        self.check()
        self.assertEqual((report.documents, report.folders, report.deleted), (5, 3, 1))
        self.assertEqual((report.damaged, self.watch.done), ([], self.watch.total))
        self.assertTrue((self.target / "documents/notes/deep/empty").is_dir())
        self.assertEqual((self.target / "documents/notes/deep/todo.txt").read_bytes(), b"One.")
        self.assertIn("can be read without", (self.target / "README.txt").read_text())
        self.assertFalse((self.target / ".dfs-scratch").exists())

    def test_after_a_crash(self) -> None:
        """After kill -9 the newest state comes out, though it stands in the log only."""
        self.fill()
        copy = self.mktemp()
        shutil.copytree(self.path, copy)
        self.result(self.store.close())
        self.path = copy
        before = inventory(copy)
        self.export(close=False)
        self.assertEqual(inventory(copy), before)
        self.check()
        self.assertFalse((self.target / ".dfs-scratch").exists())

    def test_each_text_once(self) -> None:
        """A text that a document has several times is one file, which each entry names."""
        self.document("a", b"One.", b"Two.", b"One.")
        self.export()
        meta = self.meta("documents/a")
        files = [meta["file"], *(one["file"] for one in meta["undo"])]
        self.assertEqual(files, ["a", "a.history/undo-0001", "a", "a.history/undo-0003"])
        self.assertEqual(len(os.listdir(self.target / "documents/a.history")), 2)

    def test_manifest(self) -> None:
        """What was exported, and from where, is said in a file that is written last."""
        self.fill()
        self.export()
        manifest = json.loads((self.target / "dfs-export.json").read_bytes())
        self.assertEqual((manifest["server"], manifest["documents"]), ("ss1", 5))
        self.assertEqual((manifest["exported"], manifest["damaged"]), (moment(NOW), []))
        newest = max(self.target.rglob("*"), key=lambda path: path.stat().st_mtime_ns)
        self.assertIn(newest.name, ("dfs-export.json", self.target.name))
        folders = json.loads((self.target / "folders.json").read_bytes())
        self.assertEqual(
            [(one["path"], one["owner"], one["folder"]) for one in folders],
            [
                ("notes", "alice", "documents/notes"),
                ("notes/deep", "alice", "documents/notes/deep"),
                ("notes/deep/empty", "alice", "documents/notes/deep/empty"),
            ],
        )

    def test_names(self) -> None:
        """No document takes the place of another one, or of what is said about it."""
        names = (
            "x",
            "x.meta",
            "x.meta.meta",
            "x.history",
            "X",
            "y" * 255,
            "a|b",
            "dfs-export.json",
        )
        for name in names:
            self.document(name, name.encode(), b"Text of " + name.encode())
        self.folder(1, "Y" * 255)
        self.folder(2, "z.meta")
        self.document("z", b"Z.")
        self.export()
        self.check()
        self.assertEqual((self.target / "documents/a|b").read_bytes(), b"Text of a|b")
        paths = {meta["path"] for _, meta in self.metas()}
        self.assertEqual(paths, {*names, "z"})

    def test_deep_paths(self) -> None:
        """Paths of files may be longer than a system call takes at once."""
        for number in range(1, 300):
            self.folder(number, f"{number % 10}.meta", number - 1)
        self.document("deep", b"Deep.", folder=299)
        report = self.export()
        self.assertEqual((report.documents, report.folders, report.damaged), (1, 299, []))
        self.addCleanup(shutil.rmtree, self.target)

    def test_lost_folders(self) -> None:
        """
        Documents and folders in a folder that is not known, is gone, or stands in itself have a
        place of their own, and it is said why.
        """
        self.folder(1, "gone", gone=7.0)
        self.folder(2, "below", 0xABC)
        self.folder(3, "round", 4)
        self.folder(4, "and round", 3)
        self.document("a", b"A.", folder=0xABC)
        self.document("b", b"B.", folder=1)
        self.document("c", b"C.", folder=2)
        self.document("d", b"D.", folder=3)
        self.document("e", b"E.", folder=4)
        report = self.export()
        self.check()
        self.assertEqual((report.documents, report.lost, report.folders), (5, 5, 2))
        for file, why in (
            ("0000000000000abc/a", "is not known"),
            ("0000000000000001/b", "'gone'"),
            ("0000000000000abc/below/c", "is not known"),
            ("0000000000000003/d", "stands in itself"),
            ("0000000000000003/and round/e", "stands in itself"),
        ):
            meta = self.meta(f"lost-folders/{file}")
            self.assertIn(why, meta["note"])
            self.assertIs(meta["path"], None)


class DamageTests(ExportCase):
    """What cannot be read is named, and the rest goes on."""

    def harm(self, sql: str, *values: object) -> None:
        """Change a store behind its back."""
        self.result(self.store.close())
        connection = sqlite3.connect(os.path.join(self.path, "store.db"))
        connection.execute(sql, values)
        connection.commit()
        connection.close()

    def test_present_text(self) -> None:
        """A damaged text has no file; its document says why, and its history is there."""
        self.document("bad", b"Old.", b"Bad.")
        self.document("good", b"Good.")
        self.harm(
            "UPDATE contents SET data = x'78' WHERE sha256 = ?", hashlib.sha256(b"Bad.").digest()
        )
        report = self.export(close=False)
        [damage] = report.damaged
        self.assertEqual((damage.path, damage.what), ("bad", "the present text"))
        self.assertEqual(self.watch.damaged, [damage])
        self.assertFalse((self.target / "documents/bad").exists())
        meta = self.meta("documents/bad")
        self.assertIs(meta["file"], None)
        self.assertIn("damaged", meta["damaged"])
        self.assertEqual(
            (self.target / "documents" / meta["undo"][1]["file"]).read_bytes(), b"Old."
        )
        self.assertEqual((self.target / "documents/good").read_bytes(), b"Good.")
        manifest = json.loads((self.target / "dfs-export.json").read_bytes())
        self.assertEqual([one["path"] for one in manifest["damaged"]], ["bad"])

    def test_large_text(self) -> None:
        """Of a large text whose last bytes are wrong nothing is left behind."""
        document = self.document("bad", LARGE, b"Now.")
        name = document.undo[1].content.sha256.hex()
        self.result(self.store.close())
        Path(self.path, "objects", name[:2], name).write_bytes(LARGE[:-1] + b"?")
        report = self.export(close=False)
        [damage] = report.damaged
        self.assertEqual(damage.what, "undo-0002")
        self.assertEqual(os.listdir(self.target / "documents/bad.history"), ["undo-0001"])

    def test_record(self) -> None:
        """A document whose record makes no sense is named by its id."""
        self.document("bad", b"Bad.")
        self.document("good", b"Good.")
        self.harm("UPDATE documents SET kept = x'01' WHERE name = 'bad'")
        report = self.export(close=False)
        [damage] = report.damaged
        self.assertEqual((damage.path, damage.what), (f"{1:016x}", "the document"))
        self.assertEqual(report.documents, 1)


class RefusalTests(ExportCase):
    """What is refused, before anything is written."""

    def refused(self, error: type[DFSError], folder: str | Path) -> str:  # type: ignore[override]
        """An export there fails so; the message."""
        caught = self.assertRaises(error, export, self.path, str(folder), Watch().watcher(), NOW)
        return str(caught)

    def test_served(self) -> None:
        """The store of a server that runs is refused, and no folder is left."""
        self.assertIn("stop it first", self.refused(Locked, self.target))
        self.assertFalse(self.target.exists())

    def test_folder(self) -> None:
        """A folder that is not empty, is a file, or is inside of the store is refused."""
        self.result(self.store.close())
        self.target.mkdir()
        self.refused(Invalid, Path(self.path, "export"))
        link = self.mktemp()
        os.symlink(os.path.abspath(self.path), link)
        self.refused(Invalid, Path(link, "export"))
        self.refused(Invalid, self.path)
        (self.target / "something").touch()
        self.refused(Exists, self.target)
        self.refused(Exists, self.target / "something")
        self.assertEqual(os.listdir(self.target), ["something"])

    def test_interrupted(self) -> None:
        """An export that was interrupted has no manifest, and is not gone on with."""
        self.document("a", b"A.")
        self.document("b", b"B.")
        self.result(self.store.close())

        def interrupt(size: int) -> None:
            raise KeyboardInterrupt

        watcher = Watcher(lambda total: None, interrupt, lambda damage: None)
        self.assertRaises(KeyboardInterrupt, export, self.path, str(self.target), watcher, NOW)
        self.assertFalse((self.target / "dfs-export.json").exists())
        self.assertFalse((self.target / ".dfs-scratch").exists())
        self.refused(Exists, self.target)


class TargetTests(SynchronousTestCase):
    """Disks that take no name, or no byte."""

    def setUp(self) -> None:
        self.folder = self.mktemp()
        os.mkdir(self.folder)

    def picky(self, code: int) -> Target:
        """A disk that refuses colons so."""

        def opened(name: str, *rest: Any, **named: Any) -> int:
            if ":" in name:
                raise OSError(code, os.strerror(code))
            return os.open(name, *rest, **named)

        def make(name: str, *rest: Any, **named: Any) -> None:
            if ":" in name:
                raise OSError(code, os.strerror(code))
            os.mkdir(name, *rest, **named)

        return Target(self.folder, opened, make)

    def test_names_that_a_disk_refuses(self) -> None:
        """Where a disk does not take a name the id alone is taken."""
        target = self.picky(errno.EINVAL)
        with target.folder([]) as top:
            self.assertEqual(target.write(top, ["a:b", "~dfs-1"], [b"x"]), "~dfs-1")
            self.assertEqual(target.write(top, ["ab", "~dfs-1"], [b"x"]), "ab")
            self.assertEqual(target.make(top, ["c:d", "~dfs-2"]), "~dfs-2")
        self.assertEqual(sorted(os.listdir(self.folder)), ["ab", "~dfs-1", "~dfs-2"])

    def test_full(self) -> None:
        """Any other refusal is the end."""
        target = self.picky(errno.ENOSPC)
        with target.folder([]) as top:
            self.assertRaises(OSError, target.write, top, ["a:b", "~dfs-1"], [b"x"])
        self.assertEqual(os.listdir(self.folder), [])
