"""Histories of folders and of documents that are moved."""

from __future__ import annotations

from dfs.core.documents import Document
from dfs.core.folders import path_of
from dfs.errors import Exists, Locked, NotFound, Unauthorized
from tests.histories.case import HistoryCase


class FolderCase(HistoryCase):
    """
    A pair; alice and bob.
    """

    def listed(self, path: str = "") -> list[str]:
        """Everything below a folder, as alice sees it."""
        lines = self.get(self.alice.folders.view(path, all=True, deep=True))
        return [line.path + "/" * line.folder for line in lines]

    def on_disk(self, server: str) -> dict[str, Document]:
        """What a storage server has, by the paths that it knows."""
        disk = self.cluster.disks[server]
        found = {}
        for _, document in disk.documents.values():
            metadata = document.metadata
            path = path_of(metadata.folder, metadata.name, disk.folders.get)
            if path is not None and not document.deleted:
                found[path] = document
        return found


class MoveTests(FolderCase):
    """
    A document is the same wherever it stands.
    """

    def test_into_and_out_of_folders(self) -> None:
        """H8: readable and writable at each place, with grants, undo and history."""
        self.get(self.alice.create("a.txt"))
        self.get(self.alice.add_access("a.txt", "bob", "w"))
        path = "a.txt"
        for number, target in enumerate(("one/", "two/b.txt", "/", "one", "three/four/c")):
            new = self.get(self.alice.folders.move(path, target))
            self.refused(self.bob.read(path), NotFound)
            path = new
            self.get(self.bob.append(path, f" {number}"))
            self.assertEqual(self.text(path), b"".join(b" %d" % n for n in range(number + 1)))
        self.get(self.bob.undo(path))
        self.assertEqual(self.text(path), b" 0 1 2 3")
        self.cluster.advance(5)
        for server in ("ss1", "ss1_backup"):
            self.assertEqual(list(self.on_disk(server)), ["three/four/c"])

    def test_folder_of_others(self) -> None:
        """H8: a folder is moved with the documents of others; they read and write there."""
        self.get(self.alice.folders.make("team"))
        self.get(self.bob.put("team/plans/bob.txt", b"One."))
        self.assertEqual(self.get(self.alice.folders.move("team", "archive/2026")), "archive/2026")
        self.get(self.bob.append("archive/2026/plans/bob.txt", " Two."))
        self.assertEqual(self.get(self.bob.read("archive/2026/plans/bob.txt")), b"One. Two.")
        self.cluster.advance(5)
        for server in ("ss1", "ss1_backup"):
            self.assertEqual(list(self.on_disk(server)), ["archive/2026/plans/bob.txt"])

    def test_open_session(self) -> None:
        """H51: a document is moved under an open session; the session goes on and commits."""
        self.get(self.alice.put("a.txt", b"One. Two."))
        session = self.get(self.alice.write("a.txt", 0))
        self.get(session.edit(0, "Still"))
        self.assertEqual(self.get(self.alice.folders.move("a.txt", "b/")), "b/a.txt")
        self.get(self.alice.folders.move("b", "c"))
        self.refused(self.alice.undo("c/a.txt"), Locked)
        self.get(session.edit(1, "here:"))
        self.get(session.commit())
        self.assertEqual(self.text("c/a.txt"), b"Still here: One. Two.")

    def test_name_taken_again(self) -> None:
        """Who knew a document by its old name does not write into it when another one has that."""
        self.get(self.alice.put("log", b"old"))
        self.get(self.alice.add_access("log", "bob", "w"))
        self.get(self.bob.append("log", "."))
        self.get(self.alice.folders.move("log", "log.1"))
        self.refused(self.bob.append("log", "lost?"), NotFound)
        self.get(self.alice.put("log", b"new"))
        self.get(self.alice.add_access("log", "bob", "w"))
        self.get(self.bob.append("log", "!"))
        self.assertEqual((self.text("log"), self.text("log.1")), (b"new!", b"old."))

    def test_never_overwrites(self) -> None:
        """Of two documents that are moved to one name at once, one stays where it was."""
        for path in ("a", "b"):
            self.get(self.alice.put(path, path.encode()))

        async def move(path: str) -> str:
            try:
                return await self.alice.folders.move(path, "c")
            except Exists:
                return path

        self.assertEqual(sorted(self.together(move("a"), move("b"))), ["b", "c"])
        self.assertEqual((self.text("c"), self.text("b")), (b"a", b"b"))


