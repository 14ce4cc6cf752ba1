"""CREATEFOLDER, VIEWFOLDER, MOVE and DELETEFOLDER at the name server."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred

from dfs.errors import (
    Busy,
    Conflict,
    DFSError,
    Exists,
    Invalid,
    Locked,
    NotFound,
    Unauthorized,
    Unavailable,
)
from dfs.nm.arrangement import AT_ONCE, SLICE
from dfs.wire import branches
from dfs.wire.client import Connection
from dfs.wire.messages import (
    AddAccess,
    Create,
    CreateFolder,
    Delete,
    DeleteFile,
    DeleteFolder,
    GetInfo,
    Move,
    PutMetadata,
    View,
    ViewFolder,
)
from tests.nm.rig import Rig


class ArrangementCase(Rig):
    """
    One storage server; alice and bob.
    """

    def setUp(self) -> None:
        super().setUp()
        self.ss1 = self.registered()
        self.alice, self.bob = self.person("alice"), self.person("bob")

    def again(self) -> None:
        """The name server is restarted, and everybody is back."""
        self.restart()
        self.ss1.register(cluster_id=self.disk.cluster_id)
        self.alice, self.bob = self.person("alice"), self.person("bob")

    def folder(self, path: str, who: Connection | None = None, **options: bool) -> list[str]:
        """What stands in a folder; folders end with a slash."""
        lines = self.items(who or self.alice, ViewFolder(path, **options))
        return [line.path + "/" * line.folder for line in lines]

    def everything(self) -> list[str]:
        """All folders and documents, whoever may read them."""
        return self.folder("/", all=True, deep=True)

    def said(self, who: Connection, request: Any) -> list[object]:
        """What somebody is answered, once they are."""
        answers: list[object] = []
        who.ask(request).addBoth(answers.append)
        return answers

    def removed(self, who: Connection, request: DeleteFolder) -> list[str]:
        """What is deleted."""
        return [line.path for line in self.items(who, request)]

    def removal_refused(
        self, error: type[DFSError], who: Connection, request: DeleteFolder, pattern: str
    ) -> None:
        """A deletion is refused, for this reason."""
        with self.assertRaisesRegex(error, pattern):
            self.items(who, request)


class FolderTests(ArrangementCase):
    """
    Folders come, stay and go.
    """

    def test_made(self) -> None:
        """A folder is there until it is deleted, empty or not, after a restart too."""
        made = self.ask(self.alice, CreateFolder("a/b/"))
        self.assertRegex(made.id, "^[0-7][0-9a-f]{15}$")
        self.assertEqual(self.everything(), ["a/", "a/b/"])
        self.again()
        self.assertEqual(self.everything(), ["a/", "a/b/"])
        self.assertEqual(self.ask(self.alice, CreateFolder("/a/b", existing=True)).id, made.id)
        self.refused(Exists, self.bob, CreateFolder("a/b"), "'a/b' is a folder")
        self.refused(Exists, self.bob, CreateFolder("/"), "root")

    def test_made_with_a_document(self) -> None:
        """A document makes the folders that it stands in, and they stay when it goes."""
        self.ask(self.bob, Create("a/b/c.txt"))
        self.ask(self.bob, Delete("a/b/c.txt"))
        self.again()
        self.assertEqual(self.everything(), ["a/", "a/b/"])
        self.refused(Unauthorized, self.alice, DeleteFolder("a/b"), "belongs to bob")
        self.assertEqual(self.removed(self.bob, DeleteFolder("a/b")), [])
        self.assertEqual(self.everything(), ["a/"])

    def test_one_name(self) -> None:
        """A name is a document or a folder, never both."""
        self.ask(self.alice, Create("a"))
        self.refused(Exists, self.alice, CreateFolder("a"), "exists already")
        self.refused(Exists, self.alice, CreateFolder("a/b"), "'a' is a document")
        self.refused(Exists, self.alice, Create("a/b"), "'a' is a document")
        self.ask(self.alice, CreateFolder("b"))
        self.refused(Exists, self.alice, Create("b"), "is a folder")
        self.refused(NotFound, self.alice, GetInfo("b"), "is a folder")
        self.refused(NotFound, self.alice, Delete("b"), "is a folder")

    def test_nothing_left(self) -> None:
        """What could not be kept leaves no folder behind, and no name taken."""
        self.disk.trouble = "disk full"
        self.refused(Unavailable, self.alice, CreateFolder("x/y"))
        self.refused(Unavailable, self.alice, Create("x/y"))
        self.disk.trouble = ""
        self.wait(6)
        self.assertEqual(self.everything(), [])
        self.ask(self.bob, Create("x"))

    def test_not_shown_early(self) -> None:
        """Nothing is shown that the journal does not know."""
        self.holding = True
        answers = self.said(self.alice, CreateFolder("a/b"))
        self.wait(1)
        self.assertEqual(self.everything(), [])
        self.assertEqual(answers, [])
        self.release()
        self.assertEqual(self.everything(), ["a/", "a/b/"])
        self.assertEqual(len(answers), 1)

    def test_two_at_once(self) -> None:
        """Two who make the same folder at once get one, each may fill it."""
        self.holding = True
        for who, name in ((self.alice, "a/b/1"), (self.bob, "a/b/2"), (self.bob, "a/c")):
            self.said(who, Create(name))
        self.wait(1)
        self.release()
        self.wait(1)
        self.assertEqual(self.everything(), ["a/", "a/b/", "a/b/1", "a/b/2", "a/c"])
        self.again()
        self.assertEqual(self.everything(), ["a/", "a/b/", "a/b/1", "a/b/2", "a/c"])


class ViewFolderTests(ArrangementCase):
    """
    What stands in a folder, and who sees it.
    """

    def test_rights(self) -> None:
        """H62: documents are listed for those who may read them; folders, for everybody."""
        for path in ("a/b/mine", "a/open"):
            self.ask(self.alice, Create(path))
        self.ask(self.alice, AddAccess("a/open", "bob", "r"))
        self.assertEqual(self.folder("a", self.bob), ["a/b/", "a/open"])
        self.assertEqual(self.folder("a/b", self.bob), [])
        self.assertEqual(self.folder("/", self.bob, deep=True), ["a/", "a/b/", "a/open"])
        [line] = self.items(self.bob, ViewFolder("a/b", all=True))
        self.assertEqual((line.path, line.right, line.server), ("a/b/mine", "-", ""))

    def test_one(self) -> None:
        """A document shows itself, to who may read it; a folder does if asked for that."""
        self.ask(self.alice, Create("a/b"))
        self.assertEqual(self.folder("a/b"), ["a/b"])
        self.refused(Unauthorized, self.bob, ViewFolder("a/b"))
        self.assertEqual(self.folder("a", itself=True), ["a/"])
        self.refused(NotFound, self.bob, ViewFolder("b"), "there is no document 'b'")

    def test_many(self) -> None:
        """H42: all of 10,000 entries are listed, in order, and others are answered meanwhile."""
        names = [f"{number:05}" for number in range(10_000)]
        folder = self.ask(self.alice, CreateFolder("many"))
        entries = self.nm.index
        self.ask(self.alice, Create("many/x"))
        one = entries.document("many/x").stored()
        for number, name in enumerate(names, 1_000):
            entries.add(evolve(one, id=number, name=name, folder=int(folder.id, 16))).live = True
        self.assertEqual(self.folder("many"), [f"many/{name}" for name in [*names, "x"]])


class MoveTests(ArrangementCase):
    """
    Documents and folders stand elsewhere.
    """

    def moved(self, path: str, target: str, who: Connection | None = None) -> str:
        """Where it stands afterwards."""
        return self.ask(who or self.alice, Move(path, target)).path

    def test_targets(self) -> None:
        """H8: into a folder with and without a slash, between folders, to the root, renamed."""
        self.ask(self.alice, Create("a.txt"))
        self.ask(self.alice, CreateFolder("one"))
        for target, path in (
            ("one", "one/a.txt"),
            ("/", "a.txt"),
            ("one/", "one/a.txt"),
            ("two/", "two/a.txt"),
            ("three/b.txt", "three/b.txt"),
            ("/one/", "one/b.txt"),
            ("b.txt", "b.txt"),
        ):
            before = self.folder("/", deep=True)
            source = next(path for path in before if path.endswith(".txt"))
            self.assertEqual(self.moved(source, target), path)
            self.assertEqual(self.ask(self.alice, GetInfo(path)).path, path)
            self.refused(NotFound, self.alice, GetInfo(source))
        self.again()
        self.assertEqual(self.everything(), ["b.txt", "one/", "three/", "two/"])

    def test_document(self) -> None:
        """A document keeps its id and access list, and its storage server is told."""
        made = self.ask(self.alice, Create("a.txt"))
        self.ask(self.alice, AddAccess("a.txt", "bob", "w"))
        self.moved("a.txt", "b/c.txt")
        order = [one for one in self.ss1.orders if isinstance(one, PutMetadata)][-1]
        self.assertEqual((order.id, order.name, order.number), (made.id, "c.txt", 3))
        self.assertEqual((order.named, order.grants), (3, ("w:bob",)))
        self.assertEqual(self.ask(self.bob, GetInfo("b/c.txt")).id, made.id)
        self.again()
        info = self.ask(self.bob, GetInfo("b/c.txt"))
        self.assertEqual((info.id, info.owner, info.grants), (made.id, "alice", ("w:bob",)))

    def test_folder(self) -> None:
        """A folder is moved with everything, by one record, and no document changes."""
        for number in range(20):
            self.ask(self.bob, Create(f"a/b/{number}"))
        self.ask(self.alice, CreateFolder("x"))
        self.refused(Unauthorized, self.alice, Move("a/b", "x"), "belongs to bob")
        documents, orders = dict(self.disk.documents), len(self.ss1.orders)
        self.assertEqual(self.moved("a/b/", "x", self.bob), "x/b")
        self.assertEqual(self.disk.documents, documents)
        self.assertEqual(self.ss1.orders[orders:], [])
        self.ask(self.bob, GetInfo("x/b/7"))
        self.again()
        self.assertEqual(self.everything()[:4], ["a/", "x/", "x/b/", "x/b/0"])

    def test_refused(self) -> None:
        """Nothing is overwritten, and what makes no sense is refused without a trace."""
        for path in ("a/b/c", "d", "e/b"):
            self.ask(self.alice, Create(path))
        before = self.everything()
        for path, target, error in (
            ("d", "a/b/c", Exists),
            ("d", "d", Exists),
            ("d", "a/b/c/x", Exists),
            ("a/b", "e", Exists),
            ("a/b", "d", Exists),
            ("a", "a", Invalid),
            ("a", "a/b/", Invalid),
            ("a", "a/b/x/y", Invalid),
            ("nothing", "x", NotFound),
            ("a/nothing", "x", NotFound),
            ("d/x", "y", NotFound),
            ("/", "a", Invalid),
            ("d", "../x", Invalid),
            ("d", "", Exists),
        ):
            self.refused(error, self.alice, Move(path, target))
            self.assertEqual(self.everything(), before, (path, target))
        self.refused(Unauthorized, self.bob, Move("d", "x"))
        self.refused(Unauthorized, self.bob, Move("a", "new/x"))
        self.assertEqual(self.everything(), before)

    def test_writers_may_not(self) -> None:
        """Who may write a document may not move it."""
        self.ask(self.alice, Create("a"))
        self.ask(self.alice, AddAccess("a", "bob", "w"))
        self.refused(Unauthorized, self.bob, Move("a", "b"), "only its owner")

    def test_too_long(self) -> None:
        """A folder is not moved to where something in it would have no legal path."""
        part = "x" * 250
        self.ask(self.alice, Create("/".join(["a", part, part, part, "end"])))
        self.ask(self.alice, CreateFolder("b" * 200))
        self.refused(Invalid, self.alice, Move("a", f"{'b' * 255}/{'c' * 100}"), "1024 bytes")
        self.assertEqual(self.moved("a", "b" * 200), "b" * 200 + "/a")
        self.ask(self.alice, Delete("/".join(["b" * 200, "a", part, part, part, "end"])))
        self.refused(Invalid, self.alice, Move("b" * 200, f"{'c' * 255}/{'d' * 100}"), "1024 bytes")
        self.removed(self.alice, DeleteFolder("/".join(["b" * 200, "a", part, part, part])))
        self.moved("b" * 200, f"{'c' * 255}/{'d' * 100}")

    def test_reserved(self) -> None:
        """While a move is written down nobody else takes the new name, or the old one."""
        self.ask(self.alice, Create("a"))
        self.holding = True
        moved = self.said(self.alice, Move("a", "x/b"))
        self.wait(1)
        others = [self.said(self.bob, Create(path)) for path in ("x/b", "x/b/c", "a")]
        self.wait(1)
        self.assertEqual(self.everything(), ["a"])
        self.release()
        self.wait(1)
        self.assertEqual(len(moved), 1)
        self.assertEqual(self.everything(), ["a", "x/", "x/b"])
        [taken], [below], _ = others
        for failure in (taken, below):
            self.assertIsInstance(getattr(failure, "value", None), Exists)
        self.assertEqual(self.ask(self.bob, GetInfo("a")).owner, "bob")

    def test_failed(self) -> None:
        """A move that the journal refuses did not happen, and is possible later."""
        for path in ("a", "f/g"):
            self.ask(self.alice, Create(path))
        self.disk.trouble = "disk full"
        self.refused(Unavailable, self.alice, Move("a", "x/y"))
        self.refused(Unavailable, self.alice, Move("f", "x/"))
        self.disk.trouble = ""
        self.assertEqual(self.everything(), ["a", "f/", "f/g"])
        self.assertEqual(self.moved("f", "x/"), "x/f")
        self.assertEqual(self.moved("a", "x/y"), "x/y")

    def test_into_each_other(self) -> None:
        """Two folders that are moved into each other at once: one is, the other is refused."""
        for path in ("a", "b"):
            self.ask(self.alice, CreateFolder(path))
        self.holding = True
        answers = [
            self.said(self.alice, Move(one, other)) for one, other in (("a", "b"), ("b", "a"))
        ]
        self.wait(1)
        self.release()
        self.wait(1)
        self.assertEqual(self.everything(), ["b/", "b/a/"])
        self.assertEqual([len(one) for one in answers], [1, 1])

    def test_made_meanwhile(self) -> None:
        """What is made in a folder while that is moved is in the folder, wherever it is."""
        self.ask(self.alice, CreateFolder("a"))
        self.holding = True
        self.said(self.alice, Create("a/one"))
        self.said(self.alice, Move("a", "b"))
        self.said(self.alice, Create("a/two"))
        self.wait(1)
        self.release()
        self.wait(1)
        self.assertEqual(self.everything(), ["b/", "b/one", "b/two"])
        self.again()
        self.assertEqual(self.everything(), ["b/", "b/one", "b/two"])


class DeleteFolderTests(ArrangementCase):
    """
    Folders go.
    """

    def test_empty_only(self) -> None:
        """A folder in which something stands is deleted only recursively."""
        self.ask(self.alice, Create("a/b"))
        self.removal_refused(Conflict, self.alice, DeleteFolder("a"), "not empty")
        self.removal_refused(Invalid, self.alice, DeleteFolder("/"), "root")
        self.removal_refused(NotFound, self.alice, DeleteFolder("b"), "no folder")
        self.removal_refused(NotFound, self.alice, DeleteFolder("a/b"), "is a document")
        self.assertEqual(self.everything(), ["a/", "a/b"])

    def test_recursive(self) -> None:
        """Everything below goes, in any number; each document is told."""
        paths = [f"a/{number % 7}/{number:03}" for number in range(100)]
        for path in paths:
            self.ask(self.alice, Create(path))
        self.ask(self.alice, Create("b"))
        told = self.removed(self.alice, DeleteFolder("a", recursive=True))
        self.assertEqual(sorted(told), sorted(paths))
        self.assertEqual(self.everything(), ["b"])
        self.assertEqual(sum(isinstance(one, DeleteFile) for one in self.ss1.orders), 100)
        self.again()
        self.assertEqual(self.everything(), ["b"])

    def test_others(self) -> None:
        """What is not all one's own is not deleted recursively, and nothing of it is."""
        self.ask(self.alice, Create("a/1"))
        self.ask(self.bob, Create("a/b/2"))
        request = DeleteFolder("a", recursive=True)
        self.removal_refused(Unauthorized, self.alice, request, "'a/b' belongs to bob")
        self.assertEqual(self.everything(), ["a/", "a/1", "a/b/", "a/b/2"])

    def test_locked(self) -> None:
        """One document that is edited stays with its folder; the others go, and it is said."""
        made = [self.ask(self.alice, Create(f"a/{number}")).id for number in range(5)]

        def edited(order: object) -> None:
            if isinstance(order, DeleteFile) and order.id == made[2]:
                raise Locked("bob edits sentence 0")

        self.ss1.script = edited
        request = DeleteFolder("a", recursive=True)
        self.removal_refused(
            Locked, self.alice, request, "4 documents .* 1 not, 'a/2' .* bob edits"
        )
        self.assertEqual(self.everything(), ["a/", "a/2"])

    def test_unheard(self) -> None:
        """Whoever goes away while documents are deleted ends that; nothing else comes of it."""
        for number in range(40):
            self.ask(self.alice, Create(f"a/{number}"))
        orders: list[Deferred[None]] = []

        def later(order: object) -> Deferred[None]:
            orders.append(Deferred())
            return orders[-1]

        self.ss1.script = later
        leaver = self.person("alice")
        told = self._items(leaver, DeleteFolder("a", recursive=True))
        Deferred.fromCoroutine(told).addErrback(lambda _: None)
        self.wait(1)
        leaver.close(abort=True)
        self.wait(1)
        for order in orders:
            order.callback(None)
        self.wait(1)
        self.assertEqual(len(orders), AT_ONCE)
        self.assertEqual(len(self.everything()), 1 + 40 - AT_ONCE)
        self.assertEqual(self.flushLoggedErrors(), [])

    def begun(self, request: DeleteFolder) -> tuple[list[Any], Deferred[None]]:
        """Alice begins to delete; her answer, and the first order, which is not answered yet."""
        order: Deferred[None] = Deferred()
        self.ss1.script = lambda _: None if order.called else order
        answers: list[Any] = []
        Deferred.fromCoroutine(self._items(self.alice, request)).addBoth(answers.append)
        self.wait(1)
        return answers, order

    def test_moved_out(self) -> None:
        """What is moved out of a folder while that is deleted is not deleted."""
        for number in range(AT_ONCE):
            self.ask(self.alice, Create(f"a/b/{number}"))
        self.ask(self.alice, Create("a/b/c/late"))
        self.ask(self.alice, CreateFolder("a/b/d"))
        answers, order = self.begun(DeleteFolder("a", recursive=True))
        self.ask(self.alice, Move("a/b/c", "c"))
        self.ask(self.alice, Move("a/b/d", "d"))
        order.callback(None)
        self.wait(1)
        self.assertEqual(len(answers[0]), AT_ONCE)
        self.assertEqual(self.everything(), ["c/", "c/late", "d/"])

    def test_made_meanwhile(self) -> None:
        """A folder that somebody else makes in a folder while that is deleted is theirs."""
        self.ask(self.alice, Create("a/1"))
        answers, order = self.begun(DeleteFolder("a", recursive=True))
        self.ask(self.bob, CreateFolder("a/b"))
        order.callback(None)
        self.wait(1)
        self.assertIsInstance(answers[0].value, Unauthorized)
        self.assertEqual(self.everything(), ["a/", "a/b/"])

    def test_all_refused(self) -> None:
        """Others have their turn while very many documents are refused one after the other."""
        for number in range(SLICE + 1):
            self.ask(self.alice, Create(f"a/{number}"))
        self.ss1.goodbye()
        self.wait(1)
        refused: list[Any] = []
        request = self._items(self.alice, DeleteFolder("a", recursive=True))
        Deferred.fromCoroutine(request).addBoth(refused.append)
        self.clock.pump([0, 0])
        self.assertEqual(refused, [])
        self.wait(1)
        self.assertIsInstance(refused[0].value, Unavailable)

    def test_filled_meanwhile(self) -> None:
        """Nothing is lost that is put into a folder while that is deleted."""
        self.ask(self.alice, CreateFolder("a"))
        self.holding = True
        filling = self.said(self.bob, Create("a/b"))
        self.removal_refused(Conflict, self.alice, DeleteFolder("a"), "not empty")
        self.release()
        self.wait(1)
        self.assertEqual(len(filling), 1)
        self.holding = True
        Deferred.fromCoroutine(self._items(self.bob, DeleteFolder("a"))).addErrback(lambda _: None)
        self.said(self.bob, Create("c/d"))
        self.release()
        self.wait(1)
        self.assertEqual(self.everything(), ["a/", "a/b", "c/", "c/d"])

    def test_going(self) -> None:
        """Nothing is put into a folder whose end is being written down."""
        self.ask(self.alice, CreateFolder("a"))
        self.ask(self.alice, Create("x"))
        self.holding = True
        going = self._items(self.alice, DeleteFolder("a"))
        gone: list[object] = []
        Deferred.fromCoroutine(going).addCallback(gone.append)
        self.wait(1)
        self.refused(Busy, self.bob, Create("a/b"), "being deleted")
        self.refused(Busy, self.alice, Move("x", "a/"), "being deleted")
        self.release()
        self.wait(1)
        self.assertEqual(gone, [[]])
        self.ask(self.bob, Create("a/b"))
        self.assertEqual(self.everything(), ["a/", "a/b", "x"])


