"""
Access requests as rows of the journal.

Decides their table and its statements; for what they mean see L{dfs.nm.journal}.  Must not know
about files or transactions.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from dfs.core.access import Right
from dfs.core.requests import AccessRequest
from dfs.nm.journal import DropRequest, PutRequest

#: AUTOINCREMENT, because no number may be given twice: SQLite remembers the highest one for us.
#: A document's requests go with it, in the transaction of its tombstone.
REQUESTS = """
CREATE TABLE requests (id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL,
    user TEXT NOT NULL, right TEXT NOT NULL, "when" REAL NOT NULL, UNIQUE (document, user));
CREATE TRIGGER unasked AFTER INSERT ON tombstones
    BEGIN DELETE FROM requests WHERE document = NEW.id; END;
"""

_PUT = (
    "INSERT OR REPLACE INTO requests SELECT ?,?,?,?,?"
    " WHERE EXISTS (SELECT 1 FROM documents WHERE id=?)"
)


def read_requests(connection: sqlite3.Connection) -> tuple[AccessRequest, ...]:
    """
    All that wait.

    @raise ValueError: a row makes no sense.
    """
    rows = connection.execute('SELECT id,document,user,right,"when" FROM requests ORDER BY id')
    return tuple(
        AccessRequest(number, document, user, Right(right), when)
        for number, document, user, right, when in rows
    )


def last_request(connection: sqlite3.Connection) -> int:
    """The highest number that was ever given."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name='requests'").fetchone()
    return int(row[0]) if row else 0


def request_statement(change: PutRequest | DropRequest) -> tuple[str, tuple[Any, ...]]:
    """What a change is in SQL."""
    if isinstance(change, DropRequest):
        return "DELETE FROM requests WHERE id=?", (change.id,)
    new = change.request
    return _PUT, (new.id, new.document, new.user, new.right.value, new.when, new.document)
