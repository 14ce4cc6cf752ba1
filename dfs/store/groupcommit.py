"""
Many changes, one fsync: the only way in which anything is written to a database.

Decides how waiting works share a transaction, what the death of a disk means, and in which thread
things happen.  Must not know what the works do.

Note [Who may run twice].  All works that wait run one after the other in one transaction.  A work
that raises takes only its own changes with it.  When the disk is full at the commit, every work
of the group runs again in a transaction of its own, so that a small or a removing one is not
harmed by a big neighbour.  So a work may run twice, and what it does outside of the database has
to bear that.

Note [Disk errors].  A full disk is an answer: nothing of the work is kept, and the next one may
succeed.  Any other error of the disk is the end: after a failed fsync nobody knows what is on the
disk, so it is never tried again; everything that waits fails, and C{on_fatal} is called once.

Note [In doubt].  Works of the group that met the error may be on the disk or not, so they fail with
L{Internal}, never with an error that invites to try again.  Works that come later were certainly
not done: L{Unavailable}.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from dfs.errors import Busy, Internal, Unavailable

T = TypeVar("T")

#: Works that may wait for the disk; more are refused.
WAITING = 10_000

#: Works in one transaction; the others wait for the next.
GROUP = 1_000

#: The write-ahead log is copied into the database after so many transactions or works.
CHECKPOINT_GROUPS = 64
CHECKPOINT_WORKS = 1_024

#: Primary result codes of SQLite that mean that the disk, not the work, is at fault.
_DISK = frozenset(
    {
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)


def connect(path: str) -> sqlite3.Connection:
    """
    A connection for the writer: write-ahead log, each commit fsynced, transactions by hand.

    The log is copied into the database by L{GroupCommit}, not by SQLite at the end of some
    C{COMMIT}, because SQLite keeps errors of that to itself.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("PRAGMA temp_store=MEMORY")
    return connection


def settle(connection: sqlite3.Connection) -> None:
    """
    Make durable what is there, before anybody acts on it: a process that was killed may have
    written a transaction that no fsync followed, and it can be read all the same.

    @raise sqlite3.Error: the database cannot be written, for another reason than a full disk.
    """
    try:
        # It begins with an fsync of the log, which needs no room.
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    except sqlite3.Error as error:
        if not is_full(error):
            raise


def make_private(path: str) -> None:
    """
    Let nobody else read a database, wherever its folder is copied; its log does as it does.

    An existing one is not opened: to close it would take the locks that SQLite has on it.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        with contextlib.suppress(PermissionError):  # it is somebody else's, who lets us in
            os.chmod(path, 0o600)


def is_full(error: BaseException) -> bool:
    """Whether an error says that the disk has no room."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0)
        # The shared index of the log could not grow: no room, and nothing durable was touched.
        return code & 0xFF == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_SHMSIZE
    return False


def is_fatal(error: BaseException) -> bool:
    """Whether an error of a work says that the disk, or this process, cannot be trusted."""
    if is_full(error):
        return False
    if isinstance(error, OSError):
        return error.errno in (errno.EIO, errno.EROFS)
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DISK
    return not isinstance(error, Exception)


def is_crowded(error: BaseException) -> bool:
    """Whether an error says that no file descriptor is left."""
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)


def reason(error: BaseException) -> str:
    """What an error says, without the names of this machine's files."""
    said = error.strerror if isinstance(error, OSError) else str(error)
    return said or type(error).__name__


def disk_full(error: BaseException) -> Unavailable:
    """What a caller is told when there was no room."""
    return Unavailable(f"disk full: {reason(error)}; delete something or add space, then try again")


def refusal(error: BaseException) -> Busy | Unavailable:
    """What a caller is told when a file could not be had; nothing was changed."""
    if is_crowded(error):
        return Busy("this server has too many files open; try again in a moment")
    return Unavailable(f"the disk failed: {reason(error)}")


def _unknown(error: BaseException) -> Internal:
    """See Note [In doubt]."""
    return Internal(
        f"the disk failed: {reason(error)}; whether this was kept is not known, "
        "so look before repeating"
    )


@define(eq=False)
class _Item:
    """One work on its way to the disk, with what became of it."""

    work: Callable[[sqlite3.Connection], Any]
    after: Callable[[Any], object] | None
    done: Deferred[Any]
    outcome: Any = None
    failed: bool = False


class _Stopped(Exception):
    """The disk failed; the cause is chained.  Never leaves this module."""


