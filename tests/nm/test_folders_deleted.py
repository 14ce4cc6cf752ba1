"""DELETEFOLDER at the name server."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from dfs.errors import (
    Busy,
    Conflict,
    Invalid,
    Locked,
    NotFound,
    Unauthorized,
    Unavailable,
)
from dfs.nm.arrangement import AT_ONCE, SLICE
from dfs.wire.messages import (
    Create,
    CreateFolder,
    DeleteFile,
    DeleteFolder,
    Move,
)
from tests.nm.arranging import ArrangementCase


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
