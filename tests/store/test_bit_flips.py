"""A flipped bit on the disk is noticed: nothing wrong is served, told or copied."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import struct
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import provider

from dfs.core.documents import Content, Summary
from dfs.core.history import buried, checkpointed
from dfs.errors import Conflict, Corrupt, DFSError
from dfs.store.sqlite import SQLiteStore
from tests.store.moments import Contents, contents, scratch
from tests.store.pump import Pump
from tests.store.samples import ALICE, new, with_text
from tests.store.steps import FIRST, SECOND, STEPS, Hands

#: Bits that are flipped anywhere in the database.
ANYWHERE = 400

#: Columns on which nothing depends that anybody is told OK for, or that say something twice.
HARMLESS = {
    *(("accesses", "document"), ("accesses", "at"), ("accesses", "user")),
    *(("contents", "refs"), ("contents", "again"), ("contents", "size")),
}


def flipped(value: Any, bit: int) -> Any:
    """A value with another bit, as SQLite would read it."""
    if isinstance(value, int):
        return value ^ (1 << bit % 40)
    if isinstance(value, float):
        [bits] = struct.unpack("<Q", struct.pack("<d", value))
        [other] = struct.unpack("<d", struct.pack("<Q", bits ^ (1 << bit % 62)))
        return other
    raw = bytearray(value.encode() if isinstance(value, str) else value)
    if raw:
        raw[bit // 8 % len(raw)] ^= 1 << bit % 8
    # Bytes that are no text any more stay text to SQLite.
    return bytes(raw)


class BitFlipTests(SynchronousTestCase):
    """One bit in a store at rest, in each kind of record, and in the files."""

    def setUp(self) -> None:
        self.top = scratch()
        self.addCleanup(shutil.rmtree, self.top)
        self.logged: list[str] = []
        self.lines: list[str] = []

        @provider(ILogObserver)
        def observe(event: LogEvent) -> None:
            self.observe(event)

        globalLogPublisher.addObserver(observe)
        self.addCleanup(globalLogPublisher.removeObserver, observe)
        self.outcomes: Counter[str] = Counter()
        self.original = self.make()

    def observe(self, event: LogEvent) -> None:
        """Which events there were, and as what they are written."""
        self.logged.append(str(event.get("log_event", "")))
        self.lines.append(formatEvent(event))

    @property
    def path(self) -> str:
        """Of the store that is damaged."""
        return f"{self.top}/ss1"

    def open(self) -> SQLiteStore:
        """Open it."""
        self.pump = Pump()
        return SQLiteStore.open(
            self.path,
            "ss1",
            call_from_thread=self.pump.call_from_thread,
            new_store_id=lambda: "f" * 32,
            on_fatal=lambda _: None,
        )

    def make(self) -> Contents:
        """A store with some of everything."""
        store = self.open()
        hands = Hands(store, self.pump, None)  # type: ignore[arg-type]
        for step in STEPS:
            if step.name not in ("dropped and back in one transaction", "close"):
                step.act(hands)
        hands.commit(checkpointed(hands.document(3), "kept", ALICE))
        hands.commit(buried(hands.document(5), ALICE))
        for number in range(20, 60):
            text = b"Text %d. " % number * number * 10
            hands.commit(with_text(new(number), text), text)
        said = contents(store, self.pump)
        self.pump.result(store.close())
        shutil.copytree(self.path, f"{self.top}/good")
        return said

    def restore(self) -> None:
        """The store is as it was made."""
        shutil.rmtree(self.path)
        shutil.copytree(f"{self.top}/good", self.path)

    def text(self, store: SQLiteStore, content: Content) -> bytes:
        """All of a content."""
        reader = store.reader(content)
        pieces = []
        try:
            while piece := self.pump.result(reader.read()):
                pieces.append(piece)
        finally:
            reader.close()
        return b"".join(pieces)

    def look(self, where: str) -> str:
        """
        Open the damaged store and ask it everything; how the damage showed.

        What it says is what it was told, or C{CORRUPT}.
        """
        self.logged.clear()
        try:
            store = self.open()
        except (Corrupt, Conflict):
            return "not opened"
        try:
            shown = {self.ask(where, call, right) for call, right in self.questions(store)}
        finally:
            self.outcome(store.close())
        if "record_damaged" in self.logged:
            shown.add("logged")
        return ", ".join(sorted(shown - {"right"})) or "right"

    def outcome(self, deferred: Deferred[Any]) -> Any:
        """How something ended."""
        return self.pump.outcome(deferred)

    def questions(self, store: SQLiteStore) -> Iterator[tuple[Callable[[], Any], Any]]:
        """What is asked, and what was said before."""
        good = self.original
        yield store.identity, good.identity
        yield store.folders, good.folders
        yield store.folders_number, good.folders_number
        for name, (_, document) in good.documents.items():
            yield lambda name=name: store.document(name), document  # type: ignore[misc]
            yield lambda name=name: (found := store.head(name)) and found.current, document.current  # type: ignore[misc]
            for content in document.contents():
                yield (
                    lambda content=content: self.text(store, content) and content.sha256,  # type: ignore[misc]
                    content.sha256 if content.size else b"",
                )
        yield lambda: [self.check_summary(one) for one in store.changes_after(0, 10_000)], None

    def check_summary(self, one: Summary) -> str:
        """What the name server would be told was committed."""
        seq, document = self.original.documents[one.id]
        said = (one.seq, one.version, one.content, one.epoch, one.deleted, one.modified_by)
        current = document.current
        true = (seq, document.version, current.content, document.epoch, document.deleted)
        assert said == (*true, current.modified_by), said
        return one.id

    def ask(self, where: str, call: Callable[[], Any], right: Any) -> str:
        """One question."""
        try:
            said = call()
        except Corrupt:
            return "CORRUPT"
        except DFSError as error:
            return error.code
        if said is None and right is not None:
            return "missing"
        if right is not None:
            self.assertEqual(said, right, where)
        return "right"

    def cells(self) -> Iterator[tuple[str, str, int, Any]]:
        """Every value of every row of every table, but for rows of a kind only a few."""
        with sqlite3.connect(f"{self.top}/good/store.db") as database:
            for table in ("identity", "folders", "documents", "contents", "accesses"):
                columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
                order = "document" if table == "accesses" else "rowid"
                for row in database.execute(f"SELECT {order}, * FROM {table} LIMIT 3"):
                    for column, value in zip(columns, row[1:], strict=True):
                        if value is not None:
                            yield table, column, row[0], value
        database.close()

    def test_values(self) -> None:
        """
        Each value of each kind of record, a bit at its beginning, middle and end.

        What is logged of it can be written to any log: an id that is no text any more too.
        """
        for table, column, row, value in list(self.cells()):
            for bit in (0, 3, 7, 21, 39, 51, 803):
                other = flipped(value, bit)
                if other == value or (isinstance(other, bytes) and not other):
                    continue
                self.restore()
                database = sqlite3.connect(f"{self.path}/store.db")
                key = "document" if table == "accesses" else "rowid"
                place = "CAST(? AS TEXT)" if isinstance(value, str) else "?"
                try:
                    database.execute(
                        f"UPDATE {table} SET {column} = {place} WHERE {key} = ?", (other, row)
                    )
                    database.commit()
                except sqlite3.IntegrityError:
                    continue
                finally:
                    database.close()
                where = f"{table}.{column} of {row}, bit {bit}"
                shown = self.look(where)
                self.outcomes[f"value: {shown}"] += 1
                if (table, column) not in HARMLESS:
                    self.assertNotEqual(shown, "right", where)
        "".join(self.lines).encode()
        self.report()

    def test_anywhere(self) -> None:
        """Any bit of the database's pages: right, CORRUPT, or not opened."""
        chance = random.Random(5)
        size = os.path.getsize(f"{self.top}/good/store.db")
        for number in range(ANYWHERE):
            self.restore()
            bit = chance.randrange(size * 8)
            flip(f"{self.path}/store.db", bit)
            self.outcomes[f"page: {self.look(f'flip {number}: bit {bit}')}"] += 1
        self.report()

    def test_files(self) -> None:
        """The first, a middle and the last byte of each file, each bit, stopped and running."""
        for data in (FIRST, SECOND):
            content = next(
                content
                for _, document in self.original.documents.values()
                for content in document.contents()
                if content.size == len(data)
            )
            name = content.sha256.hex()
            file = f"{self.path}/objects/{name[:2]}/{name}"
            for byte in (0, len(data) // 2, len(data) - 1):
                for bit in range(8):
                    self.restore()
                    if bit % 2:
                        flip(file, byte * 8 + bit)
                    store = self.open()
                    if not bit % 2:
                        flip(file, byte * 8 + bit)
                    self.assertRaises(Corrupt, self.text, store, content)
                    self.pump.result(store.close())
                    self.outcomes["file: CORRUPT"] += 1
        self.report()

    def test_committed_over(self) -> None:
        """A change of a damaged document is refused; those of others do no harm to anybody."""
        chance = random.Random(6)
        size = os.path.getsize(f"{self.top}/good/store.db")
        for number in range(ANYWHERE // 6):
            self.restore()
            flip(f"{self.path}/store.db", chance.randrange(size * 8))
            try:
                store = self.open()
            except (Corrupt, Conflict):
                continue
            changed = self.change_all(store)
            self.outcome(store.close())
            self.check_changed(f"flip {number}", changed)
        print(f"\n{ANYWHERE // 6} bits flipped, then committed over:", dict(self.outcomes))

    def change_all(self, store: SQLiteStore) -> dict[str, bytes]:
        """Give every second document a new text; what was answered OK."""
        changed = {}
        for name in list(self.original.documents)[::2]:
            text = b"new text of " + name.encode()
            try:
                document = store.document(name)
            except Corrupt:
                continue
            if document is not None and not document.deleted:
                done = self.outcome(store.commit(with_text(document, text, 0), text))
                if isinstance(done, Failure):
                    assert isinstance(done.value, DFSError), done
                    self.outcomes[f"commit: {done.value.code}"] += 1
                else:
                    changed[name] = text
        return changed

    def check_changed(self, where: str, changed: dict[str, bytes]) -> None:
        """What was answered OK is there, and so is what nobody touched, or it is CORRUPT."""
        try:
            store = self.open()
        except Corrupt:
            return
        for name, (_, before) in self.original.documents.items():
            try:
                document = store.document(name)
                if document is None:
                    self.outcomes["commit: missing"] += 1
                elif name in changed:
                    self.assertEqual(self.text(store, document.current.content), changed[name])
                else:
                    self.assertEqual(document, before, where)
                    for content in document.contents():
                        self.text(store, content)
                self.outcomes["commit: right"] += 1
            except DFSError as error:
                self.outcomes[f"commit, then: {error.code}"] += 1
        self.outcome(store.close())

    def report(self) -> None:
        """What came of it."""
        print(f"\n{self.outcomes.total()} bits flipped:", dict(self.outcomes))


def flip(path: str, bit: int) -> None:
    """Flip a bit of a file."""
    with open(path, "r+b") as file:
        file.seek(bit // 8)
        [byte] = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))
