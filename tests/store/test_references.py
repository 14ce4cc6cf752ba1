"""The counted references of a store are those that its documents have, whatever happened."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from dfs.core.documents import Document
from dfs.core.history import buried, checkpointed, redone, undone, without_checkpoint
from dfs.errors import DFSError, Exists, NotFound
from dfs.store.groupcommit import connect
from dfs.store.interfaces import INLINE_BYTES
from dfs.store.sqlite import SQLiteStore
from tests.store.pump import Pump
from tests.store.samples import ALICE, new, with_text

numbers = st.integers(0, 2)
#: Two small texts, two large ones, none.
texts = st.sampled_from([b"", b"a", b"b", b"c" * (INLINE_BYTES + 1), b"d" * (INLINE_BYTES + 1)])
tags = st.sampled_from(["x", "y"])


def _raise(_: object) -> None:
    raise AssertionError("the disk did not fail")


class References(RuleBasedStateMachine):
    """Three documents that share few texts, beside a model of them."""

    def __init__(self) -> None:
        super().__init__()
        self.path = tempfile.mkdtemp()
        self.pump = Pump()
        self.model: dict[str, Document] = {}
        self.waiting: list[Deferred[Any]] = []
        self.open()

    def open(self) -> None:
        """Open the store."""
        self.store = SQLiteStore.open(
            self.path,
            "ss1",
            call_from_thread=self.pump.call_from_thread,
            new_store_id=lambda: "0" * 32,
            on_fatal=_raise,
        )

    def teardown(self) -> None:
        """Throw the store away."""
        self.pump.result(self.store.close())
        shutil.rmtree(self.path)

    def present(self, number: int) -> Document:
        """A document of the model."""
        return self.model.get(new(number).id, new(number))

    def commit(self, document: Document, data: bytes | None = None) -> None:
        """Commit, without waiting for the disk."""
        self.model[document.id] = document
        self.waiting.append(self.store.commit(document, data))

    @rule(number=numbers, text=texts, depth=st.integers(0, 2))
    def write(self, number: int, text: bytes, depth: int) -> None:
        """Write a text."""
        if len(text) <= INLINE_BYTES:
            self.commit(with_text(self.present(number), text, depth), text)
            return
        incoming = self.store.receive(len(text))
        incoming.write(text)
        content = self.pump.result(incoming.finish())
        self.commit(with_text(self.present(number), content, depth))
        incoming.release()

    @rule(number=numbers, back=st.booleans())
    def move(self, number: int, back: bool) -> None:
        """Undo or redo."""
        with contextlib.suppress(NotFound):
            self.commit((undone if back else redone)(self.present(number), ALICE))

    @rule(number=numbers, tag=tags, keep=st.booleans())
    def checkpoint(self, number: int, tag: str, keep: bool) -> None:
        """Make or remove a checkpoint."""
        change = checkpointed if keep else without_checkpoint
        with contextlib.suppress(Exists, NotFound):
            self.commit(change(self.present(number), tag, ALICE))

    @rule(number=numbers)
    def bury(self, number: int) -> None:
        """Delete a document."""
        self.commit(buried(self.present(number), ALICE))

    @rule(text=texts)
    def give_up(self, text: bytes) -> None:
        """Upload for nothing."""
        incoming = self.store.receive(None)
        incoming.write(text)
        self.pump.result(incoming.finish())
        incoming.release()

    @rule(number=numbers)
    def fail(self, number: int) -> None:
        """Commit a content that is nowhere."""
        refused = self.store.commit(with_text(self.present(number), b"nowhere"))
        assert isinstance(self.pump.outcome(refused).value, DFSError)

    @rule()
    def reopen(self) -> None:
        """Close and open."""
        self.settle()
        self.pump.result(self.store.close())
        self.open()

    def settle(self) -> None:
        """Wait for every commit."""
        for one in self.waiting:
            self.pump.result(one)
        self.waiting.clear()

    @rule()
    def compare(self) -> None:
        """Tables and files are what the model says."""
        self.settle()
        self.pump.result(self.store.close())
        expected = Counter(
            content.sha256
            for document in self.model.values()
            for content in document.contents()
            if content.size
        )
        connection = connect(os.path.join(self.path, "store.db"))
        rows = connection.execute("SELECT sha256, refs, data IS NULL FROM contents").fetchall()
        connection.close()
        assert {row[0]: row[1] for row in rows} == expected
        files = {name for _, _, names in os.walk(f"{self.path}/objects") for name in names}
        assert files == {row[0].hex() for row in rows if row[2]}
        assert os.listdir(f"{self.path}/incoming") == []
        self.open()

    @invariant()
    def documents_are_there(self) -> None:
        """Once everything is answered the store has exactly the model."""
        if len(self.waiting) > 3:
            self.settle()
            for document in self.model.values():
                assert self.store.document(document.id) == document


class ReferenceTests(SynchronousTestCase):
    """See L{References}."""

    def test_references(self) -> None:
        """Contents are counted as often as documents refer to them, and kept as long."""
        few = settings(max_examples=25, stateful_step_count=25, deadline=None)
        run_state_machine_as_test(References, settings=few)