@define(eq=False)
class GroupCommit:
    """
    The one writer of one database.

    Everything but the works themselves, and what is to be done after them, happens in the thread
    that called L{submit} (the reactor's).

    @ivar waiting: how many works were submitted and not answered yet.
    """

    _connection: sqlite3.Connection
    _call_from_thread: Callable[..., object] = field(kw_only=True)
    _on_fatal: Callable[[Failure], None] = field(kw_only=True)
    _name: str = field(default="writer", kw_only=True)
    _limit: int = field(default=WAITING, kw_only=True)
    waiting: int = field(default=0, init=False)
    _refusal: str = field(default="", init=False)
    _queue: SimpleQueue[_Item | None] = field(factory=SimpleQueue, init=False)
    _closers: list[Deferred[None]] = field(factory=list, init=False)
    _closed: bool = field(default=False, init=False)
    _thread: threading.Thread = field(init=False)
    # The following belong to the writer's thread.
    _death: BaseException | None = field(default=None, init=False)
    _groups: int = field(default=0, init=False)
    _works: int = field(default=0, init=False)
    _log = Logger(namespace="dfs.store.groupcommit")

    def __attrs_post_init__(self) -> None:
        # A daemon, so that a process whose close() was never called can end; close() joins it.
        self._thread = threading.Thread(target=self._write, name=self._name, daemon=True)
        self._thread.start()

    def submit(
        self,
        work: Callable[[sqlite3.Connection], T],
        after: Callable[[T], object] | None = None,
    ) -> Deferred[T]:
        """
        Run C{work} in the next transaction.

        @param work: called in the writer's thread, see Note [Who may run twice]; it must neither
            commit nor roll back.
        @param after: called in the writer's thread once the work is durable, before any later
            transaction; what it raises is logged.
        @return: what the work returned, when it is durable.  Fires in order of submission.
        @raise Busy: too many wait (Deferred failure).
        @raise Unavailable: the disk is full or failed before, or this is closed (Deferred failure).
        @raise Internal: the disk failed, see Note [In doubt] (Deferred failure).
        """
        if self._refusal:
            return fail(Unavailable(self._refusal))
        if self.waiting >= self._limit:
            return fail(Busy("too many changes wait for the disk; try again in a moment"))
        done: Deferred[T] = Deferred()
        self.waiting += 1
        self._queue.put(_Item(work, after, done))
        return done

    def close(self) -> Deferred[None]:
        """Finish the works that wait, put everything into the database, let go of it."""
        done: Deferred[None] = Deferred()
        if self._closed:
            done.callback(None)
            return done
        self._closers.append(done)
        if len(self._closers) == 1:
            self._refusal = self._refusal or "the store is closed"
            self._queue.put(None)
        return done

    # In the reactor's thread, called by the writer.

    def _answer(self, group: list[_Item]) -> None:
        """The fate of a group is known."""
        self.waiting -= len(group)
        for item in group:
            if item.failed:
                item.done.errback(item.outcome)
            else:
                item.done.callback(item.outcome)

    def _died(self, failure: Failure) -> None:
        """The disk failed."""
        assert failure.value is not None
        self._refusal = str(refusal(failure.value))
        self._on_fatal(failure)

    def _ended(self) -> None:
        """The writer has nothing more to do."""
        self._thread.join()
        self._closed = True
        closers, self._closers = self._closers, []
        for done in closers:
            done.callback(None)

    def _complain(self, failure: Failure, doing: str) -> None:
        self._log.failure("{doing} failed", failure, log_event="store_trouble", doing=doing)

    # In the writer's thread.

    def _write(self) -> None:
        """The life of the writer."""
        open_ = True
        while open_:
            group, open_ = self._next()
            if group:
                self._settle(group)
        try:
            if self._death is None:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()
        except sqlite3.Error:
            self._call_from_thread(self._complain, Failure(), "closing the database")
        self._call_from_thread(self._ended)

    def _next(self) -> tuple[list[_Item], bool]:
        """Wait for works and take all there are; False when none will come after them."""
        group: list[_Item] = []
        item = self._queue.get()
        try:
            while item is not None:
                group.append(item)
                if len(group) == GROUP:
                    return group, True
                item = self._queue.get_nowait()
        except Empty:
            return group, True
        return group, False

    def _settle(self, group: list[_Item]) -> None:
        """Commit a group, tell everybody, then tidy up."""
        died = self._death
        if self._death is None:
            try:
                self._commit(group)
            except BaseException as error:  # whatever it is: nobody may be left waiting
                self._death = error.__cause__ if isinstance(error, _Stopped) else error
        if self._death is not None:
            for item in group:
                item.failed = True
                item.outcome = _unknown(self._death) if died is None else refusal(self._death)
        self._call_from_thread(self._answer, group)
        if self._death is None:
            self._tidy(group)
        if self._death is not None and died is None:
            self._call_from_thread(self._died, Failure(self._death))

    def _commit(self, group: list[_Item]) -> None:
        """
        Make a group durable and note in each item what became of it.

        @raise _Stopped: the disk failed.
        """
        try:
            self._transaction(group)
        except Exception as error:
            self._undo()
            if not is_full(error):
                raise _Stopped from error
            if len(group) == 1:
                group[0].failed, group[0].outcome = True, disk_full(error)
                return
            for item in group:
                self._commit([item])

    def _transaction(self, group: list[_Item]) -> None:
        """
        Run works and commit them.

        @raise Exception: the disk is full or failed; a failure of a single work is not raised.
        """
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        for item in group:
            execute("SAVEPOINT work")
            try:
                item.outcome = item.work(self._connection)
                item.failed = False
            except BaseException as error:
                if is_full(error) or is_fatal(error):
                    raise
                item.failed = True
                item.outcome = refusal(error) if isinstance(error, OSError) else error
                execute("ROLLBACK TO work")
            execute("RELEASE work")
        execute("COMMIT")

    def _undo(self) -> None:
        """End a transaction that failed; SQLite may have done so already."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise _Stopped from error

    def _tidy(self, group: list[_Item]) -> None:
        """What is done when everybody has their answer."""
        for item in group:
            if item.after is not None and not item.failed:
                try:
                    item.after(item.outcome)
                except Exception:
                    self._call_from_thread(self._complain, Failure(), "tidying up")
        self._groups += 1
        self._works += len(group)
        if self._groups >= CHECKPOINT_GROUPS or self._works >= CHECKPOINT_WORKS:
            self._groups = self._works = 0
            try:
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            except sqlite3.Error as error:
                # Without room the log grows on; it is copied when there is room again.
                if not is_full(error):
                    self._death = error
