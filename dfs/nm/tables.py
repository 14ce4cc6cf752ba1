"""
The tables of a journal on disk.

Decides which columns each fact has, and what a change is in SQL.  What the changes mean stands in
L{dfs.nm.journal}; must not know how databases are opened or committed.
"""

from __future__ import annotations

from typing import Any

from dfs.core.access import AccessList, Right
from dfs.core.pairs import Pair, PairState
from dfs.core.requests import AccessRequest
from dfs.core.versions import Version
from dfs.nm.journal import (
    Change,
    DropDocument,
    DropPair,
    DropRequest,
    ForgetCopies,
    ForgetFolders,
    ForgetTombstones,
    Known,
    LayGrave,
    LayGraves,
    NoteDocument,
    PutDocument,
    PutFolder,
    PutPair,
    PutRequest,
    PutServer,
    PutUser,
    SetNoted,
)
from dfs.nm.kept import Copy, Grave, Noted, Stored

#: Raised with each change of the tables.
VERSION = 3

#: Marks the file as ours ("DFSn").
APPLICATION = 0x4446536E

# AUTOINCREMENT, because no number of a request may be given twice: SQLite remembers the highest.
# What belongs to a document goes with it, in the transaction of its tombstone.
SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE users (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE servers (name TEXT PRIMARY KEY, store_id TEXT NOT NULL, address TEXT NOT NULL,
    noted INTEGER NOT NULL, drained INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE pairs (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, active TEXT NOT NULL,
    state TEXT NOT NULL, synced INTEGER NOT NULL, backup TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tombstones (id INTEGER PRIMARY KEY, pair TEXT NOT NULL, path TEXT NOT NULL,
    owner TEXT NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL, "when" REAL NOT NULL,
    at_home INTEGER NOT NULL, at_backup INTEGER NOT NULL);
CREATE TABLE folders (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, name TEXT NOT NULL,
    owner TEXT NOT NULL, created REAL NOT NULL, number INTEGER NOT NULL, gone REAL NOT NULL);
CREATE TABLE documents (id INTEGER PRIMARY KEY, folder INTEGER NOT NULL, name TEXT NOT NULL,
    pair TEXT NOT NULL, owner TEXT NOT NULL, grants TEXT NOT NULL, created REAL NOT NULL,
    number INTEGER NOT NULL, named INTEGER NOT NULL,
    home_a INTEGER NOT NULL, home_b INTEGER NOT NULL, home_number INTEGER NOT NULL,
    backup_a INTEGER NOT NULL, backup_b INTEGER NOT NULL, backup_number INTEGER NOT NULL,
    sha256 BLOB NOT NULL, size INTEGER NOT NULL, words INTEGER NOT NULL,
    characters INTEGER NOT NULL, sentences INTEGER NOT NULL, a INTEGER NOT NULL,
    b INTEGER NOT NULL, epoch INTEGER NOT NULL, modified REAL NOT NULL,
    checkpoints INTEGER NOT NULL, conflicts INTEGER NOT NULL, is_text INTEGER NOT NULL,
    modified_by TEXT NOT NULL);
CREATE TABLE requests (id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL,
    user TEXT NOT NULL, right TEXT NOT NULL, "when" REAL NOT NULL, UNIQUE (document, user));
CREATE TRIGGER buried AFTER INSERT ON tombstones
    BEGIN
    DELETE FROM documents WHERE id = NEW.id;
    DELETE FROM requests WHERE document = NEW.id;
    END;
PRAGMA application_id={APPLICATION};
PRAGMA user_version={VERSION};
"""

_NOTED = (
    "sha256,size,words,characters,sentences,a,b,epoch,modified,checkpoints,conflicts,is_text,"
    "modified_by"
)
_COPIES = "home_a,home_b,home_number,backup_a,backup_b,backup_number"
_NEWS = f"{_COPIES},{_NOTED}"
DOCUMENTS = f"id,folder,name,pair,owner,grants,created,number,named,{_NEWS}"
_PUT_DOCUMENT = f"INSERT OR REPLACE INTO documents ({DOCUMENTS}) VALUES ({','.join('?' * 28)})"
_NOTE_DOCUMENT = (
    f"UPDATE documents SET {','.join(f'{name}=?' for name in _NEWS.split(','))} WHERE id=?"
)
_FORGET_COPIES = {
    True: "UPDATE documents SET home_a=0,home_b=0,home_number=0 WHERE pair=?",
    False: "UPDATE documents SET backup_a=0,backup_b=0,backup_number=0 WHERE pair=?",
}
_LAY_GHOSTS = {
    True: "UPDATE tombstones SET at_home=0 WHERE pair=?",
    False: "UPDATE tombstones SET at_backup=0 WHERE pair=?",
}
_PUT_REQUEST = (
    "INSERT OR REPLACE INTO requests SELECT ?,?,?,?,?"
    " WHERE EXISTS (SELECT 1 FROM documents WHERE id=?)"
)
REQUESTS = 'id,document,user,right,"when"'
LAST_REQUEST = "SELECT ifnull(max(seq),0) FROM sqlite_sequence WHERE name='requests'"
SERVERS = "name,store_id,address,noted,drained"
FOLDERS = "id,parent,name,owner,created,number,gone"
PAIRS = "name,epoch,active,state,synced,backup"
GRAVES = 'id,pair,path,owner,a,b,"when",at_home,at_backup'
GRAVE = f"SELECT {GRAVES} FROM tombstones WHERE id=?"


def read_document(row: tuple[Any, ...]) -> Stored:
    """A document from its row."""
    document_id, folder, name, pair, owner, grants, created, number, named, *news = row
    home, backup, noted = Copy(*news[:3]), Copy(*news[3:6]), news[6:]
    access = AccessList(owner, _read_grants(grants) if grants else ())
    if len(noted[0]) != 32:
        raise ValueError(f"document {document_id:016x} has no hash")
    return Stored(
        *(document_id, folder, name, pair, access, created, number, named),
        Noted(*noted),
        home,
        backup,
    )


def read_server(row: tuple[Any, ...]) -> Known:
    """A storage server from its row."""
    name, store_id, address, noted, drained = row
    return Known(name, store_id, address, noted, bool(drained))


def read_pair(row: tuple[Any, ...]) -> Pair:
    """A pair from its row."""
    name, epoch, active, state, synced, backup = row
    return Pair(name, epoch, active, PairState(state), bool(synced), backup)


def read_grave(row: tuple[Any, ...]) -> Grave:
    """A tombstone from its row."""
    document_id, pair, path, owner, a, b, when, at_home, at_backup = row
    version = Version(a, b)
    return Grave(document_id, pair, path, owner, version, when, bool(at_home), bool(at_backup))


def read_request(row: tuple[Any, ...]) -> AccessRequest:
    """An access request from its row."""
    number, document_id, user, right, when = row
    return AccessRequest(number, document_id, user, Right(right), when)


def _copies(home: Copy, backup: Copy) -> tuple[int, ...]:
    """The columns of what both members have."""
    return home.a, home.b, home.number, backup.a, backup.b, backup.number


def _read_grants(text: str) -> tuple[tuple[str, str], ...]:
    """The grants of an access list; a user's name contains no line feed."""
    return tuple([(line[2:], line[0]) for line in text.split("\n")])


def _write_grants(access: AccessList) -> str:
    return "\n".join([f"{right}:{user}" for user, right in access.grants])


def _noted(noted: Noted) -> tuple[Any, ...]:
    """The columns of what a note said."""
    return (
        noted.sha256,
        noted.size,
        noted.words,
        noted.characters,
        noted.sentences,
        noted.a,
        noted.b,
        noted.epoch,
        noted.modified,
        noted.checkpoints,
        noted.conflicts,
        noted.is_text,
        noted.modified_by,
    )


def statement(change: Change) -> tuple[str, tuple[Any, ...]]:
    """What a change is in SQL."""
    match change:
        case PutDocument(new):
            return _PUT_DOCUMENT, (
                new.id,
                new.folder,
                new.name,
                new.pair,
                new.access.owner,
                _write_grants(new.access),
                new.created,
                new.number,
                new.named,
                *_copies(new.home, new.backup),
                *_noted(new.noted),
            )
        case PutFolder(folder):
            return f"INSERT OR REPLACE INTO folders ({FOLDERS}) VALUES (?,?,?,?,?,?,?)", (
                *(folder.id, folder.parent, folder.name, folder.owner),
                *(folder.created, folder.number, folder.gone),
            )
        case NoteDocument(document_id, noted, home_has, backup_has):
            return _NOTE_DOCUMENT, (*_copies(home_has, backup_has), *_noted(noted), document_id)
        case DropDocument(grave):
            # The trigger of the tombstone removes the document: one statement, one change.
            return "INSERT OR REPLACE INTO tombstones VALUES (?,?,?,?,?,?,?,?,?)", (
                grave.id,
                grave.pair,
                grave.path,
                grave.owner,
                grave.version.a,
                grave.version.b,
                grave.when,
                grave.at_home,
                grave.at_backup,
            )
        case LayGrave(document_id, home):
            column = "at_home" if home else "at_backup"
            return f"UPDATE tombstones SET {column}=0 WHERE id=?", (document_id,)
        case ForgetTombstones(before):
            return (
                'DELETE FROM tombstones WHERE NOT at_home AND NOT at_backup AND "when"<?',
                (before,),
            )
        case ForgetFolders(before):
            newest = "(SELECT max(number) FROM folders)"
            return f"DELETE FROM folders WHERE gone>0 AND gone<? AND number<{newest}", (before,)
        case SetNoted(server, seq):
            return "UPDATE servers SET noted=? WHERE name=?", (seq, server)
        case PutUser(name):
            return "INSERT OR IGNORE INTO users VALUES (?)", (name,)
        case PutRequest(asked):
            return _PUT_REQUEST, (
                *(asked.id, asked.document, asked.user, asked.right.value, asked.when),
                asked.document,
            )
        case DropRequest(number):
            return "DELETE FROM requests WHERE id=?", (number,)
        case PutServer(known):
            return "INSERT OR REPLACE INTO servers VALUES (?,?,?,?,?)", (
                known.name,
                known.store_id,
                known.address,
                known.noted,
                known.drained,
            )
        case ForgetCopies(pair_name, home):
            return _FORGET_COPIES[home], (pair_name,)
        case LayGraves(pair_name, home):
            return _LAY_GHOSTS[home], (pair_name,)
        case PutPair(pair):
            return "INSERT OR REPLACE INTO pairs VALUES (?,?,?,?,?,?)", (
                pair.name,
                pair.epoch,
                pair.active,
                pair.state.value,
                pair.synced,
                pair.backup,
            )
        case DropPair(name):
            return "DELETE FROM pairs WHERE name=?", (name,)
