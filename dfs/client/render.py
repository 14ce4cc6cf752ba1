"""
Records as people and programs read them.

Decides columns, units, words for times, and the keys of C{--json}.  Pure; must not know where the
lines go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import asdict

from dfs import columns
from dfs.client.screen import one_line
from dfs.columns import count, size, width
from dfs.core.access import Right
from dfs.wire.messages import Facts, Info, ServerLine, UserLine, ViewLine

_RIGHTS = {"r": "read", "w": "read, write", "o": "owner", "-": "none", "": "none"}


def moment(seconds: float) -> str:
    """A time for people: local, with its zone."""
    if seconds <= 0:
        return "never"
    local = datetime.fromtimestamp(seconds, UTC).astimezone()
    return local.isoformat(sep=" ", timespec="seconds")


def stamp(seconds: float) -> str | None:
    """A time for programs: UTC."""
    if seconds <= 0:
        return None
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """
    Rows in columns under a head.

    @param right: numbers of the columns whose figures stand to the right.
    """
    safe = (tuple(one_line(cell) for cell in row) for row in rows)
    return "\n".join(columns.table(head, safe, right))


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values, one a line."""
    known = list(pairs)
    wide = max((width(name) for name, _ in known), default=0) + 2
    return "\n".join(f"{name + ':':{wide}}{one_line(value)}".rstrip() for name, value in known)


# ------------------------------------------------------------------------------------ lists


def name_of(line: ViewLine, *, whole: bool = True) -> str:
    """
    How something is called in a list; a folder ends with a slash.

    @param whole: with its path.
    """
    path = f"{line.path}/" if line.folder else line.path
    return path if whole else path[path.rstrip("/").rfind("/") + 1 :]


def view_table(lines: Iterable[ViewLine], *, whole: bool = True) -> str:
    """C{VIEW -l} and C{VIEWFOLDER -l}."""
    return table(
        (
            *("NAME", "WORDS", "CHARACTERS", "SIZE", "LAST CHANGE"),
            *("BY", "OWNER", "ACCESS", "SERVER", "REPLICA"),
        ),
        (
            (
                name_of(line, whole=whole),
                *(["-"] * 3 if line.folder else map(str, figures(line))),
                moment(line.modified),
                line.modified_by,
                line.owner,
                _RIGHTS.get(line.right, line.right),
                line.server or "-",
                line.replica or "-",
            )
            for line in lines
        ),
        right=(1, 2, 3),
    )


def figures(line: ViewLine) -> tuple[int, int, int]:
    """Words, characters, bytes."""
    return line.words, line.characters, line.size


def view_record(line: ViewLine) -> dict[str, Any]:
    """A document of VIEW for a program."""
    fields = folder_record(line)
    del fields["folder"]
    return fields


def folder_record(line: ViewLine) -> dict[str, Any]:
    """A document or folder of VIEWFOLDER for a program."""
    return {**asdict(line), "modified": stamp(line.modified)}


def users_table(lines: Iterable[UserLine]) -> str:
    """C{LIST}."""
    return table(
        ("USER", "NOW"), ((line.user, "online" if line.online else "offline") for line in lines)
    )


def servers_table(lines: Iterable[ServerLine]) -> str:
    """C{SERVERS}."""
    return table(
        (
            *("SERVER", "ROLE", "STATE", "NOW", "PAIR", "PROTECTION", "EPOCH"),
            *("ADDRESS", "DOCUMENTS", "SIZE", "LAG", "BEHIND", "CONFLICTS", "SILENT"),
        ),
        (
            (
                line.name,
                line.role,
                line.state,
                "active" if line.active else "peer",
                line.pair,
                line.protection,
                str(line.epoch),
                line.address,
                str(line.documents),
                size(line.size),
                _lag(line),
                str(line.behind),
                str(line.conflicts),
                "-" if line.silent < 0 else f"{line.silent:.1f} s",
            )
            for line in lines
        ),
        right=(6, 8, 9, 10, 11, 12, 13),
    )


def _lag(line: ServerLine) -> str:
    """What a peer has not got yet, and for how long; the active member has everything."""
    if line.active:
        return "-"
    if not line.lag_documents:
        return "0"
    return f"{line.lag_documents} ({line.lag_seconds:.1f} s)"