class TellingTests(ArrangementCase):
    """
    Storage servers know the folders.
    """

    def told(self, since: int = 0) -> list[tuple[str, str, bool]]:
        """Name, owner and end of what the storage server was told, in order."""
        self.wait(1)
        found = []
        for _, body in self.ss1.folders[since:]:
            found += [(one.name, one.owner, bool(one.gone)) for one in branches.read(body)]
        return found

    def test_told(self) -> None:
        """Each decision about a folder reaches the storage server, in order."""
        self.ask(self.alice, Create("a/b/c"))
        self.ask(self.alice, Move("a/b", "d"))
        self.ask(self.alice, Delete("d/c"))
        self.removed(self.alice, DeleteFolder("d"))
        self.assertEqual(
            self.told(),
            [
                ("a", "alice", False),
                ("b", "alice", False),
                ("d", "alice", False),
                ("d", "alice", True),
            ],
        )

    def test_away(self) -> None:
        """A storage server that comes back is told what it lacks, and only that."""
        self.ask(self.alice, CreateFolder("a"))
        self.ask(self.alice, CreateFolder("b"))
        self.wait(1)
        number = self.disk.folders[max(self.disk.folders, key=self._number)].number
        self.ss1.goodbye()
        self.ask(self.alice, CreateFolder("c"))
        self.removed(self.alice, DeleteFolder("a"))
        since = len(self.ss1.folders)
        self.ss1.register(cluster_id=self.disk.cluster_id, folders=number)
        self.assertEqual(self.told(since), [("c", "alice", False), ("a", "alice", True)])

    def _number(self, folder_id: int) -> int:
        return self.disk.folders[folder_id].number

    def test_empty_store(self) -> None:
        """A new storage server is told of every folder there is, in messages of a bounded size."""
        names = [f"{number:04}-{'ü' * 100}" for number in range(1_000)]
        for name in names:
            self.ask(self.alice, CreateFolder(name))
        self.wait(1)
        self.ss1.goodbye()
        since = len(self.ss1.folders)
        self.ss1.register(cluster_id=self.disk.cluster_id, folders=0)
        self.assertEqual([name for name, _, _ in self.told(since)], names)
        for _, body in self.ss1.folders[since:]:
            self.assertLessEqual(len(body), branches.MOST_BYTES)

    def test_numbers(self) -> None:
        """No number is given twice, though the end of a folder is forgotten after 30 days."""
        self.ask(self.alice, CreateFolder("a"))
        self.removed(self.alice, DeleteFolder("a"))
        self.calendar += 31 * 24 * 3600
        self.again()
        self.ask(self.alice, CreateFolder("b"))
        self.calendar += 31 * 24 * 3600
        self.again()
        self.wait(1)
        self.assertEqual([(one.name, one.number) for one in self.disk.folders.values()], [("b", 3)])
        self.assertEqual([line.path for line in self.items(self.alice, View())], [])