class FailoverTests(FolderCase):
    """
    What was arranged stays so, whoever dies.
    """

    def arranged(self) -> list[str]:
        """Folders, a document that was moved, and a folder that was."""
        self.get(self.alice.folders.make("empty/inner"))
        self.get(self.bob.put("bob/one", b"1"))
        self.get(self.bob.folders.move("bob/one", "two"))
        self.get(self.bob.put("bob/three/four", b"4"))
        self.get(self.bob.folders.move("bob/three", "moved"))
        self.get(self.alice.folders.make("gone"))
        self.get(self.alice.folders.delete("gone"))
        expected = ["bob/", "empty/", "empty/inner/", "moved/", "moved/four", "two"]
        self.assertEqual(self.listed(), expected)
        return expected

    def test_failover_at_once(self) -> None:
        """H28: MOVE and folders are what they were when the primary dies at once."""
        expected = self.arranged()
        self.cluster.crash("ss1")
        self.assertEqual(self.get(self.bob.read("two")), b"1")
        self.assertEqual(self.get(self.bob.read("moved/four")), b"4")
        self.assertEqual(self.listed(), expected)
        self.get(self.bob.folders.move("two", "empty/"))
        self.get(self.bob.append("empty/two", "2"))
        self.cluster.start("ss1")
        self.cluster.advance(120)
        self.assertEqual(self.get(self.bob.read("empty/two")), b"12")
        home, backup = self.on_disk("ss1"), self.on_disk("ss1_backup")
        self.assertEqual(home, backup)
        self.assertEqual(sorted(home), ["empty/two", "moved/four"])

    def test_name_server_restart(self) -> None:
        """H41: folders, places and owners are there after the name server was killed."""
        expected = self.arranged()
        self.cluster.crash_nm()
        self.cluster.start_nm()
        self.cluster.advance(10)
        self.assertEqual(self.listed(), expected)
        self.refused(self.alice.folders.delete("bob"), Unauthorized)
        self.get(self.bob.folders.delete("bob"))

    def test_storage_away(self) -> None:
        """A document is moved while its pair is down; whoever comes back knows its new place."""
        self.get(self.alice.put("a", b"text"))
        self.cluster.advance(5)
        for server in ("ss1", "ss1_backup"):
            self.cluster.crash(server)
        self.cluster.advance(30)
        self.assertEqual(self.get(self.alice.folders.move("a", "b/c")), "b/c")
        for server in ("ss1", "ss1_backup"):
            self.cluster.start(server)
        self.cluster.advance(60)
        self.assertEqual(self.text("b/c"), b"text")
        for server in ("ss1", "ss1_backup"):
            self.assertEqual(list(self.on_disk(server)), ["b/c"])

    def test_new_backup(self) -> None:
        """A backup that was away for long knows folders that came and went meanwhile."""
        self.cluster.crash("ss1_backup")
        expected = self.arranged()
        self.cluster.start("ss1_backup")
        self.cluster.advance(60)
        self.cluster.crash("ss1")
        self.cluster.advance(20)
        self.assertEqual(self.listed(), expected)
        self.assertEqual(sorted(self.on_disk("ss1_backup")), ["moved/four", "two"])
        disks = self.cluster.disks
        self.assertEqual(disks["ss1"].folders, disks["ss1_backup"].folders)


class DeleteTests(FolderCase):
    """
    Folders that go.
    """

    def test_deleted_folder_stays_deleted(self) -> None:
        """A folder that was deleted with everything in it comes back with nobody."""
        for number in range(30):
            self.get(self.alice.put(f"a/{number % 3}/{number}", b"x"))
        self.cluster.advance(5)
        self.cluster.crash("ss1_backup")
        gone: list[str] = []
        deleting = self.alice.folders.delete("a", recursive=True, on_deleted=gone.append)
        self.assertEqual(self.get(deleting), 30)
        self.assertEqual(len(gone), 30)
        self.cluster.start("ss1_backup")
        self.cluster.advance(60)
        self.cluster.crash("ss1")
        self.cluster.advance(20)
        self.assertEqual(self.listed(), [])
        self.assertEqual(self.on_disk("ss1_backup"), {})

    def test_open_session(self) -> None:
        """A folder in which somebody edits is not deleted under them."""
        self.get(self.alice.put("a/b", b"One."))
        self.get(self.alice.add_access("a/b", "bob", "w"))
        session = self.get(self.bob.write("a/b", 0))
        self.refused(self.alice.folders.delete("a", recursive=True), Locked)
        self.get(session.edit(0, "Still"))
        self.get(session.commit())
        self.assertEqual(self.text("a/b"), b"Still One.")
        self.get(self.alice.folders.delete("a", recursive=True))
        self.assertEqual(self.listed(), [])