# ------------------------------------------------------------------------------------- INFO


def grants(index: Info) -> list[dict[str, str]]:
    """The access list for a program, the owner first."""
    found = [{"user": index.owner, "right": Right.OWN.value}]
    for grant in index.grants:
        right, _, user = grant.partition(":")
        found.append({"user": user, "right": right})
    return found


def info_text(index: Info, exact: Facts | None, note: str) -> str:
    """C{INFO}: what both servers know."""
    newest = exact or index
    pairs = [
        ("path", index.path),
        ("id", index.id),
        ("owner", index.owner),
        ("created", moment(index.created)),
        ("last modified", _by(newest.modified, newest.modified_by)),
        ("last accessed", _by(exact.accessed, exact.accessed_by) if exact else "not known now"),
        ("size", f"{count(newest.size, 'byte')}"),
        ("words", f"{newest.words:,}"),
        ("characters", f"{newest.characters:,}"),
        ("sentences", f"{newest.sentences:,}"),
        ("version", newest.version),
        ("sha256", newest.sha256),
        ("access", "; ".join(_grant(grant) for grant in grants(index))),
        ("your access", _RIGHTS.get(index.right, index.right)),
        ("server", f"{index.server} ({index.state})" if index.server else index.state),
        ("replica", _replica(index)),
        ("protection", index.protection),
    ]
    if index.behind:
        pairs.append(("newer version", f"on {index.replica or 'the other member'}, not here yet"))
    pairs += _held(index, exact)
    if note:
        pairs.append(("note", f"figures as the name server last heard them: {note}"))
    return facts(pairs)


def info_record(index: Info, exact: Facts | None, note: str) -> dict[str, Any]:
    """C{INFO} for a program."""
    newest = exact or index
    return {
        "path": index.path,
        "id": index.id,
        "owner": index.owner,
        "created": stamp(index.created),
        "modified": stamp(newest.modified),
        "modified_by": newest.modified_by,
        "accessed": stamp(exact.accessed) if exact else None,
        "accessed_by": exact.accessed_by if exact else None,
        "size": newest.size,
        "words": newest.words,
        "characters": newest.characters,
        "sentences": newest.sentences,
        "is_text": exact.is_text if exact else None,
        "version": newest.version,
        "sha256": newest.sha256,
        "access": grants(index),
        "right": index.right,
        "server": index.server,
        "state": index.state,
        "replica": index.replica or None,
        "replica_current": index.replica_current,
        "protection": index.protection,
        "behind": index.behind,
        "locks": list(exact.locks) if exact else None,
        "undo": exact.undo if exact else None,
        "redo": exact.redo if exact else None,
        "checkpoints": list(exact.checkpoints) if exact else None,
        "conflicts": list(exact.conflicts) if exact else None,
        "checkpoint_count": index.checkpoints,
        "conflict_count": index.conflicts,
        "exact": exact is not None,
        "note": note or None,
    }


def _by(seconds: float, user: str) -> str:
    return f"{moment(seconds)} by {user}" if seconds > 0 and user else moment(seconds)


def _grant(grant: dict[str, str]) -> str:
    return f"{grant['user']} ({_RIGHTS.get(grant['right'], grant['right'])})"


def _replica(index: Info) -> str:
    if not index.replica:
        return "none: not protected"
    return f"{index.replica}, {'current' if index.replica_current else 'not current'}"


def _held(index: Info, exact: Facts | None) -> list[tuple[str, str]]:
    """Locks, history and versions."""
    if exact is None:
        return [
            ("checkpoints", str(index.checkpoints)),
            ("conflicts", str(index.conflicts)),
        ]
    undo = f"{count(exact.undo, 'change')} can be undone, {exact.redo} redone"
    return [
        ("text", "UTF-8" if exact.is_text else "not UTF-8: WRITE refuses it"),
        ("locks", "; ".join(exact.locks) or "none"),
        ("history", undo),
        ("checkpoints", ", ".join(exact.checkpoints) or "none"),
        ("conflicts", ", ".join(exact.conflicts) or "none"),
    ]
