"""A database whose disk fails when a test says so."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from attrs import define, field


def full() -> sqlite3.Error:
    """What SQLite raises when there is no room."""
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


def broken() -> sqlite3.Error:
    """What SQLite raises when an fsync failed."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
    return error


@define
class Faults:
    """
    Which statements fail.

    @ivar statement: the first words of those that do.
    @ivar error: makes what they raise.
    @ivar times: how many of them, from now on.
    """

    statement: str = "COMMIT"
    error: Callable[[], sqlite3.Error] = full
    times: int = 0
    executed: list[str] = field(factory=list)

    def check(self, sql: str) -> None:
        """Fail if it is this statement's turn."""
        self.executed.append(sql)
        if self.times and sql.startswith(self.statement):
            self.times -= 1
            raise self.error()

    def connect(self, path: str) -> sqlite3.Connection:
        """A connection for the writer that fails when told so."""
        faults = self

        class Faulty(sqlite3.Connection):
            """The real thing, with a bad disk."""

            def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
                """Fail, or do it."""
                faults.check(sql)
                return super().execute(sql, *arguments)

        connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=Faulty
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=0")
        return connection
