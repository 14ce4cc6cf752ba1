"""
Everything that a store can be told to do, one step after the other, as a script for crash points.

Decides what the steps are.  Must not know how they are interrupted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from attrs import define, evolve, frozen
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from dfs.core.access import AccessList
from dfs.core.documents import Content, Document
from dfs.core.folders import FolderRecord
from dfs.core.history import (
    buried,
    checkpointed,
    content_of,
    described,
    redone,
    reverted,
    undone,
    without_checkpoint,
    written,
)
from dfs.store.interfaces import Access
from dfs.store.sqlite import SQLiteStore
from tests.store.pump import Pump
from tests.store.samples import ALICE, new, with_text

#: Two contents that become files: one in two writes, one that does not end with a sector.
FIRST = bytes(range(256)) * 600
SECOND = b"Long. " * 12_001


@define
class Hands:
    """Who works with a store and waits for each answer."""

    store: SQLiteStore
    pump: Pump
    gate: threading.Event

    def document(self, number: int) -> Document:
        """A document as it is."""
        return self.store.document(new(number).id) or new(number)

    def wait(self, deferred: Deferred[Any]) -> Any:
        """The answer; an error is raised."""
        return self.pump.result(deferred)

    def commit(self, document: Document, data: bytes | None = None) -> None:
        """Commit a document."""
        self.wait(self.store.commit(document, data))

    def receive(self, data: bytes) -> tuple[Any, Content]:
        """Receive a content."""
        incoming = self.store.receive(len(data))
        try:
            incoming.write(data)
            return incoming, self.wait(incoming.finish())
        except BaseException:
            incoming.release()
            raise

    def upload(self, number: int, data: bytes, depth: int = 16) -> None:
        """Give a document a large text."""
        incoming, content = self.receive(data)
        try:
            self.commit(with_text(self.document(number), content, depth))
        finally:
            incoming.release()


def _create(hands: Hands) -> None:
    hands.commit(new(1))


def _small(hands: Hands) -> None:
    hands.commit(with_text(hands.document(1), b"small"), b"small")


def _large(hands: Hands) -> None:
    hands.upload(1, FIRST)


def _same(hands: Hands) -> None:
    hands.upload(2, FIRST)


def _checkpoint(hands: Hands) -> None:
    hands.commit(checkpointed(hands.document(1), "tag", ALICE))


def _replace(hands: Hands) -> None:
    hands.commit(with_text(hands.document(1), b"other", 0), b"other")


def _undo(hands: Hands) -> None:
    hands.commit(undone(hands.document(1), ALICE))


def _redo(hands: Hands) -> None:
    hands.commit(redone(hands.document(1), ALICE))


def _revert(hands: Hands) -> None:
    hands.commit(reverted(hands.document(1), "tag", ALICE, 16))


def _bury(hands: Hands) -> None:
    hands.commit(buried(hands.document(2), ALICE))


def _drop(hands: Hands) -> None:
    hands.commit(written(hands.document(1), content_of(b"other"), ALICE, 0), b"other")
    document = hands.document(1)
    hands.commit(without_checkpoint(document, "tag", ALICE))


def _describe(hands: Hands) -> None:
    document = hands.document(1)
    access = AccessList("bob", (("alice", "w"),))
    moved = evolve(document.metadata, access=access, name="moved.txt", number=2)
    hands.commit(described(document, moved))


def _folders(hands: Hands) -> None:
    records = [FolderRecord(n, 0, f"folder {n}", "alice", 1.0, n, 0.0) for n in (1, 2)]
    hands.wait(hands.store.put_folders(records, 2))


def _join(hands: Hands) -> None:
    hands.wait(hands.store.join("cluster", 3))


def _epoch(hands: Hands) -> None:
    hands.wait(hands.store.join("cluster", 4))


def _accesses(hands: Hands) -> None:
    hands.store.accessed(new(1).id, Access(5.0, "bob"))
    hands.wait(hands.store.flush_accesses())


def _replica(hands: Hands) -> None:
    received: list[Any] = []
    document = new(3)
    try:
        for data in (FIRST, SECOND, b"few"):
            incoming, content = hands.receive(data)
            received.append(incoming)
            document = with_text(document, content)
        hands.commit(document)
    finally:
        for incoming in received:
            incoming.release()


def _forget(hands: Hands) -> None:
    assert hands.wait(hands.store.forget(new(2).id, hands.document(2).version))


def _cut(hands: Hands) -> None:
    incoming = hands.store.receive(None)
    try:
        for _ in range(8):
            room = incoming.write(SECOND * 3)
            if room is not None:
                hands.wait(room)
    finally:
        incoming.release()


def _together(hands: Hands) -> None:
    """One transaction drops the last reference to two files and refers to one of them again."""
    incoming, content = hands.receive(SECOND)
    hands.gate.clear()
    works: list[Deferred[Any]] = [hands.store.join("cluster", 4)]
    works.append(hands.store.commit(buried(hands.document(3), ALICE)))
    works.append(hands.store.commit(with_text(hands.document(4), content)))
    hands.gate.set()
    outcomes = [hands.pump.outcome(work) for work in works]
    incoming.release()
    for one in outcomes:
        if isinstance(one, Failure):
            one.raiseException()


def _close(hands: Hands) -> None:
    hands.wait(hands.store.close())


@frozen
class Step:
    """
    Something that a store is told to do.

    @ivar act: do it; raises what it is refused with.
    @ivar commits: the transaction with which it has happened.
    @ivar whole: it happens at one moment.
    """

    name: str
    act: Callable[[Hands], None]
    commits: int = 1
    whole: bool = True


STEPS = (
    Step("create", _create),
    Step("small commit", _small),
    Step("large commit", _large),
    Step("same large content", _same),
    Step("checkpoint", _checkpoint),
    Step("commit without history", _replace),
    Step("revert", _revert),
    Step("undo", _undo),
    Step("redo", _redo),
    Step("delete", _bury),
    Step("last references dropped", _drop, 2, whole=False),
    Step("metadata", _describe),
    Step("folders", _folders),
    Step("join", _join),
    Step("higher epoch", _epoch),
    Step("accesses", _accesses),
    Step("replica of several contents", _replica),
    Step("forget", _forget),
    Step("receive cut in the middle", _cut, 99),
    Step("dropped and back in one transaction", _together, 2, whole=False),
    Step("close", _close, 99),
)
