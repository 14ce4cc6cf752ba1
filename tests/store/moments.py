"""
A store that is stopped at every moment at which something happens on its disk.

Decides which moments these are (each call of L{dfs.store.files}, and both sides of each statement
that writes the database), what is kept of each, and how a store is made of what is left.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

from attrs import define, field, frozen
from twisted.python.failure import Failure

from dfs.core.documents import Document
from dfs.core.folders import FolderRecord
from dfs.store.groupcommit import connect
from dfs.store.interfaces import Access, Identity
from dfs.store.sqlite import SQLiteStore
from tests.store.dying import DyingFiles, Folder, Tree, left, make, seen, torn
from tests.store.faulty import broken, full
from tests.store.pump import Pump

#: Of the ways in which a disk may be left at one moment.
STATES = 24

#: The store's folder on its disk.
STORE = "ss1"


@frozen
class Database:
    """What SQLite has on the disk."""

    main: bytes | None
    log: bytes | None

    @classmethod
    def at(cls, path: str) -> Database:
        """As it is now."""
        return cls(_bytes(f"{path}/store.db"), _bytes(f"{path}/store.db-wal"))

    def make(self, path: str) -> None:
        """Put it there."""
        for data, name in ((self.main, "store.db"), (self.log, "store.db-wal")):
            if data is not None:
                with open(f"{path}/{name}", "wb") as file:
                    file.write(data)


def _bytes(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


@frozen
class Moment:
    """
    A crash happens here.

    @ivar call: what was about to be done.
    @ivar commits: transactions that were finished since the step began.
    @ivar committing: one more may be, because this is in the middle of it.
    """

    call: str
    disk: Folder
    database: Database
    commits: int
    committing: bool = False


@frozen
class State:
    """What is on a disk after a crash."""

    tree: Tree
    database: Database

    def make(self, path: str) -> None:
        """Put it there."""
        make(path, self.tree)
        if STORE in self.tree:
            self.database.make(f"{path}/{STORE}")


@frozen
class Fault:
    """
    How a call fails.

    @ivar full: for want of room; otherwise the disk is broken.
    @ivar late: after it was done.
    """

    full: bool
    late: bool = False

    def error(self, call: str) -> Exception:
        """What it raises."""
        if call.islower():
            number = errno.ENOSPC if self.full else errno.EIO
            return OSError(number, os.strerror(number))
        return full() if self.full else broken()


@define(eq=False)
class Trap:
    """
    What happens at each call.

    @ivar moments: those that were met, if C{keeping}.
    @ivar calls: the names of calls, in order.
    @ivar failed: the call that did.
    @ivar fault: the number of the call that fails, and how.
    """

    root: str
    keeping: bool = False
    moments: list[Moment] = field(factory=list)
    calls: list[str] = field(factory=list)
    commits: int = 0
    fault: tuple[int, Fault] | None = None
    files: DyingFiles = field(init=False)
    gate: threading.Event = field(factory=threading.Event)
    failed: str = ""

    def __attrs_post_init__(self) -> None:
        self.files = DyingFiles(self.root, self.met)
        self.gate.set()

    @property
    def path(self) -> str:
        """Of the store."""
        return f"{self.root}/{STORE}"

    def begin(self) -> None:
        """A step begins."""
        with self.files.lock:
            self.moments, self.calls, self.commits = [], [], 0

    def met(self, call: str, _: str = "") -> None:
        """Something is about to happen."""
        with self.files.lock:
            self.calls.append(call)
            self.keep(call)
            self.fail(call, late=False)

    def fail(self, call: str, *, late: bool) -> None:
        """Fail, if it is the turn of this call."""
        if self.fault is not None and self.fault[0] == len(self.calls):
            fault = self.fault[1]
            if fault.late is late:
                self.fault = None
                self.failed = call
                raise fault.error(call)

    def keep(
        self, call: str, database: Database | None = None, *, committing: bool = False
    ) -> None:
        """Remember this moment."""
        if self.keeping:
            disk = self.files.disk.copy({})
            database = database or Database.at(self.path)
            self.moments.append(Moment(call, disk, database, self.commits, committing))

    def connect(self, path: str) -> sqlite3.Connection:
        """A connection for the writer that is stopped at each statement that writes."""
        trap = self

        class Trapped(sqlite3.Connection):
            """The real thing."""

            def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
                """Do it, or fail."""
                if sql.startswith("BEGIN"):
                    trap.gate.wait(30)
                if sql.startswith(("SELECT", "SAVEPOINT", "RELEASE", "PRAGMA user")):
                    return super().execute(sql, *arguments)
                trap.met(sql[:24])
                before = Database.at(trap.path) if trap.keeping else None
                done = super().execute(sql, *arguments)
                if sql == "COMMIT" or sql.startswith("PRAGMA wal_checkpoint"):
                    trap.finished(sql, before)
                trap.fail(sql[:24], late=True)
                return done

        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=Trapped
        )
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0"):
            sqlite3.Connection.execute(connection, f"PRAGMA {pragma}")
        return connection

    def finished(self, sql: str, before: Database | None) -> None:
        """The database was written: it may be torn, too."""
        with self.files.lock:
            if before is not None:
                after = Database.at(self.path)
                chance = random.Random(len(self.calls))
                for _ in range(4):
                    between = _between(before, after, chance)
                    self.keep(f"in {sql}", between, committing=sql == "COMMIT")
            self.commits += sql == "COMMIT"
            self.keep(f"after {sql}")

    def open(self, pump: Pump, deaths: list[Failure]) -> SQLiteStore:
        """Open the store on this disk."""
        return SQLiteStore.open(
            self.path,
            "ss1",
            call_from_thread=pump.call_from_thread,
            new_store_id=lambda: "f" * 32,
            on_fatal=deaths.append,
            connect=self.connect,
            files=self.files,
        )


def _between(before: Database, after: Database, chance: random.Random) -> Database:
    """A database of which only some sectors reached the disk."""

    def mixed(old: bytes | None, new: bytes | None) -> bytes | None:
        if new is None or old == new:
            return new
        if len(new) < len(old or b""):
            # Cut off: that is one moment.
            return chance.choice([old, new])
        return torn(old or b"", new, lambda _: chance.random() < 0.5)

    # The database is written when the whole log is on the disk, and the log cut afterwards.
    if before.main != after.main:
        return Database(mixed(before.main, after.main), before.log)
    return Database(after.main, mixed(before.log, after.log))


def states(moment: Moment, chance: random.Random, limit: int = STATES) -> list[State]:
    """What a loss of power may leave, and what the end of the process does."""
    trees = [*left(moment.disk, limit, chance), seen(moment.disk)]
    return [State(tree, moment.database) for tree in trees]


@frozen
class Contents:
    """All that a store says."""

    identity: Identity
    documents: dict[str, tuple[int, Document]]
    folders: dict[int, FolderRecord]
    folders_number: int
    accesses: dict[str, Access | None]


def contents(store: SQLiteStore, pump: Pump) -> Contents:
    """
    What a store says; each text is read, whole.

    @raise Exception: one is damaged.
    """
    documents = {}
    for summary in store.changes_after(0, 10_000):
        document = store.document(summary.id)
        assert document is not None
        documents[summary.id] = (summary.seq, document)
        for content in document.contents():
            reader = store.reader(content)
            while pump.result(reader.read()):
                pass
            reader.close()
    assert len([one for _, one in documents.values() if not one.deleted]) == store.counts()[0]
    accesses = {one: store.last_access(one) for one in documents}
    number = store.folders_number()
    return Contents(store.identity(), documents, store.folders(), number, accesses)


def tidy(path: str, where: str = "") -> None:
    """
    The files of a closed store are exactly those that its rows name, and each content is counted
    as often as it is referred to.
    """
    with connect(f"{path}/store.db") as database:
        rows = database.execute("SELECT sha256, data IS NULL, refs FROM contents").fetchall()
    database.close()
    files = {name for _, _, names in os.walk(f"{path}/objects") for name in names}
    assert files == {sha256.hex() for sha256, large, _ in rows if large}, (where, files)
    assert all(refs > 0 for _, _, refs in rows), where
    assert os.listdir(f"{path}/incoming") == [], where


def opened(root: str, check: Callable[[SQLiteStore, Pump], object]) -> None:
    """Open what a crash left with an ordinary disk, look at it, write to it, close it."""
    pump = Pump()
    deaths: list[Failure] = []
    store = SQLiteStore.open(
        f"{root}/{STORE}",
        "ss1",
        call_from_thread=pump.call_from_thread,
        new_store_id=lambda: "f" * 32,
        on_fatal=deaths.append,
    )
    try:
        check(store, pump)
    finally:
        pump.result(store.close())
    assert not deaths, deaths
    tidy(f"{root}/{STORE}")


def scratch() -> str:
    """A folder for what is made and thrown away a thousand times: in memory, if there is some."""
    memory = "/dev/shm"
    base = memory if os.access(memory, os.W_OK) else os.getcwd()
    path = os.path.join(base, f"dfs-{os.getpid()}-{threading.get_ident()}")
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path
